// SPDX-License-Identifier: Apache-2.0
/// Authorising one more recipient of an `ibm,esm` blob, against the one RSA-OAEP that it cannot do without,
/// with 1 and with 10,000 recipients there already.
#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "formats/ibm_esm/opened.h"

namespace {

using namespace sealift;

constexpr int kRounds = 9;
constexpr int kPerRound = 400;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <typename Work>
double seconds_of(Work work) {
  const auto start = cpu_seconds();
  work();
  return cpu_seconds() - start;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// One key, any number of fingerprints: text in front of a PEM block is part of the file, not of the key.
ibm_esm::Recipient recipient(const std::string& pem, int number) {
  return ibm_esm::Recipient::from_pem(as_bytes(fmt::format("recipient {}\n{}", number, pem))).value();
}

void add(ibm_esm::OpenedBlob& blob, const std::vector<ibm_esm::Recipient>& recipients) {
  for (const auto& one : recipients) {
    if (!blob.authorise(one)) std::abort();
  }
}

/// Median ratio of raw OAEP time to authorising time, taken in turn.
double ratio(ibm_esm::OpenedBlob& blob, const std::string& pem, int& next, std::vector<double>& added) {
  const auto key = recipient(pem, -1).key();
  const Bytes secret(32, 7);
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<ibm_esm::Recipient> recipients;
    for (int i = 0; i < kPerRound; ++i) recipients.push_back(recipient(pem, next++));
    const auto raw = seconds_of([&] {
      for (int i = 0; i < kPerRound; ++i) {
        if (!key.oaep_encrypt(crypto::HashAlgorithm::sha256, {}, secret)) std::abort();
      }
    });
    added.push_back(seconds_of([&] { add(blob, recipients); }) / kPerRound);
    ratios.push_back(raw / kPerRound / added.back());
  }
  return median(ratios);
}

}  // namespace

int main() {
  const auto pem = crypto::PrivateKey::generate_rsa(2048)->public_key().pem();
  auto blob = ibm_esm::OpenedBlob::make(recipient(pem, 0)).value();
  int next = 1;
  std::vector<double> few;
  std::vector<double> many;
  const auto at_one = ratio(blob, pem, next, few);
  while (next <= 10'000) add(blob, {recipient(pem, next++)});
  const auto at_many = ratio(blob, pem, next, many);
  fmt::print("{:<52} {:>6.2f}  goal >= 0.60\n", "ibm,esm authorise / raw RSA-OAEP, few recipients", at_one);
  fmt::print("{:<52} {:>6.2f}  goal >= 0.60\n", "ibm,esm authorise / raw RSA-OAEP, 10,000 recipients",
             at_many);
  fmt::print("{:<52} {:>6.2f}  goal ~ 1\n", "ibm,esm authorise, cost at 10,000 / cost at few",
             median(many) / median(few));
}
