// SPDX-License-Identifier: Apache-2.0
// A security module that knows a million hosts: disk and memory for each, how long it takes to start, and to
// give sealed data to a host that it knows. All but some hosts are rows of the size of a real one.
#include <fstream>
#include <random>

#include "bench/security_module.h"
#include "store/schemas.h"
#include "store/sql/database.h"

namespace sealift::bench {
namespace {

constexpr int kHosts = 1'000'000;
constexpr int kAtOnce = 5000;
constexpr int kKnown = 50;
constexpr int kLookups = 2000;
constexpr std::size_t kNameSize = 34;

/// VmRSS.
double resident_bytes(pid_t process) {
  std::ifstream status{fmt::format("/proc/{}/status", process)};
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib * 1024;
  }
  return 0;
}

double database_bytes(const fs::path& database) {
  double sum = 0;
  for (const auto* ending : {"", "-wal"}) {
    std::error_code missing;
    const auto size = fs::file_size(database.string() + ending, missing);
    if (!missing) sum += static_cast<double>(size);
  }
  return sum;
}

/// As enrolments are, with documents as long as that of a host that is there.
void add_hosts(const fs::path& path) {
  const auto database = must(store::open("sqlite:" + path.string(), store::Schema::keys));
  auto rows = must(database->read("SELECT length(document) FROM enrolments LIMIT 1", {}));
  const auto document_size = static_cast<std::size_t>(rows.at(0).integer());
  std::mt19937_64 random{1};
  const auto fill = [&](std::size_t size) {
    Bytes bytes(size);
    std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
    return bytes;
  };
  const Bytes document = fill(document_size);
  for (int done = 0; done < kHosts; done += kAtOnce) {
    must(database->transact_soon([&](sql::Transaction& transaction) -> Status {
      for (int i = 0; i < kAtOnce; ++i) {
        SEALIFT_CHECK(transaction.run(
            "INSERT INTO enrolments(tenant, storage_key_name, hardware_key_hash, document, enrolled_at) "
            "VALUES($1, $2, $3, $4, $5)",
            {kTenant, fill(kNameSize), fill(32), document, unix_now()}));
      }
      return {};
    }));
  }
}

void bench_hosts() {
  const auto directory = must(TemporaryDirectory::create("sealift-bench"));
  SecurityModule sm{directory.path()};
  const Maker maker;
  const auto host = maker.host();
  const auto image = new_image_id();
  put_seed(*sm.as("tenant"), image, maker.policy());
  std::vector<v1::RequestAuthorizationRequest> known;
  for (int i = 0; i < kKnown; ++i) {
    const Machine machine{host};
    machine.enrol(*sm.as("orchestrator"), image);
    known.push_back(authorization_request(image, machine.evidence()));
  }
  const auto ask = [&](rpc::Channel& channel, int i) {
    const auto start = wall_seconds();
    if (!request_authorization(channel, known[static_cast<std::size_t>(i % kKnown)]).has_sealed_data())
      give_up({ErrorCode::internal, "an enrolled host is not known any more", {}, {}});
    return (wall_seconds() - start) * 1e3;
  };
  const auto ask_all = [&] {
    const auto channel = sm.as("orchestrator");
    std::vector<double> times;
    for (int i = 0; i < kLookups; ++i) times.push_back(ask(*channel, i));
    return times;
  };
  sm.stop();
  sm.start();
  const auto few = ask_all();
  const auto memory_before = resident_bytes(sm.process());
  sm.stop();
  const auto disk_before = database_bytes(sm.database());
  add_hosts(sm.database());
  const auto start = wall_seconds();
  sm.start();
  (void)ask(*sm.as("orchestrator"), 0);
  const auto restart = wall_seconds() - start;
  const auto times = ask_all();
  report("1,000,000 enrolled hosts: bytes on disk for each",
         (database_bytes(sm.database()) - disk_before) / kHosts, Goal::at_most, 1024);
  report("1,000,000 enrolled hosts: bytes of memory for each",
         (resident_bytes(sm.process()) - memory_before) / kHosts, Goal::at_most, 1024);
  report("1,000,000 enrolled hosts: seconds from start to the first answer", restart, Goal::at_most, 10);
  report("1,000,000 enrolled hosts: sealed data for a known host, p99 ms", quantile(times, 0.99),
         Goal::at_most, 1);
  note("median, ms", median(times));
  note("p99 where only a few hosts are known, ms", quantile(few, 0.99));
}

}  // namespace
}  // namespace sealift::bench

int main() { sealift::bench::bench_hosts(); }
