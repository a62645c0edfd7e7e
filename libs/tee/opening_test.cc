// SPDX-License-Identifier: Apache-2.0
/// The opening of operands on a real TPM, and everything that must stop it, each with its own reason.
#include "tee/opening.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "crypto/random.h"
#include "tee/tpm_seal_opener.h"
#include "tpm/commands.h"
#include "tpm/provisioning.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tee {
namespace {

crypto::Digest digest_of(std::string_view text) {
  return crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(text));
}

/// A machine with a provisioned TPM, in the state it was provisioned for.
struct Machine {
  tpm::SwtpmForTest swtpm = tpm::SwtpmForTest::start().value();
  tpm::PcrValues approved = tpm::PcrValues::parse("sha256:6=" + std::string(64, '0')).value();
  std::optional<tpm::StorageKey> storage_key;
  std::unique_ptr<TpmSealOpener> opener;

  explicit Machine(tpm::KeyKind kind) {
    auto tpm = tpm::Tpm::open(swtpm.tcti()).value();
    const tpm::HierarchyAuths auths{};
    const auto machine = tpm::provision(tpm, {&tpm::firmware_profile(), kind, approved}, auths);
    EXPECT_THAT(machine, Succeeds());
    storage_key = tpm::StorageKey::prepare(machine->storage_key).value();
    boot(tpm);
  }
  void boot(tpm::Tpm& tpm) {
    auto password = tpm::rotate_boot_password(tpm, tpm::firmware_profile(), {}).value();
    opener = TpmSealOpener::create(swtpm.tcti(), tpm::firmware_profile(), approved.selection(),
                                   std::move(password))
                 .value();
  }
  esm::Target target(ByteView secret) const {
    auto sealed = tpm::seal(*storage_key, secret, approved).value();
    return {to_bytes(storage_key->name().view()), to_bytes(tpm::Policy{}.pcr(approved).digest().view()),
            std::move(sealed.public_area), std::move(sealed.duplicate), std::move(sealed.seed)};
  }
};

class Opening : public ::testing::TestWithParam<tpm::KeyKind> {
 protected:
  /// An operand like the fixture's, sealed to nobody, with its own seed and image ID.
  static esm::Operand operand(const esm::Seed& seed, const esm::ImageId& id,
                              std::string_view passphrase = "cd1") {
    std::vector<esm::CustomerData> data;
    data.push_back({"root-disk-passphrase", SecretBytes::copy_of(as_bytes(passphrase))});
    data.push_back({"token", SecretBytes::copy_of(as_bytes("cd2"))});
    return esm::make(seed, id, {digest_of("kernel"), digest_of("initramfs"), digest_of("cmdline"), {}, {}},
                     data)
        .value();
  }
  static esm::Measured measured() {
    return {digest_of("kernel"), digest_of("initramfs"), digest_of("cmdline"), {}};
  }

  Opening() { EXPECT_THAT(operand_.put_target(machine_.target(seed_.expose())), Succeeds()); }

  /// Opens and says how far it came.
  Status open(const esm::Operand& which, const esm::Measured& what = measured()) {
    steps_.clear();
    auto approved = open_operand(which, *machine_.opener, what,
                                 [this](OpeningStep step) { steps_.emplace_back(name(step)); });
    if (!approved) return tl::unexpected(approved.error());
    customer_data_ = std::move(*approved).take_customer_data().value();
    return {};
  }
  /// The operand with its only target changed.
  esm::Operand with_target(const std::function<void(esm::Target&)>& change) {
    auto altered = operand_;
    auto target = altered.targets().front();
    change(target);
    EXPECT_THAT(altered.put_target(std::move(target)), Succeeds());
    return altered;
  }
  /// The operand after one replacement in its bytes, or none where it is not read any more.
  std::optional<esm::Operand> edited(ByteView from, ByteView to) {
    auto bytes = operand_.serialise();
    const auto found = std::ranges::search(bytes, from);
    EXPECT_FALSE(found.empty());
    std::ranges::copy(to, found.begin());
    auto parsed = esm::Operand::parse(bytes);
    if (!parsed) return std::nullopt;
    return *std::move(parsed);
  }

  Machine machine_{GetParam()};
  esm::Seed seed_ = crypto::random_secret<esm::kSeedSize>();
  esm::Operand operand_ = operand(seed_, esm::ImageId::random());
  std::vector<std::string> steps_;
  std::vector<esm::CustomerData> customer_data_;
};

INSTANTIATE_TEST_SUITE_P(StorageKeys, Opening, ::testing::Values(tpm::KeyKind::rsa2048, tpm::KeyKind::p256),
                         [](const auto& which) { return std::string{tpm::name(which.param)}; });

TEST_P(Opening, GivesTheCustomerDataAfterAllFourSteps) {
  ASSERT_THAT(open(operand_), Succeeds());
  EXPECT_EQ(steps_, (std::vector<std::string>{"target_found", "seal_opened", "payload_verified",
                                              "components_verified"}));
  ASSERT_EQ(customer_data_.size(), 2U);
  EXPECT_EQ(customer_data_[0].name, "root-disk-passphrase");
  EXPECT_TRUE(customer_data_[0].value.equals(as_bytes("cd1")));
  EXPECT_TRUE(customer_data_[1].value.equals(as_bytes("cd2")));
}

TEST_P(Opening, GoesOnWorkingAfterEachRefusal) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(open(operand_, {digest_of("x"), {}, {}, {}}), FailsWith(ErrorCode::kernel_differs));
    EXPECT_THAT(open(with_target([](auto& t) { t.duplicate.back() ^= 1; })),
                FailsWith(ErrorCode::sealed_data_refused));
  }
  EXPECT_THAT(open(operand_), Succeeds());
}

TEST_P(Opening, RefusesTheFirstComponentThatDiffers) {
  auto what = measured();
  what.cmdline = digest_of("cmdline ");
  EXPECT_THAT(open(operand_, what), FailsAt(ErrorCode::cmdline_differs, "cmdline"));
  what.initramfs = digest_of("other");
  EXPECT_THAT(open(operand_, what), FailsAt(ErrorCode::initramfs_differs, "initramfs"));
  what.kernel = digest_of("other");
  EXPECT_THAT(open(operand_, what), FailsAt(ErrorCode::kernel_differs, "kernel"));
  EXPECT_EQ(steps_.back(), "payload_verified");
  what = measured();
  what.rtas = digest_of("rtas");
  EXPECT_THAT(open(operand_, what), FailsAt(ErrorCode::rtas_differs, "rtas"));
}

TEST_P(Opening, RefusesAnOperandThatIsSealedToNobody) {
  EXPECT_THAT(open(operand(seed_, esm::ImageId::random())),
              FailsAt(ErrorCode::no_target_for_host, "sealed-data"));
  EXPECT_THAT(open(operand(seed_, esm::ImageId::random())),
              FailsShowing(to_hex(machine_.opener->storage_key_name()), "no target"));
}

TEST_P(Opening, RefusesASlotForAnotherMachine) {
  const Machine other{GetParam()};
  auto elsewhere = operand(seed_, esm::ImageId::random());
  ASSERT_THAT(elsewhere.put_target(other.target(seed_.expose())), Succeeds());
  EXPECT_THAT(open(elsewhere), FailsWith(ErrorCode::no_target_for_host));
  EXPECT_THAT(open(elsewhere), FailsShowing(to_hex(machine_.opener->storage_key_name()),
                                            to_hex(other.opener->storage_key_name())));
  // The same slot under this machine's name: its TPM cannot open it.
  auto relabelled = elsewhere.targets().front();
  relabelled.storage_key_name = to_bytes(machine_.opener->storage_key_name());
  ASSERT_THAT(elsewhere.put_target(relabelled), Succeeds());
  EXPECT_THAT(open(elsewhere), FailsWith(ErrorCode::sealed_data_refused));
  EXPECT_EQ(steps_, std::vector<std::string>{"target_found"});
}

TEST_P(Opening, RefusesEveryAlteredPartOfTheSeal) {
  EXPECT_THAT(open(with_target([](auto& t) { t.public_area.back() ^= 1; })),
              FailsWith(ErrorCode::sealed_data_refused));
  EXPECT_THAT(open(with_target([](auto& t) { t.duplicate[10] ^= 1; })),
              FailsWith(ErrorCode::sealed_data_refused));
  EXPECT_THAT(open(with_target([](auto& t) { t.seed.back() ^= 1; })),
              FailsWith(ErrorCode::sealed_data_refused));
}

TEST_P(Opening, RefusesASealForAnotherPcrValue) {
  const auto other = tpm::PcrValues::parse("sha256:6=" + std::string(64, '1')).value();
  auto sealed = tpm::seal(*machine_.storage_key, seed_.expose(), other).value();
  auto wrong = with_target([&](auto& t) {
    t.public_area = sealed.public_area;
    t.duplicate = sealed.duplicate;
    t.seed = sealed.seed;
  });
  EXPECT_THAT(open(wrong), FailsWith(ErrorCode::pcr_differs));
  EXPECT_THAT(open(wrong),
              FailsShowing("policy " + to_hex(tpm::Policy{}.pcr(other).digest().view()),
                           fmt::format("policy {} from {}",
                                       to_hex(tpm::Policy{}.pcr(machine_.approved).digest().view()),
                                       machine_.approved.text())));
}

TEST_P(Opening, RefusesAMachineWhosePcrWasExtended) {
  auto tpm = tpm::Tpm::open(machine_.swtpm.tcti()).value();
  ASSERT_THAT(tpm::extend_pcr(tpm, 6,
                              {{crypto::HashAlgorithm::sha256,
                                crypto::digest(crypto::HashAlgorithm::sha256, as_bytes("x"))}}),
              Succeeds());
  EXPECT_THAT(open(operand_), FailsWith(ErrorCode::pcr_differs));
  const auto& profile = tpm::firmware_profile();
  const auto now = tpm::read_pcrs(tpm, machine_.approved.selection()).value();
  EXPECT_THAT(open(operand_),
              FailsShowing("policy " + to_hex(profile.storage_key_policy(machine_.approved).view()),
                           fmt::format("policy {} from {}", to_hex(profile.storage_key_policy(now).view()),
                                       now.text())));
}

TEST_P(Opening, RefusesThePasswordOfAnEarlierBoot) {
  auto tpm = tpm::Tpm::open(machine_.swtpm.tcti()).value();
  const auto newer = tpm::rotate_boot_password(tpm, tpm::firmware_profile(), {});
  ASSERT_THAT(newer, Succeeds());
  EXPECT_THAT(open(operand_), FailsWith(ErrorCode::boot_password_refused));
}

TEST_P(Opening, RefusesASeedOfAnotherImage) {
  const auto other_seed = crypto::random_secret<esm::kSeedSize>();
  auto wrong = with_target([&](auto& t) { t = machine_.target(other_seed.expose()); });
  EXPECT_THAT(open(wrong), FailsAt(ErrorCode::hmac_differs, "hmac"));
  EXPECT_EQ(steps_, (std::vector<std::string>{"target_found", "seal_opened"}));
}

TEST_P(Opening, RefusesASealThatHoldsNoSeed) {
  auto wrong = with_target([&](auto& t) { t = machine_.target(ByteView{seed_.expose()}.first(31)); });
  EXPECT_THAT(open(wrong), FailsWith(ErrorCode::sealed_data_refused));
}

TEST_P(Opening, RefusesThePayloadOfAnotherImageEvenWithTheSameSeed) {
  // Another image ID under this image's seal: the ID is in the HMAC key and in every entry.
  auto other = operand(crypto::random_secret<esm::kSeedSize>(), operand_.image_id());
  ASSERT_THAT(other.put_target(operand_.targets().front()), Succeeds());
  EXPECT_THAT(open(other), FailsAt(ErrorCode::hmac_differs, "hmac"));
  const auto id = esm::ImageId::random();
  if (const auto renamed = edited(operand_.image_id().view(), id.view())) {
    EXPECT_THAT(open(*renamed), FailsAt(ErrorCode::hmac_differs, "hmac"));
  }
}

TEST_P(Opening, RefusesEveryEditOfThePayload) {
  for (const auto& entry : operand_.payload()) {
    for (const ByteView part : {ByteView{entry.ciphertext}, ByteView{entry.iv}, ByteView{entry.tag}}) {
      auto changed = to_bytes(part);
      changed.front() ^= 0x80;
      const auto altered = edited(part, changed);
      ASSERT_TRUE(altered.has_value());
      EXPECT_THAT(open(*altered), FailsAt(ErrorCode::hmac_differs, "hmac"));
    }
  }
  auto hmac = to_bytes(operand_.hmac());
  hmac.back() ^= 1;
  EXPECT_THAT(open(*edited(operand_.hmac(), hmac)), FailsAt(ErrorCode::hmac_differs, "hmac"));
}

TEST_P(Opening, RefusesSwappedPayloadEntries) {
  const auto& first = operand_.payload()[1];
  const auto& second = operand_.payload()[2];
  ASSERT_EQ(first.ciphertext.size(), second.ciphertext.size());
  auto bytes = operand_.serialise();
  const auto swap = [&](ByteView a, ByteView b) {
    const auto at_a = std::ranges::search(bytes, a).begin();
    const auto at_b = std::ranges::search(bytes, b).begin();
    std::swap_ranges(at_a, at_a + static_cast<std::ptrdiff_t>(a.size()), at_b);
  };
  swap(to_bytes(first.ciphertext), to_bytes(second.ciphertext));
  swap(to_bytes(first.iv), to_bytes(second.iv));
  swap(to_bytes(first.tag), to_bytes(second.tag));
  EXPECT_THAT(open(esm::Operand::parse(bytes).value()), FailsAt(ErrorCode::hmac_differs, "hmac"));
}

TEST_P(Opening, WorksAgainAfterThePowerWasOffAndANewPasswordCame) {
  ASSERT_THAT(machine_.swtpm.power_off(), Succeeds());
  EXPECT_FALSE(open(operand_).has_value());
  ASSERT_THAT(machine_.swtpm.power_on(), Succeeds());
  auto tpm = tpm::Tpm::open(machine_.swtpm.tcti()).value();
  EXPECT_THAT(open(operand_), Succeeds())
      << "the password is in NV, and a TPM reset alone does not change it";
  machine_.boot(tpm);
  EXPECT_THAT(open(operand_), Succeeds());
}

/// Bound to an approver, with a directory for what that one signs.
class ApproversMachine : public ::testing::Test {
 protected:
  ApproversMachine() {
    const auto made = tpm::provision(tpm_, {&profile_, tpm::KeyKind::p256, approver_}, {});
    EXPECT_THAT(made, Succeeds());
    storage_key_.emplace(tpm::StorageKey::prepare(made->storage_key).value());
    opener_ = TpmSealOpener::create(swtpm_.tcti(), profile_, zero_.selection(),
                                    tpm::rotate_boot_password(tpm_, profile_, {}).value(), directory_.path(),
                                    [this](const RejectedFile& file) { rejected_.push_back(file.name); })
                  .value();
  }
  void approve(const std::string& name, std::uint64_t version, const tpm::PcrValues& state) const {
    const auto approval = tpm::approve(key_, profile_, name, version, state).value();
    ASSERT_THAT(write_file(directory_.path() / (name + ".approval"), as_bytes(tpm::to_json(approval))),
                Succeeds());
  }
  Result<SecretBytes> open(const crypto::Digest& policy) {
    auto sealed = storage_key_->seal(Bytes(32, 1), policy).value();
    return opener_->open({to_bytes(storage_key_->name().view()), to_bytes(policy.view()),
                          std::move(sealed.public_area), std::move(sealed.duplicate),
                          std::move(sealed.seed)});
  }

  const tpm::Profile& profile_ = tpm::firmware_profile();
  const crypto::PrivateKey key_ = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
  const tpm::Approver approver_ = tpm::Approver::create(key_.public_key()).value();
  const TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-approvals").value();
  const tpm::PcrValues zero_ = tpm::PcrValues::parse("sha256:6=" + std::string(64, '0')).value();
  const tpm::PcrValues other_ = tpm::PcrValues::parse("sha256:6=" + std::string(64, '1')).value();
  tpm::SwtpmForTest swtpm_ = tpm::SwtpmForTest::start().value();
  tpm::Tpm tpm_ = tpm::Tpm::open(swtpm_.tcti()).value();
  std::optional<tpm::StorageKey> storage_key_;
  std::vector<std::string> rejected_;
  std::unique_ptr<TpmSealOpener> opener_;
};

TEST_F(ApproversMachine, SaysWhichFilesDoNotHold) {
  approve("this", 1, zero_);
  ASSERT_THAT(write_file(directory_.path() / "half.withdrawal", as_bytes("{")), Succeeds());
  EXPECT_THAT(open(approver_.sealing_policy()), Succeeds());
  EXPECT_THAT(open(approver_.sealing_policy()), Succeeds());
  EXPECT_EQ(rejected_, std::vector<std::string>{"half.withdrawal"}) << "once, and it stops no other";
  ASSERT_THAT(write_file(directory_.path() / "this.approval", as_bytes("damaged")), Succeeds());
  const auto refused = open(approver_.sealing_policy());
  ASSERT_FALSE(refused);
  for (const auto* const name : {"half.withdrawal: malformed", "this.approval: malformed"})
    EXPECT_NE(refused.error().message.find(name), std::string::npos) << refused.error().message;
  EXPECT_EQ(rejected_.size(), 2U);
}

TEST_F(ApproversMachine, OpensWhatIsApprovedOfAsSoonAsItIs) {
  EXPECT_THAT(open(approver_.sealing_policy()), FailsWith(ErrorCode::pcr_differs));
  approve("other", 1, other_);
  EXPECT_THAT(open(approver_.sealing_policy()), FailsAt(ErrorCode::pcr_differs, "sha256:6"));
  approve("this", 1, zero_);
  EXPECT_THAT(open(approver_.sealing_policy()), Succeeds());
}

TEST_F(ApproversMachine, OpensWhatIsSealedToValuesInThatStateAlone) {
  approve("this", 1, zero_);
  EXPECT_THAT(open(tpm::Policy{}.pcr(zero_).digest()), Succeeds());
  EXPECT_THAT(open(tpm::Policy{}.pcr(other_).digest()), FailsAt(ErrorCode::pcr_differs, "sha256:6"));
}

TEST_F(ApproversMachine, CarriesOutWithdrawalsBeforeItOpens) {
  approve("this", 1, zero_);
  ASSERT_THAT(open(approver_.sealing_policy()), Succeeds());
  const auto withdrawal = tpm::withdraw_below(key_, profile_, 2).value();
  ASSERT_THAT(write_file(directory_.path() / "2.withdrawal", as_bytes(tpm::to_json(withdrawal))), Succeeds());
  EXPECT_THAT(open(approver_.sealing_policy()), FailsAt(ErrorCode::failed_precondition, "version"));
  approve("this", 2, zero_);
  EXPECT_THAT(open(approver_.sealing_policy()), Succeeds());
}

}  // namespace
}  // namespace sealift::tee
