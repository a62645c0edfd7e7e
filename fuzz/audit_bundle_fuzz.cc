// SPDX-License-Identifier: Apache-2.0
// Bundles and receipts of an audit log come from whoever kept them.
#include <cstdlib>

#include "merkle/log.h"

using namespace sealift;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input{data, size};
  static const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value().public_key();
  if (const auto bundle = merkle::Bundle::parse(input)) {
    if (!same_bytes(bundle->written(), input)) std::abort();
    if (bundle->verify(key, {bundle->head})) std::abort();  // nobody has the key
    static_cast<void>(bundle->receipt(0));
  }
  if (const auto receipt = merkle::Receipt::parse(input)) {
    if (!same_bytes(receipt->written(), input)) std::abort();
    if (receipt->verify(key)) std::abort();
    static_cast<void>(merkle::verify_inclusion(receipt->index, receipt->head.size, receipt->leaf,
                                               receipt->proof, receipt->head.root));
    static_cast<void>(merkle::verify_consistency(receipt->index, receipt->leaf, receipt->head.size,
                                                 receipt->head.root, receipt->proof));
  }
  return 0;
}
