// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/chain.h"

#include <functional>

#include "base/file.h"
#include "base/matchers.h"
#include "tee/sev/amd_vectors_for_test.h"
#include "tee/sev/platform_for_test.h"

namespace sealift::sev {
namespace {

std::vector<PinnedRoot> pins(const RootForTest& root = RootForTest::small()) { return {root.pin()}; }

Result<VerifiedPlatform> verify(const PlatformForTest& platform) {
  return VerifiedPlatform::verify(platform.certificates(), pins(*platform.root));
}

TEST(PlatformChain, ProvesAMachineUnderAPinnedRoot) {
  const auto platform = PlatformForTest::make();
  const auto verified = verify(platform);
  ASSERT_THAT(verified, Succeeds());
  EXPECT_EQ(verified->pdh().key(), platform.pdh_key.public_key());
  EXPECT_EQ(verified->root(), "Test");
  EXPECT_EQ(verified->api(), (ApiVersion{0, 24}));
  EXPECT_NE(verified->hardware_key_hash(), verified->owner_key_hash());
}

TEST(PlatformChain, HoldsForLargeRootsToo) {
  const auto& root = RootForTest::large();
  EXPECT_EQ(root.ark.bytes().size(), 1600U);
  EXPECT_THAT(verify(PlatformForTest::make(root)), Succeeds());
}

TEST(PlatformChain, TakesThePekSignaturesInEitherOrder) {
  auto platform = PlatformForTest::make();
  platform.pek =
      Certificate::make(Usage::pek, Algorithm::ecdsa_sha256, {0, 24}, platform.pek_key.public_key())
          .signed_by(0, Usage::cek, platform.cek_key)
          ->signed_by(1, Usage::oca, platform.oca_key)
          .value();
  EXPECT_THAT(verify(platform), Succeeds());
}

TEST(PlatformChain, TakesTheCekSignatureInEitherSlot) {
  auto platform = PlatformForTest::make();
  platform.cek = platform.exported_cek.signed_by(1, Usage::ask, platform.root->ask_key).value();
  EXPECT_THAT(verify(platform), Succeeds());
}

TEST(PlatformChain, UnderstandsAmdsCombinedFile) {
  const auto platform = PlatformForTest::make();
  const auto both = ByteWriter{}.bytes(platform.root->ask.bytes()).bytes(platform.root->ark.bytes()).view();
  auto certificates = platform.certificates();
  certificates.ask = both;
  certificates.ark = both;
  EXPECT_THAT(VerifiedPlatform::verify(certificates, pins()), Succeeds());
}

TEST(PlatformChain, RefusesACombinedFileWithSomethingBehind) {
  const auto platform = PlatformForTest::make();
  const auto more =
      ByteWriter{}.bytes(platform.root->ask.bytes()).bytes(platform.root->ark.bytes()).u8(0).view();
  auto certificates = platform.certificates();
  certificates.ark = more;
  EXPECT_THAT(VerifiedPlatform::verify(certificates, pins()),
              FailsAt(ErrorCode::sev_certificate_malformed, "ark.size"));
}

TEST(PlatformChain, RefusesAForgedRootThatCarriesAmdsKeyIds) {
  const auto& forged = RootForTest::forged();
  EXPECT_EQ(forged.ark.id(), RootForTest::small().ark.id());
  EXPECT_THAT(VerifiedPlatform::verify(PlatformForTest::make(forged).certificates(), pins()),
              FailsAt(ErrorCode::issuer_untrusted, "ark.key"));
  EXPECT_THAT(VerifiedPlatform::verify(PlatformForTest::make(forged).certificates(), amd_roots()),
              FailsAt(ErrorCode::issuer_untrusted, "ark.key"));
}

TEST(PlatformChain, RefusesAForgedAskUnderAGenuineArk) {
  const auto platform = PlatformForTest::make(RootForTest::forged());
  auto certificates = platform.certificates();
  certificates.ark = RootForTest::small().ark.bytes();
  EXPECT_THAT(VerifiedPlatform::verify(certificates, pins()),
              FailsAt(ErrorCode::certificate_signature_invalid, "ask.signature"));
}

TEST(PlatformChain, RefusesACekOfAnotherGeneration) {
  const auto platform = PlatformForTest::make(RootForTest::large());
  auto certificates = platform.certificates();
  certificates.ask = RootForTest::small().ask.bytes();
  certificates.ark = RootForTest::small().ark.bytes();
  EXPECT_THAT(VerifiedPlatform::verify(certificates, pins()),
              FailsAt(ErrorCode::certificate_signature_invalid, "cek.signature"));
}

TEST(PlatformChain, RefusesACekAsTheMachineExportsIt) {
  auto platform = PlatformForTest::make();
  platform.cek = platform.exported_cek;
  EXPECT_THAT(verify(platform), FailsAt(ErrorCode::sev_cek_unsigned, "cek.signature"));
}

TEST(PlatformChain, RefusesAnArkWithoutItsSignature) {
  const auto platform = PlatformForTest::make();
  auto certificates = platform.certificates();
  certificates.ark = certificates.ark.first(576);
  EXPECT_THAT(VerifiedPlatform::verify(certificates, pins()), FailsAt(ErrorCode::truncated, "ark.signature"));
}

TEST(PlatformChain, RefusesAnArkThatIsNotSelfSigned) {
  auto altered = RootForTest::small().ark.bytes();
  altered[0x30] ^= 1;  // reserved, so only the signature notices
  const auto platform = PlatformForTest::make();
  auto certificates = platform.certificates();
  certificates.ark = altered;
  EXPECT_THAT(VerifiedPlatform::verify(certificates, pins()),
              FailsAt(ErrorCode::certificate_signature_invalid, "ark.signature"));
}

struct Mix {
  const char* name;
  std::function<void(PlatformCertificates& mine, const PlatformCertificates& theirs)> swap;
  const char* field;
};
class OfTwoMachines : public testing::TestWithParam<Mix> {};
INSTANTIATE_TEST_SUITE_P(
    Certificates, OfTwoMachines,
    testing::Values(
        Mix{"Pdh", [](auto& mine, const auto& theirs) { mine.pdh = theirs.pdh; }, "pdh.signature"},
        Mix{"Pek", [](auto& mine, const auto& theirs) { mine.pek = theirs.pek; }, "pek.signature"},
        Mix{"Oca", [](auto& mine, const auto& theirs) { mine.oca = theirs.oca; }, "pek.signature"},
        Mix{"Cek", [](auto& mine, const auto& theirs) { mine.cek = theirs.cek; }, "pek.signature"}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST_P(OfTwoMachines, AreRefused) {
  const auto mine = PlatformForTest::make();
  const auto theirs = PlatformForTest::make();
  auto mixed = mine.certificates();
  GetParam().swap(mixed, theirs.certificates());
  EXPECT_THAT(VerifiedPlatform::verify(mixed, pins()),
              FailsAt(ErrorCode::certificate_signature_invalid, GetParam().field));
}

TEST(PlatformChain, NamesTheCertificateThatIsGivenAsAnother) {
  const auto platform = PlatformForTest::make();
  auto certificates = platform.certificates();
  certificates.pek = certificates.oca;
  EXPECT_THAT(VerifiedPlatform::verify(certificates, pins()),
              FailsAt(ErrorCode::sev_certificate_usage_differs, "pek.usage"));
  certificates = platform.certificates();
  std::swap(certificates.ark, certificates.ask);
  EXPECT_THAT(VerifiedPlatform::verify(certificates, pins()),
              FailsAt(ErrorCode::sev_certificate_usage_differs, "ark.usage"));
}

TEST(PlatformChain, RefusesAPdhThatSigns) {
  auto platform = PlatformForTest::make();
  platform.pdh = Certificate::make(Usage::pdh, Algorithm::ecdsa_sha256, {}, platform.pdh_key.public_key())
                     .signed_by(0, Usage::pek, platform.pek_key)
                     .value();
  EXPECT_THAT(verify(platform), FailsAt(ErrorCode::unsupported, "pdh.algorithm"));
}

/// Every bit of a certificate that a signature covers.
TEST(PlatformChain, RefusesEveryByteThatIsAltered) {
  const auto platform = PlatformForTest::make();
  constexpr std::size_t kSigned = 0x414;
  const auto refuses = [&](ByteView PlatformCertificates::* which, std::size_t size, std::size_t step) {
    auto certificates = platform.certificates();
    auto altered = to_bytes(certificates.*which);
    for (std::size_t at = 0; at < size; at += step) {
      altered[at] ^= 0x10;
      certificates.*which = altered;
      EXPECT_FALSE(VerifiedPlatform::verify(certificates, pins())) << at;
      altered[at] ^= 0x10;
    }
  };
  refuses(&PlatformCertificates::pdh, kSigned, 13);
  refuses(&PlatformCertificates::cek, kSigned, 13);
  refuses(&PlatformCertificates::ask, platform.root->ask.bytes().size(), 13);
  refuses(&PlatformCertificates::ark, platform.root->ark.bytes().size(), 13);
}

TEST(AmdCertificates, AreRefusedWhereverTheyEnd) {
  const auto& whole = RootForTest::small().ask.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(AmdCertificate::parse(ByteView{whole}.first(size), Usage::ask),
                FailsWith(ErrorCode::truncated))
        << size;
  }
}

TEST(AmdCertificates, OfEachGenerationEndInTheirPinnedRoot) {
  const auto vectors = amd_vectors();
  if (!vectors) GTEST_SKIP() << "AMD's certificates are not here: name their folder in SEALIFT_AMD_VECTORS";
  for (const auto& root : amd_roots()) {
    auto name = root.name;
    name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
    const auto read = [&](const char* which) {
      return read_file(*vectors / "amd-roots" / (name + which), kAmdCertificateLimit).value();
    };
    const auto ark = AmdCertificate::parse(read("-ark.cert"), Usage::ark);
    const auto ask = AmdCertificate::parse(read("-ask.cert"), Usage::ask);
    ASSERT_THAT(ark, Succeeds()) << root.name;
    ASSERT_THAT(ask, Succeeds()) << root.name;
    EXPECT_EQ(ark->fingerprint(), root.fingerprint) << root.name;
    EXPECT_THAT(ark->verify_signature(ark->key()), Succeeds()) << root.name;
    EXPECT_THAT(ask->verify_signature(ark->key()), Succeeds()) << root.name;
    EXPECT_EQ(ask->certifying_id(), ark->id()) << root.name;
  }
}

class NaplesMachine : public testing::Test {
 protected:
  void SetUp() override {
    const auto vectors = amd_vectors();
    if (!vectors) GTEST_SKIP() << "AMD's certificates are not here: name their folder in SEALIFT_AMD_VECTORS";
    const auto read = [&](const char* name) { return read_file(*vectors / name, kCertificateSize).value(); };
    pdh_ = read("naples/pdh.cert");
    pek_ = read("naples/pek.cert");
    oca_ = read("naples/oca.cert");
    cek_ = read("naples/cek.cert");
    ask_ = read("amd-roots/naples-ask.cert");
    ark_ = read("amd-roots/naples-ark.cert");
    rome_ask_ = read("amd-roots/rome-ask.cert");
    rome_ark_ = read("amd-roots/rome-ark.cert");
  }
  PlatformCertificates certificates() const {
    return {.pdh = pdh_, .pek = pek_, .oca = oca_, .cek = cek_, .ask = ask_, .ark = ark_};
  }
  Bytes pdh_, pek_, oca_, cek_, ask_, ark_, rome_ask_, rome_ark_;
};

TEST_F(NaplesMachine, IsGenuine) {
  const auto platform = VerifiedPlatform::verify(certificates(), amd_roots());
  ASSERT_THAT(platform, Succeeds());
  EXPECT_EQ(platform->root(), "Naples");
  EXPECT_EQ(platform->api(), (ApiVersion{0, 16}));
}

TEST_F(NaplesMachine, IsNoRomeMachine) {
  auto mixed = certificates();
  mixed.ask = rome_ask_;
  mixed.ark = rome_ark_;
  EXPECT_THAT(VerifiedPlatform::verify(mixed, amd_roots()),
              FailsAt(ErrorCode::certificate_signature_invalid, "cek.signature"));
}

TEST_F(NaplesMachine, IsWrittenAsAmdWritesIt) {
  const auto cek = Certificate::parse(cek_, "cek").value();
  const auto made = Certificate::make(cek.usage(), cek.algorithm(), cek.api(), cek.key());
  EXPECT_EQ(to_bytes(made.bytes().first(0x414)), to_bytes(ByteView{cek_}.first(0x414)));
}

}  // namespace
}  // namespace sealift::sev
