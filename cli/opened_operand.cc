// SPDX-License-Identifier: Apache-2.0
#include "cli/opened_operand.h"

#include "cli/inputs.h"
#include "formats/esm/verify.h"
#include "formats/ibm_esm/opened.h"

namespace sealift::cli {

Result<esm::IntegrityInformation> open_integrity(ByteView operand, formats::Format format,
                                                 const OperandKey& key) {
  if (format == formats::Format::sealift_esm_v1) {
    if (key.seed.empty() || !key.key.empty()) {
      return fail(ErrorCode::invalid_argument, "a sealift,esm-v1 operand opens with --seed", "--seed");
    }
    SEALIFT_TRY(const auto seed, read_seed(key.seed));
    SEALIFT_TRY(const auto parsed, esm::Operand::parse(operand));
    SEALIFT_TRY(const auto verified, esm::VerifiedOperand::verify(parsed, seed));
    return verified.integrity();
  }
  if (key.key.empty() || !key.seed.empty()) {
    return fail(ErrorCode::invalid_argument, "an ibm,esm operand opens with --key", "--key");
  }
  SEALIFT_TRY(const auto private_key, read_private_key(key.key));
  SEALIFT_TRY(auto blob, ibm_esm::parse(operand));
  SEALIFT_TRY(const auto opened, ibm_esm::OpenedBlob::open(std::move(blob), private_key));
  return opened.integrity();
}

}  // namespace sealift::cli
