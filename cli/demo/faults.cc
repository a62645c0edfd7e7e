// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/faults.h"

#include <fcntl.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>

#include "base/file.h"
#include "formats/cpio/head.h"
#include "formats/esm/insertion.h"
#include "tpm/evidence.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kMaxComponent = 256U << 20U;

Result<cpio::OperandPlace> place_of_operand(const Bytes& initramfs) {
  return cpio::find_operand(ByteView{initramfs}.first(std::min(initramfs.size(), cpio::kMaxHeadSize)));
}

Status put_software_rsa_key(TPMT_PUBLIC& area) {
  SEALIFT_TRY(const auto key, crypto::PrivateKey::generate_rsa(2048));
  SEALIFT_TRY(const auto numbers, key.public_key().rsa());
  area.unique.rsa.size = static_cast<UINT16>(numbers.modulus.size());
  std::ranges::copy(numbers.modulus, area.unique.rsa.buffer);
  return {};
}

Status put_software_ec_key(TPMT_PUBLIC& area) {
  SEALIFT_TRY(const auto key, crypto::PrivateKey::generate_ec(crypto::Curve::p256));
  SEALIFT_TRY(const auto point, key.public_key().ec());
  std::ranges::copy(point.x, area.unique.ecc.x.buffer);
  std::ranges::copy(point.y, area.unique.ecc.y.buffer);
  return {};
}

}  // namespace

Status copy_with_flipped_bit(const std::filesystem::path& from, const std::filesystem::path& to,
                             std::int64_t offset) {
  SEALIFT_TRY(auto bytes, read_file(from, kMaxComponent));
  const auto at =
      offset < 0 ? bytes.size() - static_cast<std::size_t>(-offset) : static_cast<std::size_t>(offset);
  bytes.at(at) ^= 1;
  return write_file(to, bytes);
}

Status copy_with_edited_customer_data(const std::filesystem::path& from, const std::filesystem::path& to) {
  SEALIFT_TRY(auto bytes, read_file(from, kMaxComponent));
  SEALIFT_TRY(const auto place, place_of_operand(bytes));
  SEALIFT_TRY(const auto operand, esm::Operand::parse(ByteView{bytes}.subspan(place.offset, place.size)));
  const auto& ciphertext = operand.payload().at(1).ciphertext;
  const auto found = std::ranges::search(bytes, ciphertext);
  if (found.empty()) return fail(ErrorCode::internal, "the customer data are not where they should be");
  *found.begin() ^= 1;
  return write_file(to, bytes);
}

Status copy_without_operand(const std::filesystem::path& from, const std::filesystem::path& to) {
  SEALIFT_TRY(const auto bytes, read_file(from, kMaxComponent));
  SEALIFT_TRY(const auto place, place_of_operand(bytes));
  return write_file(to, ByteView{bytes}.subspan(place.rest_offset));
}

Status copy_with_software_key(const std::filesystem::path& from, const std::filesystem::path& to) {
  SEALIFT_TRY(const auto bytes, read_file(from, tpm::kEvidenceSizeLimit));
  SEALIFT_TRY(auto evidence, tpm::parse_evidence(bytes));
  auto area = evidence.storage_key.area();
  SEALIFT_CHECK(area.type == TPM2_ALG_RSA ? put_software_rsa_key(area) : put_software_ec_key(area));
  SEALIFT_TRY(evidence.storage_key, tpm::Public::from_template(area));
  return write_file(to, as_bytes(tpm::to_json(evidence)));
}

Result<std::int64_t> place_of_banner(const std::filesystem::path& kernel) {
  SEALIFT_TRY(const auto bytes, read_file(kernel, kMaxComponent));
  const auto place = as_text(bytes).find("Linux version");
  if (place != std::string_view::npos) return static_cast<std::int64_t>(place);
  return fail(ErrorCode::not_found, "the kernel does not say which one it is", "kernel");
}

Status copy_with_altered_rtas(const std::filesystem::path& from, const std::filesystem::path& to) {
  SEALIFT_TRY(auto bytes, read_file(from, kMaxComponent));
  const auto found = std::ranges::search(bytes, esm::slof_rtas());
  if (found.empty()) return fail(ErrorCode::not_found, from.string() + " has no RTAS that is known", "slof");
  found.back() ^= 1;  // blr becomes blrl
  return write_file(to, bytes);
}

}  // namespace sealift::cli
