// SPDX-License-Identifier: Apache-2.0
/// sealift policy: reference values, never "whatever the host says".
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands/commands.h"
#include "cli/commands/policy_approve.h"
#include "cli/inputs.h"
#include "cli/policy_file.h"
#include "cli/sev_inputs.h"
#include "crypto/x509.h"
#include "tee/sev/ovmf.h"
#include "tpm/policy.h"
#include "tpm/reference.h"

namespace sealift::cli {
namespace {

struct PredictOptions {
  Path event_log;
  std::string hardware_key_hash;
  std::string secure_boot_jumper;
  std::string verification_code_hash;
  std::string pef;
  std::vector<std::string> banks;
  Path out;

  bool has_inputs() const {
    return !(hardware_key_hash.empty() && secure_boot_jumper.empty() && verification_code_hash.empty() &&
             pef.empty());
  }
  bool has_all_inputs() const {
    return !(hardware_key_hash.empty() || secure_boot_jumper.empty() || verification_code_hash.empty() ||
             pef.empty());
  }
};

/// {"sha256": {"6": HEX}}
Json pcrs_json(const std::vector<tpm::PcrValue>& values) {
  auto banks = Json::object();
  for (const auto& value : values) {
    banks[std::string{crypto::name(value.hash)}][std::to_string(value.index)] = to_hex(value.value.view());
  }
  return banks;
}

/// One line for each, in the form that --pcr takes.
std::string pcrs_text(const std::vector<tpm::PcrValue>& values) {
  std::string text;
  for (const auto& value : values) {
    text += fmt::format("{}:{}={}\n", crypto::name(value.hash), value.index, to_hex(value.value.view()));
  }
  return text;
}

Status predict_from_log(const PredictOptions& options, Context& context) {
  SEALIFT_TRY(const auto log, read_event_log(options.event_log));
  auto values = log.replay();
  if (!options.banks.empty()) {
    std::erase_if(values, [&](const tpm::PcrValue& value) {
      return std::ranges::find(options.banks, crypto::name(value.hash)) == options.banks.end();
    });
  }
  return context.report(
      Json{{"source", "event-log"}, {"events", log.events().size()}, {"pcrs", pcrs_json(values)}},
      pcrs_text(values));
}

Result<tpm::Digest> hash_argument(const std::string& option, const std::string& hex) {
  auto bytes = from_hex(hex);
  if (bytes && bytes->size() >= 20 && bytes->size() <= 64) return tpm::Digest{*bytes};
  return fail(ErrorCode::invalid_argument, option + " takes a hash in hexadecimal, of 20 to 64 bytes",
              option);
}

Result<tpm::FirmwareInputs> firmware_inputs(const PredictOptions& options) {
  SEALIFT_TRY(const auto key_hash, hash_argument("--hardware-key-hash", options.hardware_key_hash));
  SEALIFT_TRY(const auto code_hash,
              hash_argument("--verification-code-hash", options.verification_code_hash));
  return tpm::FirmwareInputs{key_hash, options.secure_boot_jumper == "on", code_hash, options.pef == "on"};
}

Result<std::vector<tpm::HashAlgorithm>> banks_of(const std::vector<std::string>& names) {
  std::vector<tpm::HashAlgorithm> banks;
  for (const auto& name : names) {
    SEALIFT_TRY(const auto bank, crypto::hash_from_name(name));
    if (std::ranges::find(banks, bank) == banks.end()) banks.push_back(bank);
  }
  if (banks.empty()) banks.push_back(tpm::HashAlgorithm::sha256);
  return banks;
}

Status predict_from_inputs(const PredictOptions& options, Context& context) {
  if (!options.has_all_inputs()) {
    return fail(ErrorCode::invalid_argument,
                "PCR 6 needs --hardware-key-hash, --secure-boot-jumper, --verification-code-hash and --pef");
  }
  SEALIFT_TRY(const auto inputs, firmware_inputs(options));
  SEALIFT_TRY(const auto banks, banks_of(options.banks));
  const auto events = tpm::firmware_events(inputs);
  const auto expected = tpm::expected_pcrs(events, banks);
  if (!options.out.empty()) SEALIFT_CHECK(write_file(options.out, tpm::expected_log(events, banks).bytes()));

  auto names = Json::array();
  for (const auto& event : events) names.push_back(event.name);
  return context.report(Json{{"source", "firmware-inputs"},
                             {"events", names},
                             {"pcrs", pcrs_json(expected.values())},
                             {"policy", to_hex(tpm::Policy{}.pcr(expected).digest().view())}},
                        pcrs_text(expected.values()));
}

Status predict(const PredictOptions& options, Context& context) {
  if (options.event_log.empty() == !options.has_inputs()) {
    return fail(ErrorCode::invalid_argument, "give either --event-log or what the firmware measures");
  }
  if (options.has_inputs()) return predict_from_inputs(options, context);
  if (!options.out.empty()) {
    return fail(ErrorCode::invalid_argument, "--out goes with what the firmware measures", "--out");
  }
  return predict_from_log(options, context);
}

Result<Json> sev_json(const OwnerOptions& terms) {
  SEALIFT_TRY(const auto bits, parse_number(terms.policy, "policy.sev.policy", UINT32_MAX));
  SEALIFT_TRY(const auto firmware, read_file(terms.firmware, sev::kFirmwareLimit));
  return Json{{"policy", bits},
              {"policy_text", sev::Policy{bits}.text()},
              {"roots", terms.trusted.empty() ? Json("AMD's own") : Json(terms.trusted)},
              {"minimum_api", terms.minimum_api.empty() ? Json(nullptr) : Json(terms.minimum_api)},
              {"minimum_build", terms.minimum_build},
              {"cpu", terms.cpu},
              {"firmware", terms.firmware.string()},
              {"firmware_sha256", to_hex(crypto::digest(crypto::HashAlgorithm::sha256, firmware).view())},
              {"other_firmware", terms.other_firmware.size()}};
}

Result<std::string> sev_text(const OwnerOptions& terms) {
  SEALIFT_TRY(const auto sev, sev_json(terms));
  const auto roots = sev["roots"].is_array() ? fmt::format("{}", sev["roots"].size()) : "AMD's own";
  return fmt::format(
      "  guest    {}, on a {} where its registers are measured\n"
      "  firmware {}\n           SHA-256 {}, and {} others that a refusal may name\n"
      "  machine  roots: {}; SEV API {} build {} or later\n",
      sev.value("policy_text", ""), terms.cpu, printable(terms.firmware.string()),
      sev.value("firmware_sha256", ""), terms.other_firmware.size(), roots,
      terms.minimum_api.empty() ? "any" : terms.minimum_api, terms.minimum_build);
}

/// Everything but what only the host can show.
Status check(const Path& file, Context& context) {
  SEALIFT_TRY(const auto content, read_policy_file(file));
  const auto& policy = content.seed;
  auto references = Json::array();
  std::string text = fmt::format("{} would be taken.\n", file.string());
  for (const auto& reference : policy.references()) {
    references.push_back(Json{{"name", printable(reference.name())}, {"pcrs", reference.pcrs()}});
    text += fmt::format("  state    {}: {}\n", printable(reference.name()), reference.pcrs());
  }
  const auto approver = to_hex(as_bytes(policy.approver()));
  if (!approver.empty()) text += "  states   that the approver signs\n";
  const auto time = [](std::int64_t seconds) {
    return seconds == 0 ? std::string{"-"} : crypto::utc_text(seconds);
  };
  if (content.sev) {
    SEALIFT_TRY(const auto said, sev_text(*content.sev));
    text += said;
  } else {
    text += fmt::format("  roots    {}, {} revocation lists{}\n", policy.trusted_roots_size(),
                        policy.crls_size(), policy.require_crl() ? ", required" : "");
  }
  text += fmt::format("  machines {} models, {} hardware keys (0: any)\n", policy.models_size(),
                      policy.hardware_keys_size());
  text += fmt::format("  time     {} to {}\n  hosts    {} (0: any number)\n", time(policy.not_before()),
                      time(policy.not_after()), policy.maximum_hosts());
  Json sev(nullptr);
  if (content.sev) {
    SEALIFT_TRY(sev, sev_json(*content.sev));
  }
  return context.report(Json{{"verdict", "valid"},
                             {"profile", policy.profile()},
                             {"references", references},
                             {"approver", approver.empty() ? Json(nullptr) : Json(approver)},
                             {"roots", policy.trusted_roots_size()},
                             {"models", policy.models_size()},
                             {"hardware_keys", policy.hardware_keys_size()},
                             {"not_before", policy.not_before()},
                             {"not_after", policy.not_after()},
                             {"maximum_hosts", policy.maximum_hosts()},
                             {"sev", sev}},
                        text);
}

}  // namespace

void declare_policy(Command root) {
  auto group = root.group("policy", "Reference values: which PCRs an approved machine has",
                          "sealift policy predict --event-log approved.eventlog");
  auto options = std::make_shared<PredictOptions>();
  group
      .command(
          "predict", "PCR values from an event log, or PCR 6 from what the firmware measures",
          "sealift policy predict --event-log /sys/kernel/security/tpm0/binary_bios_measurements --json\n"
          "sealift policy predict --hardware-key-hash 4f…90 --secure-boot-jumper on \\\n"
          "  --verification-code-hash a1…07 --pef on --out approved.eventlog",
          [options](Context& context) { return predict(*options, context); })
      .path("--event-log", options->event_log, kFile, "a TCG event log, to be replayed")
      .text("--hardware-key-hash", options->hardware_key_hash, kHex,
            "hash of the keys that may sign the machine's firmware")
      .choice("--secure-boot-jumper", options->secure_boot_jumper, {"on", "off"}, "secure boot is enforced")
      .text("--verification-code-hash", options->verification_code_hash, kHex,
            "hash of the code that checks the firmware's signatures")
      .choice("--pef", options->pef, {"on", "off"}, "the Protected Execution Facility is enabled")
      .texts("--bank", options->banks, "BANK",
             "sha1, sha256, sha384 or sha512; may be repeated (default: all of the log's, or sha256)")
      .path("--out", options->out, kFile, "write the approved machine's event log, for --reference");
  declare_approving(group);
  auto file = std::make_shared<Path>();
  group
      .command("check", "Check a policy file, and say what it says", "sealift policy check image.policy.toml",
               [file](Context& context) { return check(*file, context); })
      .path("FILE", *file, kFile, "the policy", Need::required);
}

}  // namespace sealift::cli
