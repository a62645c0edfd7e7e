// SPDX-License-Identifier: Apache-2.0
#include "tpm/nv.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

constexpr std::size_t kPolicyLimit = 64;
constexpr std::uint16_t kPiece = 512;

Status run(Tpm& tpm, TpmCommand& command) {
  SEALIFT_TRY(const auto response, command.run(tpm));
  return {};
}

/// TPMS_NV_PUBLIC (Part 2, clause 13.6).
Result<NvIndex> parse_nv_public(ByteView area) {
  ByteReader reader{area};
  SEALIFT_TRY(const auto index, reader.be32());
  SEALIFT_TRY(const auto algorithm, reader.be16());
  SEALIFT_TRY(const auto hash, hash_from_id(algorithm));
  SEALIFT_TRY(const auto attributes, reader.be32());
  SEALIFT_TRY(const auto policy, reader.sized16(kPolicyLimit));
  SEALIFT_TRY(const auto size, reader.be16());
  SEALIFT_CHECK(reader.expect_end());
  return NvIndex{index, hash, attributes, to_bytes(policy), size, Name::of_public_area(hash, area)};
}

Bytes marshal(const TPMS_NV_PUBLIC& area) {
  ByteWriter writer;
  writer.be32(area.nvIndex).be16(area.nameAlg).be32(area.attributes);
  writer.sized16({area.authPolicy.buffer, area.authPolicy.size}).be16(area.dataSize);
  return std::move(writer).take();
}

}  // namespace

Result<std::optional<NvIndex>> find_nv_index(Tpm& tpm, Handle index) {
  TpmCommand command{"TPM2_NV_ReadPublic", TPM2_CC_NV_ReadPublic};
  const auto response = command.handle(index).only_reads().run(tpm);
  if (!response) {
    if (is_rc(response.error(), "TPM_RC_HANDLE")) return std::optional<NvIndex>{};
    return tl::unexpected(response.error());
  }
  auto reader = response->reader();
  SEALIFT_TRY(const auto area, reader.sized16(kMaxFrame));
  SEALIFT_TRY(auto found, parse_nv_public(area));
  if (found.index != index) {
    return fail(ErrorCode::malformed, "TPM2_NV_ReadPublic: another index than the one asked for", "response");
  }
  return std::optional{std::move(found)};
}

Status nv_define(Tpm& tpm, const Entity& authority, Session& session, const TPMS_NV_PUBLIC& area,
                 ByteView auth) {
  TpmCommand command{"TPM2_NV_DefineSpace", TPM2_CC_NV_DefineSpace};
  return run(tpm, command.authorize(authority, session).sized(auth).sized(marshal(area)));
}

Status nv_undefine(Tpm& tpm, const Entity& authority, Session& session, const Entity& index) {
  TpmCommand command{"TPM2_NV_UndefineSpace", TPM2_CC_NV_UndefineSpace};
  return run(tpm, command.authorize(authority, session).handle(index));
}

Status nv_write(Tpm& tpm, const Entity& authority, Session& session, const Entity& index, ByteView data,
                std::uint16_t offset) {
  TpmCommand command{"TPM2_NV_Write", TPM2_CC_NV_Write};
  return run(tpm, command.authorize(authority, session).handle(index).sized(data).be16(offset));
}

Result<Bytes> nv_read_all(Tpm& tpm, const NvIndex& index) {
  const Entity entity{index.index, index.name};
  Bytes all;
  while (all.size() < index.size) {
    auto session = Session::empty_auth();
    const auto piece = static_cast<std::uint16_t>(std::min<std::size_t>(kPiece, index.size - all.size()));
    TpmCommand command{"TPM2_NV_Read", TPM2_CC_NV_Read};
    command.authorize(entity, session).handle(entity).be16(piece);
    command.be16(static_cast<std::uint16_t>(all.size())).only_reads();
    SEALIFT_TRY(const auto response, command.run(tpm));
    auto reader = response.reader();
    SEALIFT_TRY(const auto data, reader.sized16(piece));
    if (data.size() != piece)
      return fail(ErrorCode::truncated, "TPM2_NV_Read: fewer bytes than asked for", "response");
    all.insert(all.end(), data.begin(), data.end());
  }
  return all;
}

Status nv_change_auth(Tpm& tpm, const Entity& index, Session& policy, Session& protection,
                      ByteView new_auth) {
  TpmCommand command{"TPM2_NV_ChangeAuth", TPM2_CC_NV_ChangeAuth};
  return run(tpm, command.authorize(index, policy).protect(protection).sized(new_auth));
}

}  // namespace sealift::tpm
