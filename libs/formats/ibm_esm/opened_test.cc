// SPDX-License-Identifier: Apache-2.0
#include "formats/ibm_esm/opened.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "crypto/cipher.h"
#include "formats/esm/samples_for_test.h"
#include "formats/ibm_esm/foreign_blob_for_test.h"
#include "formats/ibm_esm/samples_for_test.h"
#include "formats/tool_for_test.h"

namespace sealift::ibm_esm {
namespace {

using samples::key;
using samples::recipient;

esm::IntegrityInformation pef_integrity() {
  auto information = esm::samples::integrity();
  information.rtas = crypto::digest(crypto::HashAlgorithm::sha512, esm::slof_rtas());
  information.kernel_size = 1234;
  return information;
}

OpenedBlob complete() {
  auto opened = OpenedBlob::make(recipient(0, "the origin")).value();
  EXPECT_THAT(opened.set_integrity(pef_integrity(), "digests"), Succeeds());
  EXPECT_THAT(opened.attach("rootfs-key", as_bytes("passphrase"), "for the root disk"), Succeeds());
  return opened;
}

Result<OpenedBlob> reopened(const OpenedBlob& opened, const crypto::PrivateKey& with) {
  SEALIFT_TRY(const auto bytes, opened.serialise());
  SEALIFT_TRY(auto blob, parse(bytes));
  return OpenedBlob::open(std::move(blob), with);
}

TEST(OpenedBlob, GivesDigestsAndAttachmentsToTheOrigin) {
  const auto opened = reopened(complete(), key(0));
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(opened->integrity().value(), pef_integrity());
  EXPECT_TRUE(opened->file("rootfs-key").value().equals(as_bytes("passphrase")));
  EXPECT_THAT(opened->file("other"), FailsWith(ErrorCode::not_found));
}

TEST(OpenedBlob, OpensForARecipientOnceAuthorised) {
  auto opened = complete();
  EXPECT_THAT(reopened(opened, key(1)), FailsWith(ErrorCode::no_lockbox_for_key));
  ASSERT_THAT(opened.authorise(recipient(1, "a host")), Succeeds());
  const auto by_host = reopened(opened, key(1));
  ASSERT_THAT(by_host, Succeeds());
  EXPECT_EQ(by_host->integrity().value(), pef_integrity());
}

TEST(OpenedBlob, NumbersNewLockboxesUpwardsAndWritesTheNewestFirst) {
  auto opened = complete();
  ASSERT_THAT(opened.authorise(recipient(1)), Succeeds());
  auto again = reopened(opened, key(0)).value();
  const auto third = crypto::PrivateKey::generate_rsa(2048).value();
  ASSERT_THAT(again.authorise(Recipient::from_pem(as_bytes(third.public_key().pem())).value()), Succeeds());
  std::vector<std::string> names;
  for (const auto& lockbox : again.blob().lockboxes) names.push_back(lockbox.name);
  EXPECT_EQ(names, (std::vector<std::string>{"lockbox-2", "lockbox-1", "origin-lockbox"}));
}

TEST(OpenedBlob, AuthorisesNobodyTwice) {
  auto opened = complete();
  EXPECT_THAT(opened.authorise(recipient(0)), FailsWith(ErrorCode::already_exists));
  ASSERT_THAT(opened.authorise(recipient(1)), Succeeds());
  EXPECT_THAT(opened.authorise(recipient(1)), FailsWith(ErrorCode::already_exists));
  EXPECT_THAT(reopened(opened, key(0)).value().authorise(recipient(1)), FailsWith(ErrorCode::already_exists));
}

TEST(OpenedBlob, AttachesEachNameOnce) {
  auto opened = complete();
  EXPECT_THAT(opened.attach("rootfs-key", {}), FailsWith(ErrorCode::already_exists));
  EXPECT_THAT(opened.attach("second", as_bytes("2")), Succeeds());
  for (const auto& name : {std::string{}, std::string{"1st"}, std::string{"a/b"}, std::string(32, 'a')}) {
    EXPECT_THAT(opened.attach(name, {}), FailsWith(ErrorCode::invalid_argument)) << name;
  }
  EXPECT_EQ(reopened(opened, key(0))->file("second")->size(), 1U);
}

TEST(OpenedBlob, DetectsEditedCiphertexts) {
  auto blob = complete().blob();
  blob.digests->ciphertext[10] ^= 1;
  blob.files[0].mac[0] ^= 1;
  const auto opened = OpenedBlob::open(std::move(blob), key(0));
  ASSERT_THAT(opened, Succeeds());
  EXPECT_THAT(opened->integrity(), FailsAt(ErrorCode::authentication_failed, "digests-fdt"));
  EXPECT_THAT(opened->file("rootfs-key"), FailsAt(ErrorCode::authentication_failed, "rootfs-key"));
}

TEST(OpenedBlob, DetectsAnEditedLockbox) {
  auto blob = complete().blob();
  blob.lockboxes[0].encrypted_key[100] ^= 1;
  EXPECT_THAT(OpenedBlob::open(std::move(blob), key(0)), FailsWith(ErrorCode::decryption_failed));
}

TEST(OpenedBlob, SaysThatABlobHoldsNoDigests) {
  const auto opened = OpenedBlob::make(recipient()).value();
  EXPECT_THAT(opened.integrity(), FailsWith(ErrorCode::operand_malformed));
}

TEST(OpenedBlob, KeepsTheOtherBytesWhenARecipientIsAdded) {
  auto opened = complete();
  const auto before = opened.blob();
  ASSERT_THAT(opened.authorise(recipient(1)), Succeeds());
  auto after = opened.blob();
  after.lockboxes.erase(after.lockboxes.begin());
  EXPECT_EQ(after, before);
}

TEST(OpenedBlob, ReadsABlobThatOtherProgramsMade) {
  auto blob = parse(from_hex(samples::kForeignBlob).value());
  ASSERT_THAT(blob, Succeeds());
  ASSERT_EQ(blob->lockboxes.size(), 2U);
  EXPECT_EQ(blob->lockboxes[0].name, "lockbox-1");
  EXPECT_EQ(blob->lockboxes[1].comment, "origin");
  const auto host = crypto::PrivateKey::parse(from_hex(samples::kForeignKey).value());
  ASSERT_THAT(host, Succeeds());
  const auto opened = OpenedBlob::open(std::move(*blob), *host);
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(opened->integrity().value(), pef_integrity());
  EXPECT_TRUE(opened->file("rootd").value().equals(as_bytes("passphrase\n")));
}

TEST(Recipient, IsNamedByTheHashOfThePemFileAsItIs) {
  const auto pem = key().public_key().pem();
  ASSERT_EQ(pem.back(), '\n');
  const auto expected = crypto::digest(crypto::HashAlgorithm::sha256, as_bytes(pem));
  EXPECT_EQ(to_bytes(recipient().fingerprint()), to_bytes(expected.view()));
  const auto unterminated = Recipient::from_pem(as_bytes(pem).first(pem.size() - 1)).value();
  EXPECT_NE(unterminated.fingerprint(), recipient().fingerprint());
  EXPECT_THAT(reopened(OpenedBlob::make(unterminated).value(), key()), Succeeds());
}

TEST(Recipient, HasAnRsaPublicKey) {
  const auto ec = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
  EXPECT_THAT(Recipient::from_pem(as_bytes(ec.public_key().pem())), FailsWith(ErrorCode::key_unsupported));
  const auto weak = crypto::PrivateKey::generate_rsa(1024).value();
  EXPECT_THAT(Recipient::from_pem(as_bytes(weak.public_key().pem())), FailsWith(ErrorCode::key_unsupported));
  const auto secret = key().pem();
  EXPECT_FALSE(Recipient::from_pem(secret.expose()).has_value());
  EXPECT_THAT(Recipient::from_pem(as_bytes(key().public_key().pem()), "two\nlines"),
              FailsAt(ErrorCode::invalid_argument, "comment"));
}

TEST(Lockbox, IsOpenedByTheOpensslTool) {
  const auto directory = TemporaryDirectory::create().value();
  const auto key_file = directory.path() / "key.pem";
  const auto secret = key().pem();
  ASSERT_THAT(write_file(key_file, secret.expose(), 0600), Succeeds());
  const auto blob = complete().blob();
  const auto opened = formats::tool({"openssl", "pkeyutl", "-decrypt", "-inkey", key_file.string(),
                                     "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"},
                                    blob.lockboxes[0].encrypted_key);
  SEALIFT_SKIP_WITHOUT_TOOL(opened);
  ASSERT_THAT(opened, Succeeds());
  ASSERT_EQ(opened->out.size(), 32U);
  const auto& digests = *blob.digests;
  const auto plaintext =
      crypto::gcm_decrypt(as_bytes(opened->out), digests.iv, {}, digests.ciphertext, digests.mac);
  ASSERT_THAT(plaintext, Succeeds());
  EXPECT_EQ(esm::parse_integrity(plaintext->expose(), "ibm,esm").value(), pef_integrity());
}

}  // namespace
}  // namespace sealift::ibm_esm
