// SPDX-License-Identifier: Apache-2.0
#include "tpm/unseal.h"

#include <fmt/core.h>

#include <chrono>
#include <random>
#include <thread>

#include "tpm/commands.h"
#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPatience{10'000};
constexpr unsigned kLongestPause = 64;  // ms
constexpr unsigned kConnectionAttempts = 3;

/// The PCRs' values are not in a policy, only its digest is: so both sides are shown as digests.
template <typename PolicyOf>
Error pcr_refusal(Tpm& tpm, const PcrSelection& pcrs, std::string message, ByteView approved,
                  PolicyOf policy_of_values) {
  Error error{ErrorCode::pcr_differs, std::move(message), pcrs.text(), {}};
  const auto now = read_pcrs(tpm, pcrs);
  if (!now) return error;
  error.expected = fmt::format("policy {}", to_hex(approved));
  error.found = fmt::format("policy {} from {}", to_hex(policy_of_values(*now).view()), now->text());
  return error;
}

tl::unexpected<Error> fail_sealed(std::string message, std::string field, const Error& cause) {
  return fail(ErrorCode::sealed_data_refused, std::move(message), std::move(field), cause.message);
}

Status check_tpm2b(ByteView tpm2b, const char* field) {
  ByteReader reader{tpm2b};
  const auto contents = reader.sized16(kMaxFrame);
  if (contents && reader.at_end()) return {};
  return fail(ErrorCode::sealed_data_refused,
              fmt::format("the sealed data's {} is not a sized buffer", field), field);
}

/// One seal being opened.
class Chain {
 public:
  Chain(Tpm& tpm, const StorageParent& parent, const Entity& password, const SealedData& data,
        const Public& area, const ObjectPolicy* approved)
      : tpm_{tpm}, parent_{parent}, password_{password}, data_{data}, area_{area}, approved_{approved} {}

  Result<SecretBytes> run(const ObjectPolicy& object_policy) {
    const Tpm::Turn turn{tpm_};
    SEALIFT_TRY(auto proof, Session::start_hmac(tpm_, password_));
    SEALIFT_TRY(auto policy, Session::start_policy(tpm_, password_));
    SEALIFT_CHECK(satisfy_parent(proof, policy));
    SEALIFT_TRY(const auto object, import(policy));
    proof.end_with_next_command();
    SEALIFT_CHECK(satisfy_parent(proof, policy));
    SEALIFT_TRY(const auto loaded, load_it(policy, object));
    SEALIFT_CHECK(object_policy.satisfy(tpm_, policy));
    return unseal_it(policy, loaded, object_policy);
  }

 private:
  Entity parent_key() const { return {parent_.profile->storage_key, parent_.key.name()}; }

  /// An approver's part comes first: it forgets what was before it.
  Status satisfy_parent(Session& proof, const Session& policy) {
    if (approved_ != nullptr) SEALIFT_CHECK(approved_->satisfy(tpm_, policy));
    auto proven = policy_secret(tpm_, password_, proof, policy);
    if (!proven && (is_rc(proven.error(), "TPM_RC_BAD_AUTH") || is_rc(proven.error(), "TPM_RC_AUTH_FAIL"))) {
      return fail(ErrorCode::boot_password_refused, "the TPM does not accept the boot password",
                  "boot_password", proven.error().message);
    }
    SEALIFT_CHECK(std::move(proven));
    return approved_ != nullptr ? Status{} : policy_pcr(tpm_, policy, parent_.pcrs);
  }

  Result<Bytes> import(Session& policy) {
    auto object = import_object(tpm_, parent_key(), policy, data_);
    if (object) return object;
    if (is_rc(object.error(), "TPM_RC_POLICY_FAIL")) return fail_pcr(object.error());
    return refused("the TPM does not accept the sealed data for its storage key", object.error());
  }

  Result<LoadedObject> load_it(Session& policy, ByteView object) {
    auto loaded = load(tpm_, parent_key(), policy, object, area_);
    if (loaded) return loaded;
    if (is_rc(loaded.error(), "TPM_RC_POLICY_FAIL")) return fail_pcr(loaded.error());
    return refused("the TPM does not load the sealed data", loaded.error());
  }

  Result<SecretBytes> unseal_it(Session& policy, const LoadedObject& loaded,
                                const ObjectPolicy& object_policy) {
    policy.encrypt_next_response();
    policy.end_with_next_command();
    auto secret = unseal_object(tpm_, loaded.entity(), policy);
    if (secret) return secret;
    if (is_rc(secret.error(), "TPM_RC_POLICY_FAIL")) {
      auto refusal = object_policy.refusal(tpm_, area_.policy());
      refusal.detail = secret.error().message;
      return tl::unexpected(std::move(refusal));
    }
    return refused("the sealed data are not something to unseal", secret.error());
  }

  tl::unexpected<Error> fail_pcr(const Error& cause) {
    if (approved_ != nullptr) return tl::unexpected(approved_->refusal(tpm_, parent_.key.policy()));
    auto refusal =
        pcr_refusal(tpm_, parent_.pcrs,
                    fmt::format("PCR {} has another value than the one approved", parent_.pcrs.text()),
                    parent_.key.policy(),
                    [this](const PcrValues& values) { return parent_.profile->storage_key_policy(values); });
    refusal.detail = cause.message;
    return tl::unexpected(std::move(refusal));
  }

  /// What the TPM finds wrong with its input is wrong with the sealed data. An altered RSA seed is
  /// TPM_RC_FAILURE to libtpms; a TPM in failure mode would not have come so far.
  static tl::unexpected<Error> refused(const char* message, const Error& cause) {
    const bool its_fault =
        is_refusal(cause) || is_rc(cause, "TPM_RC_SENSITIVE") || is_rc(cause, "TPM_RC_FAILURE");
    if (its_fault) return fail_sealed(message, "", cause);
    return tl::unexpected(cause);
  }

  Tpm& tpm_;
  const StorageParent& parent_;
  const Entity& password_;
  const SealedData& data_;
  const Public& area_;
  const ObjectPolicy* approved_;
};

/// 1 to `bound` ms: two who met must not meet again.
milliseconds random_pause(unsigned bound) {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return milliseconds{std::uniform_int_distribution<unsigned>{1, bound}(generator)};
}

}  // namespace

Status PcrObjectPolicy::satisfy(Tpm& tpm, const Session& session) const {
  return policy_pcr(tpm, session, selection_);
}

Error PcrObjectPolicy::refusal(Tpm& tpm, ByteView approved) const {
  return pcr_refusal(
      tpm, selection_,
      fmt::format("PCR {} has another value than the one the data were sealed to", selection_.text()),
      approved, [](const PcrValues& values) { return Policy{}.pcr(values).digest(); });
}

Result<StorageParent> read_storage_parent(Tpm& tpm, const Profile& profile) {
  SEALIFT_TRY(const auto pcrs, PcrSelection::parse(profile.pcrs));
  return read_storage_parent(tpm, profile, pcrs);
}

Result<StorageParent> read_storage_parent(Tpm& tpm, const Profile& profile, const PcrSelection& pcrs) {
  SEALIFT_TRY(auto key, find_public(tpm, profile.storage_key));
  if (!key) {
    return fail(ErrorCode::not_found,
                fmt::format("the TPM has no storage key of the {} profile: the machine is not provisioned",
                            profile.name),
                "storage_key");
  }
  return StorageParent{&profile, *std::move(key), pcrs};
}

Result<SecretBytes> unseal(Tpm& tpm, const StorageParent& parent,
                           const Secret<kBootPasswordSize>& boot_password, const SealedData& data,
                           const ObjectPolicy& policy, const ObjectPolicy* approved) {
  const auto area = Public::parse(data.public_area);
  if (!area) return fail_sealed("the sealed data's public area is damaged", "public", area.error());
  SEALIFT_CHECK(check_tpm2b(data.duplicate, "duplicate"));
  SEALIFT_CHECK(check_tpm2b(data.seed, "seed"));
  const Entity password{parent.profile->password_index, parent.profile->password_index_name(),
                        boot_password.expose()};
  const auto deadline = steady_clock::now() + kPatience;
  unsigned lost_connections = 0;
  for (unsigned bound = 2;; bound = std::min(bound * 2, kLongestPause)) {
    auto secret = Chain{tpm, parent, password, data, *area, approved}.run(policy);
    if (secret || !is_passing(secret.error())) return secret;
    if (secret.error().code == ErrorCode::tpm_unavailable && ++lost_connections == kConnectionAttempts)
      return secret;
    if (steady_clock::now() > deadline) return secret;
    std::this_thread::sleep_for(random_pause(bound));
  }
}

}  // namespace sealift::tpm
