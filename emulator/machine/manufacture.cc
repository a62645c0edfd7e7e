// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/manufacture.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <optional>
#include <thread>

#include "emulator/machine/swtpm.h"
#include "tpm/commands.h"
#include "tpm/nv.h"
#include "tpm/provisioning.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
using tpm::Entity;
using tpm::Session;

constexpr std::size_t kNvPiece = 1024;
/// As TPM vendors define an EK certificate's index (the same profile, 2.2.1.2): read by anybody, written by
/// platform.
constexpr std::uint32_t kCertificateAttributes = TPMA_NV_PLATFORMCREATE | TPMA_NV_PPWRITE |
                                                 TPMA_NV_WRITEDEFINE | TPMA_NV_PPREAD | TPMA_NV_OWNERREAD |
                                                 TPMA_NV_AUTHREAD | TPMA_NV_NO_DA;

Entity entity_of(tpm::Hierarchy hierarchy) { return Entity::permanent(static_cast<tpm::Handle>(hierarchy)); }

Result<tpm::EndorsementKey> endorsement_key(tpm::KeyKind kind) {
  for (const auto& key : tpm::endorsement_keys()) {
    if (key.kind == kind) return key;
  }
  return fail(ErrorCode::invalid_argument, fmt::format("there is no EK template for {}", tpm::name(kind)),
              "ek");
}

Result<tpm::Primary> create_ek(tpm::Tpm& tpm, const tpm::EndorsementKey& kind) {
  auto session = Session::empty_auth();
  return tpm::create_primary(tpm, entity_of(tpm::Hierarchy::endorsement), session, kind.public_template());
}

/// A key outside its TPM: TPMS_CONTEXT, encrypted and authenticated by a key that derives from the TPM's
/// seeds.
struct SavedEk {
  tpm::Public area;
  Bytes context;
};

Result<Bytes> save_context(tpm::Tpm& tpm, tpm::Handle handle) {
  tpm::TpmCommand command{"TPM2_ContextSave", TPM2_CC_ContextSave};
  SEALIFT_TRY(const auto response, command.handle(handle).run(tpm));
  return to_bytes(response.parameters());
}

Result<tpm::LoadedObject> load_context(tpm::Tpm& tpm, const SavedEk& saved) {
  tpm::TpmCommand command{"TPM2_ContextLoad", TPM2_CC_ContextLoad};
  SEALIFT_TRY(const auto response, command.bytes(saved.context).returns_handle().run(tpm));
  return tpm::LoadedObject{tpm, response.handle(), saved.area.name()};
}

/// Makes the EK in a clone of the TPM whose state, before its first TPM2_Startup, is `state`.
Result<SavedEk> ek_from_clone(const fs::path& state, const tpm::EndorsementKey& kind) {
  SEALIFT_TRY(auto clone, WorkbenchTpm::start(state));
  SEALIFT_CHECK(tpm::startup(clone.tpm(), tpm::StartupType::clear));
  SEALIFT_TRY(auto ek, create_ek(clone.tpm(), kind));
  SEALIFT_TRY(auto context, save_context(clone.tpm(), ek.object.handle()));
  return SavedEk{std::move(ek.area), std::move(context)};
}

Status copy_state(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directory(to, error);
  if (!error) fs::copy(from, to, fs::copy_options::recursive, error);
  if (!error) return {};
  errno = error.value();
  return fail_errno("copy a TPM's state");
}

/// Makes `key` persistent where its kind has its place.
Status keep_ek(tpm::Tpm& tpm, const tpm::EndorsementKey& kind, const tpm::LoadedObject& key) {
  auto session = Session::empty_auth();
  return tpm::make_persistent(tpm, entity_of(tpm::Hierarchy::owner), session, key.entity(), kind.handle);
}

Result<tpm::Public> provision_storage_key(tpm::Tpm& tpm, const TpmPlan& plan) {
  const tpm::MachinePlan machine{&tpm::firmware_profile(), plan.storage_key, plan.bound_to};
  SEALIFT_TRY(auto provisioned, tpm::provision(tpm, machine, {}));
  return std::move(provisioned.storage_key);
}

struct Keys {
  tpm::Public ek;
  tpm::Public storage_key;
};

Result<Keys> make_keys_one_by_one(tpm::Tpm& tpm, const TpmPlan& plan, const tpm::EndorsementKey& kind) {
  SEALIFT_CHECK(tpm::startup(tpm, tpm::StartupType::clear));
  SEALIFT_TRY(auto storage_key, provision_storage_key(tpm, plan));
  SEALIFT_TRY(auto ek, create_ek(tpm, kind));
  SEALIFT_CHECK(keep_ek(tpm, kind, ek.object));
  return Keys{std::move(ek.area), std::move(storage_key)};
}

Result<Keys> make_keys_at_once(tpm::Tpm& tpm, const fs::path& state, const fs::path& clone,
                               const TpmPlan& plan, const tpm::EndorsementKey& kind) {
  SEALIFT_CHECK(copy_state(state, clone));  // before TPM2_Startup: a context is bound to the count of resets
  std::optional<Result<SavedEk>> saved;
  std::jthread cloning{[&] { saved = ek_from_clone(clone, kind); }};
  SEALIFT_CHECK(tpm::startup(tpm, tpm::StartupType::clear));
  SEALIFT_TRY(auto storage_key, provision_storage_key(tpm, plan));
  cloning.join();
  SEALIFT_CHECK(*saved);
  SEALIFT_TRY(const auto ek, load_context(tpm, **saved));
  SEALIFT_CHECK(keep_ek(tpm, kind, ek));
  return Keys{std::move((*saved)->area), std::move(storage_key)};
}

Status write_certificate(tpm::Tpm& tpm, tpm::Handle index, ByteView der) {
  TPMS_NV_PUBLIC area{};
  area.nvIndex = index;
  area.nameAlg = TPM2_ALG_SHA256;
  area.attributes = kCertificateAttributes;
  area.dataSize = static_cast<std::uint16_t>(der.size());
  const auto platform = entity_of(tpm::Hierarchy::platform);
  auto session = Session::empty_auth();
  SEALIFT_CHECK(tpm::nv_define(tpm, platform, session, area, {}));
  for (std::size_t offset = 0; offset < der.size(); offset += kNvPiece) {
    const auto piece = der.subspan(offset, std::min(kNvPiece, der.size() - offset));
    SEALIFT_TRY(const auto defined, tpm::find_nv_index(tpm, index));
    if (!defined) return fail(ErrorCode::tpm_error, "the TPM forgot an NV index", "nv_index");
    const Entity entity{index, defined->name};
    SEALIFT_CHECK(tpm::nv_write(tpm, platform, session, entity, piece, static_cast<std::uint16_t>(offset)));
  }
  return {};
}

}  // namespace

Result<ManufacturedTpm> manufacture_tpm(const fs::path& state, const fs::path& scratch, const TpmPlan& plan,
                                        const crypto::CertificateAuthority& authority) {
  SEALIFT_TRY(const auto kind, endorsement_key(plan.ek));
  SEALIFT_TRY(auto bench, WorkbenchTpm::start(state));
  const bool both_slow = plan.ek == tpm::KeyKind::rsa2048 && plan.storage_key == tpm::KeyKind::rsa2048;
  SEALIFT_TRY(auto keys, both_slow ? make_keys_at_once(bench.tpm(), state, scratch / "clone", plan, kind)
                                   : make_keys_one_by_one(bench.tpm(), plan, kind));
  SEALIFT_TRY(const auto ek, keys.ek.key());
  SEALIFT_TRY(auto certificate, authority.issue_ek_certificate(ek));
  SEALIFT_TRY(auto platform_certificate, authority.issue_platform_certificate(certificate));
  SEALIFT_CHECK(write_certificate(bench.tpm(), kind.certificate_index, certificate.der()));
  SEALIFT_CHECK(write_certificate(bench.tpm(), tpm::kEkChainIndex, authority.certificate().der()));
  SEALIFT_CHECK(write_certificate(bench.tpm(), tpm::kPlatformCertificateIndex, platform_certificate));
  SEALIFT_CHECK(bench.finish());
  return ManufacturedTpm{kind, std::move(keys.ek), std::move(certificate), std::move(platform_certificate),
                         std::move(keys.storage_key)};
}

}  // namespace sealift::emulator
