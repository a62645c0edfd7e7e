// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/integrity.h"

#include <fmt/core.h>

#include <array>
#include <string>

#include "formats/fdt/fields.h"
#include "formats/fdt/tree.h"

namespace sealift::esm {
namespace {

constexpr std::size_t kMaxIntegritySize = 8192;
constexpr std::size_t kSha512Size = 64;

Result<crypto::Digest> read_digest(fdt::Fields& fields, std::string_view name) {
  SEALIFT_TRY(const auto bytes, fields.bytes(name, kSha512Size, kSha512Size));
  return crypto::Digest{bytes};
}

Result<IntegrityInformation> read_digests(const fdt::Node& node) {
  fdt::Fields fields{node, "/digests", ErrorCode::operand_malformed};
  SEALIFT_CHECK(fields.expect_text("algorithm", {"SHA512"}));
  IntegrityInformation information;
  SEALIFT_TRY(information.kernel, read_digest(fields, "kernel"));
  SEALIFT_TRY(information.initrd, read_digest(fields, "initrd"));
  SEALIFT_TRY(information.bootargs, read_digest(fields, "bootargs"));
  if (fields.has("rtas")) {
    SEALIFT_TRY(information.rtas, read_digest(fields, "rtas"));
  }
  if (fields.has("kernel-size")) {
    SEALIFT_TRY(information.kernel_size, fields.be32("kernel-size"));
  }
  SEALIFT_CHECK(fields.expect_no_more());
  return information;
}

}  // namespace

std::string_view name(Component component) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"kernel", "initramfs", "cmdline", "rtas"};
  return kNames.at(static_cast<std::size_t>(component));
}

ErrorCode difference(Component component) noexcept {
  constexpr std::array kCodes{ErrorCode::kernel_differs, ErrorCode::initramfs_differs,
                              ErrorCode::cmdline_differs, ErrorCode::rtas_differs};
  return kCodes.at(static_cast<std::size_t>(component));
}

namespace {

std::string text(const std::optional<crypto::Digest>& digest) {
  return digest ? to_hex(digest->view()) : "nothing";
}

/// What was sealed and what was measured.
std::pair<std::string, std::string> values(Component component, const IntegrityInformation& expected,
                                           const Measured& measured) {
  switch (component) {
    case Component::kernel:
      return {text(expected.kernel), text(measured.kernel)};
    case Component::initramfs:
      return {text(expected.initrd), text(measured.initramfs)};
    case Component::cmdline:
      return {text(expected.bootargs), text(measured.cmdline)};
    case Component::rtas:
      return {text(expected.rtas), text(measured.rtas)};
  }
  return {};
}

}  // namespace

std::vector<Component> compare(const IntegrityInformation& expected, const Measured& measured) {
  std::vector<Component> differing;
  if (!(expected.kernel == measured.kernel)) differing.push_back(Component::kernel);
  if (!(expected.initrd == measured.initramfs)) differing.push_back(Component::initramfs);
  if (!(expected.bootargs == measured.cmdline)) differing.push_back(Component::cmdline);
  if (!(expected.rtas == measured.rtas)) differing.push_back(Component::rtas);
  return differing;
}

Status check(const IntegrityInformation& expected, const Measured& measured) {
  const auto differing = compare(expected, measured);
  if (differing.empty()) return {};
  std::string names;
  for (const auto component : differing) {
    names += names.empty() ? "" : ", ";
    names += name(component);
  }
  auto [sealed, found] = values(differing.front(), expected, measured);
  return differs(difference(differing.front()), fmt::format("not what was sealed: {}", names),
                 std::string{name(differing.front())}, std::move(sealed), std::move(found));
}

ByteView slof_rtas() noexcept {
  static constexpr std::array<std::uint8_t, 20> kCode{0x7c, 0x64, 0x1b, 0x78, 0x3c, 0x60, 0x00,
                                                      0x00, 0x60, 0x63, 0xf0, 0x00, 0x44, 0x00,
                                                      0x00, 0x22, 0x4e, 0x80, 0x00, 0x20};
  return kCode;
}

Result<IntegrityInformation> parse_integrity(ByteView blob, std::string_view compatible) {
  const auto root = fdt::parse(blob, kMaxIntegritySize);
  if (!root) {
    return fail(ErrorCode::operand_malformed, "integrity information: " + root.error().message,
                root.error().field);
  }
  fdt::Fields fields{*root, "/", ErrorCode::operand_malformed};
  if (!compatible.empty()) SEALIFT_CHECK(fields.expect_text("compatible", {compatible}));
  SEALIFT_TRY(const auto* digests, fields.child("digests"));
  SEALIFT_CHECK(fields.expect_no_more());
  return read_digests(*digests);
}

Result<Bytes> serialise_integrity(const IntegrityInformation& information, std::string_view compatible) {
  for (const auto* digest : {&information.kernel, &information.initrd, &information.bootargs}) {
    if (digest->size() != kSha512Size) return fail(ErrorCode::invalid_argument, "a digest is not SHA-512");
  }
  if (information.rtas && information.rtas->size() != kSha512Size) {
    return fail(ErrorCode::invalid_argument, "the digest of RTAS is not SHA-512", "rtas");
  }
  fdt::Node root;
  if (!compatible.empty()) root.add_text("compatible", {compatible});
  auto& digests = root.add_child("digests");
  digests.add_text("algorithm", {"SHA512"});
  if (information.rtas) digests.add("rtas", information.rtas->view());
  digests.add("kernel", information.kernel.view());
  if (information.kernel_size) digests.add_be32("kernel-size", *information.kernel_size);
  digests.add("initrd", information.initrd.view()).add("bootargs", information.bootargs.view());
  return fdt::serialise(root);
}

}  // namespace sealift::esm
