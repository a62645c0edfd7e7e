// SPDX-License-Identifier: Apache-2.0
/// What cryptsetup itself says about our disks, and what it decrypts from them.
#include "guest/image/luks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"
#include "crypto/random.h"
#include "guest/agent/root_disk.h"
#include "guest/image/samples_for_test.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCryptsetup = "/sbin/cryptsetup";

class Luks : public testing::Test {
 protected:
  void SetUp() override {
    plaintext_.resize((1 << 20) + 8192);
    crypto::fill_random(plaintext_);
    put(path("plain"), plaintext_);
  }
  fs::path path(const std::string& name) const { return directory_.path() / name; }

  Result<LuksDisk> write(std::uint32_t block_size = 4096) {
    SEALIFT_TRY(const auto plain, open_file(path("plain"), O_RDONLY));
    put(path("passphrase"), passphrase_.expose());
    return write_luks_disk(plain.get(), plaintext_.size(), block_size, passphrase_.expose(), path("disk"),
                           quiet_.job());
  }
  Result<Output> cryptsetup(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {kCryptsetup, "--disable-locks", "--batch-mode"});
    return run({.argv = std::move(arguments), .environment = {}, .fds = {}});
  }

  QuietJob quiet_;
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  Bytes plaintext_;
  SecretBytes passphrase_ = make_passphrase();
};

TEST_F(Luks, IsWhatCryptsetupExpects) {
  const auto disk = write();
  ASSERT_THAT(disk, Succeeds());
  const auto dump = cryptsetup({"luksDump", path("disk")});
  ASSERT_THAT(dump, Succeeds());
  for (const std::string expected : {"Version:       \t2", "cipher: aes-xts-plain64", "sector: 4096 [bytes]",
                                     "Cipher key: 512 bits", "offset: 16777216 [bytes]"})
    EXPECT_NE(dump->out.find(expected), std::string::npos) << dump->out;
  EXPECT_NE(dump->out.find(disk->uuid), std::string::npos);
  const auto opened =
      cryptsetup({"open", "--test-passphrase", "--key-file", path("passphrase"), path("disk")});
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(opened->exit_status, 0) << opened->err;
  put(path("passphrase"), as_bytes("wrong"));
  EXPECT_NE(
      cryptsetup({"open", "--test-passphrase", "--key-file", path("passphrase"), path("disk")})->exit_status,
      0);
}

TEST_F(Luks, IsDecryptedByCryptsetupToWhatItWasMadeFrom) {
  for (const std::uint32_t block_size : {4096U, 1024U}) {
    fs::remove(path("disk"));
    fs::remove(path("header"));
    ASSERT_THAT(write(block_size), Succeeds());
    const auto decrypted = cryptsetup({"reencrypt", "--decrypt", "--force-offline-reencrypt", "--header",
                                       path("header"), "--key-file", path("passphrase"), path("disk")});
    ASSERT_THAT(decrypted, Succeeds());
    ASSERT_EQ(decrypted->exit_status, 0) << decrypted->err;
    const auto content = text_of(path("disk"));
    ASSERT_GE(content.size(), plaintext_.size());
    EXPECT_EQ(content.substr(0, plaintext_.size()), as_text(plaintext_)) << "block size " << block_size;
  }
}

TEST_F(Luks, OpensWithItsHeaderAlone) {
  const auto disk = write();
  ASSERT_THAT(disk, Succeeds());
  put(path("header"), disk->header);
  fs::resize_file(path("header"), guest::kLuksHeaderSize);
  const auto opened = cryptsetup({"open", "--test-passphrase", "--header", path("header"), "--key-file",
                                  path("passphrase"), path("disk")});
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(opened->exit_status, 0) << opened->err;
}

TEST_F(Luks, GivesTheDigestOfTheWholeDisk) {
  const auto disk = write();
  ASSERT_THAT(disk, Succeeds());
  EXPECT_EQ(disk->size, fs::file_size(path("disk")));
  const auto content = text_of(path("disk"));
  EXPECT_EQ(disk->sha512, crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(content)));
}

TEST_F(Luks, EncryptsWhatLiesBehindTheEndOfTheSourceAndHolesToo) {
  fs::resize_file(path("plain"), 4096);
  ASSERT_THAT(write(), Succeeds());
  const auto content = text_of(path("disk"));
  EXPECT_EQ(content.find(std::string(4096, '\0'), guest::kLuksHeaderSize), std::string::npos);
}

TEST_F(Luks, NeedsNoRootRights) {
  if (getuid() != 0) GTEST_SKIP() << "every other test here has shown it";
  fs::permissions(directory_.path(), fs::perms::all);
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    const bool dropped = setgid(kNobody) == 0 && setuid(kNobody) == 0;
    _exit(dropped && write().has_value() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(Luks, StopsWhenCancelled) {
  quiet_.cancelled() = true;
  EXPECT_THAT(write(), FailsWith(ErrorCode::canceled));
}

TEST_F(Luks, NeverWritesOverAFile) {
  put(path("disk"), as_bytes("somebody's"));
  EXPECT_THAT(write(), FailsWith(ErrorCode::already_exists));
  EXPECT_EQ(text_of(path("disk")), "somebody's");
}

TEST(Passphrase, Is256RandomBitsInHexadecimal) {
  const auto one = make_passphrase();
  const auto two = make_passphrase();
  EXPECT_EQ(one.size(), 64U);
  EXPECT_EQ(as_text(one.expose()).find_first_not_of("0123456789abcdef"), std::string_view::npos);
  EXPECT_FALSE(one.equals(two.expose()));
}

}  // namespace
}  // namespace sealift::image
