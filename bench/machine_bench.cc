// SPDX-License-Identifier: Apache-2.0
// Making an emulated machine against swtpm_setup, the usual way to make a software TPM with an EK
// certificate: whole processes, in turns, wall and CPU time, the median of the rounds. swtpm_setup makes an
// RSA and a P-384 EK with certificates; a machine has one EK with certificate, a storage key, NV index X and
// firmware. Goal: at least 10x.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "base/file.h"
#include "base/process.h"
#include "bench/measure.h"

namespace {

using namespace sealift;
using namespace sealift::bench;
namespace fs = std::filesystem;

constexpr int kRounds = 15;

struct Cost {
  double wall;
  double cpu;
};

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double cpu_of_children() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Orphans come to us (PR_SET_CHILD_SUBREAPER), so that the TPMs that swtpm_setup leaves to end by themselves
/// count.
void reap_orphans() {
  while (::waitpid(-1, nullptr, 0) > 0) continue;
}

Cost cost_of(const std::vector<std::string>& argv) {
  Command command;
  command.argv = argv;
  const auto cpu = cpu_of_children();
  const auto start = std::chrono::steady_clock::now();
  must(run_checked(command));
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  reap_orphans();
  return {wall.count(), cpu_of_children() - cpu};
}

Cost median(const std::vector<Cost>& costs) {
  std::vector<double> wall;
  std::vector<double> cpu;
  for (const auto& cost : costs) {
    wall.push_back(cost.wall);
    cpu.push_back(cost.cpu);
  }
  return {bench::median(wall), bench::median(cpu)};
}

/// One way to make a machine or a TPM, and what it cost so far.
struct Contender {
  std::string id;  ///< of a machine's name
  std::string name;
  std::vector<std::string> argv;  ///< %N is a new name, %D a new empty directory
  std::vector<Cost> costs;
};

/// swtpm_setup with a CA of its own in `directory`, so that it needs nobody's rights.
std::vector<std::string> swtpm_setup(const fs::path& directory) {
  const auto ca = directory / "swtpm-ca";
  fs::create_directories(ca);
  const auto localca = fmt::format(
      "statedir = {0}\nsigningkey = {0}/key.pem\nissuercert = {0}/cert.pem\n"
      "certserial = {0}/serial\n",
      ca.native());
  must(write_file(directory / "localca.conf", as_bytes(localca)));
  must(write_file(directory / "localca.options", as_bytes("--platform-manufacturer x\n--platform-version 1\n"
                                                          "--platform-model y\n")));
  const auto setup = fmt::format(
      "create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = {0}/localca.conf\n"
      "create_certs_tool_options = {0}/localca.options\n",
      directory.native());
  must(write_file(directory / "setup.conf", as_bytes(setup)));
  std::vector<std::string> argv{
      "swtpm_setup",     "--tpm2", "--tpmstate", "%D", "--config", (directory / "setup.conf").native(),
      "--create-ek-cert"};
  if (::geteuid() == 0) argv.insert(argv.end(), {"--runas", "root"});
  return argv;
}

void measure(Contender& contender, const fs::path& directory, int round) {
  auto argv = contender.argv;
  const auto name =
      fmt::format("{}{}", contender.id, round + 1);  // the first round, -1, only warms up and makes CAs
  for (auto& word : argv) {
    if (word == "%N") word = name;
    if (word != "%D") continue;
    fs::create_directories(directory / name);
    word = (directory / name).native();
  }
  const auto cost = cost_of(argv);
  if (round >= 0) contender.costs.push_back(cost);
}

}  // namespace

int main() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const auto directory = must(TemporaryDirectory::create("machine-bench"));
  const auto emulator = (fs::read_symlink("/proc/self/exe").parent_path() / "sealift-emulator").native();
  const auto machine = [&](const std::string& ek, const std::string& storage_key) {
    return Contender{ek.substr(0, 1) + storage_key.substr(0, 1),
                     fmt::format("EK {}, storage key {}", ek, storage_key),
                     {emulator, "create", "%N", "--dir", (directory.path() / "machines").native(), "--ek", ek,
                      "--storage-key", storage_key},
                     {}};
  };
  Contender peer{"peer", "swtpm_setup", swtpm_setup(directory.path()), {}};
  std::vector<Contender> machines{machine("rsa2048", "rsa2048"), machine("rsa2048", "p256"),
                                  machine("p256", "rsa2048"), machine("p256", "p256")};
  for (int round = -1; round < kRounds; ++round) {
    measure(peer, directory.path(), round);
    for (auto& contender : machines) measure(contender, directory.path(), round);
  }
  const auto theirs = median(peer.costs);
  note("swtpm_setup --create-ek-cert, wall ms", theirs.wall * 1e3);
  for (const auto& contender : machines) {
    const auto ours = median(contender.costs);
    report(fmt::format("make a machine ({}): swtpm_setup / ours, wall", contender.name),
           theirs.wall / ours.wall, Goal::at_least, 10);
    note("the same in CPU time", theirs.cpu / ours.cpu);
  }
  return 0;
}
