// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/instance.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/file.h"
#include "services/agent/domain/refusal.h"

namespace sealift::agent {
namespace {

using state::v1::InstanceDocument;
using Steady = std::chrono::steady_clock;

constexpr std::string_view kLoaded = "guest_loaded";
constexpr const char* kHead = "head";
constexpr const char* kOverlay = "overlay.qcow2";
constexpr const char* kConsole = "console";

void remember(std::set<std::string>& commands, const std::string& id) {
  if (!id.empty() && commands.size() < kMaxCommandsOfInstance) commands.insert(id);
}

/// What the file has from `offset` on, at most one chunk; nothing where there is no file yet.
Bytes chunk_at(const std::filesystem::path& path, std::uint64_t offset) {
  const auto file = open_file(path, O_RDONLY);
  const auto size = file ? file_size(file->get()) : Result<std::uint64_t>{0};
  if (!size || offset >= *size) return {};
  Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(kConsoleChunk, *size - offset)));
  return pread_exact(file->get(), bytes, offset) ? bytes : Bytes{};
}

}  // namespace

Instance::Instance(World& world, Record record)
    : world_{world},
      name_{record.name()},
      directory_{world.journal.directory(name_)},
      record_{std::move(record)} {
  if (record_.is_over()) remove_files();
  if (record_.phase() == InstanceDocument::PHASE_HANDED) {
    for (const auto& digest : record_.objects()) uses_.push_back(world_.cache.hold(digest));
    working_ = std::jthread{[this](const std::stop_token& quit) { follow(nullptr, quit); }};
  }
  if (!record_.is_told()) telling_ = std::jthread{[this](const std::stop_token& quit) { tell(quit); }};
}

Instance::~Instance() {
  working_.request_stop();
  telling_.request_stop();
  std::stop_source interrupt;
  {
    const Lock lock{mutex_};
    interrupt = interrupt_;
  }
  interrupt.request_stop();
}

void Instance::start(const std::string& command_id, StartOrder order) {
  const Lock lock{mutex_};
  remember(start_commands_, command_id);
  const bool begun = working_.joinable() || record_.phase() != InstanceDocument::PHASE_FETCHING;
  if (!begun) {
    // After a restart the command may come with other locations, and with other objects from a liar.
    auto record = Record::accepted(order);
    const auto saved = record.serialise() == record_.serialise() ? Status{} : save(record);
    if (!saved) {
      end(saved.error());
    } else {
      record_ = std::move(record);
      working_ =
          std::jthread{[this, order = std::move(order)](const std::stop_token& quit) { run(order, quit); }};
    }
  }
  release_commands();
}

void Instance::stop(const std::string& command_id) {
  std::stop_source interrupt;
  {
    const Lock lock{mutex_};
    remember(stop_commands_, command_id);
    if (!record_.is_over()) stop_wanted_ = true;
    if (!record_.is_over() && !working_.joinable()) end(lost());
    release_commands();
    if (!stop_told_) interrupt = interrupt_;
  }
  interrupt.request_stop();
}

Record Instance::record() const {
  const Lock lock{mutex_};
  return record_;
}

// The working thread.

void Instance::run(const StartOrder& order, const std::stop_token& quit) {
  log(fmt::format("accepted, {} CPUs, {} MiB", order.cpus, order.memory_mib));
  const auto guest = prepare(order, quit);
  const auto handed = guest ? hand_over(quit) : Status{tl::unexpected(guest.error())};
  if (handed) return follow(&*guest, quit);
  if (quit.stop_requested()) return;
  const Lock lock{mutex_};
  end(stop_wanted_ ? lost() : Ending{handed.error()});
}

Result<Guest> Instance::prepare(const StartOrder& order, const std::stop_token& quit) {
  const auto stop = interruption(quit);
  SEALIFT_TRY(auto kernel, world_.cache.get(order.kernel, stop));
  SEALIFT_TRY(auto body, world_.cache.get(order.initramfs_body, stop));
  SEALIFT_TRY(auto disk, world_.cache.get(order.root_disk, stop));
  Guest guest{name_.text(),
              order.cmdline,
              order.cpus,
              order.memory_mib,
              *kernel,
              directory_ / kHead,
              *body,
              *disk,
              directory_ / kOverlay,
              directory_ / kConsole,
              order.reference_event_log,
              order.question};
  {
    const Lock lock{mutex_};
    uses_ = {std::move(kernel), std::move(body), std::move(disk)};
  }
  // Of no use to another boot: what the ultravisor has of it is a copy.
  if (order.question.empty()) SEALIFT_CHECK(world_.objects.fetch_fleeting(order.head, guest.head, stop));
  SEALIFT_CHECK(world_.overlays.make(guest.overlay, order.root_disk.size));
  SEALIFT_CHECK(open_file(guest.console, O_WRONLY | O_CREAT | O_TRUNC));
  return guest;
}

Status Instance::hand_over(const std::stop_token& quit) {
  const Lock lock{mutex_};
  if (quit.stop_requested() || stop_wanted_)
    return fail(ErrorCode::canceled, "stopped before it was started");
  auto record = record_;
  record.hand_over(now_ms());
  SEALIFT_CHECK(save(record));
  record_ = std::move(record);
  changed_.notify_all();
  log("fetched and handed to the ultravisor");
  return {};
}

void Instance::follow(const Guest* guest, const std::stop_token& quit) {
  for (Backoff backoff{world_.limits}; !quit.stop_requested();) {
    if (stop_is_due()) {
      const auto stopped = stop_guest();
      if (!stopped) {
        log("the ultravisor does not stop it: " + stopped.error().message);
        backoff.wait(quit);
        continue;
      }
    }
    if (const auto ending = look(std::exchange(guest, nullptr), quit)) {
      const Lock lock{mutex_};
      return end(*ending);
    }
    backoff.wait(interruption(quit));
  }
}

/// How it ended, where that is known now.
std::optional<Ending> Instance::look(const Guest* guest, const std::stop_token& quit) {
  const auto as_lost = [this] {
    const Lock lock{mutex_};
    return std::optional{lost()};
  };
  const auto on_event = [this](std::size_t place, const std::string& event) { hear(place, event); };
  const auto stop = interruption(quit);
  const auto found = guest != nullptr ? world_.ultravisor.launch(*guest, on_event, stop)
                                      : world_.ultravisor.watch(name_.text(), on_event, stop);
  if (!found) {
    if (!stop.stop_requested()) log("lost sight of it: " + found.error().message);
    return std::nullopt;
  }
  if (!*found) {
    // It may be on its way there still: from now on it never starts.
    const auto stopped = world_.ultravisor.stop(name_.text());
    const bool is_gone = !stopped && stopped.error().code == ErrorCode::not_found;
    return is_gone ? as_lost() : std::nullopt;
  }
  const auto* const refusal = std::get_if<Error>(&**found);
  if (refusal == nullptr) return **found;
  // An id names one launch: that one is ours.
  if (refusal->code == ErrorCode::already_exists) return std::nullopt;
  return refusal->code == ErrorCode::canceled ? as_lost() : **found;
}

void Instance::hear(std::size_t place, const std::string& event) {
  const auto measured = event == kLoaded ? measurement() : Bytes{};
  const Lock lock{mutex_};
  if (!record_.hear(place, event, now_ms())) return;
  unsaved_ = true;
  if (!measured.empty()) record_.answer(measured);
  changed_.notify_all();
  log(event);
}

/// Empty where the TEE does not tell: then its end is all that can be told.
Bytes Instance::measurement() const {
  auto measured = world_.ultravisor.measurement(name_.text());
  if (measured) return *std::move(measured);
  log("its measurement is not told: " + measured.error().message);
  return {};
}

bool Instance::stop_is_due() const {
  const Lock lock{mutex_};
  return stop_wanted_ && !stop_told_;
}

Status Instance::stop_guest() {
  const auto stopped = world_.ultravisor.stop(name_.text());
  if (!stopped && stopped.error().code != ErrorCode::not_found) return stopped;
  const Lock lock{mutex_};
  stop_told_ = true;
  return {};
}

std::stop_token Instance::interruption(const std::stop_token& quit) {
  const Lock lock{mutex_};
  interrupt_ = std::stop_source{};
  if (quit.stop_requested() || (stop_wanted_ && !stop_told_)) interrupt_.request_stop();
  return interrupt_.get_token();
}

// The telling thread.

void Instance::tell(const std::stop_token& quit) {
  for (Backoff backoff{world_.limits};;) {
    v1::ReportInstanceRequest report;
    {
      Lock lock{mutex_};
      const auto is_news = [this] { return record_.untold() != nullptr || record_.is_told(); };
      if (!changed_.wait(lock, quit, is_news) || quit.stop_requested() || record_.is_told()) return;
      // All that came meanwhile in one. An event that the journal lost is told by the ultravisor again, at
      // the same place.
      if (std::exchange(unsaved_, false)) (void)save(record_);
      report = *record_.untold();
    }
    tell_one(report, backoff, quit);
  }
}

void Instance::tell_one(const v1::ReportInstanceRequest& report, Backoff& backoff,
                        const std::stop_token& quit) {
  const auto told = world_.orchestrator.report(report);
  if (!told && !is_final_answer(told.error().code)) return backoff.wait(quit);
  if (!told) log(fmt::format("the orchestrator refuses event {}: {}", report.event(), told.error().message));
  backoff.reset();
  const Lock lock{mutex_};
  record_.told(report.sequence());
  if (record_.is_told()) (void)save(record_);
  release_commands();
}

// With the lock held.

void Instance::end(const Ending& ending) {
  record_.end(ending, now_ms(), world_.verified);
  unsaved_ = false;
  (void)save(record_);
  uses_.clear();
  remove_files();
  release_commands();
  changed_.notify_all();
  const auto* const why = std::get_if<Error>(&ending);
  log(why == nullptr ? fmt::format("ended with status {}", std::get<int>(ending))
                     : fmt::format("refused: {} {} ({})", name(why->code), why->message, why->detail));
}

/// Of one that the ultravisor does not know, or never will.
Ending Instance::lost() const {
  if (stop_wanted_) return Error{ErrorCode::canceled, "stopped as it was asked for", {}, {}};
  if (record_.has_started())
    return Error{ErrorCode::guest_failed, "the guest is gone with the ultravisor that ran it", "host", {}};
  return Error{ErrorCode::unavailable, "the host was restarted before the guest started", "host", {}};
}

Status Instance::save(const Record& record) const {
  const auto saved = world_.journal.save(name_, record.serialise(), Journal::Survives::power_loss);
  if (!saved) log("its journal cannot be written: " + saved.error().message);
  return saved;
}

void Instance::release_commands() {
  if (const auto result = record_.start_result()) {
    for (const auto& id : std::exchange(start_commands_, {})) {
      auto mine = *result;
      mine.set_command_id(id);
      world_.completions.add(std::move(mine));
    }
  }
  if (!record_.is_told()) return;
  for (const auto& id : std::exchange(stop_commands_, {})) {
    v1::CompleteCommandRequest stopped;
    stopped.set_command_id(id);
    stopped.mutable_stopped();
    world_.completions.add(std::move(stopped));
  }
}

void Instance::remove_files() const {
  std::error_code ignored;
  for (const auto* file : {kHead, kOverlay}) std::filesystem::remove(directory_ / file, ignored);
}

// Any thread.

Status Instance::release(const v1::LaunchSecret& secret) const {
  return world_.ultravisor.release(name_.text(), secret);
}

Result<v1::ConsoleResult> Instance::read_console(std::uint64_t offset, milliseconds limit,
                                                 const std::stop_token& stop) {
  const auto until = Steady::now() + std::min(limit, world_.limits.console_wait);
  for (;;) {
    // Before the file: what it has after the end is all there will be.
    const bool over = record().is_over();
    const auto bytes = chunk_at(directory_ / kConsole, offset);
    if (!bytes.empty() || over || Steady::now() >= until || stop.stop_requested()) {
      v1::ConsoleResult result;
      result.set_offset(offset);
      result.set_data(std::string{as_text(bytes)});
      result.set_ended(over && bytes.size() < kConsoleChunk);
      return result;
    }
    Lock lock{mutex_};
    changed_.wait_for(lock, stop, world_.limits.console_look, [this] { return record_.is_over(); });
  }
}

std::int64_t Instance::now_ms() const {
  return std::chrono::duration_cast<milliseconds>(world_.clock.now().time_since_epoch()).count();
}

void Instance::log(const std::string& line) const {
  world_.log(fmt::format("instance {}: {}", name_.text(), line));
}

}  // namespace sealift::agent
