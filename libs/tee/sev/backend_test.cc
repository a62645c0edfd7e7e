// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/backend.h"

#include "tee/conformance_test_suite.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/platform_for_test.h"

namespace sealift::sev {
namespace {

constexpr FirmwareVersion kFirmware{{0, 24}, 13};
constexpr Policy kPolicy{0x14000003};  // NODBG, NOKS, API 0.20
const auto kNow = TimePoint{std::chrono::seconds{1'700'000'000}};

const PlatformForTest& machine() {
  static const auto platform = PlatformForTest::make();
  return platform;
}
crypto::Digest expected() { return launch_digest(Bytes(100, 'f'), std::nullopt); }

Evidence evidence_of(const PlatformForTest& platform) {
  const auto c = platform.certificates();
  return {kFirmware,       to_bytes(c.pdh), to_bytes(c.pek), to_bytes(c.oca),
          to_bytes(c.cek), to_bytes(c.ask), to_bytes(c.ark)};
}
Bytes document(const Evidence& evidence) { return to_bytes(as_bytes(to_json(evidence))); }

LaunchPolicy policy() {
  LaunchPolicy policy{.policy = kPolicy};
  policy.roots = {machine().root->pin()};
  policy.minimum_api = {0, 24};
  policy.minimum_build = 13;
  policy.expected = expected();
  return policy;
}

/// What an honest PSP does with a question.
Bytes launch(const PlatformForTest& platform, ByteView question, const crypto::Digest& digest) {
  const auto request = parse_launch_request(question).value();
  const auto godh = Certificate::parse(request.godh, "godh").value();
  const auto keys = open_session(platform.pdh_key, godh, request.session, request.policy).value();
  return to_bytes(measure(keys.tik, kFirmware, request.policy, digest, {4, 5}).bytes());
}

tee::EvidenceFault fault(std::string name, ErrorCode code, std::string field,
                         const std::function<void(Evidence&)>& change) {
  auto evidence = evidence_of(machine());
  change(evidence);
  return {std::move(name), document(evidence), code, std::move(field)};
}

tee::EvidenceFault edited(std::string name, std::string field, std::string_view from, std::string_view to) {
  auto text = to_json(evidence_of(machine()));
  text.replace(text.find(from), from.size(), to);
  return {std::move(name), to_bytes(as_bytes(text)), ErrorCode::malformed, std::move(field)};
}

std::vector<tee::EvidenceFault> faults(const Evidence& other) {
  return {
      edited("other format", "format", "evidence.v1", "evidence.v2"),
      edited("unknown member", "more", "\"build\"", "\"more\": 1, \"build\""),
      edited("a version that is none", "api_minor", "24", "256"),
      edited("PDH missing", "pdh", "\"pdh\"", "\"pdx\""),
      fault("PDH of another machine", ErrorCode::certificate_signature_invalid, "pdh.signature",
            [&](auto& e) { e.pdh = other.pdh; }),
      fault("CEK of another machine", ErrorCode::certificate_signature_invalid, "pek.signature",
            [&](auto& e) { e.cek = other.cek; }),
      fault("CEK as exported", ErrorCode::sev_cek_unsigned, "cek.signature",
            [](auto& e) { e.cek = to_bytes(machine().exported_cek.bytes()); }),
      fault("forged root with AMD's key ID", ErrorCode::issuer_untrusted, "ark.key",
            [](auto& e) { e.ark = RootForTest::forged().ark.bytes(); }),
      fault("truncated ARK", ErrorCode::truncated, "ark.signature", [](auto& e) { e.ark.resize(576); }),
      fault("older API", ErrorCode::sev_api_too_old, "api", [](auto& e) { e.firmware.api.minor = 23; }),
      fault("older build", ErrorCode::sev_api_too_old, "api", [](auto& e) { e.firmware.build = 12; }),
  };
}

tee::ConformanceHosts hosts() {
  static const auto other = PlatformForTest::make();
  return {.name = "sev",
          .backend = std::make_shared<SevBackend>(policy()),
          .evidence = document(evidence_of(machine())),
          .other_evidence = document(evidence_of(other)),
          .answer = [](ByteView question) { return launch(machine(), question, expected()); },
          .now = kNow,
          .lifetime = kLaunchLifetime,
          .wrong_answer = ErrorCode::launch_measurement_differs,
          .faults = faults(evidence_of(other))};
}

}  // namespace
}  // namespace sealift::sev

namespace sealift::tee {
INSTANTIATE_TEST_SUITE_P(Sev, TeeBackendConformance, testing::Values(sev::hosts()));
}  // namespace sealift::tee

namespace sealift::sev {
namespace {

Result<std::unique_ptr<tee::Examination>> examine(LaunchPolicy approved) {
  return SevBackend{std::move(approved)}.examine(document(evidence_of(machine())), kNow);
}

TEST(SevLaunches, OfSomethingElseAreRefused) {
  const auto examination = examine(policy()).value();
  const auto answer =
      launch(machine(), examination->question(), launch_digest(Bytes(100, 'g'), std::nullopt));
  EXPECT_THAT(examination->conclude(answer, kNow),
              FailsAt(ErrorCode::launch_measurement_differs, "measurement.hmac"));
}

TEST(SevLaunches, UnderAPolicyThatLetsTheHostReadTheGuestAreRefused) {
  auto debug = policy();
  debug.policy = Policy{2};
  EXPECT_THAT(examine(debug), FailsAt(ErrorCode::sev_policy_refused, "policy.NODBG"));
  debug.allow_debug = true;
  EXPECT_THAT(examine(debug), Succeeds());
}

TEST(SevLaunches, OnFirmwareOlderThanTheirPolicyDemandsAreRefused) {
  auto newer = policy();
  newer.policy = Policy{0x19000003};
  EXPECT_THAT(examine(newer), FailsAt(ErrorCode::sev_api_too_old, "api"));
}

TEST(SevLaunches, GetTheirSecretOnce) {
  const auto examination = examine(policy()).value();
  const auto request = parse_launch_request(examination->question()).value();
  const auto answer = launch(machine(), examination->question(), expected());
  auto target = examination->conclude(answer, kNow).value();
  auto& proven = dynamic_cast<ProvenLaunch&>(*target);

  std::vector<SecretEntry> entries;
  entries.push_back({Guid::parse(kDiskKeyGuid).value(), SecretBytes::copy_of(as_bytes("passphrase"))});
  const auto packet = proven.release(entries);
  ASSERT_THAT(packet, Succeeds());
  EXPECT_THAT(proven.release(entries), FailsAt(ErrorCode::challenge_used, "secret"));

  const auto keys = open_session(machine().pdh_key, Certificate::parse(request.godh, "godh").value(),
                                 request.session, request.policy)
                        .value();
  const auto table = open_packet(keys, Measurement::parse(answer).value(), packet->header, packet->payload);
  ASSERT_THAT(table, Succeeds());
  EXPECT_TRUE(read_secret_table(table->expose())->front().value.equals(as_bytes("passphrase")));
}

TEST(SevLaunches, GoOnInAnotherProcess) {
  const auto begun = PendingLaunch::begin(document(evidence_of(machine())), policy(), kNow).value();
  const auto answer = launch(machine(), begun.question(), expected());
  const auto saved = begun.save();
  auto restored = PendingLaunch::restore(saved.expose(), policy()).value();
  EXPECT_EQ(restored.hardware_key_hash(), begun.hardware_key_hash());
  auto proven = std::move(restored).conclude(answer, kNow + kLaunchLifetime / 2);
  ASSERT_THAT(proven, Succeeds());
  EXPECT_THAT(proven->release_table(Bytes(32, 't')), Succeeds());
  auto late = PendingLaunch::restore(saved.expose(), policy()).value();
  EXPECT_THAT(std::move(late).conclude(answer, kNow + kLaunchLifetime),
              FailsAt(ErrorCode::challenge_expired, "measurement"));
  EXPECT_THAT(PendingLaunch::restore(Bytes(74), policy()), FailsAt(ErrorCode::malformed, "launch"));
}

TEST(SevLaunches, SayWhichInputDiffers) {
  const Bytes firmware(4096, 'f');
  const Bytes other(4096, 'o');
  const Bytes kernel(1000, 'k');
  const LaunchInputs inputs{.firmware = {"amdsev.fd", firmware},
                            .other_firmware = {{"yesterday's build", other}},
                            .kernel = kernel,
                            .initrd = {},
                            .cmdline = "quiet",
                            .vmsa = {},
                            .memory_mib = 512};
  auto approved = policy();
  approved.expected = launch_digest(firmware, hash_kernel(kernel, {}, "quiet"));
  approved.suspects = suspect_digests(inputs);
  const auto field_of = [&](ByteView loaded, std::string_view cmdline) {
    auto begun = PendingLaunch::begin(document(evidence_of(machine())), approved, kNow).value();
    const auto digest = launch_digest(loaded, hash_kernel(kernel, {}, cmdline));
    const auto answer = launch(machine(), begun.question(), digest);
    const auto concluded = std::move(begun).conclude(answer, kNow);
    EXPECT_THAT(concluded, FailsWith(ErrorCode::launch_measurement_differs));
    return concluded ? "" : concluded.error().field;
  };
  EXPECT_EQ(field_of(firmware, "quiet "), "cmdline");
  EXPECT_EQ(field_of(other, "quiet"), "firmware");
  EXPECT_EQ(field_of(firmware, "init=/bin/sh"), "measurement.hmac");
}

TEST(SevDocuments, SayTheSameAfterWritingAndReading) {
  const auto evidence = evidence_of(machine());
  EXPECT_EQ(to_json(parse_evidence(document(evidence)).value()), to_json(evidence));
  const LaunchRequest request{kPolicy, Bytes(kCertificateSize, 1), Bytes(kSessionSize, 2)};
  const auto text = to_json(request);
  EXPECT_EQ(to_json(parse_launch_request(as_bytes(text)).value()), text);
}

TEST(SevDocuments, AreRefusedWithASessionOfAnotherSize) {
  const auto text = to_json(LaunchRequest{kPolicy, Bytes(1), Bytes(kSessionSize - 1)});
  EXPECT_THAT(parse_launch_request(as_bytes(text)), FailsAt(ErrorCode::malformed, "session"));
}

}  // namespace
}  // namespace sealift::sev
