// SPDX-License-Identifier: Apache-2.0
/// NV indices (Part 3, clause 31).
#pragma once

#include <optional>

#include "tpm/command.h"

struct TPMS_NV_PUBLIC;  // tss2_tpm2_types.h

namespace sealift::tpm {

/// An index as the TPM describes it.
struct NvIndex {
  Handle index;
  HashAlgorithm name_algorithm;
  std::uint32_t attributes;  ///< TPMA_NV
  Bytes policy;
  std::uint16_t size;
  Name name;
};

/// Nothing where there is no such index.
Result<std::optional<NvIndex>> find_nv_index(Tpm& tpm, Handle index);
/// Defines it; `auth` is its first auth value. `session` should encrypt the command.
Status nv_define(Tpm& tpm, const Entity& authority, Session& session, const TPMS_NV_PUBLIC& area,
                 ByteView auth);
Status nv_undefine(Tpm& tpm, const Entity& authority, Session& session, const Entity& index);
/// At most 1024 bytes in one command.
Status nv_write(Tpm& tpm, const Entity& authority, Session& session, const Entity& index, ByteView data,
                std::uint16_t offset);
/// All of `index`, in pieces of 512 bytes, with the index's own Empty Auth, which is how EK certificates are
/// read.
Result<Bytes> nv_read_all(Tpm& tpm, const NvIndex& index);
/// `policy` proves the index's policy for NV_ChangeAuth and has no key; `protection` should encrypt the
/// command.
Status nv_change_auth(Tpm& tpm, const Entity& index, Session& policy, Session& protection, ByteView new_auth);

}  // namespace sealift::tpm
