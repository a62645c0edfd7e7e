// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/sev_launches.h"

#include <algorithm>

#include "crypto/random.h"

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kDigestSize = 32;
constexpr std::uint8_t kOpen = 0;
constexpr std::uint8_t kReleased = 1;

/// What a record begins with: kind ‖ image ‖ SHA-256 of the policy. An open one goes on with
/// PendingLaunch::save(), a released one with SHA-256 of the answer ‖ chip ‖ the packet.
Bytes head_of(std::uint8_t kind, const ImageKey& image, const ImagePolicy& policy) {
  ByteWriter out;
  out.u8(kind).bytes(image.id.view()).bytes(policy.digest().view());
  return std::move(out).take();
}

SecretBytes joined(ByteView head, ByteView tail) {
  SecretBytes all{head.size() + tail.size()};
  std::ranges::copy(head, all.expose_for_writing().begin());
  std::ranges::copy(tail, all.expose_for_writing().subspan(head.size()).begin());
  return all;
}

/// The rest behind a head of `kind`, which must be that of this image and policy.
Result<ByteView> rest_behind(const SecretBytes& record, const ImageKey& image, const ImagePolicy& policy) {
  const auto kind = record.empty() ? kOpen : record.expose().front();
  const auto head = head_of(kind, image, policy);
  if (record.size() < head.size())
    return fail(ErrorCode::malformed, "the stored launch cannot be read", "database");
  const auto found = record.expose().first(head.size());
  constexpr std::size_t kImage = 1;
  if (!same_bytes(found.subspan(kImage, esm::ImageId::kSize), image.id.view()))
    return fail(ErrorCode::failed_precondition, "the question was asked for another image", "image_id");
  if (!same_bytes(found, head))
    return fail(ErrorCode::failed_precondition, "the image's policy is another one than when this was asked",
                "policy");
  return record.expose().subspan(head.size());
}

std::string purpose_of(const std::string& tenant, const std::string& id) {
  return "sev launch " + id + " of " + tenant;
}

Result<v1::LaunchSecret> read_packet(ByteView bytes) {
  v1::LaunchSecret secret;
  if (secret.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return secret;
  return fail(ErrorCode::malformed, "the stored packet cannot be read", "database");
}

v1::LaunchSecret message_of(const sev::SecretPacket& packet) {
  v1::LaunchSecret secret;
  secret.set_header(std::string{as_text(packet.header)});
  secret.set_payload(std::string{as_text(packet.payload)});
  return secret;
}

}  // namespace

Status SevLaunches::put(const std::string& tenant, const std::string& id, ByteView content,
                        std::chrono::seconds keep) {
  const auto until = crypto::unix_seconds(clock_.now()) + keep.count();
  return store_.put({tenant, id, vault_.wrap_own(purpose_of(tenant, id), content), until});
}

Result<SecretBytes> SevLaunches::take(const std::string& tenant, const std::string& id) {
  const auto record = store_.take(tenant, id);
  if (record) return vault_.unwrap_own(purpose_of(tenant, id), record->document);
  if (record.error().code != ErrorCode::not_found) return tl::unexpected(record.error());
  return fail(ErrorCode::challenge_used, "the question is not open: answered, expired or never asked",
              "question_id");
}

Result<v1::Question> SevLaunches::ask(const ImageKey& image, const ImagePolicy& policy, ByteView evidence,
                                      const Allow& allow) {
  SEALIFT_TRY(const auto open, store_.count(image.tenant, limits_.open_questions));
  if (open >= limits_.open_questions)
    return fail(ErrorCode::resource_exhausted, "too many questions of this tenant are open", "question");
  const auto now = clock_.now();
  SEALIFT_TRY(const auto launch, sev::PendingLaunch::begin(evidence, *policy.sev(), now));
  SEALIFT_CHECK(allow(launch.hardware_key_hash()));
  const auto id = to_hex(crypto::random_array<16>());
  const auto saved = launch.save();
  const auto content = joined(head_of(kOpen, image, policy), saved.expose());
  SEALIFT_CHECK(put(image.tenant, id, content.expose(), sev::kLaunchLifetime));
  v1::Question question;
  question.set_question_id(id);
  question.set_question(std::string{as_text(launch.question())});
  question.set_expires_at(crypto::unix_seconds(now) + sev::kLaunchLifetime.count());
  return question;
}

Result<SevLaunches::Released> SevLaunches::answer(const ImageKey& image, const OpenedSeed& seed,
                                                  const std::string& question_id, ByteView answer,
                                                  std::string& chip) {
  SEALIFT_TRY(const auto record, take(image.tenant, question_id));
  SEALIFT_TRY(const auto rest, rest_behind(record, image, *seed.policy));
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha256, answer);
  if (record.expose().front() == kReleased) {
    ByteReader reader{rest};
    SEALIFT_TRY(const auto answered, reader.take(kDigestSize));
    SEALIFT_TRY(const auto hash, reader.take(kDigestSize));
    chip = to_hex(hash);
    SEALIFT_CHECK(put(image.tenant, question_id, record.expose(), limits_.question_lifetime));
    if (!same_bytes(answered, digest.view()))
      return fail(ErrorCode::challenge_used, "this launch was answered otherwise before", "answer");
    SEALIFT_TRY(auto packet, read_packet(reader.rest()));
    return Released{std::move(packet), true, crypto::Digest{hash}};
  }
  SEALIFT_TRY(auto launch, sev::PendingLaunch::restore(rest, *seed.policy->sev()));
  const auto hash = launch.hardware_key_hash();
  chip = to_hex(hash.view());
  SEALIFT_TRY(auto proven, std::move(launch).conclude(answer, clock_.now()));
  SEALIFT_TRY(const auto packet, proven.release_table(seed.seed.expose()));
  auto secret = message_of(packet);
  ByteWriter released;
  released.bytes(head_of(kReleased, image, *seed.policy)).bytes(digest.view()).bytes(hash.view());
  released.text(secret.SerializeAsString());
  SEALIFT_CHECK(put(image.tenant, question_id, released.view(), limits_.question_lifetime));
  return Released{std::move(secret), false, hash};
}

}  // namespace sealift::securitymodule
