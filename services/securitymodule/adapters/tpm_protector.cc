// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/tpm_protector.h"

#include <fmt/core.h>

#include "crypto/cipher.h"
#include "crypto/random.h"
#include "tpm/commands.h"
#include "tpm/local_seal.h"

namespace sealift::securitymodule {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kKeySize = 32;
constexpr std::size_t kIvSize = 12;
constexpr std::size_t kMaxPart = 1024;
constexpr std::string_view kPcrs = "?pcrs=";
constexpr std::string_view kDefaultPcrs = "sha256:7";

std::string id_of(const tpm::Name& parent) { return fmt::format("tpm:{}", parent.hex().substr(4, 16)); }

tl::unexpected<Error> damaged() {
  return fail(ErrorCode::malformed, "the wrapped key is none of a TPM's", "protector");
}

Error at_protector(Error error) {
  error.message = fmt::format("the protector's PCRs: {}", error.message);
  error.field = "protector";
  return error;
}

struct Wrapped {
  tpm::Name parent;
  tpm::PcrSelection pcrs;
  tpm::SealedData key;
  ByteView iv;
  ByteView ciphertext;
  ByteView tag;
};

Result<Wrapped> parse(ByteView wrapped) {
  ByteReader reader{wrapped};
  SEALIFT_TRY(const auto version, reader.u8());
  if (version != kVersion) return damaged();
  SEALIFT_TRY(const auto name, reader.sized16(kMaxPart));
  SEALIFT_TRY(auto parent, tpm::Name::parse(name));
  SEALIFT_TRY(const auto text, reader.sized16(kMaxPart));
  SEALIFT_TRY(auto pcrs, tpm::PcrSelection::parse(as_text(text)));
  tpm::SealedData key;
  for (auto* const part : {&key.public_area, &key.duplicate, &key.seed}) {
    SEALIFT_TRY(const auto bytes, reader.sized16(kMaxPart));
    *part = to_bytes(bytes);
  }
  SEALIFT_TRY(const auto iv, reader.take(kIvSize));
  const auto rest = reader.rest();
  if (rest.size() < crypto::kGcmTagSize) return damaged();
  return Wrapped{std::move(parent),
                 std::move(pcrs),
                 std::move(key),
                 iv,
                 rest.first(rest.size() - crypto::kGcmTagSize),
                 rest.last(crypto::kGcmTagSize)};
}

}  // namespace

Result<TpmProtector> TpmProtector::open(const std::string& address) {
  const auto found = address.find(kPcrs);
  auto tcti = address.substr(0, found);
  const auto text =
      found == std::string::npos ? std::string{kDefaultPcrs} : address.substr(found + kPcrs.size());
  std::optional<tpm::PcrValues> values;
  if (text.find('=') != std::string::npos) {
    auto given = tpm::PcrValues::parse(text);
    if (!given) return tl::unexpected(at_protector(std::move(given).error()));
    values = std::move(*given);
  }
  auto pcrs = values ? Result<tpm::PcrSelection>{values->selection()} : tpm::PcrSelection::parse(text);
  if (!pcrs) return tl::unexpected(at_protector(std::move(pcrs).error()));
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti));
  SEALIFT_TRY(auto parent, tpm::storage_primary(tpm));
  return TpmProtector{std::move(tcti), std::move(*pcrs), std::move(values), std::move(parent)};
}

std::string TpmProtector::key_id() const { return id_of(parent_.name()); }

Result<Bytes> TpmProtector::wrap(ByteView secret, ByteView associated_data) const {
  auto values = values_;
  if (!values) {
    SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti_));
    SEALIFT_TRY(values, tpm::read_pcrs(tpm, pcrs_));
  }
  const auto key = crypto::random_secret<kKeySize>();
  SEALIFT_TRY(const auto parent, tpm::StorageKey::prepare(parent_));
  SEALIFT_TRY(const auto sealed_key, tpm::seal(parent, key.expose(), *values));
  const auto iv = crypto::random_array<kIvSize>();
  const auto sealed = crypto::gcm_encrypt(key.expose(), iv, associated_data, secret);
  ByteWriter out;
  out.u8(kVersion).sized16(parent_.name().view()).sized16(as_bytes(pcrs_.text()));
  out.sized16(sealed_key.public_area).sized16(sealed_key.duplicate).sized16(sealed_key.seed);
  out.bytes(iv).bytes(sealed.ciphertext).bytes(sealed.tag);
  return std::move(out).take();
}

Result<SecretBytes> TpmProtector::unwrap(ByteView wrapped, ByteView associated_data) const {
  const auto parts = parse(wrapped);
  if (!parts) return damaged();
  if (parts->parent != parent_.name())
    return fail(
        ErrorCode::failed_precondition,
        fmt::format("the database is protected by the key {}, and this TPM's is {}: restore the former",
                    id_of(parts->parent), key_id()),
        "protector");
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti_));
  SEALIFT_TRY(const auto key, tpm::unseal_locally(tpm, parts->parent, parts->key, parts->pcrs));
  if (key.size() != kKeySize) return damaged();
  return crypto::gcm_decrypt(key.expose(), parts->iv, associated_data, parts->ciphertext, parts->tag);
}

}  // namespace sealift::securitymodule
