// SPDX-License-Identifier: Apache-2.0
/// What a host knows of one instance, as its journal has it: which phase it is in, and every event of it, of
/// which the orchestrator is told in order. Nothing here does anything.
#pragma once

#include <optional>
#include <vector>

#include "sealift/state/v1/state.pb.h"
#include "services/agent/domain/ports.h"

namespace sealift::agent {

/// When the trusted component looks at a guest: before its first instruction, or when it asks for secure mode
/// itself (pef).
enum class Verified : std::uint8_t { before_it_runs, when_it_asks };

class Record {
 public:
  using Phase = state::v1::InstanceDocument::Phase;

  static Record accepted(const StartOrder& order);
  /// Of an instance that was stopped before this host heard of it.
  static Record canceled(const InstanceName& name, std::int64_t now_ms);
  /// malformed for what serialise() did not write.
  static Result<Record> parse(ByteView document);
  Bytes serialise() const;

  const InstanceName& name() const noexcept { return name_; }
  Phase phase() const { return document_.phase(); }
  bool is_over() const { return phase() == state::v1::InstanceDocument::PHASE_ENDED; }
  /// Over, and the orchestrator knows all of it.
  bool is_told() const { return is_over() && untold() == nullptr; }
  std::uint32_t cpus() const { return document_.cpus(); }
  std::uint32_t memory_mib() const { return document_.memory_mib(); }
  std::int64_t ended_at_ms() const { return document_.ended_at_ms(); }
  /// What it uses of the image cache.
  std::vector<crypto::Digest> objects() const;

  /// All is fetched; from here on the ultravisor may have it.
  void hand_over(std::int64_t now_ms);
  /// The ultravisor's event at `place`, from 0. False where it is known already.
  bool hear(std::size_t place, const std::string& event, std::int64_t now_ms);
  /// What the TEE measured of it: what its start comes to.
  void answer(ByteView measurement) { document_.set_answer(std::string{as_text(measurement)}); }
  void end(const Ending& ending, std::int64_t now_ms, Verified verified = Verified::before_it_runs);
  /// The guest got its first instruction.
  bool has_started() const { return find("guest_started") != nullptr; }

  /// The first event that the orchestrator does not have yet; nullptr: it has all.
  const v1::ReportInstanceRequest* untold() const;
  void told(std::uint32_t sequence);
  /// What the start came to, once the orchestrator has the events that led there.
  std::optional<v1::CompleteCommandRequest> start_result() const;

 private:
  Record(InstanceName name, state::v1::InstanceDocument document)
      : name_{std::move(name)}, document_{std::move(document)} {}
  const v1::ReportInstanceRequest* find(std::string_view event) const;
  v1::ReportInstanceRequest& add(std::string_view event, std::int64_t now_ms);
  std::string_view next_step(Verified verified) const;

  InstanceName name_;
  state::v1::InstanceDocument document_;
};

}  // namespace sealift::agent
