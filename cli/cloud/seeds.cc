// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/seeds.h"

#include <algorithm>

#include "cli/cloud/insertion.h"
#include "cli/inputs.h"
#include "cli/policy_file.h"
#include "cli/sev/launch_secret.h"
#include "guest/image/manifest.h"
#include "sealift/v1/security_module.pb.h"

namespace sealift::cli {
namespace {

std::string text(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

Result<v1::SeedPolicy> seed_policy(const ApprovalOptions& approval, const std::string& tee) {
  if (!approval.policy.empty()) {
    if (!approval.roots.empty() || !approval.pcr.empty() || !approval.reference.empty() ||
        !approval.approver.empty())
      return fail(ErrorCode::invalid_argument, "--policy says already what --root, --pcr and the like say",
                  "--policy");
    SEALIFT_TRY(auto file, read_policy_file(approval.policy));
    const auto& tees = file.seed.tees();
    if (std::find(tees.begin(), tees.end(), tee) != tees.end()) return std::move(file.seed);
    return fail(ErrorCode::invalid_argument, "the policy file does not allow " + tee + " hosts",
                "policy.tees");
  }
  if (approval.roots.empty())
    return fail(ErrorCode::invalid_argument,
                "--policy is required, or --root with --pcr, --reference or --approver", "--policy");
  v1::SeedPolicy policy;
  if (tee == image::kPef) SEALIFT_CHECK(check_pef_approval(approval));
  policy.add_tees(tee);
  SEALIFT_TRY(const auto roots, read_certificates(approval.roots));
  SEALIFT_TRY(const auto intermediates, read_certificates(approval.intermediates));
  SEALIFT_TRY(const auto crls, read_crls(approval.crls));
  for (const auto& root : roots) policy.add_trusted_roots(text(root.der()));
  for (const auto& intermediate : intermediates) policy.add_intermediates(text(intermediate.der()));
  for (const auto& crl : crls) policy.add_crls(text(crl.der()));
  policy.set_require_crl(approval.require_crl);
  policy.set_profile(approval.profile);
  SEALIFT_TRY(const auto approved, approved_states(approval));
  if (const auto* const approver = approved.approver()) {
    policy.set_approver(text(approver->key().der()));
  } else {
    policy.set_approved_pcrs(approved.text());
  }
  return policy;
}

/// `limits`: hardware keys and times.
v1::SeedPolicy seed_policy(const sev::LaunchPolicy& approved, const v1::SeedPolicy& limits) {
  auto policy = limits;
  policy.clear_tees();
  policy.add_tees("sev");
  auto& sev = *policy.mutable_sev();
  for (const auto& root : approved.roots) sev.add_trusted_arks(text(root.fingerprint.view()));
  sev.set_policy(approved.policy.value());
  sev.set_minimum_api_major(approved.minimum_api.major);
  sev.set_minimum_api_minor(approved.minimum_api.minor);
  sev.set_minimum_build(approved.minimum_build);
  sev.set_launch_digest(text(approved.expected.view()));
  for (const auto& [digest, difference] : approved.suspects) {
    auto& suspect = *sev.add_suspects();
    suspect.set_launch_digest(text(digest.view()));
    suspect.set_input(difference.input);
    suspect.set_what(difference.what);
  }
  return policy;
}

Status send(const Cloud& cloud, const v1::PutSeedRequest& request, Insertion how) {
  static const SystemClock clock;
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  if (how == Insertion::secure) {
    SEALIFT_TRY(const auto trust, cloud.security_module_trust());
    return insert_seed(*security_module, cloud.tenant(), trust, request, clock);
  }
  SEALIFT_CHECK(security_module->call<v1::PutSeedResponse>("sealift.v1.SeedService.PutSeed", request));
  return {};
}

/// The request's seed is wiped, whatever comes of it.
Status put(const Cloud& cloud, v1::PutSeedRequest request, Insertion how) {
  auto sent = send(cloud, request, how);
  ::explicit_bzero(request.mutable_seed()->data(), request.seed().size());
  return sent;
}

}  // namespace

void declare_insertion(Command& command, bool& insecurely_plain) {
  command.flag("--insecure-plain-insertion", insecurely_plain,
               "send the seed to whoever answers as the security module, without a proof that it is yours");
}

Status put_launch_secret(const Cloud& cloud, const SevOwner& owner, const v1::SeedPolicy& limits,
                         Insertion how) {
  SEALIFT_TRY(const auto table, launch_secret_table(owner.owner));
  v1::PutSeedRequest request;
  request.set_image_id(owner.owner.inputs.image_id.hex());
  *request.mutable_policy() = seed_policy(owner.policy, limits);
  request.set_seed(table.expose().data(), table.size());
  return put(cloud, std::move(request), how);
}

Status put_seed(const Cloud& cloud, const std::string& image_id, const Path& seed_file,
                const ApprovalOptions& approval, const std::string& tee, Insertion how) {
  SEALIFT_TRY(const auto seed, read_seed(seed_file));
  v1::PutSeedRequest request;
  request.set_image_id(image_id);
  SEALIFT_TRY(*request.mutable_policy(), seed_policy(approval, tee));
  request.set_seed(seed.expose().data(), seed.expose().size());
  return put(cloud, std::move(request), how);
}

Status for_each_enrolled_host(rpc::Channel& security_module,
                              const std::function<void(const v1::EnrolledHost&)>& work) {
  v1::ListEnrolledHostsRequest request;
  for (bool more = true; more;) {
    SEALIFT_TRY(const auto page, security_module.call<v1::ListEnrolledHostsResponse>(
                                     "sealift.v1.SeedService.ListEnrolledHosts", request));
    for (const auto& host : page.hosts()) work(host);
    more = page.more() && page.hosts_size() > 0;
    if (more) request.set_after(page.hosts(page.hosts_size() - 1).storage_key_name());
  }
  return {};
}

}  // namespace sealift::cli
