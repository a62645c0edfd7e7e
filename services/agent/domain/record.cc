// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/record.h"

#include <algorithm>
#include <array>

#include "services/agent/domain/limits.h"
#include "services/agent/domain/refusal.h"

namespace sealift::agent {
namespace {

using state::v1::InstanceDocument;

/// In the order in which they come: docs/cli.md, dev host run.
constexpr std::array<std::string_view, 10> kSteps{
    "image_fetched",       "components_pinned", "operand_found",
    "target_found",        "seal_opened",       "payload_verified",
    "components_verified", "guest_started",     "customer_data_delivered",
    "guest_ended"};
constexpr std::string_view kAsked =
    "secure_mode_requested";  // between "components_pinned" and "operand_found"
/// Where the TEE measures what it loads.
constexpr std::array<std::string_view, 4> kLoadedSteps{"image_fetched", "guest_loaded", "guest_started",
                                                       "guest_ended"};
constexpr std::string_view kEnded = "guest_ended";
constexpr std::string_view kOther = "other";  // what no orchestrator would take as a name
constexpr std::size_t kDigestSize = 64;
constexpr std::size_t kMaxEventName = 64;

bool is_event(std::string_view name) {
  return !name.empty() && name.size() <= kMaxEventName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool fits(const InstanceDocument& document) {
  if (document.phase() < InstanceDocument::PHASE_FETCHING || document.phase() > InstanceDocument::PHASE_ENDED)
    return false;
  if (document.phase() != InstanceDocument::PHASE_FETCHING && document.reports().empty()) return false;
  for (int i = 0; i < document.reports_size(); ++i) {
    const auto& report = document.reports(i);
    const bool is_of_it =
        report.launch_id() == document.launch_id() && report.attempt() == document.attempt();
    if (!is_of_it || report.sequence() != static_cast<std::uint32_t>(i) + 1) return false;
  }
  for (const auto& object : document.objects()) {
    if (object.size() != kDigestSize) return false;
  }
  return document.told() <= static_cast<std::uint32_t>(document.reports_size());
}

InstanceDocument new_document(const InstanceName& name) {
  InstanceDocument document;
  document.set_launch_id(name.launch_id());
  document.set_attempt(name.attempt());
  document.set_phase(InstanceDocument::PHASE_FETCHING);
  return document;
}

}  // namespace

Record Record::accepted(const StartOrder& order) {
  auto document = new_document(order.name);
  document.set_cpus(order.cpus);
  document.set_memory_mib(order.memory_mib);
  document.set_loads_first(!order.question.empty());
  for (const auto* object : {&order.kernel, &order.initramfs_body, &order.root_disk})
    document.add_objects(std::string{as_text(object->sha512.view())});
  return Record{order.name, std::move(document)};
}

Record Record::canceled(const InstanceName& name, std::int64_t now_ms) {
  Record record{name, new_document(name)};
  record.end(Error{ErrorCode::canceled, "stopped before it was started", {}, {}}, now_ms);
  return record;
}

Result<Record> Record::parse(ByteView bytes) {
  InstanceDocument document;
  const bool parsed = document.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (!parsed || !fits(document))
    return fail(ErrorCode::malformed, "the journal of an instance is damaged", "journal");
  SEALIFT_TRY(auto name, InstanceName::make(document.launch_id(), document.attempt()));
  return Record{std::move(name), std::move(document)};
}

Bytes Record::serialise() const { return to_bytes(as_bytes(document_.SerializeAsString())); }

std::vector<crypto::Digest> Record::objects() const {
  std::vector<crypto::Digest> digests;
  for (const auto& object : document_.objects()) digests.emplace_back(as_bytes(object));
  return digests;
}

const v1::ReportInstanceRequest* Record::find(std::string_view event) const {
  const auto found = std::ranges::find_if(document_.reports(), [&](const v1::ReportInstanceRequest& report) {
    return report.event() == event && !report.has_refusal();
  });
  return found == document_.reports().end() ? nullptr : &*found;
}

v1::ReportInstanceRequest& Record::add(std::string_view event, std::int64_t now_ms) {
  auto& report = *document_.add_reports();
  report.set_launch_id(name_.launch_id());
  report.set_attempt(name_.attempt());
  report.set_sequence(static_cast<std::uint32_t>(document_.reports_size()));
  report.set_event(std::string{event});
  report.set_time_ms(now_ms);
  return report;
}

void Record::hand_over(std::int64_t now_ms) {
  add(kSteps.front(), now_ms);
  document_.set_phase(InstanceDocument::PHASE_HANDED);
}

bool Record::hear(std::size_t place, const std::string& event, std::int64_t now_ms) {
  // "image_fetched" is ours, in front of all that the ultravisor says.
  const auto heard = static_cast<std::size_t>(document_.reports_size()) - 1;
  if (is_over() || place != heard || heard >= kMaxEvents) return false;
  add(is_event(event) ? std::string_view{event} : kOther, now_ms);
  return true;
}

/// A refusal is told as the step that did not come about.
void Record::end(const Ending& ending, std::int64_t now_ms, Verified verified) {
  if (const auto* const why = std::get_if<Error>(&ending)) {
    const auto step = next_step(verified);
    *add(step, now_ms).mutable_refusal() = to_refusal(*why);
  } else {
    add(kEnded, now_ms).set_exit_status(std::get<int>(ending));
  }
  document_.set_phase(InstanceDocument::PHASE_ENDED);
  document_.set_ended_at_ms(now_ms);
}

std::string_view Record::next_step(Verified verified) const {
  const auto next_of = [this](const auto& steps) {
    const auto* const next =
        std::ranges::find_if(steps, [&](std::string_view step) { return find(step) == nullptr; });
    return next == steps.end() ? kEnded : *next;
  };
  if (document_.loads_first()) return next_of(kLoadedSteps);
  const auto next = next_of(kSteps);
  const bool did_not_ask =
      verified == Verified::when_it_asks && next == "operand_found" && find(kAsked) == nullptr;
  return did_not_ask ? kAsked : next;
}

const v1::ReportInstanceRequest* Record::untold() const {
  const auto next = static_cast<int>(document_.told());
  return next < document_.reports_size() ? &document_.reports(next) : nullptr;
}

void Record::told(std::uint32_t sequence) {
  if (sequence == document_.told() + 1) document_.set_told(sequence);
}

std::optional<v1::CompleteCommandRequest> Record::start_result() const {
  v1::CompleteCommandRequest result;
  if (const auto* const loaded = find(kLoadedSteps[1]); loaded != nullptr && !document_.answer().empty()) {
    if (loaded->sequence() > document_.told()) return std::nullopt;
    result.mutable_answer()->set_answer(document_.answer());
    return result;
  }
  if (const auto* const started = find("guest_started")) {
    if (started->sequence() > document_.told()) return std::nullopt;
    result.mutable_started();
    return result;
  }
  if (!is_told()) return std::nullopt;
  const auto& last = document_.reports(document_.reports_size() - 1);
  if (last.has_refusal()) {
    *result.mutable_refusal() = last.refusal();
  } else {
    result.mutable_started();
  }
  return result;
}

}  // namespace sealift::agent
