// SPDX-License-Identifier: Apache-2.0
#include "guest/image/manifest.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace sealift::image {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxFileSize = std::uint64_t{1} << 50;
constexpr std::uint32_t kMaxMemoryMib = 1 << 24;
constexpr std::size_t kUuidSize = 36;
constexpr int kMaxDepth = 3;

Json component_json(const Component& component) {
  return {{"size", component.size}, {"sha512", to_hex(component.sha512.view())}};
}

tl::unexpected<Error> bad(const std::string& member, const std::string& why) {
  return fail(ErrorCode::malformed, "the image's manifest is not valid: " + member + " " + why, member);
}

/// Objects whose members are read by name, each once, and all of them.
class Members {
 public:
  Members(const Json& object, std::string path) : object_{object}, path_{std::move(path)} {}

  Status only(const std::set<std::string>& names) const {
    if (!object_.is_object()) return bad(path_, "is no object");
    for (const auto& [name, value] : object_.items())
      if (!names.contains(name)) return bad(at(name), "is not known");
    for (const auto& name : names)
      if (!object_.contains(name)) return bad(at(name), "is missing");
    return {};
  }
  Result<std::string> text(const std::string& name) const {
    const auto& value = object_.at(name);
    if (!value.is_string()) return bad(at(name), "is no text");
    return value.get<std::string>();
  }
  Result<std::uint64_t> number(const std::string& name, std::uint64_t least, std::uint64_t most) const {
    const auto& value = object_.at(name);
    if (!value.is_number_unsigned()) return bad(at(name), "is no whole number");
    const auto number = value.get<std::uint64_t>();
    if (number < least || number > most) return bad(at(name), "is out of range");
    return number;
  }
  Members object(const std::string& name) const { return {object_.at(name), at(name)}; }
  std::string at(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }

 private:
  const Json& object_;
  std::string path_;
};

Result<Component> read_component(const Members& members, std::uint64_t largest) {
  Component component;
  SEALIFT_TRY(component.size, members.number("size", 1, largest));
  SEALIFT_TRY(const auto hex, members.text("sha512"));
  const auto digest = from_hex(hex);
  if (!digest || digest->size() != crypto::digest_size(crypto::HashAlgorithm::sha512))
    return bad(members.at("sha512"), "is no SHA-512 digest");
  component.sha512 = crypto::Digest{*digest};
  return component;
}

Result<Component> plain_component(const Members& parent, std::string_view name, std::uint64_t largest) {
  const auto members = parent.object(std::string{name});
  SEALIFT_CHECK(members.only({"size", "sha512"}));
  return read_component(members, largest);
}

Status one_of(const Members& members, const std::string& name, const std::string& value,
              std::initializer_list<std::string_view> known) {
  if (std::ranges::find(known, value) != known.end()) return {};
  return bad(members.at(name), "is not one that this version knows");
}

bool is_uuid(const std::string& text) {
  return text.size() == kUuidSize && text.find_first_not_of("0123456789abcdef-") == std::string::npos;
}

/// The document, with members that come twice refused: which one counts is a matter of taste.
Result<Json> parse_json(ByteView text) {
  if (text.size() > kMaxManifestSize)
    return fail(ErrorCode::too_large, "the image's manifest is larger than 64 KiB");
  // nlohmann takes a NUL for the end.
  if (std::ranges::find(text, 0) != text.end())
    return fail(ErrorCode::malformed, "the image's manifest is no JSON document");
  std::vector<std::set<std::string>> open_objects;
  bool twice = false;
  bool deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    deep = deep || depth > kMaxDepth;
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key)
      twice = !open_objects.back().insert(parsed.get<std::string>()).second || twice;
    return true;
  };
  auto json = Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (json.is_discarded() || deep)
    return fail(ErrorCode::malformed, "the image's manifest is no JSON document");
  if (twice) return fail(ErrorCode::malformed, "the image's manifest has a member twice");
  return json;
}

Status read_identity(const Members& top, Manifest& manifest) {
  SEALIFT_TRY(const auto format, top.text("format"));
  SEALIFT_CHECK(one_of(top, "format", format, {kManifestFormat}));
  SEALIFT_TRY(manifest.arch, top.text("arch"));
  SEALIFT_CHECK(one_of(top, "arch", manifest.arch, {"x86_64", "ppc64le"}));
  SEALIFT_TRY(manifest.tee, top.text("tee"));
  SEALIFT_CHECK(one_of(top, "tee", manifest.tee, {"measured"}));
  SEALIFT_TRY(const auto memory, top.number("memory_mib", 1, kMaxMemoryMib));
  manifest.memory_mib = static_cast<std::uint32_t>(memory);
  SEALIFT_TRY(manifest.luks_uuid, top.text("luks_uuid"));
  if (!is_uuid(manifest.luks_uuid)) return bad("luks_uuid", "is no UUID");
  return {};
}

Status read_components(const Members& top, Manifest& manifest) {
  SEALIFT_TRY(manifest.kernel, plain_component(top, kKernelFile, kMaxFileSize));
  SEALIFT_TRY(manifest.cmdline, plain_component(top, kCmdlineFile, kMaxCmdlineSize));
  SEALIFT_TRY(manifest.root_disk, plain_component(top, kRootDiskFile, kMaxFileSize));
  const auto initramfs = top.object(std::string{kInitramfsFile});
  SEALIFT_CHECK(initramfs.only({"size", "sha512", "head_size"}));
  SEALIFT_TRY(manifest.initramfs, read_component(initramfs, kMaxFileSize));
  SEALIFT_TRY(manifest.initramfs_head_size, initramfs.number("head_size", 1, manifest.initramfs.size));
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
  SEALIFT_TRY(const auto json, parse_json(text));
  const Members top{json, ""};
  SEALIFT_CHECK(
      top.only({"format", "image_id", "arch", "tee", "memory_mib", "luks_uuid", std::string{kKernelFile},
                std::string{kInitramfsFile}, std::string{kCmdlineFile}, std::string{kRootDiskFile}}));
  SEALIFT_TRY(const auto id_text, top.text("image_id"));
  const auto id = esm::ImageId::from_hex(id_text);
  if (!id) return bad("image_id", "is not 32 hexadecimal digits");
  Manifest manifest{.image_id = *id};
  SEALIFT_CHECK(read_identity(top, manifest));
  SEALIFT_CHECK(read_components(top, manifest));
  return manifest;
}

}  // namespace sealift::image
