// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/state_insertion_key.h"

namespace sealift::securitymodule {
namespace {

constexpr std::string_view kPcrs = "?pcrs=";
constexpr const char* kDefaultPcrs = "sha256:7";

}  // namespace

Result<std::unique_ptr<InsertionKey>> StateInsertionKey::open(const std::string& address) {
  const auto found = address.find(kPcrs);
  const auto text =
      found == std::string::npos ? std::string{kDefaultPcrs} : address.substr(found + kPcrs.size());
  auto pcrs = tpm::PcrSelection::parse(text);
  if (!pcrs)
    return fail(ErrorCode::invalid_argument, "the insertion key's PCRs: " + pcrs.error().message,
                "insertion-key");
  std::unique_ptr<StateInsertionKey> key{new StateInsertionKey{address.substr(0, found), std::move(*pcrs)}};
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(key->tcti_));
  SEALIFT_CHECK(tpm::prove_state(tpm, key->pcrs_, Bytes(tpm::kQualifyingDataSize, 0)));
  return key;
}

Result<InsertionKey::Offer> StateInsertionKey::offer() const {
  SEALIFT_TRY(const auto key, crypto::PrivateKey::generate_ec(crypto::Curve::p256));
  return Offer{key.public_key().der(), key.pem()};
}

Result<tee::InsertionProof> StateInsertionKey::prove(const tee::InsertionTerms& terms) const {
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti_));
  SEALIFT_TRY(auto proof, tpm::prove_state(tpm, pcrs_, terms.digest().view()));
  return tee::InsertionProof{{}, std::move(proof)};
}

Result<InsertionKey::Secrets> StateInsertionKey::secrets_of(ByteView kept,
                                                            const tee::SealedInsertion& sealed) const {
  SEALIFT_TRY(const auto key, crypto::PrivateKey::parse(kept));
  SEALIFT_TRY(const auto ephemeral, tee::ephemeral_key_of(sealed));
  SEALIFT_TRY(auto shared, key.ecdh(ephemeral));
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti_));
  auto activation = tpm::open_attestation_credential(tpm, sealed.credential);
  if (activation) return Secrets{std::move(shared), std::move(*activation)};
  if (activation.error().code != ErrorCode::challenge_response_differs)
    return tl::unexpected(activation.error());
  return fail(ErrorCode::failed_precondition,
              "the insertion was sealed to another machine: begun at another replica, or altered on the way",
              "insertion_id");
}

}  // namespace sealift::securitymodule
