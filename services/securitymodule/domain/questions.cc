// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/questions.h"

#include <fmt/core.h>

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kDigestSize = 32;
constexpr int kBatch = 1000;

crypto::Digest digest_of(ByteView document) {
  return crypto::digest(crypto::HashAlgorithm::sha256, document);
}

}  // namespace

Result<v1::Question> Questions::ask(const ImageKey& image, const ImagePolicy& policy,
                                    const tee::MeasuredHost& host) {
  SEALIFT_TRY(const auto open, store_.count(image.tenant, limits_.open_questions));
  if (open >= limits_.open_questions)
    return fail(ErrorCode::resource_exhausted, "too many questions of this tenant are open", "question");
  SEALIFT_TRY(auto challenge,
              tee::Challenge::create(host.platform, host.key, clock_.now(), limits_.question_lifetime));
  const auto text = challenge.to_json();
  ByteWriter content;
  content.bytes(image.id.view()).bytes(policy.digest().view()).text(text);
  const auto document =
      vault_.stamp(RecordKind::question, {as_bytes(image.tenant), as_bytes(challenge.id())}, content.view());
  SEALIFT_CHECK(store_.put({image.tenant, challenge.id(), document, challenge.expires_at()}));
  v1::Question question;
  question.set_question_id(challenge.id());
  question.set_question(std::string{as_text(tpm::credential_file(challenge.credential()))});
  question.set_expires_at(challenge.expires_at());
  asked_here_.keep(digest_of(as_bytes(text)), std::make_shared<const tee::Challenge>(std::move(challenge)));
  return question;
}

Result<tee::Challenge> Questions::take(const ImageKey& image, const ImagePolicy& policy,
                                       const std::string& question_id) {
  const auto record = store_.take(image.tenant, question_id);
  if (!record && record.error().code == ErrorCode::not_found)
    return fail(ErrorCode::challenge_used, "the question is not open: answered, expired or never asked",
                "question_id");
  if (!record) return tl::unexpected(record.error());
  SEALIFT_TRY(
      const auto content,
      vault_.check(RecordKind::question, {as_bytes(image.tenant), as_bytes(question_id)}, record->document));
  ByteReader reader{content};
  SEALIFT_TRY(const auto asked_for, reader.take(esm::ImageId::kSize));
  SEALIFT_TRY(const auto asked_under, reader.take(kDigestSize));
  if (!same_bytes(asked_for, image.id.view()))
    return fail(ErrorCode::failed_precondition, "the question was asked for another image", "image_id");
  if (!same_bytes(asked_under, policy.digest().view()))
    return fail(ErrorCode::failed_precondition, "the image's policy is another one than when this was asked",
                "policy");
  return read(reader.rest());
}

Result<tee::Challenge> Questions::read(ByteView document) {
  if (const auto known = asked_here_.find(digest_of(document))) return *known;
  return tee::Challenge::from_json(as_text(document));
}

Status Questions::forget_expired() {
  for (;;) {
    SEALIFT_TRY(const auto gone, store_.drop_expired(crypto::unix_seconds(clock_.now()), kBatch));
    if (gone < kBatch) return {};
  }
}

}  // namespace sealift::securitymodule
