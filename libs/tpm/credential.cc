// SPDX-License-Identifier: Apache-2.0
#include "tpm/credential.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>

#include "tpm/outer_wrap.h"

namespace sealift::tpm {
namespace {

// tpm2-tools 5.4, lib/files.c and tools/tpm2_makecredential.c.
constexpr std::uint32_t kFileMagic = 0xBADCC0DE;
constexpr std::uint32_t kFileVersion = 1;

/// TPM2B_DIGEST.
SecretBytes sized(ByteView secret) {
  SecretBytes out{sizeof(std::uint16_t) + secret.size()};
  const auto bytes = out.expose_for_writing();
  bytes[1] = static_cast<std::uint8_t>(secret.size());
  std::ranges::copy(secret, bytes.begin() + sizeof(std::uint16_t));
  return out;
}

/// A TPM2B, whole.
Result<Bytes> take_sized(ByteReader& reader, std::size_t limit) {
  SEALIFT_TRY(const auto body, reader.sized16(limit));
  if (body.empty())
    return fail(ErrorCode::malformed, "an empty structure in the credential file", "credential");
  return std::move(ByteWriter{}.sized16(body)).take();
}

}  // namespace

Result<Credential> make_credential(const Public& ek, const Name& name, ByteView secret) {
  SEALIFT_TRY(const auto wrap, OuterWrap::prepare(ek, "IDENTITY"));
  const auto limit = crypto::digest_size(wrap.hash());
  if (secret.empty() || secret.size() > limit) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("a credential for this key holds 1 to {} bytes, not {}", limit, secret.size()),
                "secret");
  }
  SEALIFT_TRY(const auto seed, wrap.new_seed());
  return Credential{.id_object = wrap.protect(seed.value, name, sized(secret)), .secret = seed.encrypted};
}

Bytes credential_file(const Credential& credential) {
  return std::move(ByteWriter{}
                       .be32(kFileMagic)
                       .be32(kFileVersion)
                       .bytes(credential.id_object)
                       .bytes(credential.secret))
      .take();
}

Result<Credential> parse_credential_file(ByteView file) {
  ByteReader reader{file};
  SEALIFT_TRY(const auto magic, reader.be32());
  if (magic != kFileMagic) {
    return fail(ErrorCode::malformed, "not a credential file: it does not start with BADCC0DE", "magic");
  }
  SEALIFT_TRY(const auto version, reader.be32());
  if (version != kFileVersion) {
    return fail(ErrorCode::unsupported, fmt::format("version {} of the credential file", version), "version");
  }
  SEALIFT_TRY(auto id_object, take_sized(reader, sizeof(TPMS_ID_OBJECT)));
  SEALIFT_TRY(auto secret, take_sized(reader, sizeof(TPMU_ENCRYPTED_SECRET)));
  SEALIFT_CHECK(reader.expect_end());
  return Credential{.id_object = std::move(id_object), .secret = std::move(secret)};
}

}  // namespace sealift::tpm
