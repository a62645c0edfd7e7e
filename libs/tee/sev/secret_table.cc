// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/secret_table.h"

#include <fmt/core.h>

#include <algorithm>

namespace sealift::sev {
namespace {

constexpr std::string_view kTableGuid = "1e74f542-71dd-4d66-963e-ef4287ff173b";
constexpr std::size_t kHeadSize = Guid::kSize + 4;
constexpr std::size_t kAlignment = 16;

tl::unexpected<Error> bad_entry(ErrorCode code, std::string message) {
  return fail(code, std::move(message), "entry");
}
tl::unexpected<Error> bad_table(ErrorCode code, std::string message) {
  return fail(code, std::move(message), "secret_table");
}

Status check_entries(const std::vector<SecretEntry>& entries) {
  if (entries.empty()) return bad_entry(ErrorCode::invalid_argument, "there is no secret to inject");
  for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
    if (entry->value.empty()) {
      return bad_entry(ErrorCode::invalid_argument,
                       fmt::format("the secret for {} is empty", entry->guid.text()));
    }
    const auto same = [&](const SecretEntry& other) { return other.guid == entry->guid; };
    if (std::any_of(entry + 1, entries.end(), same)) {
      return bad_entry(ErrorCode::invalid_argument,
                       fmt::format("there are two secrets for {}", entry->guid.text()));
    }
  }
  return {};
}

/// GUID and length in front of what follows.
std::span<std::uint8_t> write_head(std::span<std::uint8_t> out, const Guid& guid, std::size_t length) {
  const auto head = ByteWriter{}.bytes(guid.in_memory()).le32(static_cast<std::uint32_t>(length)).view();
  std::ranges::copy(head, out.begin());
  return out.subspan(kHeadSize);
}

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

Result<SecretBytes> write_secret_table(const std::vector<SecretEntry>& entries) {
  SEALIFT_CHECK(check_entries(entries));
  std::size_t length = kHeadSize;
  for (const auto& entry : entries) {
    if (entry.value.size() > kSecretPacketLimit) length = kSecretPacketLimit + 1;
    length += kHeadSize + entry.value.size();
    if (length > kSecretPacketLimit) {
      return bad_entry(
          ErrorCode::too_large,
          fmt::format("the secrets and their heads take more than {} bytes", kSecretPacketLimit));
    }
  }
  SecretBytes table{(length + kAlignment - 1) / kAlignment * kAlignment};
  auto out = write_head(table.expose_for_writing(), Guid::parse(kTableGuid).value(), length);
  for (const auto& entry : entries) {
    out = write_head(out, entry.guid, kHeadSize + entry.value.size());
    std::ranges::copy(entry.value.expose(), out.begin());
    out = out.subspan(entry.value.size());
  }
  return table;
}

Result<std::vector<SecretEntry>> read_secret_table(ByteView table) {
  if (table.size() < kHeadSize) return bad_table(ErrorCode::truncated, "the secret table has no head");
  ByteReader head{table};
  if (Guid{head.take(Guid::kSize).value()} != Guid::parse(kTableGuid).value()) {
    return bad_table(ErrorCode::malformed, "there is no secret table here");
  }
  const std::size_t length = head.le32().value();
  if (length < kHeadSize) return bad_table(ErrorCode::malformed, "the secret table is shorter than its head");
  if (length > table.size()) return bad_table(ErrorCode::truncated, "the secret table goes past its end");
  if (!all_zero(table.subspan(length))) {
    return bad_table(ErrorCode::malformed, "something follows the secret table");
  }
  std::vector<SecretEntry> entries;
  auto rest = table.subspan(kHeadSize, length - kHeadSize);
  while (!all_zero(rest)) {
    if (rest.size() < kHeadSize) return bad_table(ErrorCode::malformed, "something follows the last secret");
    ByteReader reader{rest};
    const Guid guid{reader.take(Guid::kSize).value()};
    const std::size_t size = reader.le32().value();
    if (size < kHeadSize || size > rest.size()) {
      return bad_table(ErrorCode::malformed, "a secret goes past the secret table's end");
    }
    entries.push_back({guid, SecretBytes::copy_of(rest.subspan(kHeadSize, size - kHeadSize))});
    rest = rest.subspan(size);
  }
  return entries;
}

}  // namespace sealift::sev
