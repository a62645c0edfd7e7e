// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "crypto/base64.h"
#include "json/object.h"
#include "tpm/approval.h"

namespace sealift::tpm {
namespace {

constexpr std::string_view kApproval = "sealift.approval.v1";
constexpr std::string_view kWithdrawal = "sealift.withdrawal.v1";
constexpr json::Limits kLimits{.size = 16UL * 1024};
constexpr std::size_t kPcrsLimit = 8UL * 1024;

nlohmann::ordered_json common(std::string_view format, const Profile& profile, std::uint64_t version,
                              const SignedPolicy& policy) {
  return {{"format", format},
          {"profile", profile.name},
          {"version", version},
          {"key", crypto::to_base64(policy.approver().key().der())},
          {"signature", crypto::to_base64(policy.signature())}};
}

struct Common {
  const Profile* profile;
  std::uint64_t version;
  Approver approver;
  Bytes signature;
};

Result<Common> take_common(json::Object& document, std::string_view format) {
  SEALIFT_CHECK(document.take_format(format));
  SEALIFT_TRY(const auto name, document.take_text("profile"));
  const auto profile = profile_from_name(name);
  if (!profile) return document.refuse("profile", "is not a profile");
  SEALIFT_TRY(const auto version, document.take_number("version", 1, kMaxVersion));
  SEALIFT_TRY(const auto der, document.take_base64("key"));
  const auto key = crypto::PublicKey::parse(der);
  auto approver = key ? Approver::create(*key) : Result<Approver>{tl::unexpected(key.error())};
  // PEM would parse as well; only the one spelling is taken.
  if (!approver || !same_bytes(key->der(), der)) return document.refuse("key", "is not a P-256 key in DER");
  SEALIFT_TRY(auto signature, document.take_base64("signature"));
  return Common{*profile, version, *std::move(approver), std::move(signature)};
}

Error at_signature(Error error) {
  error.field = "signature";
  return error;
}

}  // namespace

std::string to_json(const Approval& approval) {
  auto document = common(kApproval, *approval.profile, approval.version, approval.policy);
  document["name"] = approval.name;
  document["pcrs"] = approval.state.text();
  return document.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string to_json(const Withdrawal& withdrawal) {
  return common(kWithdrawal, *withdrawal.profile, withdrawal.version, withdrawal.policy).dump(2) + "\n";
}

Result<Approval> parse_approval(ByteView text) {
  SEALIFT_TRY(auto document, json::Object::parse(text, "the approval", kLimits));
  SEALIFT_TRY(const auto common, take_common(document, kApproval));
  SEALIFT_TRY(auto name, document.take_text("name"));
  if (name.empty() || name.size() > kMaxApprovalName) return document.refuse("name", "is empty or too long");
  SEALIFT_TRY(const auto pcrs, document.take_text("pcrs"));
  const auto state = pcrs.size() > kPcrsLimit ? Result<PcrValues>{fail(ErrorCode::too_large, "too long")}
                                              : PcrValues::parse(pcrs);
  if (!state) return document.refuse("pcrs", "is not a list of PCR values");
  SEALIFT_CHECK(document.expect_end());
  auto approval = check_approval(common.approver, *common.profile, std::move(name), common.version, *state,
                                 common.signature);
  if (!approval) return tl::unexpected(at_signature(std::move(approval).error()));
  return approval;
}

Result<Withdrawal> parse_withdrawal(ByteView text) {
  SEALIFT_TRY(auto document, json::Object::parse(text, "the withdrawal", kLimits));
  SEALIFT_TRY(const auto common, take_common(document, kWithdrawal));
  SEALIFT_CHECK(document.expect_end());
  auto withdrawal = check_withdrawal(common.approver, *common.profile, common.version, common.signature);
  if (!withdrawal) return tl::unexpected(at_signature(std::move(withdrawal).error()));
  return withdrawal;
}

}  // namespace sealift::tpm
