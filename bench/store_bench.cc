// SPDX-License-Identifier: Apache-2.0
/// Durable records: how many a second with 1, 4 and 16 clients, against appending as many bytes to a file and
/// syncing it.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "base/file.h"
#include "bench/measure.h"
#include "store/enrolments.h"
#include "store/schemas.h"
#include "store/sql/postgres_for_test.h"

namespace sealift::store {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
using namespace bench;

constexpr int kRounds = 7;
constexpr Seconds kRound{0.4};
constexpr std::size_t kDocumentSize = 384;  // certificate's digest, public area, policy, times

EnrolmentRecord enrolment(std::mt19937_64& random) {
  const auto fill = [&](std::size_t size) {
    Bytes bytes(size);
    std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
    return bytes;
  };
  return {"tenant-0001", fill(34), Bytes(32, static_cast<std::uint8_t>(random() % 20)), fill(kDocumentSize),
          1'700'000'000};
}

struct Rate {
  double per_second = 0;
  double cpu_ms = 0;  ///< of this process, for each
};

/// `clients` threads call `once` for a round.
template <typename Once>
Rate rate(int clients, Once once) {
  std::atomic<std::int64_t> done = 0;
  const auto cpu = own_cpu_seconds();
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937_64 random{std::random_device{}() + static_cast<unsigned>(i)};
      while (Clock::now() - start < kRound) {
        once(random);
        ++done;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto count = static_cast<double>(done);
  return {count / Seconds{Clock::now() - start}.count(), (own_cpu_seconds() - cpu) * 1000 / count};
}

/// One append and fdatasync.
class Appender {
 public:
  explicit Appender(const fs::path& path) : file_{must(open_file(path, O_WRONLY | O_CREAT | O_TRUNC))} {}
  void operator()(std::mt19937_64&) {
    const Bytes record(512, 7);
    must(write_all(file_.get(), record));
    if (::fdatasync(file_.get()) != 0) std::exit(1);
  }

 private:
  UniqueFd file_;
};

void bench_commits(const std::string& name, const std::string& url, const fs::path& directory) {
  const auto database = must(open(url, Schema::keys));
  const auto store = make_enrolment_store(*database);
  Appender append{directory / "appended"};
  const std::vector<int> clients{1, 4, 16};
  std::vector<std::vector<double>> ratios(clients.size());
  std::vector<double> cpu;
  for (int round = 0; round < kRounds; ++round) {
    const auto floor = rate(1, std::ref(append)).per_second;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const auto got = rate(clients[i], [&](auto& random) { must(store->put(enrolment(random))); });
      ratios[i].push_back(got.per_second / floor);
      if (clients[i] == 16) cpu.push_back(got.cpu_ms);
    }
  }
  std::vector<double> growth;
  for (int round = 0; round < kRounds; ++round) {
    const auto at = static_cast<std::size_t>(round);
    growth.push_back(ratios.back()[at] / ratios.front()[at]);
  }
  for (std::size_t i = 0; i < clients.size(); ++i)
    note(fmt::format("{}: commits / append and fdatasync, {} clients", name, clients[i]), median(ratios[i]));
  report(fmt::format("{}: durable records a second, 16 clients / 1 client", name), median(growth),
         Goal::at_least, 1);
  report(fmt::format("{}: CPU ms for each durable record", name), median(cpu), Goal::at_most, 0.4);
}

}  // namespace
}  // namespace sealift::store

int main() {
  using namespace sealift::store;
  using sealift::bench::must;
  const auto directory = must(sealift::TemporaryDirectory::create("sealift-bench"));
  bench_commits("SQLite", "sqlite:" + (directory.path() / "commits.db").string(), directory.path());
  auto server = must(sealift::sql::PostgresForTest::start(sealift::sql::PostgresForTest::Disk::durable));
  bench_commits("PostgreSQL", must(server->new_database()), directory.path());
}
