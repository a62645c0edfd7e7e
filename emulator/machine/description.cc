// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/description.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "emulator/machine/json_file.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Key {
  tpm::KeyKind kind;
  tpm::Handle handle;
  std::string identity;
};

/// `identity` names the member that tells one key from another.
Result<Key> take_key(json::Object& json, const char* member, const char* identity) {
  SEALIFT_TRY(auto key, json.take_object(member));
  SEALIFT_TRY(const auto kind_name, key.take_text("kind"));
  SEALIFT_TRY(const auto kind, key_kind_from_name(kind_name));
  SEALIFT_TRY(const auto handle, key.take_number("handle", 0, UINT32_MAX));
  SEALIFT_TRY(auto text, key.take_text(identity));
  SEALIFT_CHECK(key.expect_end());
  return Key{kind, static_cast<tpm::Handle>(handle), std::move(text)};
}

Result<std::optional<Error>> take_refusal(json::Object& json) {
  if (!json.has("refusal")) return std::nullopt;
  SEALIFT_TRY(auto refusal, json.take_object("refusal"));
  SEALIFT_TRY(const auto code, refusal.take_text("code"));
  SEALIFT_TRY(auto message, refusal.take_text("message"));
  SEALIFT_TRY(auto field, refusal.take_text("field"));
  Error error{error_code_from_name(code), std::move(message), std::move(field), {}};
  if (refusal.has("expected")) {
    SEALIFT_TRY(error.expected, refusal.take_text("expected"));
    SEALIFT_TRY(error.found, refusal.take_text("found"));
  }
  SEALIFT_CHECK(refusal.expect_end());
  return std::optional{std::move(error)};
}

}  // namespace

Result<tpm::KeyKind> key_kind_from_name(std::string_view name) {
  for (const auto kind : {tpm::KeyKind::rsa2048, tpm::KeyKind::p256}) {
    if (tpm::name(kind) == name) return kind;
  }
  return fail(ErrorCode::invalid_argument, fmt::format("a key is rsa2048 or p256, not '{}'", name), "kind");
}

Result<Description> read_description(const fs::path& file) {
  SEALIFT_TRY(auto json, read_json_file(file));
  std::string tee = "measured";
  if (json.has("tee")) {
    SEALIFT_TRY(tee, json.take_text("tee"));
  }
  SEALIFT_TRY(auto ek, take_key(json, "ek", "fingerprint"));
  SEALIFT_TRY(auto storage_key, take_key(json, "storage_key", "name"));
  SEALIFT_TRY(auto expected_pcrs, json.take_text("expected_pcrs"));
  SEALIFT_CHECK(json.expect_end());
  return Description{.tee = std::move(tee),
                     .ek = ek.kind,
                     .ek_handle = ek.handle,
                     .ek_fingerprint = std::move(ek.identity),
                     .storage_key = storage_key.kind,
                     .storage_key_handle = storage_key.handle,
                     .storage_key_name = std::move(storage_key.identity),
                     .expected_pcrs = std::move(expected_pcrs)};
}

std::string description_json(const Description& description) {
  const Json json{{"tee", description.tee},
                  {"ek",
                   {{"kind", tpm::name(description.ek)},
                    {"handle", description.ek_handle},
                    {"fingerprint", description.ek_fingerprint}}},
                  {"storage_key",
                   {{"kind", tpm::name(description.storage_key)},
                    {"handle", description.storage_key_handle},
                    {"name", description.storage_key_name}}},
                  {"expected_pcrs", description.expected_pcrs}};
  return json.dump(2) + "\n";
}

Result<std::optional<BootRecord>> read_boot_record(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  SEALIFT_TRY(auto json, read_json_file(file));
  BootRecord record;
  SEALIFT_TRY(record.at, json.take_text("at"));
  SEALIFT_TRY(record.pcrs, json.take_text("pcrs"));
  SEALIFT_TRY(record.refusal, take_refusal(json));
  SEALIFT_CHECK(json.expect_end());
  return std::optional{std::move(record)};
}

std::string boot_record_json(const BootRecord& record) {
  Json json{{"at", record.at}, {"pcrs", record.pcrs}};
  if (record.refusal) {
    json["refusal"] = {{"code", name(record.refusal->code)},
                       {"message", record.refusal->message},
                       {"field", record.refusal->field}};
    if (!record.refusal->expected.empty()) {
      json["refusal"]["expected"] = record.refusal->expected;
      json["refusal"]["found"] = record.refusal->found;
    }
  }
  return json.dump(2) + "\n";
}

}  // namespace sealift::emulator
