// SPDX-License-Identifier: Apache-2.0
#include "tee/challenge.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/file.h"
#include "crypto/base64.h"
#include "crypto/random.h"
#include "tee/enrolment_json.h"

namespace sealift::tee {
namespace {

constexpr std::string_view kFormat = "sealift.challenge.v1";
constexpr std::size_t kSecretSize = 32;
constexpr std::size_t kFileLimit = 64 * 1024;
constexpr std::size_t kIdSize = 16;

/// The challenge's id is part of it, so that the hash of one question says nothing about another.
Digest hash_of(std::string_view id, ByteView response) {
  return crypto::digest(crypto::HashAlgorithm::sha256,
                        {as_bytes("sealift challenge v1"), as_bytes(id), response});
}

std::filesystem::path used_path(std::filesystem::path path) { return path += ".used"; }

}  // namespace

Result<Challenge> Challenge::create(const VerifiedPlatform& platform, const VerifiedStorageKey& key,
                                    TimePoint now, std::chrono::seconds lifetime) {
  const auto secret = crypto::random_secret<kSecretSize>();
  SEALIFT_TRY(auto credential, tpm::make_credential(platform.ek(), key.name(), secret.expose()));
  Challenge challenge{
      {key, platform.ek_certificate(), platform.hardware_key_hash(), platform.platform_certificate()}};
  challenge.credential_ = std::move(credential);
  challenge.id_ = to_hex(crypto::random_array<kIdSize>());
  challenge.response_hash_ = hash_of(challenge.id_, secret.expose());
  challenge.asked_at_ = crypto::unix_seconds(now);
  challenge.expires_at_ = challenge.asked_at_ + lifetime.count();
  return challenge;
}

Result<EnrolledHost> Challenge::finish(ByteView response, TimePoint now) {
  if (std::exchange(used_, true))
    return fail(ErrorCode::challenge_used, "this challenge was answered before", "challenge");
  const auto seconds = crypto::unix_seconds(now);
  if (seconds < asked_at_ || seconds >= expires_at_) {
    return fail(ErrorCode::challenge_expired,
                fmt::format("the challenge could be answered from {} until {}", crypto::utc_text(asked_at_),
                            crypto::utc_text(expires_at_)),
                "expires_at");
  }
  if (response.size() > kChallengeResponseLimit ||
      !constant_time_equal(hash_of(id_, response).view(), response_hash_.view())) {
    return fail(ErrorCode::challenge_response_differs, "the response is not the challenge's secret",
                "response");
  }
  return EnrolledHost::make(subject_, seconds);
}

Status Challenge::save(const std::filesystem::path& path) const {
  const auto json = to_json();
  SEALIFT_TRY(const auto file, open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  SEALIFT_CHECK(write_all(file.get(), as_bytes(json)));
  if (fsync(file.get()) != 0) return fail_errno(fmt::format("sync {}", path.string()));
  return {};
}

Result<Challenge> Challenge::take(const std::filesystem::path& path) {
  const auto used = used_path(path);
  if (std::rename(path.c_str(), used.c_str()) != 0) {
    auto error = fail_errno(fmt::format("take the challenge {}", path.string()));
    if (error.value().code == ErrorCode::not_found && std::filesystem::exists(used)) {
      return fail(ErrorCode::challenge_used,
                  fmt::format("the challenge {} was answered before", path.string()), "challenge");
    }
    return error;
  }
  SEALIFT_TRY(const auto bytes, read_file(used, kFileLimit));
  return from_json(as_text(bytes));
}

std::string Challenge::to_json() const {
  JsonMembers members{{"format", json_string(kFormat)},
                      {"id", json_string(id_)},
                      {"asked_at", std::to_string(asked_at_)},
                      {"expires_at", std::to_string(expires_at_)},
                      {"response_hash", json_string(to_hex(response_hash_.view()))},
                      {"credential", json_string(crypto::to_base64(tpm::credential_file(credential_)))}};
  append_subject(subject_, members);
  return write_json(members);
}

Result<Challenge> Challenge::from_json(std::string_view text) {
  SEALIFT_TRY(auto json, json::Object::parse(as_bytes(text), "the challenge", kEnrolmentLimits));
  SEALIFT_CHECK(json.take_format(kFormat));
  SEALIFT_TRY(const auto id, json.take_hex("id", kIdSize));
  SEALIFT_TRY(const auto asked_at, json.take_seconds("asked_at"));
  SEALIFT_TRY(const auto expires_at, json.take_seconds("expires_at"));
  SEALIFT_TRY(const auto response_hash, json.take_hex("response_hash", 32));
  SEALIFT_TRY(const auto file, json.take_base64("credential"));
  auto credential = tpm::parse_credential_file(file);
  if (!credential) return json.refuse("credential", "is not a credential file");
  SEALIFT_TRY(auto subject, take_subject(json));
  SEALIFT_CHECK(json.expect_end());
  Challenge challenge{std::move(subject)};
  challenge.credential_ = std::move(*credential);
  challenge.id_ = to_hex(id);
  challenge.response_hash_ = Digest{response_hash};
  challenge.asked_at_ = asked_at;
  challenge.expires_at_ = expires_at;
  return challenge;
}

}  // namespace sealift::tee
