// SPDX-License-Identifier: Apache-2.0
#include "tpm/quote.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "crypto/signature.h"
#include "tpm/ek.h"

namespace sealift::tpm {
namespace {

constexpr std::size_t kCoordinate = 32;

/// The key that an EK certificate is about: where it is persistent, or made again from its template.
struct OpenEk {
  std::optional<Primary> made;
  Handle handle;
  Public area;
  Entity entity() const { return {handle, area.name()}; }
};

Result<OpenEk> open_ek(Tpm& tpm, const EndorsementKey& ek) {
  SEALIFT_TRY(auto persistent, find_public(tpm, ek.handle));
  if (persistent) return OpenEk{std::nullopt, ek.handle, *std::move(persistent)};
  auto session = Session::empty_auth();
  SEALIFT_TRY(auto made,
              create_primary(tpm, Entity::permanent(TPM2_RH_ENDORSEMENT), session, ek.public_template()));
  const auto handle = made.object.handle();
  auto area = made.area;
  return OpenEk{std::move(made), handle, std::move(area)};
}

Result<Primary> make_attestation_key(Tpm& tpm) {
  auto session = Session::empty_auth();
  return create_primary(tpm, Entity::permanent(TPM2_RH_ENDORSEMENT), session, attestation_key_template());
}

Result<Quote> quote(Tpm& tpm, const Entity& key, const PcrSelection& pcrs, ByteView qualifying_data) {
  auto session = Session::empty_auth();
  TpmCommand command{"TPM2_Quote", TPM2_CC_Quote};
  command.authorize(key, session).sized(qualifying_data).be16(TPM2_ALG_NULL).bytes(pcrs.marshalled());
  SEALIFT_TRY(const auto response, command.run(tpm));
  auto reader = response.reader();
  SEALIFT_TRY(const auto attested, reader.sized16(kQuotePartLimit));
  return Quote{to_bytes(attested), to_bytes(reader.rest())};
}

bool is_attestation_key(const Public& key) {
  auto area = attestation_key_template();
  if (key.area().type != area.type) return false;  // `unique` is a union: the type says which member counts
  area.unique = key.area().unique;
  const auto expected = Public::from_template(area);
  return expected.has_value() && *expected == key;
}

Bytes padded(ByteView number) {
  while (number.size() > kCoordinate && number.front() == 0) number = number.subspan(1);
  Bytes out(kCoordinate - std::min(number.size(), kCoordinate), 0);
  out.insert(out.end(), number.begin(), number.end());
  return out;
}

/// TPMT_SIGNATURE (Part 2, 11.3.4): ECDSA with SHA-256.
Result<crypto::EcdsaNumbers> parse_signature(ByteView signature) {
  ByteReader reader{signature};
  SEALIFT_TRY(const auto scheme, reader.be16());
  SEALIFT_TRY(const auto hash, reader.be16());
  if (scheme != TPM2_ALG_ECDSA || hash != TPM2_ALG_SHA256)
    return fail(ErrorCode::malformed, "the quote is not signed by ECDSA with SHA-256");
  SEALIFT_TRY(const auto r, reader.sized16(kCoordinate));
  SEALIFT_TRY(const auto s, reader.sized16(kCoordinate));
  SEALIFT_CHECK(reader.expect_end());
  return crypto::EcdsaNumbers{padded(r), padded(s)};
}

Status check_signature(const Public& key, const Quote& quote) {
  const auto numbers = parse_signature(quote.signature);
  if (numbers) {
    SEALIFT_TRY(const auto public_key, key.key());
    if (crypto::verify_ecdsa(public_key, HashAlgorithm::sha256, quote.attested, *numbers)) return {};
  }
  return fail(ErrorCode::signature_invalid, "the quote is not signed by the attestation key shown with it",
              "signature", numbers ? "" : numbers.error().message);
}

/// TPML_PCR_SELECTION (Part 2, 10.9.7), as it stands there.
Result<ByteView> take_selection(ByteReader& reader) {
  constexpr std::uint32_t kMaxBanks = 16;
  constexpr std::uint8_t kMaxSelect = 32;
  const auto start = reader.rest();
  SEALIFT_TRY(const auto banks, reader.be32());
  if (banks > kMaxBanks) return fail(ErrorCode::malformed, "too many banks");
  for (std::uint32_t i = 0; i < banks; ++i) {
    SEALIFT_CHECK(reader.be16());
    SEALIFT_TRY(const auto size, reader.u8());
    if (size > kMaxSelect) return fail(ErrorCode::malformed, "too many PCRs");
    SEALIFT_CHECK(reader.take(size));
  }
  return start.first(start.size() - reader.rest().size());
}

Status check_state(const Attested& attested, const PcrValues& expected) {
  const auto pcrs = expected.selection();
  if (!same_bytes(attested.selection, pcrs.marshalled()))
    return fail(ErrorCode::pcr_differs, "the quote is about other PCRs than the approved ones", pcrs.text());
  const auto digest = expected.digest(HashAlgorithm::sha256);
  if (same_bytes(attested.digest, digest.view())) return {};
  return fail(
      ErrorCode::pcr_differs,
      fmt::format("the machine is in another state than the approved one: its PCRs give {} and not {}",
                  to_hex(attested.digest), to_hex(digest.view())),
      pcrs.text());
}

}  // namespace

Result<Attested> parse_attested(ByteView attested) {
  constexpr std::size_t kMaxName = 66;
  constexpr std::size_t kClockInfo = 17;
  constexpr std::size_t kFirmwareVersion = 8;
  ByteReader reader{attested};
  SEALIFT_TRY(const auto magic, reader.be32());
  SEALIFT_TRY(const auto type, reader.be16());
  if (magic != TPM2_GENERATED_VALUE || type != TPM2_ST_ATTEST_QUOTE)
    return fail(ErrorCode::malformed, "it is no quote");
  SEALIFT_CHECK(reader.sized16(kMaxName));  // the qualified signer: who signs is known better by its key
  SEALIFT_TRY(const auto qualifying_data, reader.sized16(kQuotePartLimit));
  SEALIFT_CHECK(reader.take(kClockInfo + kFirmwareVersion));
  SEALIFT_TRY(const auto selection, take_selection(reader));
  SEALIFT_TRY(const auto digest, reader.sized16(kMaxName));
  SEALIFT_CHECK(reader.expect_end());
  return Attested{qualifying_data, selection, digest};
}

TPMT_PUBLIC attestation_key_template() {
  TPMT_PUBLIC area{};
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
                          TPMA_OBJECT_SIGN_ENCRYPT;
  auto& parameters = area.parameters.eccDetail;
  parameters.symmetric.algorithm = TPM2_ALG_NULL;
  parameters.scheme.scheme = TPM2_ALG_ECDSA;
  parameters.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  parameters.curveID = TPM2_ECC_NIST_P256;
  parameters.kdf.scheme = TPM2_ALG_NULL;
  return area;
}

Result<StateProof> prove_state(Tpm& tpm, const PcrSelection& pcrs, ByteView qualifying_data) {
  const Tpm::Turn turn{tpm};
  SEALIFT_TRY(const auto shown, shown_ek(tpm));
  SEALIFT_TRY(auto certificates, read_ek_certificates(tpm, shown.certificate));
  SEALIFT_TRY(auto ek, open_ek(tpm, *shown.key));
  SEALIFT_TRY(const auto key, make_attestation_key(tpm));
  SEALIFT_TRY(auto signed_quote, quote(tpm, key.object.entity(), pcrs, qualifying_data));
  return StateProof{std::move(certificates), std::move(ek.area), key.area, std::move(signed_quote)};
}

Result<SecretBytes> open_attestation_credential(Tpm& tpm, ByteView credential_file) {
  SEALIFT_TRY(const auto credential, parse_credential_file(credential_file));
  const Tpm::Turn turn{tpm};
  SEALIFT_TRY(const auto shown, shown_ek(tpm));
  SEALIFT_TRY(const auto ek, open_ek(tpm, *shown.key));
  SEALIFT_TRY(const auto key, make_attestation_key(tpm));
  return open_credential(tpm, key.object.entity(), ek.entity(), ek.area, credential);
}

Status verify_quote(const Public& key, const Quote& quote, ByteView qualifying_data,
                    const PcrValues& expected) {
  if (!is_attestation_key(key))
    return fail(ErrorCode::key_unsupported,
                "what signs the quote is no attestation key, which signs nothing else", "attestation_key");
  SEALIFT_CHECK(check_signature(key, quote));
  const auto attested = parse_attested(quote.attested);
  if (!attested)
    return fail(ErrorCode::malformed, fmt::format("the quote cannot be read: {}", attested.error().message),
                "attested");
  if (!same_bytes(attested->qualifying_data, qualifying_data))
    return fail(ErrorCode::authentication_failed, "the quote was made for something else, or earlier",
                "qualifying_data");
  return check_state(*attested, expected);
}

}  // namespace sealift::tpm
