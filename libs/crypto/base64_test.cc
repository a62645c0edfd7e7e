// SPDX-License-Identifier: Apache-2.0
#include "crypto/base64.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::crypto {
namespace {

// RFC 4648, section 10.
TEST(Base64, GivesTheStandardsValues) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    EXPECT_TRUE(same_bytes(*from_base64(encoded), as_bytes(plain)));
  }
}

TEST(Base64, RefusesWhatItWouldNotWrite) {
  for (const auto* bad : {"Zg", "Zg=", "Zh==", "Zm9v\n", " Zm9v", "Zm=v", "====", "=", "Zg==Zg==", "Zm9_"}) {
    EXPECT_THAT(from_base64(bad), FailsWith(ErrorCode::malformed)) << bad;
  }
}

}  // namespace
}  // namespace sealift::crypto
