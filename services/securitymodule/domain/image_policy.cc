// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/image_policy.h"

#include <fmt/core.h>

#include <algorithm>

#include "services/securitymodule/domain/limits.h"
#include "tpm/policy.h"

namespace sealift::securitymodule {
namespace {

constexpr std::string_view kMeasured = "measured";

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

Status check_tees(const Parts& tees) {
  if (tees.empty() || tees.size() > kMaxTees) return refuse("tees", "are none or too many");
  for (int i = 0; i < tees.size(); ++i) {
    if (tees[i] != kMeasured) return refuse(fmt::format("tees[{}]", i), "is not \"measured\"");
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

}  // namespace

ImagePolicy::ImagePolicy(v1::SeedPolicy message, tee::MeasuredPolicy measured)
    : message_{std::move(message)},
      measured_{std::move(measured)},
      sealing_policy_{tpm::Policy{}.pcr(measured_.approved).digest()},
      document_{to_bytes(as_bytes(message_.SerializeAsString()))},
      digest_{crypto::digest(crypto::HashAlgorithm::sha256, document_)} {}

Result<ImagePolicy> ImagePolicy::check(const v1::SeedPolicy& policy) {
  if (policy.ByteSizeLong() > kMaxPolicySize)
    return fail(ErrorCode::too_large, "the policy is larger than 1 MiB", "policy");
  SEALIFT_CHECK(check_tees(policy.tees()));
  const auto profile = tpm::profile_from_name(policy.profile());
  if (!profile) return refuse("profile", "is neither \"firmware\" nor \"owner\"");
  if (policy.approved_pcrs().size() > kMaxPcrText) return refuse("approved_pcrs", "are too long");
  auto approved = tpm::PcrValues::parse(policy.approved_pcrs());
  if (!approved) return tl::unexpected(at(std::move(approved).error(), "approved_pcrs"));
  SEALIFT_TRY(auto roots, trusted_roots(policy));
  auto message = policy;
  message.DiscardUnknownFields();
  message.set_approved_pcrs(approved->text());
  return ImagePolicy{std::move(message), {std::move(roots), *profile, std::move(*approved)}};
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

}  // namespace sealift::securitymodule
