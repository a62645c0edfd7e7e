// SPDX-License-Identifier: Apache-2.0
// Against real TPMs: software ones, with their own maker's certificates.
#include "base/file.h"
#include "services/securitymodule/domain/module_for_test.h"
#include "tpm/approved_state.h"
#include "tpm/commands.h"
#include "tpm/evidence.h"
#include "tpm/provisioning.h"
#include "tpm/swtpm_for_test.h"
#include "tpm/unseal.h"

namespace sealift::securitymodule {
namespace {

struct Machine {
  tpm::SwtpmForTest swtpm;
  tpm::Tpm tpm;
  tpm::StorageParent parent;
  Secret<tpm::kBootPasswordSize> boot_password;
  tpm::PcrValues approved;
  tpm::Evidence evidence;

  static Result<Machine> start(tpm::KeyKind kind = tpm::KeyKind::p256,
                               const std::optional<tpm::Approver>& approver = {}) {
    const auto& profile = tpm::firmware_profile();
    SEALIFT_TRY(auto swtpm, tpm::SwtpmForTest::start_with_certificates());
    SEALIFT_TRY(auto tpm, tpm::Tpm::open(swtpm.tcti()));
    SEALIFT_TRY(const auto selection, tpm::PcrSelection::parse(profile.pcrs));
    SEALIFT_TRY(auto approved, tpm::read_pcrs(tpm, selection));
    SEALIFT_CHECK(tpm::provision(
        tpm, {&profile, kind, approver ? tpm::Binding{*approver} : tpm::Binding{approved}}, {}));
    SEALIFT_TRY(auto password, tpm::rotate_boot_password(tpm, profile, {}));
    SEALIFT_TRY(auto parent, tpm::read_storage_parent(tpm, profile));
    SEALIFT_TRY(auto evidence, tpm::gather_evidence(tpm, profile));
    return Machine{std::move(swtpm),    std::move(tpm),      std::move(parent),
                   std::move(password), std::move(approved), std::move(evidence)};
  }

  Bytes document() const { return to_bytes(as_bytes(tpm::to_json(evidence))); }
  Result<SecretBytes> answer(const v1::Question& question) {
    return tpm::answer_challenge(tpm, tpm::firmware_profile(), as_bytes(question.question()));
  }
  static tpm::SealedData read(const v1::SealedData& data) {
    return {to_bytes(as_bytes(data.public_area())), to_bytes(as_bytes(data.duplicate())),
            to_bytes(as_bytes(data.seed()))};
  }
  Result<SecretBytes> unseal(const v1::SealedData& data) {
    return tpm::unseal(tpm, parent, boot_password, read(data), tpm::PcrObjectPolicy{approved.selection()});
  }
};

std::vector<crypto::Certificate> certificates_in(const std::filesystem::path& file) {
  return crypto::parse_certificates(read_file(file, 64UL * 1024).value()).value();
}

/// Trusts who made these machines' TPMs.
v1::SeedPolicy policy_of(const std::vector<const Machine*>& machines) {
  crypto::TrustInput trust;
  trust.crl_policy = crypto::CrlPolicy::where_given;
  for (const auto* machine : machines) {
    for (const auto& one : certificates_in(machine->swtpm.root_ca())) trust.roots.push_back(one);
    for (const auto& one : certificates_in(machine->swtpm.issuing_ca())) trust.intermediates.push_back(one);
  }
  return policy_for(trust, machines.front()->approved);
}

class SecurityModuleTpmTest : public SecurityModuleTest, public testing::WithParamInterface<tpm::KeyKind> {
 protected:
  // These certificates begin when they are made.
  SecurityModuleTpmTest() {
    const auto later = SystemClock{}.now() + std::chrono::hours{1};
    clock.advance(std::chrono::duration_cast<std::chrono::seconds>(later - clock.now()));
  }
  Result<v1::SealedData> enrol_machine(Machine& machine, const std::string& image = kImage) {
    SEALIFT_TRY(const auto asked, ask(sm, machine.document(), image));
    SEALIFT_TRY(const auto right, machine.answer(asked.question()));
    SEALIFT_TRY(const auto answered, answer(sm, asked.question(), right.expose(), image));
    return answered.sealed_data();
  }
};

TEST_F(SecurityModuleTpmTest, SealsWhatTheMachineOpens) {
  for (const auto kind : {tpm::KeyKind::rsa2048, tpm::KeyKind::p256}) {
    SCOPED_TRACE(tpm::name(kind));
    auto machine = Machine::start(kind).value();
    const auto image = esm::ImageId::random().hex();
    ASSERT_THAT(put(sm, image, 0x5e, policy_of({&machine})), Succeeds());
    const auto sealed = enrol_machine(machine, image);
    ASSERT_THAT(sealed, Succeeds());
    const auto opened = machine.unseal(*sealed);
    ASSERT_THAT(opened, Succeeds());
    EXPECT_TRUE(opened->equals(Bytes(esm::kSeedSize, 0x5e)));
  }
}

TEST_F(SecurityModuleTpmTest, NeedsNoTpmForASecondImageOrTheSameOneAgain) {
  auto machine = Machine::start().value();
  ASSERT_THAT(put(sm, kImage, 1, policy_of({&machine})), Succeeds());
  ASSERT_THAT(put(sm, kOtherImage, 2, policy_of({&machine})), Succeeds());
  const auto first = enrol_machine(machine).value();
  const auto evidence = machine.document();
  ASSERT_THAT(machine.swtpm.power_off(), Succeeds());
  const auto again = ask(sm, evidence).value();
  EXPECT_EQ(again.sealed_data().SerializeAsString(), first.SerializeAsString());
  const auto other = ask(sm, evidence, kOtherImage).value();
  ASSERT_TRUE(other.has_sealed_data());
}

TEST_F(SecurityModuleTpmTest, SealsNothingToAKeyOfAnotherTpm) {
  auto machine = Machine::start().value();
  auto other = Machine::start().value();
  ASSERT_THAT(put(sm, kImage, 1, policy_of({&machine, &other})), Succeeds());
  machine.evidence.storage_key = other.evidence.storage_key;
  const auto asked = ask(sm, machine.document()).value();
  EXPECT_FALSE(machine.answer(asked.question()));
  EXPECT_FALSE(other.answer(asked.question()));
  EXPECT_THAT(answer(sm, asked.question(), Bytes(32)), FailsWith(ErrorCode::challenge_response_differs));
  EXPECT_EQ(sm.list_enrolled_hosts(asker(), {}).value().hosts_size(), 0);
}

TEST_F(SecurityModuleTpmTest, SealsForTheApprovedStateAlone) {
  auto machine = Machine::start().value();
  ASSERT_THAT(put(sm, kImage, 1, policy_of({&machine})), Succeeds());
  const auto sealed = enrol_machine(machine).value();
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha256, as_bytes("other firmware"));
  ASSERT_THAT(tpm::extend_pcr(machine.tpm, 6, {{crypto::HashAlgorithm::sha256, digest}}), Succeeds());
  EXPECT_THAT(machine.unseal(sealed), FailsWith(ErrorCode::pcr_differs));
}

TEST_F(SecurityModuleTpmTest, SealsOnceForEveryStateThatTheApproverSigns) {
  const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
  const auto approver = tpm::Approver::create(key.public_key()).value();
  auto machine = Machine::start(tpm::KeyKind::p256, approver).value();
  auto policy = policy_of({&machine});
  ASSERT_THAT(put(sm, kOtherImage, 2, policy), Succeeds());
  EXPECT_THAT(ask(sm, machine.document(), kOtherImage), FailsWith(ErrorCode::storage_key_policy_differs));
  policy.clear_approved_pcrs();
  policy.set_approver(text_of(key.public_key().der()));
  ASSERT_THAT(put(sm, kImage, 1, policy), Succeeds());
  const auto sealed = enrol_machine(machine);
  ASSERT_THAT(sealed, Succeeds());

  const auto& profile = tpm::firmware_profile();
  std::vector<tpm::Approval> approvals;
  for (int update = 1; update < 4; ++update) {
    const auto now = tpm::read_pcrs(machine.tpm, machine.approved.selection()).value();
    approvals.push_back(
        tpm::approve(key, profile, "an update", static_cast<std::uint64_t>(update), now).value());
    const auto state = tpm::ApprovedState::choose(machine.tpm, approvals, approver, profile);
    ASSERT_THAT(state, Succeeds());
    EXPECT_THAT(tpm::unseal(machine.tpm, machine.parent, machine.boot_password, Machine::read(*sealed),
                            *state, &*state),
                Succeeds());
    const auto again = ask(sm, machine.document());
    ASSERT_THAT(again, Succeeds());
    EXPECT_EQ(again->sealed_data().SerializeAsString(), sealed->SerializeAsString());
    const auto next = crypto::digest(crypto::HashAlgorithm::sha256, as_bytes("next"));
    ASSERT_THAT(tpm::extend_pcr(machine.tpm, 6, {{crypto::HashAlgorithm::sha256, next}}), Succeeds());
  }
}

}  // namespace
}  // namespace sealift::securitymodule
