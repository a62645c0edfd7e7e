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
};

Result<Key> read_key(const JsonFile& json) {
  SEALIFT_TRY(const auto kind_name, json.text("kind"));
  SEALIFT_TRY(const auto kind, key_kind_from_name(kind_name));
  SEALIFT_TRY(const auto handle, json.number("handle"));
  return Key{kind, handle};
}

Result<std::optional<Error>> read_refusal(const JsonFile& json) {
  if (!json.has("refusal")) return std::nullopt;
  SEALIFT_TRY(const auto refusal, json.object("refusal"));
  SEALIFT_TRY(const auto code, refusal.text("code"));
  SEALIFT_TRY(auto message, refusal.text("message"));
  SEALIFT_TRY(auto field, refusal.text("field"));
  return std::optional<Error>{Error{error_code_from_name(code), std::move(message), std::move(field), {}}};
}

}  // namespace

Result<tpm::KeyKind> key_kind_from_name(std::string_view name) {
  for (const auto kind : {tpm::KeyKind::rsa2048, tpm::KeyKind::p256}) {
    if (tpm::name(kind) == name) return kind;
  }
  return fail(ErrorCode::invalid_argument, fmt::format("a key is rsa2048 or p256, not '{}'", name), "kind");
}

Result<Description> read_description(const fs::path& file) {
  SEALIFT_TRY(const auto json, JsonFile::read(file));
  SEALIFT_TRY(const auto ek_json, json.object("ek"));
  SEALIFT_TRY(const auto ek, read_key(ek_json));
  SEALIFT_TRY(const auto storage_json, json.object("storage_key"));
  SEALIFT_TRY(const auto storage, read_key(storage_json));
  Description out;
  out.ek = ek.kind;
  out.ek_handle = ek.handle;
  out.storage_key = storage.kind;
  out.storage_key_handle = storage.handle;
  SEALIFT_TRY(out.ek_fingerprint, ek_json.text("fingerprint"));
  SEALIFT_TRY(out.storage_key_name, storage_json.text("name"));
  SEALIFT_TRY(out.expected_pcrs, json.text("expected_pcrs"));
  return out;
}

std::string description_json(const Description& description) {
  const Json json{{"ek",
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
  SEALIFT_TRY(const auto json, JsonFile::read(file));
  BootRecord record;
  SEALIFT_TRY(record.at, json.text("at"));
  SEALIFT_TRY(record.pcrs, json.text("pcrs"));
  SEALIFT_TRY(record.refusal, read_refusal(json));
  return std::optional{std::move(record)};
}

std::string boot_record_json(const BootRecord& record) {
  Json json{{"at", record.at}, {"pcrs", record.pcrs}};
  if (record.refusal) {
    json["refusal"] = {{"code", name(record.refusal->code)},
                       {"message", record.refusal->message},
                       {"field", record.refusal->field}};
  }
  return json.dump(2) + "\n";
}

}  // namespace sealift::emulator
