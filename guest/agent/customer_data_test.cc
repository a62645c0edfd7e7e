// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/customer_data.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::guest {
namespace {

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }

std::vector<CustomerData> two_entries() {
  std::vector<CustomerData> entries;
  entries.push_back({std::string{kRootPassphraseName}, secret("correct horse")});
  entries.push_back({"tls.key", secret("")});
  return entries;
}

Bytes encoded(std::span<const CustomerData> entries) {
  const auto message = encode_customer_data(entries).value();
  return to_bytes(message.expose());
}

TEST(CustomerData, ComesOutAsItWentIn) {
  const auto decoded = decode_customer_data(encoded(two_entries()));
  ASSERT_THAT(decoded, Succeeds());
  ASSERT_EQ(decoded->size(), 2U);
  EXPECT_EQ((*decoded)[0].name, kRootPassphraseName);
  EXPECT_TRUE((*decoded)[0].value.equals(as_bytes("correct horse")));
  EXPECT_EQ((*decoded)[1].name, "tls.key");
  EXPECT_TRUE((*decoded)[1].value.empty());
}

TEST(CustomerData, IsTheDocumentedBytesOnTheWire) {
  std::vector<CustomerData> entries;
  entries.push_back({"ab", secret("xyz")});
  EXPECT_EQ(to_hex(encoded(entries)),
            "534c43440001"
            "0001"
            "0000000b"
            "0002"
            "6162"
            "00000003"
            "78797a");
}

std::string guid_text(const Guid& guid) { return to_hex(guid); }

TEST(LaunchSecrets, AreTheDisksKeyAndOneMessageOfTheRest) {
  const auto secrets = launch_secrets(two_entries());
  ASSERT_THAT(secrets, Succeeds());
  ASSERT_EQ(secrets->size(), 2U);
  EXPECT_EQ(guid_text((*secrets)[0].guid), guid_text(kDiskKeyGuid));
  EXPECT_TRUE((*secrets)[0].value.equals(as_bytes("correct horse")));
  EXPECT_EQ(guid_text((*secrets)[1].guid), guid_text(kCustomerDataGuid));
  const auto rest = decode_customer_data((*secrets)[1].value.expose());
  ASSERT_THAT(rest, Succeeds());
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ(rest->front().name, "tls.key");
}

TEST(LaunchSecrets, NeedADisksKeyAndFitIntoTheFirmwaresMemory) {
  std::vector<CustomerData> entries;
  EXPECT_THAT(launch_secrets(entries), FailsAt(ErrorCode::invalid_argument, kRootPassphraseName));
  entries.push_back({std::string{kRootPassphraseName}, SecretBytes{kSecretAreaSize - 2 * kSecretHeadSize}});
  EXPECT_THAT(launch_secrets(entries), Succeeds());
  entries.front().value = SecretBytes{kSecretAreaSize - 2 * kSecretHeadSize + 1};
  EXPECT_THAT(launch_secrets(entries), FailsAt(ErrorCode::too_large, "customer-data"));
}

TEST(CustomerData, MayBeEmpty) { EXPECT_THAT(decode_customer_data(encoded({})), Succeeds()); }

TEST(CustomerData, TakesAsMuchAsTheLimitsSay) {
  std::vector<CustomerData> entries;
  for (std::size_t i = 0; i < kMaxEntries; ++i)
    entries.push_back(
        {std::string(kMaxNameSize - 2, 'n') + std::to_string(10 + i), SecretBytes{kMaxEntrySize}});
  const auto message = encoded(entries);
  EXPECT_EQ(message.size(), kMessageHeaderSize + kMaxBodySize);
  EXPECT_THAT(decode_customer_data(message), Succeeds());
}

TEST(CustomerData, RefusesMoreThanTheLimits) {
  std::vector<CustomerData> entries;
  entries.push_back({"big", SecretBytes{kMaxEntrySize + 1}});
  EXPECT_THAT(encode_customer_data(entries), FailsAt(ErrorCode::too_large, "big"));
  entries.clear();
  for (std::size_t i = 0; i <= kMaxEntries; ++i) entries.push_back({std::to_string(i), secret("x")});
  EXPECT_THAT(encode_customer_data(entries), FailsWith(ErrorCode::too_large));
}

TEST(CustomerData, RefusesNamesThatAreNoPlainFileNames) {
  for (const std::string& bad :
       {std::string{}, std::string{"../x"}, std::string{"a/b"}, std::string{"."}, std::string{"-rf"},
        std::string{"+x"}, std::string{",x"}, std::string("a\0b", 3), std::string{"ä"}, std::string{"a b"},
        std::string(kMaxNameSize + 1, 'n')}) {
    std::vector<CustomerData> entries;
    entries.push_back({bad, secret("x")});
    EXPECT_THAT(encode_customer_data(entries), FailsAt(ErrorCode::invalid_argument, bad));
  }
}

TEST(CustomerData, HaveEveryNameThatSvmToolsGiveAnAttachment) {
  std::vector<CustomerData> entries;
  entries.push_back({"a,b._+-9", secret("x")});
  EXPECT_EQ(decode_customer_data(encoded(entries)).value().front().name, "a,b._+-9");
}

TEST(CustomerData, RefusesANameThatComesTwice) {
  std::vector<CustomerData> entries;
  entries.push_back({"same", secret("1")});
  entries.push_back({"same", secret("2")});
  EXPECT_THAT(encode_customer_data(entries), FailsAt(ErrorCode::invalid_argument, "same"));
  entries[1].name = "sane";
  auto message = encoded(entries);
  message[message.size() - 7] = 'm';  // "sane" becomes "same" on the wire
  EXPECT_THAT(decode_customer_data(message), FailsAt(ErrorCode::malformed, "same"));
}

TEST(CustomerData, RefusesEveryTruncation) {
  const auto message = encoded(two_entries());
  for (std::size_t size = 0; size < message.size(); ++size)
    EXPECT_FALSE(decode_customer_data(ByteView{message}.first(size)).has_value()) << size;
}

TEST(CustomerData, RefusesTrailingBytes) {
  auto message = encoded(two_entries());
  message.push_back(0);
  EXPECT_THAT(decode_customer_data(message), FailsWith(ErrorCode::malformed));
}

TEST(CustomerData, NeverTakesAFlippedBitForTheSameMessage) {
  const auto original = encoded(two_entries());
  for (std::size_t bit = 0; bit < original.size() * 8; ++bit) {
    auto message = original;
    message[bit / 8] = static_cast<std::uint8_t>(message[bit / 8] ^ (1U << (bit % 8)));
    const auto decoded = decode_customer_data(message);
    if (decoded) {
      EXPECT_EQ(encoded(*decoded), message) << "bit " << bit;
    }
  }
}

}  // namespace
}  // namespace sealift::guest
