// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/customer_data.h"

#include <algorithm>
#include <set>

namespace sealift::guest {
namespace {

Result<std::size_t> body_size_of(std::span<const CustomerData> entries) {
  if (entries.size() > kMaxEntries)
    return fail(ErrorCode::too_large, "more than 64 entries of customer data");
  std::set<std::string_view> names;
  std::size_t size = 0;
  for (const auto& entry : entries) {
    if (!is_entry_name(entry.name) || !names.insert(entry.name).second)
      return fail(ErrorCode::invalid_argument,
                  "customer data need a name each: letters, digits, '-', '_', '.', ',', '+'", entry.name);
    if (entry.value.size() > kMaxEntrySize)
      return fail(ErrorCode::too_large, "customer data are larger than 64 KiB", entry.name);
    size += 2 + entry.name.size() + 4 + entry.value.size();
  }
  return size;
}

/// Fills a buffer of the right size once, so that no secret is left behind by a growing one.
class Filler {
 public:
  explicit Filler(std::span<std::uint8_t> out) noexcept : out_{out} {}
  void number(std::size_t value, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; ++i) out_[i] = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
    out_ = out_.subspan(size);
  }
  void bytes(ByteView value) noexcept {
    std::ranges::copy(value, out_.begin());
    out_ = out_.subspan(value.size());
  }

 private:
  std::span<std::uint8_t> out_;
};

}  // namespace

Result<SecretBytes> encode_customer_data(std::span<const CustomerData> entries) {
  SEALIFT_TRY(const auto body_size, body_size_of(entries));
  SecretBytes message{kMessageHeaderSize + body_size};
  Filler out{message.expose_for_writing()};
  out.number(kMessageMagic, 4);
  out.number(kMessageVersion, 2);
  out.number(entries.size(), 2);
  out.number(body_size, 4);
  for (const auto& entry : entries) {
    out.number(entry.name.size(), 2);
    out.bytes(as_bytes(entry.name));
    out.number(entry.value.size(), 4);
    out.bytes(entry.value.expose());
  }
  return message;
}

Result<std::vector<CustomerData>> decode_customer_data(ByteView message) {
  if (message.size() < kMessageHeaderSize)
    return fail(ErrorCode::truncated, "the customer data message is shorter than its header");
  WireReader reader;
  if (!reader.read_header(message.first(kMessageHeaderSize)))
    return fail(ErrorCode::malformed, "not a customer data message that this version knows", "header");
  const auto body = message.subspan(kMessageHeaderSize);
  if (body.size() < reader.body_size())
    return fail(ErrorCode::truncated, "the customer data message is shorter than it says");
  if (!reader.begin_body(body)) return fail(ErrorCode::malformed, "bytes follow the customer data message");
  std::vector<CustomerData> entries;
  for (std::size_t i = 0; i < reader.count(); ++i) {
    WireEntry entry;
    if (!reader.next(entry))
      return fail(ErrorCode::malformed, "the customer data message has a bad entry", std::to_string(i + 1));
    const auto same_name = [&](const CustomerData& other) { return other.name == entry.name; };
    if (std::ranges::any_of(entries, same_name))
      return fail(ErrorCode::malformed, "the customer data message has an entry twice",
                  std::string{entry.name});
    entries.push_back({std::string{entry.name}, SecretBytes::copy_of(entry.bytes)});
  }
  if (!reader.finished())
    return fail(ErrorCode::malformed, "the customer data message holds more than it counts");
  return entries;
}

Result<std::vector<LaunchSecret>> launch_secrets(std::span<const CustomerData> entries) {
  std::vector<LaunchSecret> secrets;
  std::vector<CustomerData> others;
  for (const auto& entry : entries) {
    auto value = SecretBytes::copy_of(entry.value.expose());
    if (entry.name == kRootPassphraseName)
      secrets.push_back({kDiskKeyGuid, std::move(value)});
    else
      others.push_back({entry.name, std::move(value)});
  }
  if (secrets.size() != 1 || secrets.front().value.empty())
    return fail(ErrorCode::invalid_argument, "there is no one passphrase for the root disk",
                std::string{kRootPassphraseName});
  SEALIFT_TRY(auto message, encode_customer_data(others));
  if (!others.empty()) secrets.push_back({kCustomerDataGuid, std::move(message)});
  std::size_t size = kSecretHeadSize;
  for (const auto& secret : secrets) size += kSecretHeadSize + secret.value.size();
  if (size > kSecretAreaSize)
    return fail(ErrorCode::too_large,
                "an SEV guest's customer data are more than the 3 KiB that its firmware keeps for them",
                "customer-data");
  return secrets;
}

}  // namespace sealift::guest
