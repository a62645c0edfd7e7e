// SPDX-License-Identifier: Apache-2.0
#include "guest/image/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "json/object.h"

namespace sealift::image {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxFileSize = std::uint64_t{1} << 50;
constexpr std::uint32_t kMaxMemoryMib = 1 << 24;
constexpr std::size_t kUuidSize = 36;
constexpr std::size_t kSha512Size = 64;
/// The manifest, a component, and one more, so that a refusal can name the member.
constexpr json::Limits kLimits{.size = kMaxManifestSize, .depth = 3};

Json component_json(const Component& component) {
  return {{"size", component.size}, {"sha512", to_hex(component.sha512.view())}};
}

Result<Component> take_component(json::Object& members, std::uint64_t largest) {
  Component component;
  SEALIFT_TRY(component.size, members.take_number("size", 1, largest));
  SEALIFT_TRY(const auto digest, members.take_hex("sha512", kSha512Size));
  component.sha512 = crypto::Digest{digest};
  return component;
}

Result<Component> take_plain_component(json::Object& top, std::string_view name, std::uint64_t largest) {
  SEALIFT_TRY(auto members, top.take_object(name));
  SEALIFT_CHECK(members.expect_only({"size", "sha512"}));
  return take_component(members, largest);
}

Result<std::string> take_one_of(json::Object& top, std::string_view name,
                                std::initializer_list<std::string_view> known) {
  SEALIFT_TRY(auto value, top.take_text(name));
  if (std::ranges::find(known, value) == known.end())
    return top.refuse(name, "is not one that this version knows");
  return value;
}

bool is_uuid(const std::string& text) {
  return text.size() == kUuidSize && text.find_first_not_of("0123456789abcdef-") == std::string::npos;
}

Status take_identity(json::Object& top, Manifest& manifest) {
  SEALIFT_TRY(manifest.arch, take_one_of(top, "arch", {"x86_64", "ppc64le"}));
  SEALIFT_TRY(manifest.tee, take_one_of(top, "tee", {kMeasured, kPef, kSev}));
  SEALIFT_TRY(const auto memory, top.take_number("memory_mib", 1, kMaxMemoryMib));
  manifest.memory_mib = static_cast<std::uint32_t>(memory);
  SEALIFT_TRY(manifest.luks_uuid, top.take_text("luks_uuid"));
  if (!is_uuid(manifest.luks_uuid)) return top.refuse("luks_uuid", "is no UUID");
  return {};
}

Status take_components(json::Object& top, Manifest& manifest) {
  SEALIFT_TRY(manifest.kernel, take_plain_component(top, kKernelFile, kMaxFileSize));
  SEALIFT_TRY(manifest.cmdline, take_plain_component(top, kCmdlineFile, kMaxCmdlineSize));
  SEALIFT_TRY(manifest.root_disk, take_plain_component(top, kRootDiskFile, kMaxFileSize));
  SEALIFT_TRY(auto initramfs, top.take_object(kInitramfsFile));
  SEALIFT_CHECK(initramfs.expect_only({"size", "sha512", "head_size"}));
  SEALIFT_TRY(manifest.initramfs, take_component(initramfs, kMaxFileSize));
  const bool has_head = manifest.tee != kSev;
  SEALIFT_TRY(manifest.initramfs_head_size,
              initramfs.take_number("head_size", has_head ? 1 : 0, has_head ? manifest.initramfs.size : 0));
  return {};
}

}  // namespace

std::string format_manifest(const Manifest& manifest) {
  auto initramfs = component_json(manifest.initramfs);
  initramfs["head_size"] = manifest.initramfs_head_size;
  const Json json{{"format", kManifestFormat},
                  {"image_id", manifest.image_id.hex()},
                  {"arch", manifest.arch},
                  {"tee", manifest.tee},
                  {"memory_mib", manifest.memory_mib},
                  {"luks_uuid", manifest.luks_uuid},
                  {std::string{kKernelFile}, component_json(manifest.kernel)},
                  {std::string{kInitramfsFile}, initramfs},
                  {std::string{kCmdlineFile}, component_json(manifest.cmdline)},
                  {std::string{kRootDiskFile}, component_json(manifest.root_disk)}};
  return json.dump(2) + "\n";
}

Result<Manifest> parse_manifest(ByteView text) {
  SEALIFT_TRY(auto top, json::Object::parse(text, "the image's manifest", kLimits));
  SEALIFT_CHECK(top.expect_only({"format", "image_id", "arch", "tee", "memory_mib", "luks_uuid", kKernelFile,
                                 kInitramfsFile, kCmdlineFile, kRootDiskFile}));
  SEALIFT_CHECK(top.take_format(kManifestFormat));
  SEALIFT_TRY(const auto id_text, top.take_text("image_id"));
  const auto id = esm::ImageId::from_hex(id_text);
  if (!id) return top.refuse("image_id", "is not 32 hexadecimal digits");
  Manifest manifest{.image_id = *id};
  SEALIFT_CHECK(take_identity(top, manifest));
  SEALIFT_CHECK(take_components(top, manifest));
  return manifest;
}

}  // namespace sealift::image
