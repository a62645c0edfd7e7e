// SPDX-License-Identifier: Apache-2.0
#include "formats/describe.h"

#include "formats/fdt/tree.h"

namespace sealift::formats {
namespace {

Result<Description> describe_sealift(ByteView blob) {
  SEALIFT_TRY(const auto operand, esm::Operand::parse(blob));
  Description description{Format::sealift_esm_v1, blob.size(), operand.image_id(), {}, {}, {}};
  for (const auto& target : operand.targets()) {
    description.targets.push_back({target.storage_key_name, target.policy});
  }
  for (const auto& entry : operand.payload())
    description.payload.push_back({entry.name, entry.ciphertext.size()});
  return description;
}

Result<Description> describe_ibm(ByteView bytes) {
  SEALIFT_TRY(const auto blob, ibm_esm::parse(bytes));
  Description description{Format::ibm_esm, bytes.size(), std::nullopt, {}, {}, {}};
  for (const auto& lockbox : blob.lockboxes) {
    description.lockboxes.push_back({lockbox.name, to_bytes(lockbox.fingerprint), lockbox.comment});
  }
  if (blob.digests) description.payload.push_back({blob.digests->name, blob.digests->ciphertext.size()});
  for (const auto& file : blob.files) description.payload.push_back({file.name, file.ciphertext.size()});
  return description;
}

}  // namespace

std::string_view name(Format format) noexcept {
  return format == Format::sealift_esm_v1 ? esm::kCompatible : ibm_esm::kCompatible;
}

Result<Format> format_of(ByteView operand) {
  const auto root = fdt::parse(operand);
  if (!root)
    return fail(ErrorCode::operand_malformed, "the operand: " + root.error().message, root.error().field);
  const auto* compatible = root->property("compatible");
  for (const auto format : {Format::sealift_esm_v1, Format::ibm_esm}) {
    const auto expected = std::string{name(format)} + '\0';
    if (compatible != nullptr && as_text(*compatible) == expected) return format;
  }
  return fail(ErrorCode::unsupported, "a device tree, but neither a sealift,esm-v1 nor an ibm,esm operand",
              "compatible");
}

Result<Description> describe(ByteView operand) {
  SEALIFT_TRY(const auto format, format_of(operand));
  return format == Format::sealift_esm_v1 ? describe_sealift(operand) : describe_ibm(operand);
}

}  // namespace sealift::formats
