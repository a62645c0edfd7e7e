// SPDX-License-Identifier: Apache-2.0
#include "emulator/sev/sev_commands.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "crypto/base64.h"

namespace sealift::emulator {
namespace {

using Json = nlohmann::ordered_json;

/// Of an emulated processor; KVM asks CPUID 0x8000001f.
constexpr int kCBit = 51;
constexpr int kReducedPhysicalBits = 1;

struct World {
  const Platform& platform;
  Launch* launch;
  const GuestMemory* memory;
};

Json failed(const std::string& why) { return {{"error", {{"class", "GenericError"}, {"desc", why}}}}; }
Json returned(Json value) { return {{"return", std::move(value)}}; }

std::string text_at(const Json& arguments, const char* name) {
  const auto found = arguments.find(name);
  return found != arguments.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

Json query_sev(const World& world, const Json&) {
  const auto status = world.platform.status();
  const auto* const launch = world.launch;
  return returned({{"enabled", launch != nullptr},
                   {"api-minor", status.api.minor},
                   {"handle", launch != nullptr ? launch->guest.handle() : 0},
                   {"state", launch != nullptr ? text(launch->guest.state()) : "uninit"},
                   {"api-major", status.api.major},
                   {"build-id", status.build},
                   {"policy", launch != nullptr ? launch->guest.policy().value() : 0}});
}

Json query_capabilities(const World& world, const Json&) {
  const auto shown = world.platform.pdh_cert_export();
  if (!shown) return failed("SEV: Failed to get PDH cert " + firmware_error(shown.error()));
  return returned({{"reduced-phys-bits", kReducedPhysicalBits},
                   {"cpu0-id", crypto::to_base64(world.platform.id())},
                   {"cbitpos", kCBit},
                   {"cert-chain", crypto::to_base64(shown->chain)},
                   {"pdh", crypto::to_base64(shown->pdh)}});
}

Json query_measure(const World& world, const Json&) {
  if (world.launch == nullptr) return failed("SEV launch measurement is not available");
  return returned({{"data", crypto::to_base64(world.launch->measurement.bytes())}});
}

Json inject(const World& world, const Json& arguments) {
  if (world.launch == nullptr) return failed("SEV not enabled for guest");
  auto& launch = *world.launch;
  if (launch.guest.state() != GuestState::lsecret)
    return failed(fmt::format("SEV: Not in correct state. (LSECRET) {:x}",
                              static_cast<unsigned>(launch.guest.state())));
  const auto header = crypto::from_base64(text_at(arguments, "packet-header"));
  if (!header || header->empty()) return failed("SEV: Failed to decode sequence header");
  const auto payload = crypto::from_base64(text_at(arguments, "secret"));
  if (!payload || payload->empty()) return failed("SEV: Failed to decode data");
  const auto gpa = arguments.find("gpa");
  if (gpa == arguments.end() && !launch.footer.secret_area)
    return failed("SEV: could not find secret area in OVMF, gpa must be specified.");
  if (gpa != arguments.end() && !gpa->is_number_unsigned())
    return failed("Invalid parameter type for 'gpa', expected: integer");
  const auto address =
      gpa != arguments.end() ? gpa->get<std::uint64_t>() : std::uint64_t{launch.footer.secret_area->base};
  const auto memory = world.memory->at(address, payload->size());
  if (!memory) return failed("SEV: Failed to calculate guest address: " + memory.error().message);
  const auto status = launch.guest.secret(*header, *payload, *memory);
  if (status != PspStatus::success) return failed("SEV: failed to inject secret " + firmware_error(status));
  return returned(Json::object());
}

Json query_report(const World& world, const Json& arguments) {
  if (world.launch == nullptr) return failed("SEV is not enabled");
  const auto nonce = crypto::from_base64(text_at(arguments, "mnonce"));
  if (!nonce) return failed("SEV: Failed to decode mnonce value");
  if (nonce->size() != kReportNonceSize)
    return failed(fmt::format("SEV: mnonce must be {} bytes (got {})", kReportNonceSize, nonce->size()));
  const auto report = world.launch->guest.attest(*nonce);
  if (!report) return failed("SEV: Failed to get attestation report " + firmware_error(report.error()));
  return returned({{"data", crypto::to_base64(*report)}});
}

using Answer = Json (*)(const World&, const Json&);
const std::map<std::string, Answer>& answers() {
  static const std::map<std::string, Answer> all{
      {"query-sev", query_sev},
      {"query-sev-capabilities", query_capabilities},
      {"query-sev-launch-measure", query_measure},
      {"sev-inject-launch-secret", inject},
      {"query-sev-attestation-report", query_report},
  };
  return all;
}

Json parsed(const std::string& document) {
  auto json = Json::parse(document, nullptr, false);
  return json.is_object() ? json : Json::object();
}

}  // namespace

std::string command_name(const std::string& document) { return text_at(parsed(document), "execute"); }

void SevCommands::before_running() {
  if (launch_ == nullptr || launch_->guest.finish() != PspStatus::success) return;
  if (launch_->hash_table.empty()) return;
  const auto area = memory_->at(launch_->footer.hash_table_area->base, launch_->hash_table.size());
  // Without its table the firmware refuses the kernel: there is nobody else to tell.
  if (area) std::ranges::copy(launch_->hash_table, area->begin());
}

std::optional<std::string> SevCommands::answer(const std::string& document) {
  const auto json = parsed(document);
  const auto name = text_at(json, "execute");
  if (name == "cont") before_running();
  const auto found = answers().find(name);
  if (found == answers().end()) return std::nullopt;
  const auto arguments = json.find("arguments");
  auto reply = found->second({platform_, launch_, memory_},
                             arguments != json.end() && arguments->is_object() ? *arguments : Json::object());
  if (json.contains("id")) reply["id"] = json["id"];
  return reply.dump(-1, ' ', true, Json::error_handler_t::replace) + "\r\n";
}

}  // namespace sealift::emulator
