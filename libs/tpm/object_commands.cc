// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <utility>

#include "tpm/commands.h"
#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

/// The next TPM2B, its length field included.
Result<ByteView> take_tpm2b(ByteReader& reader) {
  const auto rest = reader.rest();
  SEALIFT_TRY(const auto contents, reader.sized16(kMaxFrame));
  return rest.first(2 + contents.size());
}

/// The contents of a response that is one TPM2B.
Result<ByteView> only_tpm2b(ByteReader reader) {
  SEALIFT_TRY(const auto contents, reader.sized16(kMaxFrame));
  SEALIFT_CHECK(reader.expect_end());
  return contents;
}

}  // namespace

LoadedObject::LoadedObject(LoadedObject&& other) noexcept
    : tpm_{std::exchange(other.tpm_, nullptr)}, handle_{other.handle_}, name_{std::move(other.name_)} {}

LoadedObject& LoadedObject::operator=(LoadedObject&& other) noexcept {
  std::swap(tpm_, other.tpm_);
  std::swap(handle_, other.handle_);
  std::swap(name_, other.name_);
  return *this;
}

LoadedObject::~LoadedObject() {
  // An object that is gone already (the TPM restarted) is as good as flushed.
  if (tpm_ != nullptr) (void)flush_context(*tpm_, handle_);
}

Status flush_context(Tpm& tpm, Handle handle) {
  SEALIFT_TRY(const auto response,
              TpmCommand{"TPM2_FlushContext", TPM2_CC_FlushContext}.be32(handle).run(tpm));
  return {};
}

Result<Public> read_public(Tpm& tpm, Handle handle) {
  TpmCommand command{"TPM2_ReadPublic", TPM2_CC_ReadPublic};
  SEALIFT_TRY(const auto response, command.handle(handle).only_reads().run(tpm));
  auto reader = response.reader();
  SEALIFT_TRY(const auto area, take_tpm2b(reader));
  return Public::parse(area);
}

Result<std::optional<Public>> find_public(Tpm& tpm, Handle handle) {
  auto found = read_public(tpm, handle);
  if (found) return std::optional{*std::move(found)};
  // swtpm says HANDLE for a persistent handle that is free; others say REFERENCE_H0 for a transient one.
  if (is_rc(found.error(), "TPM_RC_HANDLE") || is_rc(found.error(), "TPM_RC_REFERENCE_H0")) {
    return std::optional<Public>{};
  }
  return tl::unexpected(std::move(found).error());
}

Result<Bytes> import_object(Tpm& tpm, const Entity& parent, Session& session, const SealedData& data) {
  TpmCommand command{"TPM2_Import", TPM2_CC_Import};
  command.authorize(parent, session).sized({});  // no inner wrapper, so no key for it
  command.bytes(data.public_area).bytes(data.duplicate).bytes(data.seed).be16(TPM2_ALG_NULL);
  SEALIFT_TRY(const auto response, command.run(tpm));
  auto reader = response.reader();
  SEALIFT_TRY(const auto object, take_tpm2b(reader));
  SEALIFT_CHECK(reader.expect_end());
  return to_bytes(object);
}

Result<LoadedObject> load(Tpm& tpm, const Entity& parent, Session& session, ByteView object,
                          const Public& area) {
  TpmCommand command{"TPM2_Load", TPM2_CC_Load};
  command.authorize(parent, session).bytes(object).bytes(area.tpm2b()).returns_handle();
  SEALIFT_TRY(const auto response, command.run(tpm));
  LoadedObject loaded{tpm, response.handle(), area.name()};
  SEALIFT_TRY(const auto name, only_tpm2b(response.reader()));
  if (!same_bytes(name, area.name().view())) {
    return fail(ErrorCode::authentication_failed, "TPM2_Load: the TPM calls the object by another name",
                "name");
  }
  return loaded;
}

Result<LoadedObject> load_external(Tpm& tpm, const Public& area) {
  TpmCommand command{"TPM2_LoadExternal", TPM2_CC_LoadExternal};
  command.sized({}).bytes(area.tpm2b()).be32(TPM2_RH_OWNER).returns_handle();
  SEALIFT_TRY(const auto response, command.run(tpm));
  LoadedObject loaded{tpm, response.handle(), area.name()};
  SEALIFT_TRY(const auto name, only_tpm2b(response.reader()));
  if (same_bytes(name, area.name().view())) return loaded;
  return fail(ErrorCode::authentication_failed, "TPM2_LoadExternal: the TPM calls the key by another name",
              "name");
}

Result<Bytes> verify_signature(Tpm& tpm, const Entity& key, const Digest& digest, ByteView signature) {
  TpmCommand command{"TPM2_VerifySignature", TPM2_CC_VerifySignature};
  command.handle(key).sized(digest.view()).bytes(signature);
  SEALIFT_TRY(const auto response, command.run(tpm));
  return to_bytes(response.parameters());
}

Result<SecretBytes> unseal_object(Tpm& tpm, const Entity& object, Session& session) {
  TpmCommand command{"TPM2_Unseal", TPM2_CC_Unseal};
  SEALIFT_TRY(const auto response, command.authorize(object, session).run(tpm));
  SEALIFT_TRY(const auto secret, only_tpm2b(response.reader()));
  return SecretBytes::copy_of(secret);
}

Result<Primary> create_primary(Tpm& tpm, const Entity& hierarchy, Session& session, const TPMT_PUBLIC& area) {
  SEALIFT_TRY(const auto wanted, Public::from_template(area));
  TpmCommand command{"TPM2_CreatePrimary", TPM2_CC_CreatePrimary};
  constexpr std::uint16_t kEmptySensitive = 4;  // neither an auth value nor data
  command.authorize(hierarchy, session).be16(kEmptySensitive).be32(0).bytes(wanted.tpm2b());
  command.sized({}).be32(0).returns_handle();  // no outside info, no creation PCRs
  SEALIFT_TRY(const auto response, command.run(tpm));
  auto reader = response.reader();
  const auto tpm2b = take_tpm2b(reader);
  auto made = tpm2b ? Public::parse(*tpm2b) : Result<Public>{tl::unexpected(tpm2b.error())};
  if (!made) {
    (void)flush_context(tpm, response.handle());
    return tl::unexpected(std::move(made).error());
  }
  LoadedObject object{tpm, response.handle(), made->name()};
  return Primary{std::move(object), *std::move(made)};
}

Status make_persistent(Tpm& tpm, const Entity& authority, Session& session, const Entity& object,
                       Handle where) {
  TpmCommand command{"TPM2_EvictControl", TPM2_CC_EvictControl};
  SEALIFT_TRY(const auto response, command.authorize(authority, session).handle(object).be32(where).run(tpm));
  return {};
}

Result<SecretBytes> activate_credential(Tpm& tpm, const Entity& key, Session& key_session, const Entity& ek,
                                        Session& ek_session, const Credential& credential) {
  TpmCommand command{"TPM2_ActivateCredential", TPM2_CC_ActivateCredential};
  command.authorize(key, key_session).authorize(ek, ek_session);
  SEALIFT_TRY(const auto response, command.bytes(credential.id_object).bytes(credential.secret).run(tpm));
  SEALIFT_TRY(const auto secret, only_tpm2b(response.reader()));
  return SecretBytes::copy_of(secret);
}

}  // namespace sealift::tpm
