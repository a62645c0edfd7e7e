// SPDX-License-Identifier: Apache-2.0
// The security module over its wire, as a process of its own: sealed data for hosts that it knows, against
// one RPC that does nothing and one seal; and enrolments with 1, 4 and 16 clients. What the server spends is
// its process's CPU time.
#include "bench/security_module.h"

#include <atomic>
#include <functional>
#include <thread>

#include "sealift/v1/health.pb.h"
#include "tpm/seal.h"

namespace sealift::bench {
namespace {

constexpr int kPairs = 9;
constexpr int kClients = 8;
constexpr int kPerClient = 40;
constexpr double kRound = 1.2;  // seconds

/// CPU seconds of the server for each of the calls that so many clients make, each `count` times.
double server_cpu(const SecurityModule& sm, int count, const std::function<void(int client, int i)>& call) {
  const auto before = cpu_seconds_of(sm.process());
  {
    std::vector<std::jthread> clients;
    for (int client = 0; client < kClients; ++client)
      clients.emplace_back([&, client] {
        for (int i = 0; i < count; ++i) call(client, i);
      });
  }
  return (cpu_seconds_of(sm.process()) - before) / (count * kClients);
}

double seal_cpu(const tpm::Public& storage_key) {
  const auto parent = must(tpm::StorageKey::prepare(storage_key));
  const auto policy = tpm::Policy{}.auth_value().digest();
  const auto secret = crypto::random_secret<32>();
  constexpr int kCount = 300;
  return own_cpu_seconds_of([&] {
           for (int i = 0; i < kCount; ++i) must(parent.seal(secret.expose(), policy));
         }) /
         kCount;
}

/// A seal that the module has not made yet is one for a new image.
void bench_sealed_data(SecurityModule& sm, const Maker& maker, const tee::HostForTest& host) {
  const auto tenant = sm.as("tenant");
  std::vector<std::unique_ptr<rpc::Channel>> channels;
  for (int i = 0; i < kClients; ++i) channels.push_back(sm.as("orchestrator"));
  const auto policy = maker.policy();
  const Machine machine{host};
  const auto first = new_image_id();
  put_seed(*tenant, first, policy);
  machine.enrol(*channels.front(), first);
  const auto evidence = machine.evidence();
  std::vector<double> ratios;
  std::vector<double> again;
  std::vector<double> spent;
  for (int pair = 0; pair < kPairs; ++pair) {
    std::vector<v1::RequestAuthorizationRequest> requests;
    for (int i = 0; i < kClients * kPerClient; ++i) {
      const auto image = new_image_id();
      put_seed(*tenant, image, policy);
      requests.push_back(authorization_request(image, evidence));
    }
    const auto ask = [&](int client, int i) {
      const auto& request = requests[static_cast<std::size_t>(client * kPerClient + i)];
      if (!request_authorization(*channels[static_cast<std::size_t>(client)], request).has_sealed_data())
        give_up({ErrorCode::internal, "the module gives no sealed data", {}, {}});
    };
    const auto nothing = server_cpu(sm, 10 * kPerClient, [&](int client, int) {
      must(channels[static_cast<std::size_t>(client)]->call<v1::HealthCheckResponse>(
          "sealift.v1.HealthService.Check", v1::HealthCheckRequest{}));
    });
    const auto floor = nothing + seal_cpu(machine.storage_key);
    spent.push_back(server_cpu(sm, kPerClient, ask) * 1e6);
    ratios.push_back(floor / (spent.back() * 1e-6));
    again.push_back(server_cpu(sm, kPerClient, ask) * 1e6);
  }
  report("sealed data over mTLS RPC: one RPC and one seal / server's CPU", median(ratios), Goal::at_least,
         0.5);
  note("server's CPU for sealed data newly made, us", median(spent));
  note("server's CPU for sealed data made before, us", median(again));
}

struct Rate {
  double per_second;
  double cpu_ms;  ///< of the server, for each
};

Rate enrol_for_a_round(const SecurityModule& sm, const tee::HostForTest& host, const std::string& image_id,
                       int clients) {
  std::vector<std::unique_ptr<rpc::Channel>> channels;
  for (int i = 0; i < clients; ++i) channels.push_back(sm.as("orchestrator"));
  std::atomic<int> done = 0;
  const auto cpu = cpu_seconds_of(sm.process());
  const auto start = wall_seconds();
  {
    std::vector<std::jthread> threads;
    for (auto& channel : channels)
      threads.emplace_back([&] {
        while (wall_seconds() - start < kRound) {
          Machine{host}.enrol(*channel, image_id);
          ++done;
        }
      });
  }
  return {done / (wall_seconds() - start), (cpu_seconds_of(sm.process()) - cpu) * 1e3 / done};
}

void bench_enrolments(SecurityModule& sm, const Maker& maker, const tee::HostForTest& host) {
  const auto image = new_image_id();
  put_seed(*sm.as("tenant"), image, maker.policy());
  std::vector<double> one;
  std::vector<double> four;
  std::vector<double> many;
  std::vector<double> from_one_to_four;
  std::vector<double> from_four_to_many;
  std::vector<double> cpu;
  for (int round = 0; round < kPairs; ++round) {
    one.push_back(enrol_for_a_round(sm, host, image, 1).per_second);
    four.push_back(enrol_for_a_round(sm, host, image, 4).per_second);
    const auto last = enrol_for_a_round(sm, host, image, 16);
    many.push_back(last.per_second);
    cpu.push_back(last.cpu_ms);
    from_one_to_four.push_back(four.back() / one.back());
    from_four_to_many.push_back(many.back() / four.back());
  }
  report("durable enrolments a second: 4 clients / 1 client", median(from_one_to_four), Goal::at_least, 1);
  report("durable enrolments a second: 16 clients / 4 clients", median(from_four_to_many), Goal::at_least, 1);
  report("durable enrolment: server's CPU ms", median(cpu), Goal::at_most, 0.4);
  note("enrolments a second, 1 client", median(one));
  note("enrolments a second, 4 clients", median(four));
  note("enrolments a second, 16 clients", median(many));
}

void bench_all() {
  const auto directory = must(TemporaryDirectory::create("sealift-bench"));
  SecurityModule sm{directory.path()};
  const Maker maker;
  const auto host = maker.host();
  bench_sealed_data(sm, maker, host);
  bench_enrolments(sm, maker, host);
}

}  // namespace
}  // namespace sealift::bench

int main() { sealift::bench::bench_all(); }
