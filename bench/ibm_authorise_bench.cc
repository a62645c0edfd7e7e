// SPDX-License-Identifier: Apache-2.0
/// Authorising one more recipient of an `ibm,esm` blob, against the one RSA-OAEP that it cannot do without,
/// with 1 and with 10,000 recipients there already.
#include "bench/measure.h"
#include "formats/ibm_esm/opened.h"

namespace {

using namespace sealift;
using namespace sealift::bench;

constexpr int kRounds = 9;
constexpr int kPerRound = 400;

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
    recipients.reserve(kPerRound);
    for (int i = 0; i < kPerRound; ++i) recipients.push_back(recipient(pem, next++));
    const auto raw = own_cpu_seconds_of([&] {
      for (int i = 0; i < kPerRound; ++i) {
        if (!key.oaep_encrypt(crypto::HashAlgorithm::sha256, {}, secret)) std::abort();
      }
    });
    added.push_back(own_cpu_seconds_of([&] { add(blob, recipients); }) / kPerRound);
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
  report("ibm,esm: raw RSA-OAEP / one more recipient, few there", at_one, Goal::at_least, 0.6);
  report("ibm,esm: raw RSA-OAEP / one more recipient, 10,000 there", at_many, Goal::at_least, 0.6);
  report("ibm,esm: one more recipient, 10,000 there / few there", median(many) / median(few), Goal::at_most,
         1.1);
}
