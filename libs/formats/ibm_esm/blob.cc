// SPDX-License-Identifier: Apache-2.0
#include "formats/ibm_esm/blob.h"

#include <fmt/core.h>

#include <algorithm>

#include "formats/fdt/fields.h"
#include "formats/fdt/tree.h"
#include "formats/ibm_esm/names.h"

namespace sealift::ibm_esm {
namespace {

constexpr auto kCode = ErrorCode::operand_malformed;
constexpr std::string_view kFilesCompatible = "ibm,esm-file";
constexpr std::string_view kFileAlgorithm = "AES256-GCM";
constexpr std::string_view kFingerprintAlgorithm = "SHA256";
constexpr std::size_t kIvSize = 16;
constexpr std::size_t kMacSize = 16;

Result<Fingerprint> parse_fingerprint(const fdt::Node& node, const std::string& path) {
  fdt::Fields fields{node, path, kCode};
  SEALIFT_CHECK(fields.expect_text("algorithm", {kFingerprintAlgorithm}));
  Fingerprint fingerprint{};
  SEALIFT_TRY(const auto hash, fields.bytes("hash", fingerprint.size(), fingerprint.size()));
  std::ranges::copy(hash, fingerprint.begin());
  SEALIFT_CHECK(fields.expect_no_more());
  return fingerprint;
}

Result<Lockbox> parse_lockbox(const fdt::Node& node) {
  const auto path = "/lockboxes/" + node.name;
  fdt::Fields fields{node, path, kCode};
  Lockbox lockbox{node.name, {}, {}, {}};
  SEALIFT_TRY(lockbox.comment, fields.text("untrusted-comment", kMaxCommentSize));
  SEALIFT_TRY(const auto key, fields.bytes("encrypted-symkey", kMinRsaBits / 8, kMaxRsaBits / 8));
  lockbox.encrypted_key = to_bytes(key);
  SEALIFT_TRY(const auto* fingerprint, fields.child("pubkey-fingerprint"));
  SEALIFT_TRY(lockbox.fingerprint, parse_fingerprint(*fingerprint, path + "/pubkey-fingerprint"));
  SEALIFT_CHECK(fields.expect_no_more());
  return lockbox;
}

Result<std::vector<Lockbox>> parse_lockboxes(const fdt::Node& node) {
  const fdt::Fields fields{node, "/lockboxes", kCode};
  SEALIFT_CHECK(fields.expect_no_more_properties());
  if (node.children.size() > kMaxLockboxes) return fields.refuse("", "too many lockboxes");
  std::vector<Lockbox> lockboxes;
  lockboxes.reserve(node.children.size());
  for (const auto& child : node.children) {
    if (child.name != kOrigin && !lockbox_number(child.name))
      return fields.refuse(child.name, "not a lockbox's name");
    SEALIFT_TRY(auto lockbox, parse_lockbox(child));
    lockboxes.push_back(std::move(lockbox));
  }
  if (node.child(kOrigin) == nullptr) return fields.refuse(kOrigin, "the node is missing");
  return lockboxes;
}

Result<EncryptedFile> parse_file(const fdt::Node& node, const std::string& parent) {
  fdt::Fields fields{node, parent + "/" + node.name, kCode};
  EncryptedFile file{node.name, {}, {}, {}, {}};
  SEALIFT_CHECK(fields.expect_text("algorithm", {kFileAlgorithm}));
  SEALIFT_TRY(file.comment, fields.text("untrusted-comment", kMaxCommentSize));
  SEALIFT_TRY(const auto iv, fields.bytes("iv", kIvSize, kIvSize));
  std::ranges::copy(iv, file.iv.begin());
  SEALIFT_TRY(const auto mac, fields.bytes("mac", kMacSize, kMacSize));
  std::ranges::copy(mac, file.mac.begin());
  SEALIFT_TRY(const auto ciphertext, fields.bytes("ciphertext", 0, fdt::kMaxSize));
  file.ciphertext = to_bytes(ciphertext);
  SEALIFT_CHECK(fields.expect_no_more());
  return file;
}

Result<std::optional<EncryptedFile>> parse_digests(const fdt::Node& node) {
  fdt::Fields fields{node, "/digest", kCode};
  std::optional<EncryptedFile> digests;
  if (!node.children.empty()) {
    SEALIFT_TRY(const auto* child, fields.child(kDigestsName));
    SEALIFT_TRY(digests, parse_file(*child, "/digest"));
  }
  SEALIFT_CHECK(fields.expect_no_more());
  return digests;
}

Result<std::vector<EncryptedFile>> parse_files_tree(ByteView blob) {
  const auto root = fdt::parse(blob);
  if (!root) return fail(kCode, "/file/files-fdt: " + root.error().message, "/file/files-fdt");
  fdt::Fields fields{*root, "/file/files-fdt", kCode};
  SEALIFT_CHECK(fields.expect_text("compatible", {kFilesCompatible}));
  SEALIFT_TRY(const auto* node, fields.child("files"));
  SEALIFT_CHECK(fields.expect_no_more());
  const fdt::Fields files_fields{*node, "/file/files-fdt/files", kCode};
  SEALIFT_CHECK(files_fields.expect_no_more_properties());
  std::vector<EncryptedFile> files;
  for (const auto& child : node->children) {
    SEALIFT_TRY(auto file, parse_file(child, "/file/files-fdt/files"));
    files.push_back(std::move(file));
  }
  return files;
}

Result<std::vector<EncryptedFile>> parse_files(const fdt::Node& node) {
  fdt::Fields fields{node, "/file", kCode};
  std::vector<EncryptedFile> files;
  if (fields.has("files-fdt")) {
    SEALIFT_TRY(const auto tree, fields.bytes("files-fdt", 1, fdt::kMaxSize));
    SEALIFT_TRY(files, parse_files_tree(tree));
  }
  SEALIFT_CHECK(fields.expect_no_more());
  return files;
}

void add_file(fdt::Node& parent, const EncryptedFile& file) {
  parent.add_child(file.name)
      .add_text("algorithm", {kFileAlgorithm})
      .add_text("untrusted-comment", {file.comment})
      .add("iv", file.iv)
      .add("mac", file.mac)
      .add("ciphertext", file.ciphertext);
}

void add_lockbox(fdt::Node& parent, const Lockbox& lockbox) {
  auto& node = parent.add_child(lockbox.name);
  node.add_text("untrusted-comment", {lockbox.comment}).add("encrypted-symkey", lockbox.encrypted_key);
  node.add_child("pubkey-fingerprint")
      .add_text("algorithm", {kFingerprintAlgorithm})
      .add("hash", lockbox.fingerprint);
}

Result<Bytes> files_tree(const std::vector<EncryptedFile>& files) {
  fdt::Node root;
  root.add_text("compatible", {kFilesCompatible});
  auto& node = root.add_child("files");
  for (const auto& file : files) add_file(node, file);
  return fdt::serialise(root);
}

}  // namespace

std::optional<std::uint64_t> lockbox_number(std::string_view name) noexcept {
  constexpr std::string_view kPrefix = "lockbox-";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const auto digits = name.substr(kPrefix.size());
  if (digits.empty() || digits.size() > 9 || digits.front() == '0') return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

Result<Blob> parse(ByteView blob) {
  const auto root = fdt::parse(blob);
  if (!root) return fail(kCode, "the blob: " + root.error().message, root.error().field);
  fdt::Fields fields{*root, "/", kCode};
  SEALIFT_CHECK(fields.expect_text("compatible", {kCompatible}));
  SEALIFT_TRY(const auto* lockboxes, fields.child("lockboxes"));
  SEALIFT_TRY(const auto* digest, fields.child("digest"));
  SEALIFT_TRY(const auto* file, fields.child("file"));
  SEALIFT_CHECK(fields.expect_no_more());
  Blob parsed;
  SEALIFT_TRY(parsed.lockboxes, parse_lockboxes(*lockboxes));
  SEALIFT_TRY(parsed.digests, parse_digests(*digest));
  SEALIFT_TRY(parsed.files, parse_files(*file));
  return parsed;
}

Result<Bytes> serialise(const Blob& blob) {
  fdt::Node root;
  root.add_text("compatible", {kCompatible});
  auto& lockboxes = root.add_child("lockboxes");
  lockboxes.children.reserve(blob.lockboxes.size());
  for (const auto& lockbox : blob.lockboxes) add_lockbox(lockboxes, lockbox);
  auto& digest = root.add_child("digest");
  if (blob.digests) add_file(digest, *blob.digests);
  auto& file = root.add_child("file");
  if (!blob.files.empty()) {
    SEALIFT_TRY(const auto tree, files_tree(blob.files));
    file.add("files-fdt", tree);
  }
  return fdt::serialise(root);
}

}  // namespace sealift::ibm_esm
