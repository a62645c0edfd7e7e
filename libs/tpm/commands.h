// SPDX-License-Identifier: Apache-2.0
/// TPM2_* commands as functions: policies, objects, PCRs and the machine (Part 3). One command each, no logic
/// beyond the standard's. NV indices are in nv.h.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "tpm/command.h"
#include "tpm/credential.h"
#include "tpm/profile.h"
#include "tpm/seal.h"

namespace sealift::tpm {

// Policy sessions (clause 23).
/// The session's policy gains PolicySecret(entity), proven by `session`.
Status policy_secret(Tpm& tpm, const Entity& entity, Session& session, const Session& policy);
/// PolicyPCR over the values as they are: the use that follows shows whether they are the right ones.
Status policy_pcr(Tpm& tpm, const Session& policy, const PcrSelection& selection);
Status policy_command_code(Tpm& tpm, const Session& policy, std::uint32_t command_code);
/// PolicyNV, read by the index's own Empty Auth. TPM_RC_POLICY where it does not compare so now.
Status policy_nv(Tpm& tpm, const Session& policy, const Entity& index, NvComparison comparison,
                 ByteView operand);
Status policy_cp_hash(Tpm& tpm, const Session& policy, const Digest& command);
/// PolicyOR: the session's policy is one of `branches`.
Status policy_or(Tpm& tpm, const Session& policy, std::span<const Digest> branches);
/// PolicyAuthorize: the session's policy is `approved`, which `signer` has signed; `ticket` is
/// verify_signature()'s over approved ‖ policy_ref.
Status policy_authorize(Tpm& tpm, const Session& policy, const Digest& approved, ByteView policy_ref,
                        const Name& signer, ByteView ticket);

/// A transient object, owned: flushed at the end.
class LoadedObject {
 public:
  LoadedObject(Tpm& tpm, Handle handle, Name name) : tpm_{&tpm}, handle_{handle}, name_{std::move(name)} {}
  LoadedObject(LoadedObject&& other) noexcept;
  LoadedObject& operator=(LoadedObject&& other) noexcept;
  LoadedObject(const LoadedObject&) = delete;
  LoadedObject& operator=(const LoadedObject&) = delete;
  ~LoadedObject();
  Handle handle() const noexcept { return handle_; }
  Entity entity() const { return {handle_, name_}; }
  const Name& name() const noexcept { return name_; }

 private:
  Tpm* tpm_;
  Handle handle_;
  Name name_;
};

// Objects (clauses 12, 13, 24, 28).
Result<Public> read_public(Tpm& tpm, Handle handle);
/// read_public(), or nothing where there is no such object.
Result<std::optional<Public>> find_public(Tpm& tpm, Handle handle);
/// TPM2_Import without inner wrapper: the TPM2B_PRIVATE under `parent`.
Result<Bytes> import_object(Tpm& tpm, const Entity& parent, Session& session, const SealedData& data);
/// `object` is a TPM2B_PRIVATE. authentication_failed where the TPM calls it by another Name than `area` has.
Result<LoadedObject> load(Tpm& tpm, const Entity& parent, Session& session, ByteView object,
                          const Public& area);
/// TPM2_LoadExternal: a public key, in the owner's hierarchy.
Result<LoadedObject> load_external(Tpm& tpm, const Public& area);
/// `signature` is a TPMT_SIGNATURE over `digest`. The TPM's ticket (TPMT_TK_VERIFIED) that it is right.
Result<Bytes> verify_signature(Tpm& tpm, const Entity& key, const Digest& digest, ByteView signature);
Result<SecretBytes> unseal_object(Tpm& tpm, const Entity& object, Session& session);
struct Primary {
  LoadedObject object;
  Public area;
};
/// The key that `area` gives in that hierarchy, always the same until the hierarchy's seed changes.
Result<Primary> create_primary(Tpm& tpm, const Entity& hierarchy, Session& session, const TPMT_PUBLIC& area);
/// Makes `object` persistent at `where`; `authority` is the owner or platform hierarchy.
Status make_persistent(Tpm& tpm, const Entity& authority, Session& session, const Entity& object,
                       Handle where);
Status flush_context(Tpm& tpm, Handle handle);
/// The secret that `credential` carries for the holder of both keys. `key_session` has ADMIN role.
Result<SecretBytes> activate_credential(Tpm& tpm, const Entity& key, Session& key_session, const Entity& ek,
                                        Session& ek_session, const Credential& credential);

// PCRs (clause 22).
Result<PcrValues> read_pcrs(Tpm& tpm, const PcrSelection& selection);
/// Extends `index` in the banks of the digests given; one digest per bank.
Status extend_pcr(Tpm& tpm, unsigned index, const std::vector<std::pair<HashAlgorithm, Digest>>& digests);

// The machine (clauses 9, 16, 24, 30).
enum class StartupType : std::uint16_t { clear = 0, state = 1 };
Status startup(Tpm& tpm, StartupType type);
Status shutdown(Tpm& tpm, StartupType type);
Result<Bytes> get_random(Tpm& tpm, std::uint16_t size);
/// Handles in use of the kind in `first`'s top byte, from `first` on.
Result<std::vector<Handle>> handles_in_use(Tpm& tpm, Handle first);
inline constexpr Handle kFirstTransient = 0x80000000;
inline constexpr Handle kFirstLoadedSession = 0x02000000;
inline constexpr Handle kFirstPersistent = 0x81000000;
inline constexpr Handle kFirstNvIndex = 0x01000000;
/// The hierarchy's auth value becomes `auth`; it crosses the bus as `session` does it.
Status change_hierarchy_auth(Tpm& tpm, const Entity& hierarchy, Session& session, ByteView auth);

// Deprovisioning, under platform authorization: whatever was sealed to this TPM is lost for good.
/// New platform primary seed: every key of the platform hierarchy is gone.
Status change_platform_seed(Tpm& tpm, const Entity& platform, Session& session);
/// New endorsement primary seed: the EK, and with it the EK certificate, are gone.
Status change_endorsement_seed(Tpm& tpm, const Entity& platform, Session& session);
/// New storage primary seed, owner and endorsement auth values empty, owner's NV indices and keys gone.
Status clear(Tpm& tpm, const Entity& platform, Session& session);

}  // namespace sealift::tpm
