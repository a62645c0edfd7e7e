// SPDX-License-Identifier: Apache-2.0
#include "formats/ibm_esm/opened.h"

#include <fmt/core.h>

#include <algorithm>

#include "crypto/cipher.h"
#include "crypto/random.h"
#include "formats/fdt/fields.h"
#include "formats/ibm_esm/names.h"
#include "formats/ibm_esm/rsa_pem.h"

namespace sealift::ibm_esm {
namespace {

constexpr auto kHash = crypto::HashAlgorithm::sha256;
constexpr std::size_t kKeySize = 32;
constexpr std::size_t kMaxFileName = 31;

std::string key_of(const Fingerprint& fingerprint) { return std::string{as_text(fingerprint)}; }

Fingerprint fingerprint_of(ByteView pem_file) {
  Fingerprint fingerprint{};
  std::ranges::copy(crypto::digest(kHash, pem_file).view(), fingerprint.begin());
  return fingerprint;
}

Status check_comment(std::string_view comment) {
  if (comment.size() <= kMaxCommentSize && fdt::is_plain_text(comment)) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("a comment is at most {} bytes of UTF-8 without control characters", kMaxCommentSize),
      "comment");
}

// As svm-tools: a letter, then up to 30 of these.
bool good_file_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= kMaxFileName && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') ||
                  std::string_view{",._+-"}.find(c) != std::string_view::npos;
         });
}

EncryptedFile encrypt(ByteView key, std::string_view name, std::string comment, ByteView content) {
  EncryptedFile file{std::string{name}, std::move(comment), crypto::random_array<16>(), {}, {}};
  auto sealed = crypto::gcm_encrypt(key, file.iv, {}, content);
  file.mac = sealed.tag;
  file.ciphertext = std::move(sealed.ciphertext);
  return file;
}

Result<SecretBytes> decrypt(ByteView key, const EncryptedFile& file) {
  auto plaintext = crypto::gcm_decrypt(key, file.iv, {}, file.ciphertext, file.mac);
  if (!plaintext)
    return fail(ErrorCode::authentication_failed, "'" + file.name + "' does not open", file.name);
  return plaintext;
}

}  // namespace

/// svm-tools hash the file as `openssl` and they write it; some hands drop the last newline.
const Lockbox* find_lockbox(const Blob& blob, const crypto::PublicKey& key) {
  const auto pem = key.pem();
  const auto text = as_bytes(pem);
  for (const auto& fingerprint : {fingerprint_of(text), fingerprint_of(text.first(text.size() - 1))}) {
    const auto found = std::ranges::find(blob.lockboxes, fingerprint, &Lockbox::fingerprint);
    if (found != blob.lockboxes.end()) return &*found;
  }
  return nullptr;
}

Result<Recipient> Recipient::from_pem(ByteView pem_file, std::string comment) {
  SEALIFT_CHECK(check_comment(comment));
  const auto numbers = plain_rsa_pem(pem_file);
  SEALIFT_TRY(auto key, numbers ? crypto::PublicKey::from_rsa(*numbers) : crypto::PublicKey::parse(pem_file));
  if (key.type() != crypto::KeyType::rsa || key.bits() < static_cast<int>(kMinRsaBits) ||
      key.bits() > static_cast<int>(kMaxRsaBits)) {
    return fail(ErrorCode::key_unsupported, "a recipient's key is RSA of 2048 to 4096 bits");
  }
  return Recipient{std::move(key), fingerprint_of(pem_file), std::move(comment)};
}

Result<OpenedBlob> OpenedBlob::make(const Recipient& origin) {
  SecretBytes key{kKeySize};
  crypto::fill_random(key.expose_for_writing());
  OpenedBlob opened{std::move(key)};
  SEALIFT_CHECK(opened.add_lockbox(origin, std::string{kOrigin}));
  return opened;
}

Result<OpenedBlob> OpenedBlob::open(Blob blob, const crypto::PrivateKey& key) {
  const auto* lockbox = find_lockbox(blob, key.public_key());
  if (lockbox == nullptr) return fail(ErrorCode::no_lockbox_for_key, "no lockbox has this key's fingerprint");
  SEALIFT_TRY(auto symmetric, key.oaep_decrypt(kHash, {}, lockbox->encrypted_key));
  return open(std::move(blob), std::move(symmetric));
}

Result<OpenedBlob> OpenedBlob::open(Blob blob, SecretBytes symmetric_key) {
  if (symmetric_key.size() != kKeySize) {
    return fail(ErrorCode::operand_malformed, "the key in the lockbox does not have 32 bytes",
                "encrypted-symkey");
  }
  OpenedBlob opened{std::move(symmetric_key)};
  for (const auto& each : blob.lockboxes) {
    opened.known_.insert(key_of(each.fingerprint));
    opened.last_number_ = std::max(opened.last_number_, lockbox_number(each.name).value_or(0));
  }
  std::ranges::reverse(blob.lockboxes);
  opened.blob_ = std::move(blob);
  return opened;
}

Status OpenedBlob::add_lockbox(const Recipient& recipient, std::string name) {
  if (blob_.lockboxes.size() == kMaxLockboxes) {
    return fail(ErrorCode::operand_full, fmt::format("a blob holds at most {} lockboxes", kMaxLockboxes));
  }
  if (known_.contains(key_of(recipient.fingerprint()))) {
    return fail(ErrorCode::already_exists,
                "this recipient already has a lockbox: " + to_hex(recipient.fingerprint()));
  }
  SEALIFT_TRY(auto encrypted, recipient.key().oaep_encrypt(kHash, {}, key_.expose()));
  blob_.lockboxes.push_back(
      {std::move(name), recipient.comment(), recipient.fingerprint(), std::move(encrypted)});
  known_.insert(key_of(recipient.fingerprint()));
  return {};
}

Status OpenedBlob::authorise(const Recipient& recipient) {
  SEALIFT_CHECK(add_lockbox(recipient, fmt::format("lockbox-{}", last_number_ + 1)));
  ++last_number_;
  return {};
}

Status OpenedBlob::set_integrity(const esm::IntegrityInformation& information, std::string comment) {
  SEALIFT_CHECK(check_comment(comment));
  SEALIFT_TRY(const auto tree, esm::serialise_integrity(information, kCompatible));
  blob_.digests = encrypt(key_.expose(), kDigestsName, std::move(comment), tree);
  return {};
}

Status OpenedBlob::attach(std::string_view name, ByteView content, std::string comment) {
  SEALIFT_CHECK(check_comment(comment));
  if (!good_file_name(name)) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' cannot name an attachment", name), "name");
  }
  if (std::ranges::find(blob_.files, name, &EncryptedFile::name) != blob_.files.end()) {
    return fail(ErrorCode::already_exists, fmt::format("an attachment named '{}' is there", name));
  }
  blob_.files.push_back(encrypt(key_.expose(), name, std::move(comment), content));
  return {};
}

Result<esm::IntegrityInformation> OpenedBlob::integrity() const {
  if (!blob_.digests)
    return fail(ErrorCode::operand_malformed, "the blob holds no digests", "/digest/digests-fdt");
  SEALIFT_TRY(const auto tree, decrypt(key_.expose(), *blob_.digests));
  return esm::parse_integrity(tree.expose(), kCompatible);
}

Result<SecretBytes> OpenedBlob::file(std::string_view name) const {
  const auto found = std::ranges::find(blob_.files, name, &EncryptedFile::name);
  if (found == blob_.files.end())
    return fail(ErrorCode::not_found, fmt::format("no attachment named '{}'", name));
  return decrypt(key_.expose(), *found);
}

Blob OpenedBlob::blob() const {
  auto blob = blob_;
  std::ranges::reverse(blob.lockboxes);
  return blob;
}

}  // namespace sealift::ibm_esm
