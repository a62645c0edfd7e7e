// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/json_file.h"

#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace sealift::emulator {
namespace {

constexpr std::size_t kSizeLimit = 64 * 1024;

const nlohmann::json* find(const nlohmann::json& object, const std::string& member) {
  const auto found = object.find(member);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

struct JsonFile::Document {
  nlohmann::json value;
};

JsonFile::JsonFile(std::shared_ptr<const Document> document, std::string where)
    : document_{std::move(document)}, where_{std::move(where)} {}

Result<JsonFile> JsonFile::read(const std::filesystem::path& file) {
  SEALIFT_TRY(const auto bytes, read_file(file, kSizeLimit));
  auto value = nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return fail(ErrorCode::malformed, file.native() + " is not a JSON object");
  return JsonFile{std::make_shared<const Document>(Document{std::move(value)}), file.native()};
}

tl::unexpected<Error> JsonFile::bad(const std::string& member, const char* wanted) const {
  return fail(ErrorCode::malformed, fmt::format("{}: '{}' is not {}", where_, member, wanted), member);
}

Result<std::string> JsonFile::text(const std::string& member) const {
  const auto* value = find(document_->value, member);
  if (value == nullptr || !value->is_string()) return bad(member, "text");
  return value->get<std::string>();
}

Result<Bytes> JsonFile::hex(const std::string& member) const {
  SEALIFT_TRY(const auto digits, text(member));
  auto bytes = from_hex(digits);
  if (!bytes) return bad(member, "hexadecimal");
  return bytes;
}

Result<bool> JsonFile::boolean(const std::string& member) const {
  const auto* value = find(document_->value, member);
  if (value == nullptr || !value->is_boolean()) return bad(member, "true or false");
  return value->get<bool>();
}

Result<std::uint32_t> JsonFile::number(const std::string& member) const {
  const auto* value = find(document_->value, member);
  if (value == nullptr || !value->is_number_unsigned() ||
      value->get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max()) {
    return bad(member, "a number from 0 to 4294967295");
  }
  return value->get<std::uint32_t>();
}

bool JsonFile::has(const std::string& member) const { return find(document_->value, member) != nullptr; }

Result<JsonFile> JsonFile::object(const std::string& member) const {
  const auto* value = find(document_->value, member);
  if (value == nullptr || !value->is_object()) return bad(member, "an object");
  return JsonFile{std::make_shared<const Document>(Document{*value}), fmt::format("{}: {}", where_, member)};
}

}  // namespace sealift::emulator
