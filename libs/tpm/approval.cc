// SPDX-License-Identifier: Apache-2.0
#include "tpm/approval.h"

#include <fmt/core.h>
#include <openssl/ecdsa.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
#include <cassert>
#include <memory>

namespace sealift::tpm {
namespace {

Result<Public> signing_key_area(const crypto::EcPoint& point) {
  TPMT_PUBLIC area{};
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT;
  auto& parameters = area.parameters.eccDetail;
  parameters.symmetric.algorithm = TPM2_ALG_NULL;
  parameters.scheme.scheme = TPM2_ALG_ECDSA;
  parameters.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  parameters.curveID = TPM2_ECC_NIST_P256;
  parameters.kdf.scheme = TPM2_ALG_NULL;
  const auto put = [](TPM2B_ECC_PARAMETER& to, ByteView from) {
    to.size = static_cast<UINT16>(from.size());
    std::ranges::copy(from, to.buffer);
  };
  put(area.unique.ecc.x, point.x);
  put(area.unique.ecc.y, point.y);
  return Public::from_template(area);
}

Bytes signed_message(const Digest& policy, std::string_view reference) {
  return std::move(ByteWriter{}.bytes(policy.view()).bytes(as_bytes(reference))).take();
}

Status check_version(std::uint64_t version) {
  if (version >= 1 && version <= kMaxVersion) return {};
  return fail(ErrorCode::invalid_argument, "a version is a number from 1 to 2^53 - 1", "version");
}

Status check_name(std::string_view name) {
  if (!name.empty() && name.size() <= kMaxApprovalName) return {};
  return fail(ErrorCode::invalid_argument, "an approval's name has 1 to 128 bytes", "name");
}

Digest state_policy(const Profile& profile, const Name& approver, std::uint64_t version,
                    const PcrValues& state) {
  return Policy{}
      .pcr(state)
      .nv(profile.version_index_name(approver), NvComparison::at_most, version_bytes(version))
      .digest();
}

Digest withdrawal_policy(const Profile& profile, const Name& approver, std::uint64_t version) {
  const auto index = profile.version_index_name(approver);
  return Policy{}
      .nv(index, NvComparison::less, version_bytes(version))
      .cp_hash(withdrawal_command(index, version))
      .digest();
}

}  // namespace

Result<Approver> Approver::create(const crypto::PublicKey& key) {
  const auto point = key.ec();
  if (!point || point->curve != crypto::Curve::p256)
    return fail(ErrorCode::key_unsupported, "states are approved of by a P-256 key", "key");
  SEALIFT_TRY(auto area, signing_key_area(*point));
  return Approver{key, std::move(area)};
}

Digest Approver::sealing_policy() const {
  return Policy{}.authorize(name(), as_bytes(kStateReference)).digest();
}

Result<SignedPolicy> SignedPolicy::sign(const crypto::PrivateKey& key, const Digest& policy,
                                        std::string_view reference) {
  SEALIFT_TRY(auto approver, Approver::create(key.public_key()));
  SEALIFT_TRY(auto signature, key.sign(HashAlgorithm::sha256, signed_message(policy, reference)));
  return SignedPolicy{std::move(approver), policy, reference, std::move(signature)};
}

Result<SignedPolicy> SignedPolicy::check(Approver approver, const Digest& policy, std::string_view reference,
                                         ByteView signature) {
  SEALIFT_CHECK(approver.key().verify(HashAlgorithm::sha256, signed_message(policy, reference), signature));
  return SignedPolicy{std::move(approver), policy, reference, to_bytes(signature)};
}

Digest SignedPolicy::digest() const {
  return crypto::digest(HashAlgorithm::sha256, signed_message(policy_, reference_));
}

Bytes SignedPolicy::tpm_signature() const {
  const auto* at = signature_.data();
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> numbers{
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature_.size())), &ECDSA_SIG_free};
  assert(numbers != nullptr);  // it was verified
  ByteWriter out;
  out.be16(TPM2_ALG_ECDSA).be16(TPM2_ALG_SHA256);
  for (const auto* number : {ECDSA_SIG_get0_r(numbers.get()), ECDSA_SIG_get0_s(numbers.get())}) {
    std::array<std::uint8_t, 32> padded{};
    [[maybe_unused]] const auto size = BN_bn2binpad(number, padded.data(), padded.size());
    assert(size == static_cast<int>(padded.size()));
    out.sized16(padded);
  }
  return std::move(out).take();
}

Result<Approval> approve(const crypto::PrivateKey& key, const Profile& profile, std::string name,
                         std::uint64_t version, const PcrValues& state) {
  SEALIFT_CHECK(check_name(name));
  SEALIFT_CHECK(check_version(version));
  SEALIFT_TRY(const auto approver, Approver::create(key.public_key()));
  SEALIFT_TRY(auto policy, SignedPolicy::sign(key, state_policy(profile, approver.name(), version, state),
                                              kStateReference));
  return Approval{std::move(name), &profile, version, state, std::move(policy)};
}

Result<Withdrawal> withdraw_below(const crypto::PrivateKey& key, const Profile& profile,
                                  std::uint64_t version) {
  SEALIFT_CHECK(check_version(version));
  SEALIFT_TRY(const auto approver, Approver::create(key.public_key()));
  SEALIFT_TRY(auto policy, SignedPolicy::sign(key, withdrawal_policy(profile, approver.name(), version),
                                              kWithdrawalReference));
  return Withdrawal{&profile, version, std::move(policy)};
}

Result<Approval> check_approval(const Approver& approver, const Profile& profile, std::string name,
                                std::uint64_t version, const PcrValues& state, ByteView signature) {
  SEALIFT_TRY(auto policy,
              SignedPolicy::check(approver, state_policy(profile, approver.name(), version, state),
                                  kStateReference, signature));
  return Approval{std::move(name), &profile, version, state, std::move(policy)};
}

Result<Withdrawal> check_withdrawal(const Approver& approver, const Profile& profile, std::uint64_t version,
                                    ByteView signature) {
  SEALIFT_TRY(auto policy, SignedPolicy::check(approver, withdrawal_policy(profile, approver.name(), version),
                                               kWithdrawalReference, signature));
  return Withdrawal{&profile, version, std::move(policy)};
}

Bytes version_bytes(std::uint64_t version) { return std::move(ByteWriter{}.be64(version)).take(); }

// Part 1, clause 16.7: commandCode ‖ Name ‖ Name ‖ parameters.
Digest withdrawal_command(const Name& version_index, std::uint64_t version) {
  ByteWriter command;
  command.be32(TPM2_CC_NV_Write).bytes(version_index.view()).bytes(version_index.view());
  command.sized16(version_bytes(version)).be16(0);
  return crypto::digest(HashAlgorithm::sha256, command.view());
}

}  // namespace sealift::tpm
