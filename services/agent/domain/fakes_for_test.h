// SPDX-License-Identifier: Apache-2.0
/// For tests: a world in memory around the agent's domain, which outlives the agent as the real one does.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/file.h"
#include "services/agent/domain/commands.h"

namespace sealift::agent {

/// True as soon as `holds()` is; false after a minute.
template <typename Holds>
bool eventually(Holds holds) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

/// Without the syncing of write_file(), which takes most of a test's time.
inline Status put_file(const std::filesystem::path& path, ByteView bytes) {
  SEALIFT_TRY(const auto file, open_file(path, O_WRONLY | O_CREAT | O_TRUNC));
  return write_all(file.get(), bytes);
}

/// How much longer the agent lives: each of its dealings with the world takes one step before it and one
/// after, and from the end on nothing that it does has an effect.
class Power {
 public:
  explicit Power(int steps = 1 << 30) : steps_{steps} {}
  bool step() { return steps_.fetch_sub(1) > 0; }
  bool is_off() const { return steps_.load() <= 0; }

 private:
  std::atomic<int> steps_;
};

inline tl::unexpected<Error> fail_dead() { return fail(ErrorCode::io_error, "the agent was killed"); }

/// A method's effect under power.
template <typename Effect>
auto powered(Power& power, Effect effect) -> decltype(effect()) {
  if (!power.step()) return fail_dead();
  auto result = effect();
  if (!power.step()) return fail_dead();
  return result;
}

class FakeJournal {
 public:
  std::map<std::string, Bytes> documents;
  TemporaryDirectory files = TemporaryDirectory::create("sealift-agent").value();
  ErrorCode fails_with = {};
  bool fails = false;
  std::mutex mutex;
};

class FakeObjects {
 public:
  std::map<std::string, Bytes> by_url;
  std::map<std::string, int> fetched;
  bool blocked = false;  ///< until stopped
  std::optional<Error> refusal;
  std::mutex mutex;
};

/// Remembers launches as the real one does.
class FakeUltravisor {
 public:
  struct Life {
    std::vector<std::string> events = {};
    std::optional<Ending> ending = {};
    bool stop_wanted = false;
  };
  std::vector<std::string> script{"components_pinned", "operand_found",          "target_found",
                                  "seal_opened",       "payload_verified",       "components_verified",
                                  "guest_started",     "customer_data_delivered"};
  std::optional<Ending> then;  ///< how every guest ends by itself
  bool reachable = true;

  std::optional<Ending> begin(const Guest& guest) {
    const std::lock_guard lock{mutex_};
    if (lives_.contains(guest.id)) return Error{ErrorCode::already_exists, "", "id", ""};
    ++starts[guest.id];
    guests.insert_or_assign(guest.id, guest);
    lives_[guest.id] = Life{script, then};
    changed_.notify_all();
    return std::nullopt;
  }
  Result<std::optional<Ending>> follow(const std::string& id, const Ultravisor::OnEvent& on_event,
                                       const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    for (std::size_t place = 0;; ++place) {
      if (!lives_.contains(id)) return std::optional<Ending>{};
      changed_.wait(lock, stop, [&] {
        return !lives_.contains(id) || lives_[id].events.size() > place || lives_[id].ending;
      });
      if (!lives_.contains(id)) return fail(ErrorCode::unavailable, "the ultravisor hung up");
      if (place < lives_[id].events.size()) {
        const auto event = lives_[id].events[place];
        lock.unlock();
        on_event(place, event);
        lock.lock();
        continue;
      }
      if (lives_[id].ending) return lives_[id].ending;
      return fail(ErrorCode::canceled, "not followed any more");
    }
  }
  Status stop(const std::string& id) {
    const std::lock_guard lock{mutex_};
    const auto found = lives_.find(id);
    if (found == lives_.end()) lives_[id] = Life{{}, Ending{Error{ErrorCode::canceled, "", "id", ""}}};
    if (found == lives_.end() || found->second.ending) return fail(ErrorCode::not_found, "", "id");
    found->second.ending = Ending{137};
    changed_.notify_all();
    return {};
  }
  Status release(const std::string& id, const std::string& payload) {
    const std::lock_guard lock{mutex_};
    if (!lives_.contains(id)) return fail(ErrorCode::not_found, "", "id");
    if (payload != "secret") return fail(ErrorCode::authentication_failed, "", "packet.mac");
    if (std::ranges::find(lives_[id].events, "guest_started") == lives_[id].events.end())
      lives_[id].events.emplace_back("guest_started");
    changed_.notify_all();
    return {};
  }
  void end(const std::string& id, const Ending& ending) {
    const std::lock_guard lock{mutex_};
    lives_.at(id).ending = ending;
    changed_.notify_all();
  }
  /// Its guests die with it, and so does its memory.
  void restart() {
    const std::lock_guard lock{mutex_};
    lives_.clear();
    changed_.notify_all();
  }
  std::vector<std::string> live() {
    const std::lock_guard lock{mutex_};
    std::vector<std::string> ids;
    for (const auto& [id, life] : lives_) {
      if (!life.ending) ids.push_back(id);
    }
    return ids;
  }
  int starts_of(const std::string& id) {
    const std::lock_guard lock{mutex_};
    return starts[id];
  }

  std::map<std::string, int> starts;
  std::map<std::string, Guest> guests;

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Life> lives_;
};

/// Takes what the agent says, and finds fault where it says a thing in two ways or leaves one out.
class FakeOrchestrator {
 public:
  Status report(const v1::ReportInstanceRequest& request) {
    const std::lock_guard lock{mutex};
    ++calls;
    if (answer) return tl::unexpected(*answer);
    auto& told = reports[request.launch_id()];
    if (request.sequence() <= told.size()) {
      EXPECT_EQ(told[request.sequence() - 1].event(), request.event()) << "a sequence number is used twice";
      return {};
    }
    EXPECT_EQ(request.sequence(), told.size() + 1) << "a sequence number is left out";
    told.push_back(request);
    return {};
  }
  Status complete(const v1::CompleteCommandRequest& request) {
    const std::lock_guard lock{mutex};
    ++calls;
    if (answer) return tl::unexpected(*answer);
    results.try_emplace(request.command_id(), request);
    return {};
  }

  std::optional<v1::CompleteCommandRequest> result(const std::string& command_id) {
    const std::lock_guard lock{mutex};
    const auto found = results.find(command_id);
    return found == results.end() ? std::nullopt : std::optional{found->second};
  }
  std::vector<std::string> events(const std::string& launch_id) {
    const std::lock_guard lock{mutex};
    std::vector<std::string> names;
    for (const auto& report : reports[launch_id]) names.push_back(report.event());
    return names;
  }
  std::optional<v1::ReportInstanceRequest> last(const std::string& launch_id) {
    const std::lock_guard lock{mutex};
    const auto& told = reports[launch_id];
    return told.empty() ? std::nullopt : std::optional{told.back()};
  }
  bool is_told_of_the_end(const std::string& launch_id) {
    const auto report = last(launch_id);
    return report && (report->has_refusal() || report->event() == "guest_ended");
  }
  void answer_with(std::optional<Error> error) {
    const std::lock_guard lock{mutex};
    answer = std::move(error);
  }

  // For Session.
  std::vector<v1::Command> commands;  ///< what a new stream brings
  std::optional<Error> heartbeat_answer;
  std::vector<std::string> stop_list;
  std::uint32_t heartbeat_interval_ms = 1;
  int registered = 0;
  int beats = 0;
  int streams = 0;
  int changed_replica = 0;
  std::vector<std::string> running;  ///< as the last heartbeat said
  bool streams_end = false;          ///< at once, when all commands are said

  std::mutex mutex;
  std::map<std::string, std::vector<v1::ReportInstanceRequest>> reports;
  std::map<std::string, v1::CompleteCommandRequest> results;
  std::optional<Error> answer;
  int calls = 0;
};

class FakePlatform final : public Platform {
 public:
  Result<Bytes> evidence() override { return to_bytes(as_bytes("evidence")); }
  Result<Bytes> answer(ByteView question) override {
    if (as_text(question) == "wrong")
      return fail(ErrorCode::challenge_response_differs, "not ours", "credential");
    return to_bytes(question);
  }
};

/// What is there, whoever runs.
struct FakeWorld {
  FakeJournal journal;
  FakeObjects objects;
  FakeUltravisor ultravisor;
  FakeOrchestrator orchestrator;
  FakePlatform platform;
  FakeClock clock{TimePoint{std::chrono::seconds{1'800'000'000}}};
  TemporaryDirectory cache = TemporaryDirectory::create("sealift-cache").value();
};

}  // namespace sealift::agent
