// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/insertion_keys.h"

#include "crypto/x509_issue.h"
#include "services/securitymodule/adapters/softhsm_for_test.h"
#include "tests/certificates/test_pki.h"
#include "tpm/commands.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::securitymodule {
namespace {

crypto::TrustedRoots roots_of(std::vector<crypto::Certificate> roots,
                              std::vector<crypto::Certificate> intermediates = {}) {
  return crypto::TrustedRoots::create(
             {std::move(roots), std::move(intermediates), {}, crypto::CrlPolicy::where_given})
      .value();
}

tee::InsertionTerms terms_for(const InsertionKey::Offer& offer) {
  return {"acme", "image", "method", "id", 2000000000, Bytes(tee::kInsertionNonceSize, 3), offer.key};
}

/// The whole way: offered, proven, sealed by the customer, opened.
Result<SecretBytes> insert(const InsertionKey& key, const tee::InsertionTrust& trust, ByteView payload) {
  SEALIFT_TRY(const auto offer, key.offer());
  const auto terms = terms_for(offer);
  SEALIFT_TRY(const auto proof, key.prove(terms));
  SEALIFT_TRY(const auto sent, tee::insert_into(trust, terms, proof, payload, SystemClock{}.now()));
  SEALIFT_TRY(const auto secrets, key.secrets_of(offer.kept.expose(), sent.sealed));
  SEALIFT_TRY(auto received,
              tee::open_insertion(terms, sent.sealed, secrets.shared, secrets.activation.expose()));
  return std::move(received.payload);
}

class CertifiedInsertionKeys : public testing::Test {
 protected:
  static crypto::Validity today() {
    const auto now = crypto::unix_seconds(SystemClock{}.now());
    return {now - 3600, now + 3600};
  }
  std::filesystem::path certify(const crypto::PublicKey& key) const {
    const auto certificate = authority.sign(tee::insertion_certificate_draft(key, "sm", today())).value();
    EXPECT_THAT(write_file(hsm.path("insertion.pem"), as_bytes(certificate.pem())), Succeeds());
    return hsm.path("insertion.pem");
  }
  std::string file_key() const { return "insecure-file:" + hsm.path("insertion.key").string(); }

  SoftHsmForTest hsm;
  crypto::CertificateAuthority authority =
      crypto::CertificateAuthority::create_root(test_pki::ec_key(), "Acme", today()).value();
  const tee::InsertionTrust trust{roots_of({authority.certificate()}), std::nullopt};
  const Bytes payload = Bytes(200, 0x44);
};

TEST_F(CertifiedInsertionKeys, OpenWhatIsSealedToThem) {
  for (const auto& address : {hsm.uri("insertion"), file_key()}) {
    EXPECT_THAT(insertion_key_to_certify(address, MissingKey::refuse), FailsWith(ErrorCode::not_found));
    const auto made = insertion_key_to_certify(address, MissingKey::make);
    ASSERT_THAT(made, Succeeds());
    EXPECT_EQ(*insertion_key_to_certify(address, MissingKey::make), *made) << "made once";
    const auto key = open_insertion_key({address, certify(*made)});
    ASSERT_THAT(key, Succeeds());
    const auto opened = insert(**key, trust, payload);
    ASSERT_THAT(opened, Succeeds());
    EXPECT_TRUE(opened->equals(payload));
  }
}

TEST_F(CertifiedInsertionKeys, InATokenNeverLeaveIt) {
  ASSERT_THAT(insertion_key_to_certify(hsm.uri("insertion"), MissingKey::make), Succeeds());
  const auto seen = hsm.tool({"--list-objects", "--type", "privkey"}).value().out;
  EXPECT_NE(seen.find("sensitive, always sensitive, never extractable"), std::string::npos) << seen;
  EXPECT_NE(seen.find("derive"), std::string::npos) << seen;
  ASSERT_THAT(hsm.tool({"--keypairgen", "--key-type", "EC:prime256v1", "--label", "open", "--id", "07",
                        "--usage-derive", "--extractable"}),
              Succeeds());
  EXPECT_THAT(insertion_key_to_certify(hsm.uri("open"), MissingKey::refuse),
              FailsAt(ErrorCode::failed_precondition, "insertion-key"));
  ASSERT_THAT(hsm.tool({"--keypairgen", "--key-type", "EC:secp384r1", "--label", "large", "--id", "08",
                        "--usage-derive", "--sensitive"}),
              Succeeds());
  EXPECT_THAT(insertion_key_to_certify(hsm.uri("large"), MissingKey::refuse),
              FailsAt(ErrorCode::key_unsupported, "insertion-key"));
}

TEST_F(CertifiedInsertionKeys, OpenAlsoWhenTheTokensSessionWasLost) {
  const auto made = insertion_key_to_certify(hsm.uri("insertion"), MissingKey::make).value();
  const auto key = open_insertion_key({hsm.uri("insertion"), certify(made)}).value();
  for (int i = 0; i < 2; ++i) {
    SoftHsmForTest::lose_sessions();
    const auto opened = insert(*key, trust, payload);
    ASSERT_THAT(opened, Succeeds());
    EXPECT_TRUE(opened->equals(payload));
  }
}

TEST_F(CertifiedInsertionKeys, AreNotUsedWithoutTheirOwnCertificate) {
  const auto made = insertion_key_to_certify(file_key(), MissingKey::make).value();
  EXPECT_THAT(open_insertion_key({file_key(), {}}),
              FailsAt(ErrorCode::invalid_argument, "insertion-certificates"));
  EXPECT_THAT(open_insertion_key({file_key(), certify(test_pki::ec_key().public_key())}),
              FailsAt(ErrorCode::failed_precondition, "insertion-certificates"));
  EXPECT_THAT(open_insertion_key({"nonsense:", certify(made)}),
              FailsAt(ErrorCode::invalid_argument, "insertion-key"));
  EXPECT_EQ(open_insertion_key({}).value(), nullptr);
  std::filesystem::permissions(hsm.path("insertion.key"), std::filesystem::perms{0644});
  EXPECT_THAT(open_insertion_key({file_key(), certify(made)}),
              FailsAt(ErrorCode::permission_denied, "insertion-key"));
}

class StateInsertionKeys : public testing::Test {
 protected:
  tee::InsertionTrust trust(const tpm::SwtpmForTest& of) const {
    const auto certificate = [](const std::filesystem::path& file) {
      return crypto::Certificate::parse(read_file(file, crypto::kCertificateLimit).value()).value();
    };
    auto tpm = tpm::Tpm::open(of.tcti()).value();
    return {roots_of({certificate(of.root_ca())}, {certificate(of.issuing_ca())}),
            tpm::read_pcrs(tpm, tpm::PcrSelection::parse("sha256:7").value()).value()};
  }
  static std::unique_ptr<InsertionKey> open(const tpm::SwtpmForTest& at) {
    return open_insertion_key({"tpm:" + at.tcti(), {}}).value();
  }
  tpm::SwtpmForTest swtpm = tpm::SwtpmForTest::start_with_certificates().value();
  const Bytes payload = Bytes(200, 0x44);
};

TEST_F(StateInsertionKeys, OpenInTheApprovedStateOfTheirMachine) {
  const auto key = open(swtpm);
  const auto approved = trust(swtpm);
  const auto opened = insert(*key, approved, payload);
  ASSERT_THAT(opened, Succeeds());
  EXPECT_TRUE(opened->equals(payload));
  EXPECT_NE(key->offer()->key, key->offer()->key) << "one for each insertion";
  ASSERT_THAT(swtpm.tool_checked({"tpm2_pcrextend", "7:sha256=" + std::string(64, 'a')}), Succeeds());
  EXPECT_THAT(insert(*key, approved, payload), FailsAt(ErrorCode::pcr_differs, "sha256:7"));
}

TEST_F(StateInsertionKeys, SayWhenAnotherReplicasMachineWasMeant) {
  const auto key = open(swtpm);
  const auto offer = key->offer().value();
  const auto terms = terms_for(offer);
  const auto sent =
      tee::insert_into(trust(swtpm), terms, key->prove(terms).value(), payload, SystemClock{}.now());
  ASSERT_THAT(sent, Succeeds());
  const auto other_swtpm = tpm::SwtpmForTest::start_with_certificates().value();
  EXPECT_THAT(open(other_swtpm)->secrets_of(offer.kept.expose(), sent->sealed),
              FailsAt(ErrorCode::failed_precondition, "insertion_id"));
}

TEST_F(StateInsertionKeys, AreRefusedAtTheStartWhereTheyCouldNotBeProven) {
  const auto bare = tpm::SwtpmForTest::start().value();
  EXPECT_THAT(open_insertion_key({"tpm:" + bare.tcti(), {}}), FailsWith(ErrorCode::ek_certificate_missing));
  EXPECT_THAT(open_insertion_key({"tpm:" + swtpm.tcti() + "?pcrs=sha256:99", {}}),
              FailsAt(ErrorCode::invalid_argument, "insertion-key"));
  EXPECT_THAT(open_insertion_key({"tpm:" + swtpm.tcti(), "x.pem"}),
              FailsAt(ErrorCode::invalid_argument, "insertion-certificates"));
  EXPECT_THAT(insertion_key_to_certify("tpm:" + swtpm.tcti(), MissingKey::make),
              FailsAt(ErrorCode::invalid_argument, "insertion-key"));
}

}  // namespace
}  // namespace sealift::securitymodule
