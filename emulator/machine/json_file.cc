// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/json_file.h"

#include "base/file.h"

namespace sealift::emulator {
namespace {

constexpr json::Limits kLimits{.size = 64UL * 1024, .depth = 2};

}  // namespace

Result<json::Object> read_json_file(const std::filesystem::path& file) {
  SEALIFT_TRY(const auto bytes, read_file(file, kLimits.size));
  return json::Object::parse(bytes, file.native(), kLimits);
}

}  // namespace sealift::emulator
