// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/ovmf.h"

#include <fmt/core.h>

#include "tee/sev/guid.h"
#include "tee/sev/launch_digest.h"

namespace sealift::sev {
namespace {

constexpr std::size_t kAfterTable = 32;  // between the footer's GUID and the end of the flash
constexpr std::size_t kHeadSize = 2 + Guid::kSize;
constexpr std::string_view kFooterGuid = "96b582de-1fb2-45f7-baea-a366c55a082d";
constexpr std::string_view kSecretGuid = "4c2eb361-7d9b-4cc3-8081-127c90d3d294";
constexpr std::string_view kHashTableGuid = "7255371f-3a3b-4b04-927b-1da6efa8d454";
constexpr std::string_view kResetGuid = "00f771de-1a7e-4fcb-890e-68c77e2fb44e";
constexpr std::string_view kMetadataGuid = "dc886566-984a-4798-a75e-5585a7bf67cc";

tl::unexpected<Error> bad_footer(ErrorCode code, std::string message) {
  return fail(code, std::move(message), "firmware.footer");
}

/// The last entry of `table` and what is before it.
struct Last {
  Guid guid;
  ByteView data;
  ByteView before;
};

Result<Last> last_entry(ByteView table) {
  if (table.size() < kHeadSize) {
    return bad_footer(ErrorCode::malformed, "the firmware's footer table has bytes that are no entry");
  }
  ByteReader head{table.last(kHeadSize)};
  const std::size_t length = head.le16().value();
  if (length < kHeadSize || length > table.size()) {
    return bad_footer(ErrorCode::malformed,
                      fmt::format("an entry of the firmware's footer table says that it has {} bytes, of {}",
                                  length, table.size()));
  }
  return Last{Guid{head.rest()}, table.last(length).first(length - kHeadSize),
              table.first(table.size() - length)};
}

Status read_area(std::optional<GuestArea>& into, ByteView data, std::string_view what) {
  if (into) return bad_footer(ErrorCode::malformed, fmt::format("the firmware gives its {} twice", what));
  if (data.size() != 8) {
    return bad_footer(ErrorCode::malformed,
                      fmt::format("the firmware's {} has {} bytes, not 8", what, data.size()));
  }
  ByteReader reader{data};
  SEALIFT_TRY(const auto base, reader.le32());
  SEALIFT_TRY(const auto size, reader.le32());
  into = GuestArea{base, size};
  return {};
}

Status read_entry(OvmfFooter& footer, const Last& entry) {
  const auto guid = entry.guid.text();
  if (guid == kSecretGuid) return read_area(footer.secret_area, entry.data, "secret area");
  if (guid == kHashTableGuid) return read_area(footer.hash_table_area, entry.data, "hash table area");
  if (guid == kResetGuid) {
    if (footer.reset_address || entry.data.size() != 4) {
      return bad_footer(ErrorCode::malformed, "the firmware's reset address is not one number of 4 bytes");
    }
    SEALIFT_TRY(footer.reset_address, ByteReader{entry.data}.le32());
  }
  if (guid == kMetadataGuid) footer.has_sev_metadata = true;
  return {};
}

void drop_unusable(std::optional<GuestArea>& area) {
  if (area && (area->base == 0 || area->size == 0)) area.reset();
}

}  // namespace

Result<OvmfFooter> OvmfFooter::parse(ByteView firmware) {
  constexpr std::size_t kLeast = kAfterTable + kHeadSize;
  const auto is_footer = [](ByteView guid) { return Guid{guid}.text() == kFooterGuid; };
  if (firmware.size() < kLeast ||
      !is_footer(firmware.subspan(firmware.size() - kAfterTable - Guid::kSize, Guid::kSize))) {
    return bad_footer(ErrorCode::sev_firmware_unsuitable,
                      "the firmware has no OVMF footer: is it a whole OVMF.fd, code and variables?");
  }
  const auto body = firmware.first(firmware.size() - kAfterTable);
  const std::size_t length = ByteReader{body.last(kHeadSize)}.le16().value();
  if (length < kHeadSize)
    return bad_footer(ErrorCode::malformed, "the firmware's footer table has no length");
  if (length > body.size()) {
    return bad_footer(ErrorCode::truncated, "the firmware's footer table is larger than the firmware");
  }
  OvmfFooter footer;
  for (auto table = body.last(length).first(length - kHeadSize); !table.empty();) {
    SEALIFT_TRY(const auto entry, last_entry(table));
    SEALIFT_CHECK(read_entry(footer, entry));
    table = entry.before;
  }
  drop_unusable(footer.secret_area);
  drop_unusable(footer.hash_table_area);
  return footer;
}

Result<GuestArea> OvmfFooter::need_secret_area() const {
  if (secret_area) return *secret_area;
  return fail(ErrorCode::sev_firmware_unsuitable,
              "this OVMF reserves no area for secrets to be injected into", "firmware.secret_area");
}

Result<GuestArea> OvmfFooter::need_hash_table_area() const {
  if (hash_table_area && hash_table_area->size >= kHashTableSize) return *hash_table_area;
  return fail(ErrorCode::sev_firmware_unsuitable,
              "this OVMF has no room for the hashes of kernel, initrd and command line, so it verifies none",
              "firmware.hash_table_area");
}

Result<std::uint32_t> OvmfFooter::need_reset_address() const {
  if (reset_address) return *reset_address;
  return fail(ErrorCode::sev_firmware_unsuitable, "this OVMF does not say where its vCPUs start under SEV-ES",
              "firmware.reset_address");
}

}  // namespace sealift::sev
