// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/insertion.h"

#include <algorithm>

namespace sealift::esm {

Result<Operand> operand_of(const cpio::Head& head) { return Operand::parse(head.operand()); }

Result<Bytes> replace_operand(const cpio::Head& head, const Operand& operand) {
  SEALIFT_TRY(const auto present, operand_of(head));
  if (present.image_id() != operand.image_id() || present.hmac() != operand.hmac() ||
      present.payload() != operand.payload() || present.total_size() != operand.total_size()) {
    return fail(ErrorCode::invalid_argument,
                "the operand to insert is not this image's: only targets may change");
  }
  auto bytes = head.bytes;
  std::ranges::copy(operand.serialise(), bytes.begin() + static_cast<std::ptrdiff_t>(head.place.offset));
  return bytes;
}

Result<Bytes> insert_targets(const cpio::Head& head, std::span<const Target> targets) {
  SEALIFT_TRY(auto operand, operand_of(head));
  for (const auto& target : targets) SEALIFT_CHECK(operand.put_target(target));
  return replace_operand(head, operand);
}

Result<Bytes> head_for_many(const cpio::Head& head, std::vector<Target> targets) {
  SEALIFT_TRY(auto operand, operand_of(head));
  SEALIFT_CHECK(operand.put_targets(std::move(targets)));
  return cpio::make_head(operand.serialise());
}

}  // namespace sealift::esm
