// SPDX-License-Identifier: Apache-2.0
// Machines whose storage key is bound to an approver: updates without sealing again, and no way back.
#include "tpm/approved_state.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "tpm/commands.h"
#include "tpm/event_log.h"
#include "tpm/keys_for_test.h"
#include "tpm/machine_for_test.h"
#include "tpm/nv.h"

namespace sealift::tpm {
namespace {

/// What one boot measures on an ordinary server: firmware into PCR 4, kernel into PCR 9.
struct Software {
  int firmware;
  int kernel;
  std::string name() const {
    return "firmware " + std::to_string(firmware) + ", kernel " + std::to_string(kernel);
  }
  EventLog log() const {
    constexpr std::array kBanks{HashAlgorithm::sha256};
    auto made = EventLog::create(kBanks);
    for (const auto& [pcr, text] : {std::pair{4U, "firmware " + std::to_string(firmware)},
                                    std::pair{9U, "kernel " + std::to_string(kernel)}})
      made.append(pcr, event_type::kSeparator, as_bytes(text), as_bytes(text));
    return made;
  }
  /// As `sealift policy predict --event-log` says it; PCR 7 nobody extends.
  PcrValues predicted() const {
    auto values = log().replay();
    values.push_back({HashAlgorithm::sha256, 7, Digest{Bytes(32)}});
    return PcrValues::from_values(std::move(values)).value();
  }
};

class Host {
 public:
  Host(const Profile& profile, const Approver& approver) : profile_{profile}, approver_{approver} {
    tpm_ = std::make_unique<Tpm>(Tpm::open(swtpm_.tcti()).value());
    EXPECT_THAT(provision(*tpm_, {&profile, KeyKind::p256, approver}, {}), Succeeds());
    parent_.emplace(read_storage_parent(*tpm_, profile).value());
    boot({0, 0});
  }
  void boot(const Software& software) {
    ASSERT_THAT(swtpm_.power_off(), Succeeds());
    ASSERT_THAT(swtpm_.power_on(), Succeeds());
    const auto log = software.log();
    for (const auto& event : log.events())
      ASSERT_THAT(extend_pcr(*tpm_, event.pcr, {{HashAlgorithm::sha256, event.digests[0]}}), Succeeds());
    password_.emplace(rotate_boot_password(*tpm_, profile_, {}).value());
    // The firmware profile's platform authorization is forgotten before any operating system runs.
    if (profile_.hierarchy == Hierarchy::platform) {
      ASSERT_THAT(randomise_auth(*tpm_, Hierarchy::platform, {}), Succeeds());
    }
  }
  SealedData seal(std::uint8_t fill) const {
    return StorageKey::prepare(parent_->key)->seal(Bytes(32, fill), approver_.sealing_policy()).value();
  }
  Result<SecretBytes> open(const SealedData& data, const std::vector<Approval>& approvals) {
    SEALIFT_TRY(const auto state, ApprovedState::choose(*tpm_, approvals, approver_, profile_));
    return open_by(data, state);
  }
  Result<SecretBytes> open_by(const SealedData& data, const ApprovedState& state) {
    return unseal(*tpm_, *parent_, *password_, data, state, &state);
  }
  Tpm& tpm() { return *tpm_; }
  const StorageParent& parent() const { return *parent_; }

 private:
  const Profile& profile_;
  const Approver approver_;
  SwtpmForTest swtpm_ = SwtpmForTest::start().value();
  std::unique_ptr<Tpm> tpm_;
  std::optional<StorageParent> parent_;
  std::optional<Secret<kBootPasswordSize>> password_;
};

class ApprovedStates : public testing::TestWithParam<const Profile*> {
 protected:
  Approval approve(const Software& software, std::uint64_t version) const {
    return tpm::approve(key_, profile_, software.name(), version, state(software)).value();
  }
  /// The PCRs that count in this profile.
  PcrValues state(const Software& software) const {
    if (&profile_ == &owner_profile()) return software.predicted();
    std::vector<PcrValue> values;
    const auto predicted = software.predicted();
    for (const auto& value : predicted.values()) {
      if (value.index != 7) values.push_back(value);
    }
    return PcrValues::from_values(std::move(values)).value();
  }
  std::vector<Approval> approvals(std::initializer_list<std::pair<Software, std::uint64_t>> all) const {
    std::vector<Approval> made;
    for (const auto& [software, version] : all) made.push_back(approve(software, version));
    return made;
  }

  const Profile& profile_ = *GetParam();
  const crypto::PrivateKey key_ = fresh_key(KeyKind::p256);
  const Approver approver_ = Approver::create(key_.public_key()).value();
};
INSTANTIATE_TEST_SUITE_P(Both, ApprovedStates, testing::Values(&firmware_profile(), &owner_profile()),
                         [](const auto& tested) { return std::string{tested.param->name}; });

// The release that the customer approves of goes through the hosts one by one, so that they run different
// ones most of the time. Nothing is sealed again, and everything opens everywhere at every step.
TEST_P(ApprovedStates, RollFiveKernelsAndThreeFirmwaresThroughASetOfHosts) {
  constexpr int kHosts = 3;
  std::vector<std::unique_ptr<Host>> hosts;
  std::vector<SealedData> sealed;
  for (int i = 0; i < kHosts; ++i) {
    hosts.push_back(std::make_unique<Host>(profile_, approver_));
    sealed.push_back(hosts.back()->seal(static_cast<std::uint8_t>(i + 1)));
  }
  std::vector<Approval> approvals;
  for (int release = 0; release < 15; ++release) {
    const Software software{release / 5 + 1, release % 5 + 1};
    SCOPED_TRACE(software.name());
    approvals.push_back(approve(software, static_cast<std::uint64_t>(release + 1)));
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      hosts[i]->boot(software);
      EXPECT_EQ(read_pcrs(hosts[i]->tpm(), state(software).selection()).value(), state(software));
      for (std::size_t j = 0; j < hosts.size(); ++j) {
        const auto opened = hosts[j]->open(sealed[j], approvals);
        if (release == 0 && j > i) continue;  // still without any approved software
        ASSERT_THAT(opened, Succeeds());
        EXPECT_TRUE(opened->equals(Bytes(32, static_cast<std::uint8_t>(j + 1))));
      }
    }
  }
  const auto withdrawal = withdraw_below(key_, profile_, 15).value();
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    ASSERT_THAT(carry_out(hosts[i]->tpm(), withdrawal), Succeeds());
    EXPECT_THAT(hosts[i]->open(sealed[i], approvals), Succeeds());
    hosts[i]->boot({3, 4});
    EXPECT_THAT(hosts[i]->open(sealed[i], approvals), FailsAt(ErrorCode::failed_precondition, "version"));
    hosts[i]->boot({3, 5});
    EXPECT_THAT(hosts[i]->open(sealed[i], approvals), Succeeds());
  }
}

TEST_P(ApprovedStates, HoldInTheirStateAlone) {
  Host host{profile_, approver_};
  const auto data = host.seal(1);
  const auto approved = approvals({{{1, 1}, 1}});
  host.boot({1, 2});
  EXPECT_THAT(host.open(data, approved), FailsWith(ErrorCode::pcr_differs));
  // Nor does the TPM take it from who does not look first.
  const auto state = ApprovedState::prove(host.tpm(), approved[0]);
  ASSERT_THAT(state, Succeeds());
  EXPECT_THAT(host.open_by(data, *state), FailsWith(ErrorCode::pcr_differs));
  host.boot({1, 1});
  EXPECT_THAT(host.open_by(data, *state), Succeeds());
  EXPECT_EQ(handles_in_use(host.tpm(), kFirstTransient)->size(), 0U);
  EXPECT_EQ(handles_in_use(host.tpm(), kFirstLoadedSession)->size(), 0U);
}

TEST_P(ApprovedStates, TakeAsManyCommandsAsTheHeaderSays) {
  Host host{profile_, approver_};
  const auto data = host.seal(1);
  const auto approved = approvals({{{1, 1}, 1}, {{1, 2}, 2}});
  host.boot({1, 2});
  const auto before = host.tpm().statistics().commands;
  ASSERT_THAT(host.open(data, approved), Succeeds());
  EXPECT_EQ(host.tpm().statistics().commands - before, kUnsealCommands + kApprovalCommands);
}

TEST_P(ApprovedStates, DoNotComeBackOnceTheyWereWithdrawn) {
  Host host{profile_, approver_};
  const auto data = host.seal(1);
  const auto approved = approvals({{{1, 1}, 1}, {{2, 1}, 2}});
  host.boot({1, 1});
  ASSERT_THAT(host.open(data, approved), Succeeds());
  const auto kept = ApprovedState::prove(host.tpm(), approved[0]).value();
  ASSERT_THAT(carry_out(host.tpm(), withdraw_below(key_, profile_, 2).value()), Succeeds());
  EXPECT_THAT(host.open(data, approved), FailsAt(ErrorCode::failed_precondition, "version"));
  EXPECT_THAT(host.open_by(data, kept), FailsAt(ErrorCode::failed_precondition, "version"));
  host.boot({1, 1});
  EXPECT_THAT(host.open_by(data, kept), FailsAt(ErrorCode::failed_precondition, "version"));
  host.boot({2, 1});
  EXPECT_THAT(host.open(data, approved), Succeeds());
}

TEST_P(ApprovedStates, AreWithdrawnForGood) {
  Host host{profile_, approver_};
  const auto low = withdraw_below(key_, profile_, 3).value();
  const auto high = withdraw_below(key_, profile_, 9).value();
  ASSERT_THAT(carry_out(host.tpm(), low), Succeeds());
  ASSERT_THAT(carry_out(host.tpm(), high), Succeeds());
  ASSERT_THAT(carry_out(host.tpm(), low), Succeeds());
  EXPECT_EQ(lowest_version(host.tpm(), profile_, approver_).value(), 9U);
  ASSERT_THAT(provision(host.tpm(), {&profile_, KeyKind::p256, approver_}, {}), Succeeds());
  EXPECT_EQ(lowest_version(host.tpm(), profile_, approver_).value(), 9U);

  // A replayed withdrawal, as a host would try it: without a look at the index.
  auto session = Session::start_policy(host.tpm());
  const Entity index{profile_.version_index, profile_.version_index_name(approver_.name())};
  EXPECT_FALSE(policy_nv(host.tpm(), *session, index, NvComparison::less, version_bytes(3)));
  auto empty = Session::empty_auth();
  EXPECT_FALSE(nv_write(host.tpm(), index, empty, index, version_bytes(0), 0));
  EXPECT_FALSE(nv_write(host.tpm(), index, *session, index, version_bytes(0), 0));
  if (profile_.hierarchy != Hierarchy::platform) return;  // there its owner can
  const auto owner = Entity::permanent(static_cast<Handle>(Hierarchy::owner));
  EXPECT_FALSE(nv_write(host.tpm(), owner, empty, index, version_bytes(0), 0));
  EXPECT_FALSE(nv_undefine(host.tpm(), owner, empty, index));
  EXPECT_EQ(lowest_version(host.tpm(), profile_, approver_).value(), 9U);
}

TEST_P(ApprovedStates, AreTheApproversOwn) {
  Host host{profile_, approver_};
  const auto data = host.seal(1);
  host.boot({1, 1});
  const auto stranger = fresh_key(KeyKind::p256);
  const std::vector theirs{tpm::approve(stranger, profile_, "mine", 1, state({1, 1})).value()};
  EXPECT_THAT(host.open(data, theirs), FailsAt(ErrorCode::failed_precondition, "approvals"));
  const auto their_state = ApprovedState::prove(host.tpm(), theirs[0]).value();
  EXPECT_FALSE(host.open_by(data, their_state));
  EXPECT_THAT(carry_out(host.tpm(), withdraw_below(stranger, profile_, 9).value()),
              FailsAt(ErrorCode::not_found, "version_index"));
  // An honest signature over something else, and a damaged one, get no ticket that fits.
  const auto key = load_external(host.tpm(), approver_.area()).value();
  const auto approval = approve({1, 1}, 1);
  auto signature = approval.policy.tpm_signature();
  EXPECT_THAT(verify_signature(host.tpm(), key.entity(), approve({1, 2}, 1).policy.digest(), signature),
              FailsWith(ErrorCode::tpm_error));
  signature.back() ^= 1;
  EXPECT_THAT(verify_signature(host.tpm(), key.entity(), approval.policy.digest(), signature),
              FailsWith(ErrorCode::tpm_error));
  EXPECT_THAT(host.open(data, {approval}), Succeeds());
}

TEST_P(ApprovedStates, NeedAMachineThatIsBoundToTheirApprover) {
  auto bound_to_values = MachineForTest::start(profile_, KeyKind::p256);
  ASSERT_THAT(bound_to_values, Succeeds());
  EXPECT_THAT(lowest_version(*bound_to_values->tpm, profile_, approver_),
              FailsAt(ErrorCode::not_found, "version_index"));
  Host host{profile_, Approver::create(fresh_key(KeyKind::p256).public_key()).value()};
  EXPECT_THAT(lowest_version(host.tpm(), profile_, approver_),
              FailsAt(ErrorCode::not_found, "version_index"));
}

TEST(PolicyOr, OpensInOneOfSeveralStates) {
  auto machine = MachineForTest::start(owner_profile(), KeyKind::p256);
  ASSERT_THAT(machine, Succeeds());
  const auto one = Policy{}.pcr(machine->expected).digest();
  const auto other = Policy{}.pcr(some_pcrs()).digest();
  const std::array branches{other, one};
  const auto either = Policy::any_of(branches).value().digest();
  class Either final : public ObjectPolicy {
   public:
    explicit Either(const std::array<Digest, 2>& branches, PcrSelection pcrs)
        : branches_{branches}, pcrs_{std::move(pcrs)} {}
    Status satisfy(Tpm& tpm, const Session& session) const override {
      SEALIFT_CHECK(policy_pcr(tpm, session, pcrs_));
      return policy_or(tpm, session, branches_);
    }
    Error refusal(Tpm& /*tpm*/, ByteView /*approved*/) const override {
      return {ErrorCode::pcr_differs, "", "", {}};
    }

   private:
    const std::array<Digest, 2>& branches_;
    PcrSelection pcrs_;
  };
  const auto data = StorageKey::prepare(machine->parent.key)->seal(Bytes(32, 5), either).value();
  const Either policy{branches, machine->expected.selection()};
  const auto open = [&] {
    return unseal(*machine->tpm, machine->parent, machine->boot_password, data, policy);
  };
  EXPECT_THAT(open(), Succeeds());
  ASSERT_THAT(machine->change_state(), Succeeds());
  EXPECT_FALSE(open());
}

}  // namespace
}  // namespace sealift::tpm
