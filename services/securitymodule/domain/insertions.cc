// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/insertions.h"

#include <algorithm>

#include "crypto/random.h"

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kIdSize = 16;
constexpr std::size_t kMaxKey = 512;
constexpr const char* kMethod = "sealift.v1.SeedService.InsertSeed";

std::string purpose_of(const std::string& tenant, const std::string& id) {
  return "insertion " + id + " of " + tenant;
}

/// Image ‖ be64 end ‖ nonce ‖ sized16 insertion key ‖ what the key keeps.
SecretBytes written(const ImageKey& image, const tee::InsertionTerms& terms, const SecretBytes& kept) {
  ByteWriter head;
  head.bytes(image.id.view()).be64(static_cast<std::uint64_t>(terms.expires_at)).bytes(terms.nonce);
  head.sized16(terms.insertion_key);
  SecretBytes all{head.view().size() + kept.size()};
  const auto out = all.expose_for_writing();
  std::ranges::copy(head.view(), out.begin());
  std::ranges::copy(kept.expose(), out.subspan(head.view().size()).begin());
  return all;
}

tl::unexpected<Error> used() {
  return fail(ErrorCode::challenge_used, "the insertion is not open: used, expired or never begun",
              "insertion_id");
}

v1::InsertionProof message_of(const tee::InsertionProof& proof) {
  v1::InsertionProof message;
  const auto text = [](ByteView bytes) { return std::string{as_text(bytes)}; };
  for (const auto& certificate : proof.certificates) message.add_certificates(text(certificate));
  if (!proof.state) return message;
  for (const auto& certificate : proof.state->ek_certificates) message.add_certificates(text(certificate));
  auto& state = *message.mutable_state();
  state.set_endorsement_key(text(proof.state->endorsement_key.tpm2b()));
  state.set_attestation_key(text(proof.state->attestation_key.tpm2b()));
  state.set_attested(text(proof.state->quote.attested));
  state.set_signature(text(proof.state->quote.signature));
  return message;
}

}  // namespace

Result<const InsertionKey*> Insertions::key() const {
  if (key_ != nullptr) return key_;
  return fail(ErrorCode::failed_precondition,
              "this security module cannot prove itself: it was started without --insertion-key",
              "insertion_key");
}

Result<v1::BeginInsertionResponse> Insertions::begin(const ImageKey& image,
                                                     const v1::BeginInsertionRequest& request) {
  SEALIFT_TRY(const auto* const with, key());
  if (request.nonce().size() != tee::kInsertionNonceSize)
    return fail(ErrorCode::invalid_argument, "the nonce has 32 bytes", "nonce");
  SEALIFT_TRY(const auto open, store_.count(image.tenant, limits_.open_questions));
  if (open >= limits_.open_questions)
    return fail(ErrorCode::resource_exhausted, "too many insertions and questions of this tenant are open",
                "insertion_id");
  SEALIFT_TRY(auto offer, with->offer());
  const tee::InsertionTerms terms{image.tenant,
                                  image.id.hex(),
                                  kMethod,
                                  to_hex(crypto::random_array<kIdSize>()),
                                  crypto::unix_seconds(clock_.now()) + limits_.question_lifetime.count(),
                                  to_bytes(as_bytes(request.nonce())),
                                  offer.key};
  SEALIFT_TRY(const auto proof, with->prove(terms));
  const auto content = written(image, terms, offer.kept);
  const auto purpose = purpose_of(image.tenant, terms.insertion_id);
  SEALIFT_CHECK(store_.put(
      {image.tenant, terms.insertion_id, vault_.wrap_own(purpose, content.expose()), terms.expires_at}));
  v1::BeginInsertionResponse response;
  response.set_insertion_id(terms.insertion_id);
  response.set_expires_at(terms.expires_at);
  response.set_insertion_key(std::string{as_text(terms.insertion_key)});
  *response.mutable_proof() = message_of(proof);
  return response;
}

Result<Insertions::Begun> Insertions::take(const ImageKey& image, const std::string& insertion_id) {
  const auto record = store_.take(image.tenant, insertion_id);
  if (!record && record.error().code == ErrorCode::not_found) return used();
  if (!record) return tl::unexpected(record.error());
  SEALIFT_TRY(const auto content,
              vault_.unwrap_own(purpose_of(image.tenant, insertion_id), record->document));
  ByteReader reader{content.expose()};
  SEALIFT_TRY(const auto begun_for, reader.take(esm::ImageId::kSize));
  SEALIFT_TRY(const auto expires_at, reader.be64());
  SEALIFT_TRY(const auto nonce, reader.take(tee::kInsertionNonceSize));
  SEALIFT_TRY(const auto key, reader.sized16(kMaxKey));
  if (!same_bytes(begun_for, image.id.view()))
    return fail(ErrorCode::failed_precondition, "the insertion was begun for another image", "image_id");
  const auto end = static_cast<std::int64_t>(expires_at);
  if (crypto::unix_seconds(clock_.now()) >= end)
    return fail(ErrorCode::challenge_expired, "the insertion was not made in time", "insertion_id");
  return Begun{{image.tenant, image.id.hex(), kMethod, insertion_id, end, to_bytes(nonce), to_bytes(key)},
               SecretBytes::copy_of(reader.rest())};
}

Result<Insertions::Received> Insertions::receive(const ImageKey& image,
                                                 const v1::InsertSeedRequest& request) {
  SEALIFT_TRY(const auto* const with, key());
  SEALIFT_TRY(const auto begun, take(image, request.insertion_id()));
  const tee::SealedInsertion sealed{to_bytes(as_bytes(request.ephemeral_key())),
                                    to_bytes(as_bytes(request.credential())),
                                    to_bytes(as_bytes(request.ciphertext()))};
  SEALIFT_TRY(const auto secrets, with->secrets_of(begun.kept.expose(), sealed));
  SEALIFT_TRY(const auto opened,
              tee::open_insertion(begun.terms, sealed, secrets.shared, secrets.activation.expose()));
  Received received{{}, {}, opened.confirmation};
  const auto payload = opened.payload.expose();
  const bool read = received.request.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
  received.seed = take_seed(received.request);
  if (!read) return fail(ErrorCode::malformed, "what was inserted is no PutSeedRequest", "ciphertext");
  if (received.request.image_id() != request.image_id())
    return fail(ErrorCode::invalid_argument, "the seed inside is another image's", "image_id");
  return received;
}

}  // namespace sealift::securitymodule
