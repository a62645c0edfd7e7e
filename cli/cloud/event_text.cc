// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/event_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace sealift::cli {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 32> kSentences{{
    {"provisioning_requested", "secure provisioning of the image is requested"},
    {"service_confirmed", "the paid service is confirmed"},
    {"instance_requested", "an instance is asked for"},
    {"target_selected", "a host is selected"},
    {"evidence_asked", "the host is asked for its evidence"},
    {"evidence_received", "the host shows what it is"},
    {"enrolment_asked", "the keeper of the key is asked to enrol the host"},
    {"question_relayed", "the host's TPM is asked what only it can answer"},
    {"answer_relayed", "the host's TPM has answered"},
    {"sealed_data_received", "the seed is sealed to this host"},
    {"sealed_ahead", "the image was sealed to this host ahead: nobody has to be asked"},
    {"sealed_data_inserted", "the sealed data are in this instance's copy of the image's head"},
    {"dispatched", "the host is told to start it"},
    {"session_relayed", "the session that the keeper of the key opened is brought to the host's PSP"},
    {"guest_loaded", "the guest is loaded and waits"},
    {"measurement_relayed", "the PSP says what was loaded"},
    {"launch_secret_received", "what was loaded is what was approved: the disk key is given for it"},
    {"target_given_up", "this host is given up"},
    {"image_fetched", "the host has the image"},
    {"components_pinned", "kernel, initramfs and command line are taken in"},
    {"secure_mode_requested", "the guest asks for secure mode"},
    {"operand_found", "there is an ESM operand"},
    {"target_found", "the image is sealed to this machine"},
    {"seal_opened", "the TPM opened the seal"},
    {"payload_verified", "the payload is the customer's, unaltered"},
    {"components_verified", "kernel, initramfs and command line are those that were sealed"},
    {"guest_started", "the guest runs"},
    {"customer_data_delivered", "the guest has its customer data"},
    {"guest_ended", "the guest ended"},
    {"guest_lost", "the guest is lost"},
    {"stop_requested", "its end is asked for"},
    {"launch_refused", "the launch is refused"},
}};

std::string_view sentence(std::string_view event) {
  const auto* const found = std::ranges::find(kSentences, event, [](const auto& pair) { return pair.first; });
  return found == kSentences.end() ? event : found->second;
}

}  // namespace

std::string state_text(v1::Launch::State state) {
  constexpr std::string_view kPrefix = "STATE_";
  auto text = v1::Launch::State_Name(state);
  if (text.size() > kPrefix.size()) text.erase(0, kPrefix.size());
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool is_over(const v1::Launch& launch) {
  return launch.state() == v1::Launch::STATE_ENDED || launch.state() == v1::Launch::STATE_REFUSED;
}

Json refusal_json(const v1::Refusal& refusal) {
  Json json{{"code", refusal.code()}, {"field", refusal.field()}, {"message", refusal.message()}};
  if (!refusal.expected().empty()) {
    json["expected"] = refusal.expected();
    json["found"] = refusal.found();
  }
  json["remedy"] = refusal.remedy();
  return json;
}

Error as_error(const v1::Refusal& refusal) {
  auto code = error_code_from_name(refusal.code());
  if (code == ErrorCode::internal) code = ErrorCode::malformed;  // of the cloud's, not of this tool's
  return Error{code,
               refusal.message().empty() ? "refused without a word why" : refusal.message(),
               refusal.field(),
               {},
               refusal.expected(),
               refusal.found()};
}

Json event_json(const v1::LaunchEvent& event) {
  Json json{{"launch_id", event.launch_id()},
            {"sequence", event.sequence()},
            {"time_ms", event.time_ms()},
            {"step", event.step()},
            {"event", event.name()},
            {"actor", event.actor()},
            {"verdict", event.verdict() == v1::LaunchEvent::VERDICT_REFUSED ? "refused" : "done"}};
  if (event.has_refusal()) json["refusal"] = refusal_json(event.refusal());
  return json;
}

std::string event_line(const v1::LaunchEvent& event, std::int64_t begun_ms) {
  const auto seconds = static_cast<double>(event.time_ms() - begun_ms) / 1000;
  const bool refused = event.verdict() == v1::LaunchEvent::VERDICT_REFUSED;
  auto line = fmt::format("{:>8.3f} s  {:>4}  {}  {:<62} {}\n", seconds, printable(event.step()),
                          refused ? "✗" : "✓", printable(sentence(event.name())), printable(event.actor()));
  if (event.has_refusal()) {
    const auto& why = event.refusal();
    line += fmt::format("{:20}{}{}: {}\n", "", printable(why.code()),
                        why.field().empty() ? "" : " at " + printable(why.field()), printable(why.message()));
    line += values_text(as_error(why), 20);
  }
  return line;
}

Json launch_json(const v1::Launch& launch) {
  Json json{{"launch_id", launch.launch_id()},
            {"image_id", launch.image_id()},
            {"key_model", launch.key_model() == v1::KEY_MODEL_KEEP ? "keep" : "bring"},
            {"state", state_text(launch.state())},
            {"zone", launch.zone()},
            {"cpus", launch.cpus()},
            {"memory_mib", launch.memory_mib()},
            {"attempt", launch.attempt()},
            {"created_at_ms", launch.created_at_ms()}};
  if (launch.started_at_ms() != 0) json["started_at_ms"] = launch.started_at_ms();
  if (launch.ended_at_ms() != 0) json["ended_at_ms"] = launch.ended_at_ms();
  if (launch.state() == v1::Launch::STATE_ENDED) json["exit_status"] = launch.exit_status();
  if (launch.has_refusal()) json["refusal"] = refusal_json(launch.refusal());
  return json;
}

}  // namespace sealift::cli
