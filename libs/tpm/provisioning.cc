// SPDX-License-Identifier: Apache-2.0
#include "tpm/provisioning.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include "crypto/random.h"
#include "tpm/commands.h"
#include "tpm/nv.h"
#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

tl::unexpected<Error> fail_differs(std::string field, std::string message) {
  return fail(ErrorCode::already_exists, std::move(message), std::move(field));
}

Entity entity_of(Hierarchy hierarchy, const HierarchyAuths& auths) {
  return Entity::permanent(static_cast<Handle>(hierarchy), auths.of(hierarchy));
}

Entity password_index(const Profile& profile) {
  return {profile.password_index, profile.password_index_name()};
}

/// For as long as `use` takes, one session that proves the hierarchy's auth value.
template <typename Use>
auto with_authority(Tpm& tpm, const Entity& authority, Use use) -> decltype(use(std::declval<Session&>())) {
  SEALIFT_TRY(auto session, Session::start_hmac(tpm, authority));
  session.end_with_next_command();
  return use(session);
}

/// The index is as the profile says; written or not.
Status check_password_index(const NvIndex& found, const Profile& profile) {
  const auto wanted = profile.password_index_public();
  const auto differs = [&](std::string_view what) {
    return fail_differs(fmt::format("nv_index.{}", what),
                        fmt::format("NV index {:#010x} is there with another {}", found.index, what));
  };
  if (found.name_algorithm != HashAlgorithm::sha256) return differs("name_algorithm");
  if ((found.attributes & ~std::uint32_t{TPMA_NV_WRITTEN}) != wanted.attributes) return differs("attributes");
  if (!same_bytes(found.policy, profile.password_index_policy().view())) return differs("policy");
  if (found.size != wanted.dataSize) return differs("size");
  return {};
}

Status define_password_index(Tpm& tpm, const Profile& profile, const Entity& authority) {
  const auto first_password = crypto::random_secret<kBootPasswordSize>();
  return with_authority(tpm, authority, [&](Session& session) {
    session.encrypt_next_command();
    return nv_define(tpm, authority, session, profile.password_index_public(), first_password.expose());
  });
}

/// Writing changes the Name, so it is done once, here; what is written does not matter.
Status write_password_index(Tpm& tpm, const NvIndex& unwritten, const Entity& authority) {
  const std::array<std::uint8_t, kBootPasswordSize> zeros{};
  return with_authority(tpm, authority, [&](Session& session) {
    return nv_write(tpm, authority, session, {unwritten.index, unwritten.name}, zeros, 0);
  });
}

Status provision_password_index(Tpm& tpm, const Profile& profile, const Entity& authority) {
  SEALIFT_TRY(auto found, find_nv_index(tpm, profile.password_index));
  if (!found) {
    SEALIFT_CHECK(define_password_index(tpm, profile, authority));
    SEALIFT_TRY(found, find_nv_index(tpm, profile.password_index));
  }
  if (!found) return fail_differs("nv_index", "the TPM does not keep the NV index that was defined");
  SEALIFT_CHECK(check_password_index(*found, profile));
  if ((found->attributes & TPMA_NV_WRITTEN) == 0) SEALIFT_CHECK(write_password_index(tpm, *found, authority));
  SEALIFT_TRY(const auto written, find_nv_index(tpm, profile.password_index));
  if (!written || written->name != profile.password_index_name()) {
    return fail_differs("nv_index", "the NV index is not the one that the profile's policies name");
  }
  return {};
}

/// Below no version at first. Whoever may define it may write it as well; nobody else may, but by a
/// withdrawal.
Status provision_version_index(Tpm& tpm, const Profile& profile, const Approver& approver,
                               const Entity& authority) {
  const auto wanted = profile.version_index_name(approver.name());
  SEALIFT_TRY(auto found, find_nv_index(tpm, profile.version_index));
  if (!found) {
    const auto area = profile.version_index_public(approver.name());
    SEALIFT_CHECK(with_authority(
        tpm, authority, [&](Session& session) { return nv_define(tpm, authority, session, area, {}); }));
    SEALIFT_TRY(found, find_nv_index(tpm, profile.version_index));
  }
  if (found && found->name != wanted && (found->attributes & TPMA_NV_WRITTEN) == 0) {
    SEALIFT_CHECK(with_authority(tpm, authority, [&](Session& session) {
      return nv_write(tpm, authority, session, {found->index, found->name}, version_bytes(0), 0);
    }));
    SEALIFT_TRY(found, find_nv_index(tpm, profile.version_index));
  }
  if (found && found->name == wanted) return {};
  return fail_differs("version_index", "the NV index of versions is there for another approver");
}

Status check_storage_key(const Public& found, const TPMT_PUBLIC& wanted) {
  const auto& area = found.area();
  const auto differs = [](std::string_view what) {
    return fail_differs(fmt::format("storage_key.{}", what),
                        fmt::format("a storage key is there with another {}", what));
  };
  if (area.type != wanted.type || area.nameAlg != wanted.nameAlg) return differs("algorithm");
  if (area.objectAttributes != wanted.objectAttributes) return differs("attributes");
  if (!same_bytes({area.authPolicy.buffer, area.authPolicy.size},
                  {wanted.authPolicy.buffer, wanted.authPolicy.size})) {
    return differs("policy");
  }
  // What is left are the parameters: equal when the key, with its own number taken out, is the template.
  auto bare = area;
  bare.unique = wanted.unique;
  SEALIFT_TRY(const auto stripped, Public::from_template(bare));
  SEALIFT_TRY(const auto expected, Public::from_template(wanted));
  return stripped == expected ? Status{} : differs("algorithm");
}

/// CreatePrimary in `hierarchy` and EvictControl by `authority`.
Result<Public> make_primary(Tpm& tpm, const Entity& hierarchy, const Entity& authority,
                            const TPMT_PUBLIC& area, Handle where) {
  SEALIFT_TRY(auto primary, with_authority(tpm, hierarchy, [&](Session& session) {
                return create_primary(tpm, hierarchy, session, area);
              }));
  SEALIFT_CHECK(with_authority(tpm, authority, [&](Session& session) {
    return make_persistent(tpm, authority, session, primary.object.entity(), where);
  }));
  return std::move(primary.area);
}

Result<Public> provision_storage_key(Tpm& tpm, const MachinePlan& plan, const Entity& authority) {
  const auto wanted = plan.bound_to.storage_key_template(*plan.profile, plan.storage_key);
  SEALIFT_TRY(auto found, find_public(tpm, plan.profile->storage_key));
  if (!found) return make_primary(tpm, authority, authority, wanted, plan.profile->storage_key);
  SEALIFT_CHECK(check_storage_key(*found, wanted));
  return *std::move(found);
}

Result<Public> provision_endorsement_key(Tpm& tpm, const EndorsementKey& ek, const HierarchyAuths& auths) {
  SEALIFT_TRY(auto found, find_public(tpm, ek.handle));
  if (!found) {
    return make_primary(tpm, entity_of(Hierarchy::endorsement, auths), entity_of(Hierarchy::owner, auths),
                        ek.public_template(), ek.handle);
  }
  if (!ek.made(*found)) {
    return fail_differs("endorsement_key", fmt::format("the key at {:#010x} is not made from EK template {}",
                                                       ek.handle, ek.template_name));
  }
  return *std::move(found);
}

}  // namespace

ByteView HierarchyAuths::of(Hierarchy hierarchy) const noexcept {
  switch (hierarchy) {
    case Hierarchy::platform:
      return platform.expose();
    case Hierarchy::owner:
      return owner.expose();
    case Hierarchy::endorsement:
      return endorsement.expose();
  }
  return {};
}

Result<ProvisionedMachine> provision(Tpm& tpm, const MachinePlan& plan, const HierarchyAuths& auths) {
  const Tpm::Turn turn{tpm};
  const auto authority = entity_of(plan.profile->hierarchy, auths);
  SEALIFT_CHECK(provision_password_index(tpm, *plan.profile, authority));
  if (const auto* const approver = plan.bound_to.approver())
    SEALIFT_CHECK(provision_version_index(tpm, *plan.profile, *approver, authority));
  SEALIFT_TRY(auto storage_key, provision_storage_key(tpm, plan, authority));
  ProvisionedMachine machine{std::move(storage_key), {}};
  for (const auto& ek : endorsement_keys()) {
    SEALIFT_TRY(const auto certificate, find_nv_index(tpm, ek.certificate_index));
    if (!certificate) continue;
    SEALIFT_TRY(auto key, provision_endorsement_key(tpm, ek, auths));
    machine.endorsement_keys.push_back(std::move(key));
  }
  return machine;
}

Result<Secret<kBootPasswordSize>> rotate_boot_password(Tpm& tpm, const Profile& profile,
                                                       const HierarchyAuths& auths) {
  const Tpm::Turn turn{tpm};
  const auto authority = entity_of(profile.hierarchy, auths);
  auto password = crypto::random_secret<kBootPasswordSize>();
  SEALIFT_TRY(auto policy, Session::start_policy(tpm));
  SEALIFT_TRY(auto session, Session::start_hmac(tpm, authority));
  SEALIFT_CHECK(policy_secret(tpm, authority, session, policy));
  SEALIFT_CHECK(policy_command_code(tpm, policy, TPM2_CC_NV_ChangeAuth));
  policy.end_with_next_command();
  session.end_with_next_command();
  session.encrypt_next_command();
  SEALIFT_CHECK(nv_change_auth(tpm, password_index(profile), policy, session, password.expose()));
  return password;
}

Status deprovision(Tpm& tpm, const HierarchyAuths& auths) {
  const Tpm::Turn turn{tpm};
  const auto platform = entity_of(Hierarchy::platform, auths);
  for (auto* const change : {change_platform_seed, clear}) {
    SEALIFT_CHECK(
        with_authority(tpm, platform, [&](Session& session) { return change(tpm, platform, session); }));
  }
  return {};
}

Status randomise_auth(Tpm& tpm, Hierarchy hierarchy, const HierarchyAuths& auths) {
  const Tpm::Turn turn{tpm};
  const auto entity = entity_of(hierarchy, auths);
  const auto unknown = crypto::random_secret<crypto::digest_size(HashAlgorithm::sha256)>();
  return with_authority(tpm, entity, [&](Session& session) {
    session.encrypt_next_command();
    return change_hierarchy_auth(tpm, entity, session, unknown.expose());
  });
}

}  // namespace sealift::tpm
