// SPDX-License-Identifier: Apache-2.0
/// Makers of PSPs and their chips.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "emulator/cli/commands.h"
#include "emulator/psp/identity.h"

namespace sealift::emulator {
namespace {

using Json = nlohmann::ordered_json;

Result<sev::KeyId> key_id(const std::string& text) {
  SEALIFT_TRY(const auto bytes, from_hex(text));
  sev::KeyId id{};
  if (bytes.size() != id.size())
    return fail(ErrorCode::invalid_argument, "a key ID is 32 hexadecimal digits", "claim-id");
  std::ranges::copy(bytes, id.begin());
  return id;
}

}  // namespace

Result<std::string> run_psp_maker(const Arguments& arguments) {
  MakerOptions options;
  options.bits = arguments.small_keys ? 2048 : 4096;
  if (!arguments.claim_id.empty()) {
    SEALIFT_TRY(options.claim_id, key_id(arguments.claim_id));
  }
  SEALIFT_CHECK(Maker::create(arguments.name, options));
  SEALIFT_TRY(const auto maker, Maker::open(arguments.name));
  const auto fingerprint = to_hex(maker.ark().fingerprint().view());
  if (arguments.json) return Json{{"maker", arguments.name}, {"ark_fingerprint", fingerprint}}.dump(2) + "\n";
  return fmt::format("Maker in {}; its root is {}\n", arguments.name, fingerprint);
}

Result<std::string> run_psp_chip(const Arguments& arguments) {
  SEALIFT_TRY(const auto maker, Maker::open(arguments.maker));
  SEALIFT_CHECK(Identity::create(maker, arguments.name));
  SEALIFT_TRY(const auto chip, Identity::open(arguments.name));
  if (arguments.json) return Json{{"chip", arguments.name}, {"id", to_hex(chip.id())}}.dump(2) + "\n";
  return fmt::format("Chip in {}\n", arguments.name);
}

}  // namespace sealift::emulator
