// SPDX-License-Identifier: Apache-2.0
#include "store/sql/postgres_for_test.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "store/sql/database.h"

namespace sealift::sql {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr seconds kPatience{60};

/// Debian keeps each version's programs apart and out of the PATH. The newest.
Result<fs::path> programs() {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& version : fs::directory_iterator{"/usr/lib/postgresql", ignored}) {
    if (fs::exists(version.path() / "bin/initdb")) found.push_back(version.path() / "bin");
  }
  if (found.empty()) return fail(ErrorCode::dependency_missing, "PostgreSQL is not installed", "postgresql");
  return *std::ranges::max_element(found);
}

/// PostgreSQL refuses to run as root. Its end follows ours.
std::vector<std::string> unprivileged(std::vector<std::string> command) {
  std::vector<std::string> argv{"setpriv", "--pdeathsig", "QUIT"};
  if (::geteuid() == 0) {
    for (const auto* option : {"--reuid=postgres", "--regid=postgres", "--clear-groups"})
      argv.emplace_back(option);
  }
  argv.insert(argv.end(), command.begin(), command.end());
  return argv;
}

Status give_to_postgres(const fs::path& path) {
  if (::geteuid() != 0) return {};
  const auto* const user = ::getpwnam("postgres");  // NOLINT(concurrency-mt-unsafe)
  if (user == nullptr) return fail(ErrorCode::dependency_missing, "there is no user postgres", "postgresql");
  if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) return fail_errno("chown " + path.string());
  return {};
}

}  // namespace

Result<std::unique_ptr<PostgresForTest>> PostgresForTest::start(Disk disk,
                                                                std::vector<std::string> settings) {
  SEALIFT_TRY(auto directory, TemporaryDirectory::create("sealift-pg"));
  std::unique_ptr<PostgresForTest> made{new PostgresForTest{std::move(directory), disk, std::move(settings)}};
  SEALIFT_CHECK(give_to_postgres(made->directory_.path()));
  SEALIFT_CHECK(made->make_cluster());
  SEALIFT_CHECK(made->start_again());
  return made;
}

PostgresForTest::~PostgresForTest() { static_cast<void>(stop()); }

std::string PostgresForTest::conninfo() const {
  return fmt::format("host={} dbname=postgres user=sealift", directory_.path().string());
}

Status PostgresForTest::make_cluster() {
  SEALIFT_TRY(const auto bin, programs());
  Command command;
  command.argv = unprivileged({bin / "initdb", "-D", directory_.path() / "data", "-U", "sealift", "-A",
                               "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"});
  SEALIFT_CHECK(run_checked(std::move(command)));
  return {};
}

Status PostgresForTest::start_again() {
  SEALIFT_TRY(const auto bin, programs());
  std::vector<std::string> argv{bin / "postgres", "-D", directory_.path() / "data"};
  const auto* const sync = disk_ == Disk::relaxed ? "fsync=off" : "fsync=on";
  for (const auto& setting :
       {std::string{"listen_addresses="}, "unix_socket_directories=" + directory_.path().string(),
        std::string{"shared_buffers=32MB"}, std::string{"dynamic_shared_memory_type=mmap"},
        std::string{"max_connections=60"}, std::string{"deadlock_timeout=100ms"}, std::string{sync}}) {
    argv.emplace_back("-c");
    argv.push_back(setting);
  }
  for (const auto& setting : settings_) argv.insert(argv.end(), {"-c", setting});
  SEALIFT_TRY(const auto log, open_file(directory_.path() / "log", O_WRONLY | O_CREAT | O_APPEND));
  Command command;
  command.argv = unprivileged(std::move(argv));
  command.stderr_fd = log.get();
  SEALIFT_TRY(server_, spawn(command));
  return accept_connections();
}

Status PostgresForTest::accept_connections() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto database = Database::open(conninfo());
    if (database) return {};
    if (std::chrono::steady_clock::now() > deadline) return tl::unexpected(database.error());
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

Status PostgresForTest::stop() {
  if (server_.pid() < 0) return {};
  server_.signal(SIGINT);
  auto ended = server_.wait(kPatience);
  if (!ended) {
    server_.signal(SIGQUIT);
    ended = server_.wait(kPatience);
  }
  if (!ended) return tl::unexpected(ended.error());
  return {};
}

Result<std::string> PostgresForTest::new_database() {
  // A schema is an empty database that is made in a millisecond.
  const auto name = fmt::format("t{}", ++databases_);
  SEALIFT_TRY(const auto database, Database::open(conninfo()));
  SEALIFT_CHECK(database->write("CREATE SCHEMA " + name, {}));
  return fmt::format("{} options='-c search_path={}'", conninfo(), name);
}

}  // namespace sealift::sql
