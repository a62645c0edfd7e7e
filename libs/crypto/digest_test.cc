// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"

namespace sealift::crypto {
namespace {

// FIPS 180-2, appendices: the message "abc".
TEST(DigestTest, GivesTheStandardsValuesForAbc) {
  const auto hex = [](HashAlgorithm algorithm) { return to_hex(digest(algorithm, as_bytes("abc")).view()); };
  EXPECT_EQ(hex(HashAlgorithm::sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(HashAlgorithm::sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(
      hex(HashAlgorithm::sha384),
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(hex(HashAlgorithm::sha512),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(DigestTest, IsTheSameHoweverTheBytesArrive) {
  Hasher hasher{HashAlgorithm::sha256};
  const auto first = hasher.update(as_bytes("a")).update(as_bytes("bc")).finish();
  EXPECT_EQ(first, digest(HashAlgorithm::sha256, {as_bytes("ab"), as_bytes("c")}));
  EXPECT_EQ(hasher.update(as_bytes("abc")).finish(), first) << "a finished hasher starts anew";
}

TEST(DigestTest, OfAFileCoversItFromTheOffsetOn) {
  const auto directory = TemporaryDirectory::create().value();
  const auto path = directory.path() / "file";
  ASSERT_THAT(write_file(path, as_bytes("xyzabc")), Succeeds());
  const auto fd = open_file(path, O_RDONLY).value();
  EXPECT_EQ(*digest_file(HashAlgorithm::sha256, fd.get(), 3), digest(HashAlgorithm::sha256, as_bytes("abc")));
}

// RFC 4231, test cases 2 and 6 (a key longer than the block).
TEST(HmacTest, GivesTheStandardsValues) {
  EXPECT_EQ(to_hex(hmac(HashAlgorithm::sha256, as_bytes("Jefe"),
                        {as_bytes("what do ya want "), as_bytes("for nothing?")})
                       .view()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac(HashAlgorithm::sha512, Bytes(131, 0xaa),
                        {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})
                       .view()),
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
            "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
}

TEST(HashNames, AreReadBack) {
  for (const auto algorithm :
       {HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
    EXPECT_EQ(*hash_from_name(name(algorithm)), algorithm);
    EXPECT_EQ(digest(algorithm, Bytes{}).size(), digest_size(algorithm));
  }
  EXPECT_THAT(hash_from_name("md5"), FailsWith(ErrorCode::unsupported));
}

TEST(Hasher, ForksIntoTwoThatGoTheirOwnWays) {
  Hasher one{HashAlgorithm::sha256};
  one.update(as_bytes("a"));
  auto other = one.fork();
  one.update(as_bytes("b"));
  other.update(as_bytes("c"));
  EXPECT_EQ(one.finish(), digest(HashAlgorithm::sha256, as_bytes("ab")));
  EXPECT_EQ(other.finish(), digest(HashAlgorithm::sha256, as_bytes("ac")));
}

}  // namespace
}  // namespace sealift::crypto
