// SPDX-License-Identifier: Apache-2.0
/// The emulated PSP by its commands: every one in every state, and every input altered.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "crypto/signature.h"
#include "emulator/psp/guest.h"
#include "tee/sev/chain.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/secret_packet.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
using sev::Policy;

constexpr Policy kPolicy{0x1};
constexpr Policy kEsPolicy{0x5};

/// Makers and chips take long to make: once for all tests, which change nothing of them.
class Made {
 public:
  static const Made& once() {
    static const Made made;
    return made;
  }
  fs::path path(const std::string& name) const { return directory_.path() / name; }

 private:
  Made() {
    const MakerOptions quick{.bits = 2048, .claim_id = {}};
    EXPECT_THAT(Maker::create(path("maker"), quick), Succeeds());
    EXPECT_THAT(Identity::create(Maker::open(path("maker")).value(), path("chip")), Succeeds());
  }
  TemporaryDirectory directory_ = TemporaryDirectory::create("psp").value();
};

class APsp : public testing::Test {
 protected:
  APsp() { EXPECT_EQ(platform_.init(), PspStatus::success); }

  sev::LaunchSession session(Policy policy = kPolicy) const {
    return sev::make_session_unverified(platform_.identity().owned().pdh.certificate, policy).value();
  }
  PspAnswer<Guest> start(const sev::LaunchSession& session, Policy policy = kPolicy) const {
    return Guest::start(platform_, policy, session.godh.bytes(), session.blob);
  }
  /// A guest in the state.
  Guest guest(GuestState state, Policy policy = kPolicy) const {
    auto made = start(session(policy), policy).value();
    EXPECT_EQ(made.update_data(Bytes(64, 7)), PspStatus::success);
    if (state != GuestState::lupdate) {
      EXPECT_TRUE(made.measure());
    }
    if (state == GuestState::running) {
      EXPECT_EQ(made.finish(), PspStatus::success);
    }
    return made;
  }
  /// The same chip on a disk of its own, for tests that change it.
  static Identity own_identity(const TemporaryDirectory& directory) {
    fs::copy(Made::once().path("chip"), directory.path() / "chip");
    return Identity::open(directory.path() / "chip").value();
  }
  sev::PlatformCertificates files(const PdhExport& shown, const Bytes& cek, const Maker& maker) const {
    const ByteView chain{shown.chain};
    return {.pdh = shown.pdh,
            .pek = chain.first(sev::kCertificateSize),
            .oca = chain.subspan(sev::kCertificateSize, sev::kCertificateSize),
            .cek = cek,
            .ask = maker.ask().bytes(),
            .ark = maker.ark().bytes()};
  }

  Platform platform_{Identity::open(Made::once().path("chip")).value()};
};

TEST_F(APsp, HasItsCekWhereAmdsKeyServerWouldHaveIt) {
  const auto id = to_hex(platform_.id());
  const auto at = [](const std::string& path) {
    return read_file(Made::once().path("maker/" + path), sev::kCertificateSize).value();
  };
  EXPECT_EQ(at("public/cek/id/" + id), at("cek/" + id));
  for (const auto& file : std::filesystem::directory_iterator{Made::once().path("maker/public")})
    EXPECT_EQ(file.path().filename(), "cek") << "a web server's root has nothing that is secret";
}

TEST_F(APsp, ShowsAChainThatLeadsToItsMakersRootWithTheKeyServersCek) {
  const auto maker = Maker::open(Made::once().path("maker")).value();
  const auto shown = platform_.pdh_cert_export().value();
  const auto cek =
      read_file(Made::once().path("maker/cek/" + to_hex(platform_.id())), sev::kCertificateSize).value();
  const sev::PinnedRoot root{"Test", maker.ark().fingerprint()};
  EXPECT_THAT(sev::VerifiedPlatform::verify(files(shown, cek, maker), {&root, 1}), Succeeds());
  const Bytes exported{shown.chain.begin() + 2 * sev::kCertificateSize, shown.chain.end()};
  EXPECT_THAT(sev::VerifiedPlatform::verify(files(shown, exported, maker), {&root, 1}),
              FailsAt(ErrorCode::sev_cek_unsigned, "cek.signature"));
  EXPECT_THAT(sev::VerifiedPlatform::verify(files(shown, cek, maker), sev::amd_roots()),
              FailsAt(ErrorCode::issuer_untrusted, "ark.key"))
      << "nobody trusts the test root who did not name it";
}

TEST_F(APsp, LaunchesMeasuresTakesTheSecretAndRuns) {
  const auto session = this->session();
  auto guest = start(session).value();
  EXPECT_EQ(platform_.status().state, PlatformState::working);
  const Bytes firmware(4096, 3);
  ASSERT_EQ(guest.update_data(firmware), PspStatus::success);
  const auto measured = guest.measure().value();
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha256, firmware);
  EXPECT_THAT(
      sev::VerifiedMeasurement::verify(measured, session.keys.tik, {kPspApi, kPspBuild}, kPolicy, digest),
      Succeeds());
  const Bytes secret(32, 9);
  const auto packet = sev::seal_packet(session.keys, measured, secret);
  Bytes memory(32);
  ASSERT_EQ(guest.secret(packet.header, packet.payload, memory), PspStatus::success);
  EXPECT_EQ(memory, secret);
  EXPECT_EQ(guest.finish(), PspStatus::success);
  EXPECT_EQ(text(guest.state()), "running");
}

TEST_F(APsp, RefusesEveryLaunchCommandInEveryOtherState) {
  Bytes memory(16);
  for (const auto state : {GuestState::lupdate, GuestState::lsecret, GuestState::running}) {
    const bool updating = state == GuestState::lupdate;
    const auto wrong = PspStatus::invalid_guest_state;
    EXPECT_EQ(guest(state).update_data(Bytes(16)), updating ? PspStatus::success : wrong);
    EXPECT_EQ(guest(state, kEsPolicy).update_vmsa(Bytes(4096)), updating ? PspStatus::success : wrong);
    auto measured = guest(state);
    const auto measurement = measured.measure();
    EXPECT_EQ(measurement ? PspStatus::success : measurement.error(), updating ? PspStatus::success : wrong);
    EXPECT_EQ(guest(state).secret(Bytes(52), Bytes(16), memory),
              state == GuestState::lsecret ? PspStatus::bad_measurement : wrong);
    EXPECT_EQ(guest(state).finish(), state == GuestState::lsecret ? PspStatus::success : wrong);
    const auto report = guest(state).attest(Bytes(16));
    EXPECT_EQ(report ? PspStatus::success : report.error(), updating ? wrong : PspStatus::success);
  }
}

TEST_F(APsp, KnowsNoGuestAfterItsDecommissionOrThePlatformsShutdown) {
  auto gone = guest(GuestState::lsecret);
  EXPECT_EQ(gone.decommission(), PspStatus::success);
  EXPECT_EQ(gone.decommission(), PspStatus::invalid_guest);
  EXPECT_EQ(gone.finish(), PspStatus::invalid_guest);
  EXPECT_EQ(platform_.status().guests, 0U);
  auto orphan = guest(GuestState::lupdate);
  EXPECT_EQ(platform_.shutdown(), PspStatus::success);
  EXPECT_EQ(orphan.update_data(Bytes(16)), PspStatus::invalid_guest);
  EXPECT_EQ(platform_.init(), PspStatus::success);
  EXPECT_EQ(orphan.update_data(Bytes(16)), PspStatus::invalid_guest);
}

TEST_F(APsp, StartsNoGuestBeforeItIsOn) {
  const auto made = session();
  EXPECT_EQ(platform_.shutdown(), PspStatus::success);
  EXPECT_EQ(start(made).error(), PspStatus::invalid_platform_state);
  EXPECT_EQ(platform_.pdh_cert_export().error(), PspStatus::invalid_platform_state);
  EXPECT_EQ(platform_.pek_csr().error(), PspStatus::invalid_platform_state);
  EXPECT_EQ(platform_.pek_gen().value(), PspStatus::invalid_platform_state);
  EXPECT_EQ(platform_.pdh_gen().value(), PspStatus::invalid_platform_state);
  EXPECT_EQ(platform_.pek_cert_import({}, {}).value(), PspStatus::invalid_platform_state);
  EXPECT_EQ(platform_.init(), PspStatus::success);
  EXPECT_EQ(platform_.init(), PspStatus::invalid_platform_state);
  EXPECT_EQ(platform_.reset().value(), PspStatus::invalid_platform_state);
}

TEST_F(APsp, RefusesASessionOfWhichAnyByteWasAltered) {
  const auto made = session();
  for (std::size_t at = 0; at < made.blob.size(); ++at) {
    auto blob = made.blob;
    blob[at] ^= 1;
    EXPECT_EQ(Guest::start(platform_, kPolicy, made.godh.bytes(), blob).error(), PspStatus::bad_measurement)
        << at;
  }
  EXPECT_EQ(Guest::start(platform_, kPolicy, made.godh.bytes(), ByteView{made.blob}.first(127)).error(),
            PspStatus::invalid_length);
}

TEST_F(APsp, RefusesAnotherPolicyThanTheSessionsAndOneItCannotKeep) {
  const auto made = session();
  EXPECT_EQ(start(made, Policy{0}).error(), PspStatus::bad_measurement) << "the host wants to debug";
  for (const std::uint32_t value : {0x41U, 0x8001U, 0x00010001U, 0x19000001U}) {
    EXPECT_EQ(start(session(Policy{value}), Policy{value}).error(), PspStatus::policy_failure) << value;
  }
  EXPECT_TRUE(start(session(Policy{0x18000001}), Policy{0x18000001})) << "its own API";
}

TEST_F(APsp, RefusesAnotherKeyThanTheSessionsGodh) {
  const auto made = session();
  EXPECT_EQ(Guest::start(platform_, kPolicy, session().godh.bytes(), made.blob).error(),
            PspStatus::bad_measurement);
  EXPECT_EQ(Guest::start(platform_, kPolicy, made.godh.bytes().first(2000), made.blob).error(),
            PspStatus::invalid_certificate);
  const auto& pek = platform_.identity().owned().pek.certificate;
  EXPECT_EQ(Guest::start(platform_, kPolicy, pek.bytes(), made.blob).error(), PspStatus::invalid_certificate);
}

TEST_F(APsp, RefusesAPacketOfWhichAnyByteWasAlteredAndWritesNothing) {
  const auto made = session();
  auto guest = start(made).value();
  const auto measured = guest.measure().value();
  const auto packet = sev::seal_packet(made.keys, measured, Bytes(32, 9));
  Bytes memory(32);
  for (std::size_t at = 0; at < packet.header.size(); ++at) {
    auto header = packet.header;
    header[at] ^= 1;
    EXPECT_EQ(guest.secret(header, packet.payload, memory), PspStatus::bad_measurement) << at;
  }
  for (std::size_t at = 0; at < packet.payload.size(); ++at) {
    auto payload = packet.payload;
    payload[at] ^= 1;
    EXPECT_EQ(guest.secret(packet.header, payload, memory), PspStatus::bad_measurement) << at;
  }
  EXPECT_EQ(guest.secret(packet.header, Bytes(31), std::span{memory}.first(31)), PspStatus::invalid_length);
  EXPECT_EQ(guest.secret(ByteView{packet.header}.first(51), packet.payload, memory),
            PspStatus::invalid_length);
  EXPECT_EQ(guest.secret(packet.header, packet.payload, std::span{memory}.first(16)),
            PspStatus::invalid_length);
  EXPECT_EQ(memory, Bytes(32)) << "nothing is written before the MAC holds";
}

TEST_F(APsp, RefusesThePacketOfAnotherLaunch) {
  const auto made = session();
  auto first = start(made).value();
  auto second = start(made).value();
  const auto packet = sev::seal_packet(made.keys, first.measure().value(), Bytes(32, 9));
  ASSERT_TRUE(second.measure());
  Bytes memory(32);
  EXPECT_EQ(second.secret(packet.header, packet.payload, memory), PspStatus::bad_measurement);
}

TEST_F(APsp, MeasuresSixteensOfBytesAndPagesOfRegistersUnderEs) {
  auto plain = guest(GuestState::lupdate);
  EXPECT_EQ(plain.update_data(Bytes(15)), PspStatus::invalid_length);
  EXPECT_EQ(plain.update_data({}), PspStatus::invalid_length);
  EXPECT_EQ(plain.update_vmsa(Bytes(4096)), PspStatus::policy_failure);
  EXPECT_EQ(guest(GuestState::lupdate, kEsPolicy).update_vmsa(Bytes(4095)), PspStatus::invalid_length);
}

TEST_F(APsp, SignsAReportOfTheLaunchWithItsPek) {
  const auto report = guest(GuestState::running).attest(Bytes(16, 5)).value();
  ASSERT_EQ(report.size(), kReportSize);
  EXPECT_EQ(to_hex(ByteView{report}.first(16)), to_hex(Bytes(16, 5)));
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha256, Bytes(64, 7));
  EXPECT_EQ(to_hex(ByteView{report}.subspan(16, 32)), to_hex(digest.view()));
  const auto number = [&](std::size_t offset) {
    const auto bytes = ByteView{report}.subspan(offset, 48);
    return Bytes{bytes.rbegin(), bytes.rend()};
  };
  const auto& pek = platform_.identity().owned().pek.certificate;
  EXPECT_THAT(crypto::verify_ecdsa(pek.key(), crypto::HashAlgorithm::sha256, ByteView{report}.first(52),
                                   {number(64), number(136)}),
              Succeeds());
  EXPECT_EQ(guest(GuestState::running).attest(Bytes(15)).error(), PspStatus::invalid_length);
}

TEST_F(APsp, GetsNewKeysWhereItsOwnerWantsAndKeepsThem) {
  const auto directory = TemporaryDirectory::create().value();
  Platform own{own_identity(directory)};
  ASSERT_EQ(own.init(), PspStatus::success);
  const auto before = own.pdh_cert_export().value();
  ASSERT_EQ(own.pdh_gen().value(), PspStatus::success);
  const auto after = own.pdh_cert_export().value();
  EXPECT_NE(after.pdh, before.pdh);
  EXPECT_EQ(after.chain, before.chain);
  ASSERT_EQ(own.pek_gen().value(), PspStatus::success);
  const auto last = own.pdh_cert_export().value();
  EXPECT_NE(last.chain, before.chain);
  Platform again{Identity::open(directory.path() / "chip").value()};
  ASSERT_EQ(again.init(), PspStatus::success);
  EXPECT_EQ(again.pdh_cert_export().value().chain, last.chain);
}

TEST_F(APsp, TakesAnOwnersCertificateOnceAndOnlyForItsOwnPek) {
  const auto directory = TemporaryDirectory::create().value();
  Platform own{own_identity(directory)};
  ASSERT_EQ(own.init(), PspStatus::success);
  const auto oca_key = crypto::PrivateKey::generate_ec(crypto::Curve::p384).value();
  const auto bare_oca =
      sev::Certificate::make(sev::Usage::oca, sev::Algorithm::ecdsa_sha256, {}, oca_key.public_key());
  const auto oca = bare_oca.signed_by(0, sev::Usage::oca, oca_key).value();
  const auto csr = sev::Certificate::parse(own.pek_csr().value(), "pek").value();
  const auto pek = csr.signed_by(0, sev::Usage::oca, oca_key).value();

  EXPECT_EQ(own.pek_cert_import(csr.bytes(), oca.bytes()).value(), PspStatus::bad_signature);
  EXPECT_EQ(own.pek_cert_import(pek.bytes(), bare_oca.bytes()).value(), PspStatus::bad_signature);
  EXPECT_EQ(own.pek_cert_import(oca.bytes(), pek.bytes()).value(), PspStatus::invalid_certificate);
  const auto foreign = platform_.pek_csr().value();
  auto altered = to_bytes(pek.bytes());
  altered[0x20] ^= 1;
  EXPECT_EQ(own.pek_cert_import(altered, oca.bytes()).value(), PspStatus::invalid_certificate);
  ASSERT_EQ(own.pek_cert_import(pek.bytes(), oca.bytes()).value(), PspStatus::success);
  EXPECT_TRUE(own.status().externally_owned);
  EXPECT_EQ(own.pek_cert_import(pek.bytes(), oca.bytes()).value(), PspStatus::already_owned);

  const auto maker = Maker::open(Made::once().path("maker")).value();
  const auto cek =
      read_file(Made::once().path("maker/cek/" + to_hex(own.id())), sev::kCertificateSize).value();
  const sev::PinnedRoot root{"Test", maker.ark().fingerprint()};
  const auto shown = own.pdh_cert_export().value();
  EXPECT_THAT(sev::VerifiedPlatform::verify(files(shown, cek, maker), {&root, 1}), Succeeds());
}

TEST_F(APsp, ChangesNoPekWhileGuestsRun) {
  const auto running = guest(GuestState::running);
  EXPECT_EQ(platform_.pek_gen().value(), PspStatus::invalid_platform_state);
  EXPECT_EQ(platform_.pek_cert_import({}, {}).value(), PspStatus::invalid_platform_state);
}

}  // namespace
}  // namespace sealift::emulator
