// SPDX-License-Identifier: Apache-2.0
// Opening a seal, against the TPM's own time for it: wall time of the whole chain of commands, divided by the
// CPU time that the software TPM spent on it. Goal: at most 1.3. On a busy machine wall time counts others'
// work too; the second ratio, of CPU times, does not.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tpm/commands.h"
#include "tpm/machine_for_test.h"

namespace sealift::tpm {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr int kRounds = 301;

/// The only child of this process: the TPM of the machine being measured.
Result<std::string> schedstat_of_child() {
  const auto self = std::to_string(getpid());
  std::ifstream children{"/proc/self/task/" + self + "/children"};
  std::string pid;
  if (!(children >> pid))
    return fail(ErrorCode::not_found, "the software TPM is not a child of this process");
  return "/proc/" + pid + "/schedstat";
}

/// Its CPU time so far: the first number of schedstat, in nanoseconds.
double cpu_of(const std::string& schedstat) {
  std::ifstream file{schedstat};
  double spent = 0;
  file >> spent;
  return spent;
}

double own_cpu() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

struct Sample {
  std::vector<double> wall;
  std::vector<double> tpm;
  std::vector<double> client;
  std::vector<double> ratio;
  std::vector<double> cpu_ratio;
};

template <typename Work>
Status measure(const std::string& schedstat, int rounds, Sample& sample, Work work) {
  for (int i = 0; i < rounds; ++i) {
    const auto tpm = cpu_of(schedstat);
    const auto client = own_cpu();
    const auto start = steady_clock::now();
    SEALIFT_CHECK(work());
    const auto wall = static_cast<double>(nanoseconds{steady_clock::now() - start}.count());
    sample.client.push_back(own_cpu() - client);
    sample.wall.push_back(wall);
    sample.tpm.push_back(cpu_of(schedstat) - tpm);
    sample.ratio.push_back(sample.wall.back() / sample.tpm.back());
    sample.cpu_ratio.push_back((sample.client.back() + sample.tpm.back()) / sample.tpm.back());
  }
  return {};
}

void print(const char* what, const Sample& sample) {
  fmt::print(
      "{:<22} wall {:7.1f} us   TPM {:7.1f} us   client CPU {:6.1f} us   wall/TPM {:5.2f}   CPU/TPM "
      "{:5.2f}\n",
      what, median(sample.wall) / 1e3, median(sample.tpm) / 1e3, median(sample.client) / 1e3,
      median(sample.ratio), median(sample.cpu_ratio));
}

Status bench(const char* name, KeyKind kind) {
  SEALIFT_TRY(auto machine, MachineForTest::start(firmware_profile(), kind));
  SEALIFT_TRY(const auto data, machine.seal(7));
  SEALIFT_TRY(const auto schedstat, schedstat_of_child());
  Sample unseal;
  SEALIFT_CHECK(measure(schedstat, kRounds, unseal, [&]() -> Status {
    SEALIFT_TRY(const auto secret, machine.unseal(data));
    return {};
  }));
  Sample round_trip;
  SEALIFT_CHECK(measure(schedstat, kRounds, round_trip, [&]() -> Status {
    SEALIFT_TRY(const auto random, get_random(*machine.tpm, 8));
    return {};
  }));
  print(fmt::format("unseal, {}", name).c_str(), unseal);
  print("one GetRandom", round_trip);
  return {};
}

}  // namespace
}  // namespace sealift::tpm

int main() {
  for (const auto& [name, kind] : {std::pair{"RSA-2048", sealift::tpm::KeyKind::rsa2048},
                                   std::pair{"ECC P-256", sealift::tpm::KeyKind::p256}}) {
    if (const auto done = sealift::tpm::bench(name, kind); !done) {
      fmt::print(stderr, "{}: {}\n", sealift::name(done.error().code), done.error().message);
      return static_cast<int>(sealift::kind(done.error().code));
    }
  }
}
