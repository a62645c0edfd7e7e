// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/image_policy.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "formats/esm/operand.h"
#include "services/securitymodule/domain/limits.h"
#include "tpm/policy.h"

namespace sealift::securitymodule {
namespace {

constexpr std::string_view kMeasured = "measured";
constexpr std::string_view kPef = "pef";
constexpr std::size_t kHardwareKeySize = 32;
constexpr std::string_view kSev = "sev";

using Parts = google::protobuf::RepeatedPtrField<std::string>;

tl::unexpected<Error> refuse(std::string_view member, std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("the policy's {} {}", member, why),
              fmt::format("policy.{}", member));
}

Error at(Error error, std::string_view member) {
  error.message = fmt::format("the policy's {}: {}", member, error.message);
  error.field = fmt::format("policy.{}", member);
  return error;
}

/// Only the firmware of a pef host can have enabled what isolates its guests.
Status check_tees(const Parts& tees, const tpm::Profile& profile) {
  if (tees.empty() || tees.size() > kMaxTees) return refuse("tees", "are none or too many");
  for (int i = 0; i < tees.size(); ++i) {
    if (tees[i] != kMeasured && tees[i] != kPef)
      return refuse(fmt::format("tees[{}]", i), "is neither \"measured\" nor \"pef\"");
    if (tees[i] == kPef && &profile != &tpm::firmware_profile())
      return refuse("profile", "must be \"firmware\" for pef hosts");
    if (std::find(tees.begin(), tees.begin() + i, tees[i]) != tees.begin() + i)
      return refuse(fmt::format("tees[{}]", i), "is there twice");
  }
  return {};
}

// PEM would parse as well; only the one spelling is taken.
template <typename T>
Result<std::vector<T>> read_all(const Parts& parts, std::string_view member, int limit) {
  if (parts.size() > limit) return refuse(member, fmt::format("are more than {}", limit));
  std::vector<T> all;
  for (int i = 0; i < parts.size(); ++i) {
    const auto name = fmt::format("{}[{}]", member, i);
    auto one = T::parse(as_bytes(parts[i]));
    if (!one) return tl::unexpected(at(std::move(one).error(), name));
    if (!same_bytes(one->der(), as_bytes(parts[i]))) return refuse(name, "is not DER");
    all.push_back(std::move(*one));
  }
  return all;
}

Result<tee::TrustedRoots> trusted_roots(const v1::SeedPolicy& policy) {
  crypto::TrustInput trust;
  SEALIFT_TRY(trust.roots, read_all<crypto::Certificate>(policy.trusted_roots(), "trusted_roots", kMaxRoots));
  SEALIFT_TRY(trust.intermediates,
              read_all<crypto::Certificate>(policy.intermediates(), "intermediates", kMaxIntermediates));
  SEALIFT_TRY(trust.crls, read_all<crypto::Crl>(policy.crls(), "crls", kMaxCrls));
  if (trust.roots.empty()) return refuse("trusted_roots", "are none: nobody would be trusted");
  if (policy.require_crl() && trust.crls.empty())
    return refuse("crls", "are none, and lists are required: every host would be refused");
  trust.crl_policy = policy.require_crl() ? crypto::CrlPolicy::required : crypto::CrlPolicy::where_given;
  auto roots = tee::TrustedRoots::create(std::move(trust));
  if (!roots) return tl::unexpected(at(std::move(roots).error(), "trusted_roots"));
  return roots;
}

/// Writes `text` in its one spelling.
Result<tpm::PcrValues> read_state(std::string& text, std::string_view member) {
  if (text.size() > kMaxPcrText) return refuse(member, "are too long");
  auto values = tpm::PcrValues::parse(text);
  if (!values) return tl::unexpected(at(std::move(values).error(), member));
  text = values->text();
  return values;
}

Result<tpm::Approver> read_approver(const std::string& der) {
  const auto key = crypto::PublicKey::parse(as_bytes(der));
  auto approver = key ? tpm::Approver::create(*key) : Result<tpm::Approver>{tl::unexpected(key.error())};
  if (!approver || !same_bytes(key->der(), as_bytes(der)))
    return refuse("approver", "is not a P-256 key in DER");
  return approver;
}

/// One, or those of the references, and of the approver.
Result<std::vector<tpm::Binding>> approved_states(v1::SeedPolicy& policy) {
  std::vector<tpm::Binding> states;
  if (!policy.approver().empty()) {
    SEALIFT_TRY(auto approver, read_approver(policy.approver()));
    states.emplace_back(std::move(approver));
    if (policy.approved_pcrs().empty() && policy.references().empty()) return states;
  }
  if (policy.references().empty()) {
    SEALIFT_TRY(auto state, read_state(*policy.mutable_approved_pcrs(), "approved_pcrs"));
    states.emplace_back(std::move(state));
    return states;
  }
  if (!policy.approved_pcrs().empty()) return refuse("approved_pcrs", "are there beside references");
  if (policy.references_size() > kMaxReferences) return refuse("references", "are too many");
  std::set<std::string> names;
  for (int i = 0; i < policy.references_size(); ++i) {
    auto& reference = *policy.mutable_references(i);
    if (reference.name().empty() || reference.name().size() > kMaxName)
      return refuse(fmt::format("references[{}].name", i), "is empty or too long");
    if (!names.insert(reference.name()).second)
      return refuse(fmt::format("references[{}].name", i), "is there twice");
    SEALIFT_TRY(auto state, read_state(*reference.mutable_pcrs(), fmt::format("references[{}].pcrs", i)));
    states.emplace_back(std::move(state));
  }
  return states;
}

Status check_hosts(const v1::SeedPolicy& policy) {
  if (policy.models_size() > kMaxModels) return refuse("models", "are too many");
  for (int i = 0; i < policy.models_size(); ++i) {
    if (policy.models(i).empty() || policy.models(i).size() > kMaxName)
      return refuse(fmt::format("models[{}]", i), "is empty or too long");
  }
  if (policy.hardware_keys_size() > kMaxHardwareKeys) return refuse("hardware_keys", "are too many");
  for (int i = 0; i < policy.hardware_keys_size(); ++i) {
    if (policy.hardware_keys(i).size() != kHardwareKeySize)
      return refuse(fmt::format("hardware_keys[{}]", i), "has not 32 bytes");
  }
  return {};
}

Status check_times(const v1::SeedPolicy& policy) {
  if (policy.not_before() < 0) return refuse("not_before", "is before 1970");
  if (policy.not_after() < 0 || (policy.not_after() != 0 && policy.not_after() <= policy.not_before()))
    return refuse("not_after", "is not after not_before");
  return {};
}

v1::SeedPolicy platforms_of(const v1::SeedPolicy& policy) {
  v1::SeedPolicy platforms;
  *platforms.mutable_trusted_roots() = policy.trusted_roots();
  *platforms.mutable_intermediates() = policy.intermediates();
  *platforms.mutable_crls() = policy.crls();
  *platforms.mutable_models() = policy.models();
  *platforms.mutable_hardware_keys() = policy.hardware_keys();
  return platforms;
}

/// What still holds when nobody asks: of a policy with anything beside it, members that came later among
/// them, nothing is sealed ahead.
v1::SeedPolicy fit_for_ahead(const v1::SeedPolicy& policy) {
  auto fit = platforms_of(policy);
  *fit.mutable_tees() = policy.tees();
  fit.set_profile(policy.profile());
  fit.set_approved_pcrs(policy.approved_pcrs());
  *fit.mutable_references() = policy.references();
  fit.set_approver(policy.approver());
  fit.set_maximum_hosts(policy.maximum_hosts());
  return fit;
}

crypto::Digest digest_of(const v1::SeedPolicy& policy) {
  return crypto::digest(crypto::HashAlgorithm::sha256, as_bytes(policy.SerializeAsString()));
}

/// What `verify` says under the reference whose state the storage key demands; under the last one where it
/// demands none of them.
template <typename Verify>
auto under_one_of(const std::vector<tee::MeasuredPolicy>& references, Verify verify) {
  auto verified = verify(references.front());
  for (std::size_t i = 1; i < references.size(); ++i) {
    if (verified || verified.error().code != ErrorCode::storage_key_policy_differs) break;
    verified = verify(references[i]);
  }
  return verified;
}

tl::unexpected<Error> not_allowed(std::string message, std::string_view member) {
  return fail(ErrorCode::failed_precondition, std::move(message), fmt::format("policy.{}", member));
}

}  // namespace

ImagePolicy::ImagePolicy(v1::SeedPolicy message, std::vector<tee::MeasuredPolicy> references)
    : message_{std::move(message)},
      references_{std::move(references)},
      document_{to_bytes(as_bytes(message_.SerializeAsString()))},
      digest_{crypto::digest(crypto::HashAlgorithm::sha256, document_)},
      trust_{digest_of(platforms_of(message_))} {}

ImagePolicy::ImagePolicy(v1::SeedPolicy message, sev::LaunchPolicy sev)
    : message_{std::move(message)},
      sev_{std::move(sev)},
      document_{to_bytes(as_bytes(message_.SerializeAsString()))},
      digest_{crypto::digest(crypto::HashAlgorithm::sha256, document_)},
      trust_{digest_of(platforms_of(message_))} {}

/// What is said of TPMs has no meaning there.
Result<ImagePolicy> ImagePolicy::check_sev(const v1::SeedPolicy& policy) {
  v1::SeedPolicy message;
  message.add_tees(std::string{kSev});
  *message.mutable_sev() = policy.sev();
  *message.mutable_hardware_keys() = policy.hardware_keys();
  message.set_not_before(policy.not_before());
  message.set_not_after(policy.not_after());
  auto given = policy;
  given.DiscardUnknownFields();
  message.DiscardUnknownFields();
  if (given.SerializeAsString() != message.SerializeAsString())
    return refuse("sev", "is for tees = [\"sev\"] alone, with nothing beside it that is said of TPMs");
  SEALIFT_CHECK(check_hosts(message));
  SEALIFT_CHECK(check_times(message));
  SEALIFT_TRY(auto terms, check_sev_policy(message.sev()));
  return ImagePolicy{std::move(message), std::move(terms)};
}

Status ImagePolicy::check_seed(const SecretBytes& seed) const {
  if (!sev_ && seed.size() != esm::kSeedSize)
    return fail(ErrorCode::invalid_argument, "a seed has 32 bytes", "seed");
  if (sev_ &&
      (seed.empty() || seed.size() > sev::kAmdSevSecretArea || !sev::read_secret_table(seed.expose())))
    return fail(ErrorCode::invalid_argument, "this is no launch secret that a guest could read", "seed");
  return {};
}

Result<ImagePolicy> ImagePolicy::check(const v1::SeedPolicy& policy) {
  if (policy.ByteSizeLong() > kMaxPolicySize)
    return fail(ErrorCode::too_large, "the policy is larger than 1 MiB", "policy");
  if (policy.has_sev()) return check_sev(policy);
  const auto profile = tpm::profile_from_name(policy.profile());
  if (!profile) return refuse("profile", "is neither \"firmware\" nor \"owner\"");
  SEALIFT_CHECK(check_tees(policy.tees(), **profile));
  SEALIFT_CHECK(check_hosts(policy));
  SEALIFT_CHECK(check_times(policy));
  auto message = policy;
  message.DiscardUnknownFields();
  SEALIFT_TRY(const auto approved, approved_states(message));
  SEALIFT_TRY(const auto roots, trusted_roots(policy));
  std::vector<tee::MeasuredPolicy> references;
  references.reserve(approved.size());
  for (const auto& states : approved) references.push_back({roots, *profile, states});
  return ImagePolicy{std::move(message), std::move(references)};
}

Result<ImagePolicy> ImagePolicy::read(ByteView document) {
  v1::SeedPolicy message;
  if (!message.ParseFromArray(document.data(), static_cast<int>(document.size())))
    return fail(ErrorCode::malformed, "the stored policy cannot be read", "policy");
  return check(message);
}

Status ImagePolicy::allow(std::string_view tee) const {
  const auto& tees = message_.tees();
  if (std::find(tees.begin(), tees.end(), tee) != tees.end()) return {};
  return fail(ErrorCode::failed_precondition, "the image's policy does not allow this kind of host", "tee");
}

Status ImagePolicy::allow_time(TimePoint now) const {
  const auto seconds = crypto::unix_seconds(now);
  if (seconds < message_.not_before())
    return not_allowed(
        "the image's policy does not hold yet: from " + crypto::utc_text(message_.not_before()),
        "not_before");
  if (message_.not_after() != 0 && seconds >= message_.not_after())
    return not_allowed("the image's policy held until " + crypto::utc_text(message_.not_after()),
                       "not_after");
  return {};
}

Status ImagePolicy::allow_ahead() const {
  constexpr std::string_view kWhy = "cannot be kept to without asking at each launch";
  if (sev_) return not_allowed(fmt::format("launches on SEV are proven one by one: this {}", kWhy), "sev");
  if (message_.not_before() != 0) return not_allowed(fmt::format("a beginning {}", kWhy), "not_before");
  if (message_.not_after() != 0) return not_allowed(fmt::format("an end {}", kWhy), "not_after");
  if (message_.require_crl())
    return not_allowed(fmt::format("revocation lists of the day {}", kWhy), "require_crl");
  if (digest_of(fit_for_ahead(message_)) == digest_) return {};
  return fail(ErrorCode::failed_precondition, fmt::format("the policy has a limit that {}", kWhy), "policy");
}

Result<tee::VerifiedStorageKey> ImagePolicy::verify_key(const tpm::Public& key) const {
  return under_one_of(references_, [&](const tee::MeasuredPolicy& reference) {
    return tee::VerifiedStorageKey::verify(key, *reference.profile, reference.approved);
  });
}

Result<tee::MeasuredHost> ImagePolicy::verify(ByteView evidence, TimePoint now) const {
  auto host = under_one_of(references_, [&](const tee::MeasuredPolicy& reference) {
    return tee::verify_measured_evidence(evidence, reference, now);
  });
  if (!host) return host;
  SEALIFT_CHECK(allow_platform(host->platform));
  return host;
}

Status ImagePolicy::allow_platform(const tee::VerifiedPlatform& platform) const {
  const auto has = [](const auto& list, const std::string& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
  };
  const auto& identity = platform.identity();
  const auto model = fmt::format("{}/{}", identity.manufacturer, identity.model);
  const auto& models = message_.models();
  if (!models.empty() && !has(models, model) && !has(models, identity.manufacturer))
    return not_allowed(fmt::format("the image's policy does not name the host's TPM, {}", model), "models");
  return allow_hardware_key(platform.hardware_key_hash());
}

Status ImagePolicy::allow_hardware_key(const crypto::Digest& hash) const {
  const auto& keys = message_.hardware_keys();
  const std::string bytes{as_text(hash.view())};
  if (!keys.empty() && std::find(keys.begin(), keys.end(), bytes) == keys.end())
    return not_allowed(
        fmt::format("the image's policy does not name the host's hardware key, {}", to_hex(hash.view())),
        "hardware_keys");
  return {};
}

}  // namespace sealift::securitymodule
