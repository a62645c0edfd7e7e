// SPDX-License-Identifier: Apache-2.0
/// Durable records: how many a second with 1, 4 and 16 clients, against appending as many bytes to a file and
/// syncing it; and a million enrolled hosts.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "base/file.h"
#include "store/enrolments.h"
#include "store/schemas.h"
#include "store/sql/postgres_for_test.h"

namespace sealift::store {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr int kRounds = 7;
constexpr Seconds kRound{0.4};
constexpr std::size_t kDocumentSize = 384;  // certificate's digest, public area, policy, times
constexpr int kHosts = 1'000'000;
constexpr int kAtOnce = 1000;  // one of each is looked up

template <typename T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "store_bench: {}: {}\n", result.error().message, result.error().detail);
  std::exit(1);
}
void must(const Status& status) {
  if (!status) static_cast<void>(must(Result<int>{tl::unexpected(status.error())}));
}

EnrolmentRecord enrolment(std::mt19937_64& random) {
  const auto fill = [&](std::size_t size) {
    Bytes bytes(size);
    std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
    return bytes;
  };
  return {"tenant-0001", fill(34), Bytes(32, static_cast<std::uint8_t>(random() % 20)), fill(kDocumentSize),
          1'700'000'000};
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct Rate {
  double per_second = 0;
  double cpu_ms = 0;  ///< of this process, for each
};

/// `clients` threads call `once` for a round.
template <typename Once>
Rate rate(int clients, Once once) {
  std::atomic<std::int64_t> done = 0;
  const auto cpu = cpu_seconds();
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
  return {count / Seconds{Clock::now() - start}.count(), (cpu_seconds() - cpu) * 1000 / count};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void show(const std::string& what, double value, const char* goal) {
  fmt::print("{:<52} {:>7.2f}  {}\n", what, value, goal);
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
    show(fmt::format("{}: commits / append+fdatasync, {} clients", name, clients[i]), median(ratios[i]), "");
  show(fmt::format("{}: 16 clients / 1 client", name), median(growth), "goal > 1");
  show(fmt::format("{}: CPU ms for each durable enrolment", name), median(cpu), "goal <= 0.40");
}

/// As the store's put() does, but many in one transaction, to be done soon. Some key names, to look up later.
std::vector<Bytes> enrol_a_million(sql::Database& database) {
  std::mt19937_64 random{1};
  std::vector<Bytes> names;
  for (int done = 0; done < kHosts; done += kAtOnce) {
    std::vector<EnrolmentRecord> records;
    for (int i = 0; i < kAtOnce; ++i) records.push_back(enrolment(random));
    names.push_back(records.front().storage_key_name);
    must(database.transact([&](sql::Transaction& transaction) -> Status {
      for (const auto& one : records) {
        SEALIFT_CHECK(transaction.run(
            "INSERT INTO enrolments(tenant, storage_key_name, hardware_key_hash, document, enrolled_at) "
            "VALUES($1, $2, $3, $4, $5)",
            {one.tenant, one.storage_key_name, one.hardware_key_hash, one.document, one.enrolled_at}));
      }
      return {};
    }));
  }
  return names;
}

std::uintmax_t size_of(const fs::path& directory) {
  std::uintmax_t size = 0;
  for (const auto& entry : fs::directory_iterator{directory}) size += entry.file_size();
  return size;
}

double p99_ms(EnrolmentStore& store, const std::vector<Bytes>& names) {
  std::vector<double> times;
  for (const auto& name : names) {
    const auto start = Clock::now();
    static_cast<void>(must(store.get("tenant-0001", name)));
    times.push_back(Seconds{Clock::now() - start}.count() * 1000);
  }
  std::ranges::sort(times);
  return times[times.size() * 99 / 100];
}

long resident_kib() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return used.ru_maxrss;
}

void bench_a_million(const fs::path& directory) {
  const auto url = "sqlite:" + (directory / "million.db").string();
  const auto before = resident_kib();
  auto names = enrol_a_million(*must(open(url, Schema::keys)));
  show("SQLite: bytes on disk for each of 1,000,000 hosts", static_cast<double>(size_of(directory)) / kHosts,
       "goal <= 1024");
  const auto start = Clock::now();
  const auto database = must(open(url, Schema::keys));
  const auto store = make_enrolment_store(*database);
  static_cast<void>(must(store->get("tenant-0001", names.front())));
  show("SQLite: seconds to open it and look one up", Seconds{Clock::now() - start}.count(), "goal <= 10");
  std::ranges::shuffle(names, std::mt19937_64{1});
  show("SQLite: lookup among them, p99, ms", p99_ms(*store, names), "goal <= 1");
  show("SQLite: bytes of memory for each host, at most",
       static_cast<double>(resident_kib() - before) * 1024 / kHosts, "goal <= 1024");
}

}  // namespace
}  // namespace sealift::store

int main() {
  using namespace sealift::store;
  const auto directory = must(sealift::TemporaryDirectory::create("sealift-bench"));
  bench_commits("SQLite", "sqlite:" + (directory.path() / "commits.db").string(), directory.path());
  auto server = must(sealift::sql::PostgresForTest::start(sealift::sql::PostgresForTest::Disk::durable));
  bench_commits("PostgreSQL", must(server->new_database()), directory.path());
  server.reset();
  const auto apart = must(sealift::TemporaryDirectory::create("sealift-bench"));
  bench_a_million(apart.path());
}
