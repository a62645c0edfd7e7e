// SPDX-License-Identifier: Apache-2.0
#include "tests/operate/installation.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace sealift::operate {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* kOfficeAddress = "10.77.0.1";
const std::map<std::string, std::string> kAddresses{
    {"one", "10.77.0.11"}, {"two", "10.77.0.12"}, {"host-1", "10.77.0.21"}};
constexpr seconds kPatience{120};

/// The words of a shell's line; what goes wrong is said with its last line.
Status shell(const std::string& text) {
  SEALIFT_CHECK(run_checked({.argv = {"bash", "-euc", text}}));
  return {};
}

std::string text_of(const fs::path& file) {
  const auto bytes = read_file(file, 1U << 20U);
  return bytes ? std::string{as_text(*bytes)} : std::string{};
}

std::string first_line(const fs::path& file) {
  const auto text = text_of(file);
  return text.substr(0, text.find('\n'));
}

}  // namespace

Machine::~Machine() {
  if (!child_) return;
  child_->signal(SIGKILL);
  (void)child_->wait(kPatience);
  // Its control groups, once nothing is in them any more.
  (void)shell(
      fmt::format("group=$(cat '{0}/group')\n"
                  "for ((i = 0; i < 500; i++)); do\n"
                  "  find \"$group\" -depth -type d -exec rmdir {{}} + 2>/dev/null || true\n"
                  "  [ -e \"$group\" ] || break\n"
                  "  sleep 0.02\n"
                  "done\n"
                  "umount '{0}/cgroup'",
                  folder_.string()));
}

Status Machine::boot() {
  std::error_code error;
  fs::create_directories(folder_, error);
  SEALIFT_TRY(const auto log, open_file(folder_ / "log", O_WRONLY | O_CREAT));
  SEALIFT_TRY(child_, spawn({.argv = {"setpriv", "--pdeathsig", "KILL",
                                      SEALIFT_SOURCE_DIR "/tests/operate/machine", name_, folder_.string()},
                             .stdout_fd = log.get(),
                             .stderr_fd = log.get()}));
  const auto until = steady_clock::now() + kPatience;
  while (!fs::exists(folder_ / "pid")) {
    if (child_->wait(std::chrono::milliseconds{20}) || steady_clock::now() > until)
      return fail(ErrorCode::unavailable, name_ + " does not boot: " + text_of(folder_ / "log"), name_);
  }
  pid_ = first_line(folder_ / "pid");
  return wait_until_it_runs();
}

Status Machine::wait_until_it_runs() const {
  auto argv = prefix();
  argv.insert(argv.end(),
              {"bash", "-c",
               "for ((i = 0; i < 1000; i++)); do\n"
               "  systemctl is-active --quiet sysinit.target && exit\n  sleep 0.1\ndone\nexit 1"});
  auto ran = run_checked({.argv = std::move(argv)});
  if (ran) return {};
  return fail(ErrorCode::unavailable,
              fmt::format("systemd does not run: {}: {}", ran.error().message, text_of(folder_ / "log")),
              name_);
}

std::vector<std::string> Machine::prefix() const {
  return {"nsenter",    "--target",     pid_,
          "--mount",    "--net",        "--pid",
          "--uts",      "--cgroup",     "--root",
          "--wd",       "env",          "--ignore-environment",
          "HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
}

Status Machine::connect(const std::string& address) {
  return shell(
      fmt::format("ip link add name {0} type veth peer name eth0 netns {1}\n"
                  "ip link set {0} master bridge up\n"
                  "nsenter --target {1} --net ip address add {2}/24 dev eth0\n"
                  "nsenter --target {1} --net ip link set eth0 up\n"
                  "nsenter --target {1} --net ip link set lo up",
                  name_, pid_, address));
}

Status Machine::plug(bool in) const {
  return shell(fmt::format("ip link set {} {}", name_, in ? "up" : "down"));
}

Installation::~Installation() {
  s3_.reset();
  postgres_.reset();
  machines_.clear();
  // So that the directory can be removed.
  (void)shell(
      fmt::format("cd /; for place in /usr /etc '{}/layers'; do umount --lazy \"$place\" || true; done",
                  directory_.path().string()));
}

std::string Installation::obstacle() {
  if (::geteuid() != 0) return "only root makes machines of namespaces";
  for (const auto* program : {"/lib/systemd/systemd", "/usr/bin/psql", "/usr/bin/systemd-sysusers"}) {
    if (!fs::exists(program)) return std::string{program} + " is not installed";
  }
  const auto tried = run(
      {.argv = {"unshare", "--mount", "--net", "--pid", "--fork", "--uts", "--cgroup", "bash", "-euc",
                "mount --make-rprivate /; cd /tmp; mount -t tmpfs none /mnt\n"
                "mkdir /mnt/up /mnt/work /mnt/cgroup\n"
                "mount -t overlay none -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work /etc\n"
                "mount -t cgroup2 none /mnt/cgroup\n"
                "mkdir /mnt/cgroup/sealift-test-$$; rmdir /mnt/cgroup/sealift-test-$$\n"
                "ip link add name veth-a type veth peer name veth-b; ip link add name bridge type bridge"}});
  if (!tried) return tried.error().message;
  return tried->exit_status == 0
             ? ""
             : "namespaces, overlays or control groups cannot be made here: " + tried->err;
}

Result<std::unique_ptr<Installation>> Installation::start() {
  SEALIFT_TRY(auto directory, TemporaryDirectory::create("sealift-operate"));
  std::unique_ptr<Installation> made{new Installation{std::move(directory)}};
  SEALIFT_CHECK(made->move_into_the_office());
  SEALIFT_CHECK(made->start_machines());
  SEALIFT_CHECK(made->start_providers());
  SEALIFT_CHECK(made->furnish_the_office());
  return made;
}

Status Installation::move_into_the_office() const {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return fail_errno("unshare");
  return shell(
      fmt::format("mount --make-rprivate /\n"
                  "ip link set lo up\n"
                  "ip link add name bridge type bridge\n"
                  "ip address add {}/24 dev bridge\n"
                  "ip link set bridge up",
                  kOfficeAddress));
}

Status Installation::start_machines() {
  for (const auto& [name, address] : kAddresses) {
    auto& machine = machines_.try_emplace(name, name, directory_.path() / name).first->second;
    SEALIFT_CHECK(machine.boot());
    SEALIFT_CHECK(machine.connect(address));
  }
  return {};
}

/// What the page takes for granted: a PostgreSQL server and an S3 service, with certificates and passwords.
Status Installation::start_providers() {
  const auto folder = directory_.path().string() + "/providers";
  SEALIFT_CHECK(shell(fmt::format(
      "mkdir '{0}'\n"
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout '{0}/key.pem' \\\n"
      "  -out '{0}/certificate.pem' -subj /CN=db -days 2 -addext subjectAltName=DNS:db.cloud.example\n"
      "printf '%s\\n' 'local all sealift trust' 'hostssl all postgres samenet trust' \\\n"
      "  'hostssl all all samenet scram-sha-256' >'{0}/hba'\n"
      "chown -R postgres: '{0}'; chmod 755 '{0}' '{1}'; chmod 600 '{0}/key.pem'",
      folder, directory_.path().string())));
  SEALIFT_TRY(postgres_, sql::PostgresForTest::start(
                             sql::PostgresForTest::Disk::relaxed,
                             {std::string{"listen_addresses="} + kOfficeAddress, "port=5432",
                              "max_connections=200", "ssl=on", "ssl_cert_file=" + folder + "/certificate.pem",
                              "ssl_key_file=" + folder + "/key.pem", "hba_file=" + folder + "/hba"}));
  SEALIFT_CHECK(run_checked(
      {.argv = {"psql", "-q", postgres_->conninfo(), "-c", "CREATE ROLE postgres SUPERUSER LOGIN"}}));
  SEALIFT_TRY(s3_, objects::SwiftForTest::start({kOfficeAddress, "443", "DNS:s3.cloud.example"}));
  return {};
}

/// A copy-on-write /etc and /usr, a desk with what the providers gave, and a way to the machines.
Status Installation::furnish_the_office() const {
  std::string ssh =
      "#!/bin/bash\n"
      "# ssh root@MACHINE COMMAND…: no wire, but the same shell on the other side.\n"
      "machine=${1#root@}; shift\n"
      "case $machine in\n";
  for (const auto& [name, machine] : machines_) {
    ssh += "  " + name + ") exec";
    for (const auto& word : machine.prefix()) ssh += " " + word;
    ssh += " bash -c \"$*\" ;;\n";
  }
  ssh += "esac\nexit 255\n";
  const auto base = directory_.path().string();
  SEALIFT_CHECK(
      shell(fmt::format("mkdir '{0}/layers' '{0}/office' '{0}/office/bin' '{0}/office/build'\n"
                        "mount -t tmpfs none '{0}/layers'\n"
                        "for part in etc usr; do\n"
                        "  mkdir '{0}/layers/'$part '{0}/layers/'$part.work\n"
                        "  mount -t overlay none -o "
                        "lowerdir=/$part,upperdir='{0}/layers/'$part,workdir='{0}/layers/'$part.work /$part\n"
                        "done\n"
                        "cp '{0}/providers/certificate.pem' '{0}/office/db-ca.pem'\n"
                        "cp '{1}' '{0}/office/s3-ca.pem'\n"
                        "echo testing >'{0}/office/s3-secret'\n"
                        "ln -s '{2}' '{0}/office/build/release'",
                        base, s3_->ca_file().string(), SEALIFT_BINARY_DIR)));
  SEALIFT_CHECK(write_file(office() / "bin/ssh", as_bytes(ssh), 0755));
  return {};
}

Command Installation::command_for(const std::string& machine, const std::string& text) const {
  const auto script = "set -euo pipefail\n" + text;
  Command command;
  if (machine != "office") {
    command.argv = machines_.at(machine).prefix();
    command.argv.insert(command.argv.end(), {"bash", "-c", script});
    return command;
  }
  command.argv = {"bash", "-c", fmt::format("cd '{}'\n{}", office().string(), script)};
  const char* const path = std::getenv("PATH");
  command.environment = {fmt::format("PATH={}:{}", (office() / "bin").string(), path == nullptr ? "" : path),
                         "PGCONNECT_TIMEOUT=60"};
  return command;
}

Result<Output> Installation::type(const std::string& machine, const std::string& text) const {
  return run(command_for(machine, text));
}

Result<Child> Installation::begin(const std::string& text, int stdout_fd) const {
  auto command = command_for("office", text);
  command.stdout_fd = stdout_fd;
  command.stderr_fd = STDERR_FILENO;
  return spawn(command);
}

}  // namespace sealift::operate
