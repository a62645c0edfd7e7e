// SPDX-License-Identifier: Apache-2.0
// Opening a seal, against the TPM's own time for it: what the TPM's process and ours spend on the whole chain
// of commands, over what the TPM's process spends. Both are CPU time, of each chain by itself; the median of
// all.
#include <unistd.h>

#include <charconv>
#include <fstream>

#include "bench/measure.h"
#include "tpm/commands.h"
#include "tpm/machine_for_test.h"

namespace sealift::tpm {
namespace {

using namespace bench;

constexpr int kRounds = 301;

/// The only child of this process: the TPM of the machine being measured.
pid_t child() {
  const auto self = std::to_string(getpid());
  std::ifstream children{"/proc/self/task/" + self + "/children"};
  pid_t pid = 0;
  if (!(children >> pid))
    give_up({ErrorCode::not_found, "the software TPM is not a child of this process", {}, {}});
  return pid;
}

struct Sample {
  std::vector<double> wall;
  std::vector<double> tpm;
  std::vector<double> client;
  std::vector<double> ratio;
};

template <typename Work>
Sample measure(pid_t tpm, Work work) {
  Sample sample;
  for (int i = 0; i < kRounds; ++i) {
    const auto tpm_before = cpu_seconds_of(tpm);
    const auto own_before = own_cpu_seconds();
    const auto start = wall_seconds();
    work();
    sample.wall.push_back(wall_seconds() - start);
    sample.client.push_back(own_cpu_seconds() - own_before);
    sample.tpm.push_back(cpu_seconds_of(tpm) - tpm_before);
    sample.ratio.push_back(1 + sample.client.back() / sample.tpm.back());
  }
  return sample;
}

void run(const char* name, KeyKind kind) {
  auto machine = must(MachineForTest::start(firmware_profile(), kind));
  const auto data = must(machine.seal(7));
  const auto tpm = child();
  const auto unseal = measure(tpm, [&] { must(machine.unseal(data)); });
  const auto round_trip = measure(tpm, [&] { must(get_random(*machine.tpm, 8)); });
  report(fmt::format("open a seal, {} storage key: CPU of TPM and client / TPM", name), median(unseal.ratio),
         Goal::at_most, 1.3);
  note("TPM, CPU us", median(unseal.tpm) * 1e6);
  note("client, CPU us", median(unseal.client) * 1e6);
  note("whole, wall us", median(unseal.wall) * 1e6);
  note("client for one command that does nothing (GetRandom), CPU us", median(round_trip.client) * 1e6);
}

}  // namespace
}  // namespace sealift::tpm

int main() {
  sealift::tpm::run("RSA-2048", sealift::tpm::KeyKind::rsa2048);
  sealift::tpm::run("ECC P-256", sealift::tpm::KeyKind::p256);
}
