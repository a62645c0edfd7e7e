// SPDX-License-Identifier: Apache-2.0
#include "objects/object_key.h"

#include "base/matchers.h"

namespace sealift::objects {
namespace {

const std::string kHex(128, 'a');

TEST(ObjectKey, IsTheContentsDigest) {
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha512, as_bytes("abc"));
  const auto key = ObjectKey::content(digest);
  EXPECT_EQ(key.text(), "sha512/" + to_hex(digest.view()));
  EXPECT_EQ(key.digest(), digest);
  EXPECT_EQ(ObjectKey::parse(key.text()).value(), key);
}

TEST(ObjectKey, OrALaunchsHead) {
  for (const auto* const id : {"0", "launch-7", "0192f0c1-2345-7890-abcd-ef0123456789"}) {
    const auto key = ObjectKey::head(id);
    ASSERT_THAT(key, Succeeds());
    EXPECT_EQ(key->text(), std::string{"heads/"} + id);
    EXPECT_EQ(key->digest(), std::nullopt);
    EXPECT_EQ(ObjectKey::parse(key->text()).value(), *key);
  }
}

TEST(ObjectKey, IsNothingElse) {
  for (const std::string& text : {
           std::string{},
           std::string{"heads/"},
           std::string{"heads/-a"},
           std::string{"heads/A"},
           std::string{"heads/.."},
           std::string{"heads/a.b"},
           std::string{"heads/a/b"},
           std::string{"heads/a\0b", 9},
           std::string{"heads/a\n"},
           "heads/" + std::string(65, 'a'),
           std::string{"/heads/a"},
           std::string{"uploads/a"},
           std::string{"sha512/"},
           "sha512/" + kHex.substr(1),
           "sha512/" + kHex + "a",
           "sha512/" + kHex.substr(1) + "A",
           "sha512/" + kHex.substr(1) + "/",
           "sha256/" + kHex,
       }) {
    EXPECT_THAT(ObjectKey::parse(text), FailsWith(ErrorCode::invalid_argument)) << text;
  }
}

}  // namespace
}  // namespace sealift::objects
