// SPDX-License-Identifier: Apache-2.0
#include "guest/image/owner.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "guest/image/manifest.h"
#include "json/object.h"

namespace sealift::image {
namespace {

constexpr const char* kFormat = "sealift-sev-owner-v1";
constexpr const char* kInputsFile = "launch.json";
constexpr const char* kCustomerDataFile = "customer-data";
constexpr json::Limits kLimits{.size = 16 * 1024};
constexpr std::size_t kSha256Size = 32;

Result<crypto::Digest> take_sha256(json::Object& top, std::string_view member) {
  SEALIFT_TRY(const auto digest, top.take_hex(member, kSha256Size));
  return crypto::Digest{digest};
}

}  // namespace

std::string format_launch_inputs(const LaunchInputs& inputs) {
  const nlohmann::ordered_json json{{"format", kFormat},
                                    {"image_id", inputs.image_id.hex()},
                                    {"kernel_sha256", to_hex(inputs.kernel_sha256.view())},
                                    {"initramfs_sha256", to_hex(inputs.initramfs_sha256.view())},
                                    {"cmdline", inputs.cmdline}};
  return json.dump(2) + "\n";
}

Result<LaunchInputs> parse_launch_inputs(ByteView json) {
  SEALIFT_TRY(auto top, json::Object::parse(json, "the owner's launch.json", kLimits));
  SEALIFT_CHECK(top.expect_only({"format", "image_id", "kernel_sha256", "initramfs_sha256", "cmdline"}));
  SEALIFT_CHECK(top.take_format(kFormat));
  SEALIFT_TRY(const auto id_text, top.take_text("image_id"));
  const auto id = esm::ImageId::from_hex(id_text);
  if (!id) return top.refuse("image_id", "is not 32 hexadecimal digits");
  SEALIFT_TRY(const auto kernel, take_sha256(top, "kernel_sha256"));
  SEALIFT_TRY(const auto initramfs, take_sha256(top, "initramfs_sha256"));
  SEALIFT_TRY(auto cmdline, top.take_text("cmdline"));
  const auto printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
  if (cmdline.size() > kMaxCmdlineSize || !std::ranges::all_of(cmdline, printable))
    return top.refuse("cmdline", "is no kernel command line");
  return LaunchInputs{*id, kernel, initramfs, std::move(cmdline)};
}

Status write_owner(const std::filesystem::path& directory, const LaunchInputs& inputs,
                   std::span<const guest::CustomerData> customer_data) {
  SEALIFT_TRY(const auto message, guest::encode_customer_data(customer_data));
  SEALIFT_CHECK(write_new_secret_file(directory / kCustomerDataFile, message.expose()));
  return write_file(directory / kInputsFile, as_bytes(format_launch_inputs(inputs)), 0600);
}

Result<Owner> read_owner(const std::filesystem::path& directory) {
  SEALIFT_TRY(const auto json, read_file(directory / kInputsFile, kLimits.size));
  SEALIFT_TRY(auto inputs, parse_launch_inputs(json));
  constexpr auto kLimit = guest::kMessageHeaderSize + guest::kMaxBodySize;
  SEALIFT_TRY(const auto message, read_secret_file(directory / kCustomerDataFile, kLimit));
  SEALIFT_TRY(auto customer_data, guest::decode_customer_data(message.expose()));
  return Owner{std::move(inputs), std::move(customer_data)};
}

}  // namespace sealift::image
