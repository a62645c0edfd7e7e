// SPDX-License-Identifier: Apache-2.0
// Refusing a quote is a right answer. Crashing is not, nor is believing one that nobody signed, nor is
// reading beyond what came.
#include <cstdlib>

#include <tss2/tss2_tpm2_types.h>

#include <algorithm>

#include "tpm/quote.h"

namespace {

using namespace sealift;

/// Nobody has its private half at hand.
tpm::Public key() {
  auto area = tpm::attestation_key_template();
  const auto point = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value().public_key().ec().value();
  area.unique.ecc.x.size = area.unique.ecc.y.size = 32;
  std::ranges::copy(point.x, area.unique.ecc.x.buffer);
  std::ranges::copy(point.y, area.unique.ecc.y.buffer);
  return tpm::Public::from_template(area).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto attestation_key = key();
  static const auto state = tpm::PcrValues::parse("sha256:7=" + std::string(64, '0')).value();
  const ByteView input{data, size};
  const auto attested = tpm::parse_attested(input);
  if (attested &&
      attested->qualifying_data.size() + attested->selection.size() + attested->digest.size() > size)
    std::abort();
  const auto half = size / 2;
  const tpm::Quote quote{to_bytes(input.first(half)), to_bytes(input.subspan(half))};
  if (tpm::verify_quote(attestation_key, quote, Bytes(tpm::kQualifyingDataSize, 0), state)) std::abort();
  return 0;
}
