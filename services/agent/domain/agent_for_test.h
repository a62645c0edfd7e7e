// SPDX-License-Identifier: Apache-2.0
/// For tests: one run of the agent in a FakeWorld, until it is destroyed or its power ends.
#pragma once

#include "services/agent/domain/fakes_for_test.h"
#include "services/agent/domain/session.h"

namespace sealift::agent {

/// Everything that the agent does to the world goes through here.
class Ports final : public Orchestrator, public Ultravisor, public Objects, public Overlays, public Journal {
 public:
  Ports(FakeWorld& world, Power& power) : world_{world}, power_{power} {}

  Result<v1::RegisterResponse> register_host(const v1::RegisterRequest&) override {
    return powered(power_, [&]() -> Result<v1::RegisterResponse> {
      const std::lock_guard lock{world_.orchestrator.mutex};
      if (world_.orchestrator.answer) return tl::unexpected(*world_.orchestrator.answer);
      ++world_.orchestrator.registered;
      v1::RegisterResponse response;
      response.set_heartbeat_interval_ms(world_.orchestrator.heartbeat_interval_ms);
      return response;
    });
  }
  Result<v1::HeartbeatResponse> heartbeat(const v1::HeartbeatRequest& request) override {
    return powered(power_, [&]() -> Result<v1::HeartbeatResponse> {
      auto& orchestrator = world_.orchestrator;
      const std::lock_guard lock{orchestrator.mutex};
      ++orchestrator.beats;
      if (orchestrator.heartbeat_answer) return tl::unexpected(*orchestrator.heartbeat_answer);
      orchestrator.running.assign(request.running().begin(), request.running().end());
      v1::HeartbeatResponse response;
      response.mutable_stop()->Assign(orchestrator.stop_list.begin(), orchestrator.stop_list.end());
      return response;
    });
  }
  Status stream_commands(const std::function<Status(const v1::Command&)>& on_command,
                         const std::stop_token& stop) override {
    std::vector<v1::Command> commands;
    bool ends = false;
    {
      const std::lock_guard lock{world_.orchestrator.mutex};
      ++world_.orchestrator.streams;
      for (const auto& command : world_.orchestrator.commands) {
        if (!world_.orchestrator.results.contains(command.command_id())) commands.push_back(command);
      }
      ends = world_.orchestrator.streams_end;
    }
    for (const auto& command : commands) {
      const auto taken = on_command(command);
      if (!taken) return taken;
    }
    std::mutex mutex;
    std::condition_variable_any nobody;
    std::unique_lock lock{mutex};
    if (!ends) nobody.wait(lock, stop, [] { return false; });
    return stop.stop_requested() ? Status{fail(ErrorCode::canceled, "stopped")} : Status{};
  }
  void try_another() override {
    const std::lock_guard lock{world_.orchestrator.mutex};
    ++world_.orchestrator.changed_replica;
  }
  Status complete(const v1::CompleteCommandRequest& request) override {
    return powered(power_, [&] { return world_.orchestrator.complete(request); });
  }
  Status report(const v1::ReportInstanceRequest& request) override {
    return powered(power_, [&] { return world_.orchestrator.report(request); });
  }

  Result<std::optional<Ending>> launch(const Guest& guest, const OnEvent& on_event,
                                       const std::stop_token& stop) override {
    if (!world_.ultravisor.reachable) return Ending{Error{ErrorCode::unavailable, "nobody listens", "", ""}};
    if (!power_.step()) return fail_dead();
    if (auto refused = world_.ultravisor.begin(guest)) return refused;
    if (!power_.step()) return fail_dead();
    return world_.ultravisor.follow(guest.id, while_alive(on_event), stop);
  }
  Result<std::optional<Ending>> watch(const std::string& id, const OnEvent& on_event,
                                      const std::stop_token& stop) override {
    if (!power_.step()) return fail_dead();
    if (!world_.ultravisor.reachable) return fail(ErrorCode::unavailable, "nobody listens");
    return world_.ultravisor.follow(id, while_alive(on_event), stop);
  }
  Result<Bytes> measurement(const std::string& id) override {
    return powered(power_, [&]() -> Result<Bytes> { return to_bytes(as_bytes("measured " + id)); });
  }
  Status release(const std::string& id, const v1::LaunchSecret& secret) override {
    return powered(power_, [&] { return world_.ultravisor.release(id, secret.payload()); });
  }
  Status stop(const std::string& id) override {
    return powered(power_, [&]() -> Status {
      if (!world_.ultravisor.reachable) return fail(ErrorCode::unavailable, "nobody listens");
      return world_.ultravisor.stop(id);
    });
  }
  Result<std::vector<std::string>> list() override {
    return powered(power_, [&]() -> Result<std::vector<std::string>> {
      if (!world_.ultravisor.reachable) return fail(ErrorCode::unavailable, "nobody listens");
      return world_.ultravisor.live();
    });
  }

  Status fetch(const ObjectOrder& object, const std::filesystem::path& destination,
               const std::stop_token& stop) override {
    return powered(power_, [&] { return fetch_now(object, destination, stop); });
  }
  Status fetch_fleeting(const ObjectOrder& object, const std::filesystem::path& destination,
                        const std::stop_token& stop) override {
    return fetch(object, destination, stop);
  }
  Status make(const std::filesystem::path& overlay, std::uint64_t) override {
    return powered(power_, [&] { return put_file(overlay, as_bytes("overlay")); });
  }

  Result<std::vector<Bytes>> load() override {
    return powered(power_, [&]() -> Result<std::vector<Bytes>> {
      const std::lock_guard lock{world_.journal.mutex};
      std::vector<Bytes> all;
      for (const auto& [name, document] : world_.journal.documents) all.push_back(document);
      return all;
    });
  }
  Status save(const InstanceName& name, ByteView document, Survives /*survives*/) override {
    return powered(power_, [&]() -> Status {
      const std::lock_guard lock{world_.journal.mutex};
      if (world_.journal.fails) return fail(world_.journal.fails_with, "cannot write", "journal");
      std::filesystem::create_directories(directory(name));
      world_.journal.documents[name.text()] = to_bytes(document);
      return {};
    });
  }
  void remove(const InstanceName& name) override {
    const std::lock_guard lock{world_.journal.mutex};
    world_.journal.documents.erase(name.text());
    std::filesystem::remove_all(directory(name));
  }
  std::filesystem::path directory(const InstanceName& name) const override {
    return world_.journal.files.path() / name.text();
  }

 private:
  OnEvent while_alive(const OnEvent& on_event) {
    return [this, &on_event](std::size_t place, const std::string& event) {
      if (power_.step()) on_event(place, event);
    };
  }
  Status fetch_now(const ObjectOrder& object, const std::filesystem::path& destination,
                   const std::stop_token& stop) {
    if (world_.objects.blocked) {
      std::mutex mutex;
      std::condition_variable_any nobody;
      std::unique_lock lock{mutex};
      nobody.wait(lock, stop, [] { return false; });
      return fail(ErrorCode::canceled, "the transfer was interrupted");
    }
    const std::lock_guard lock{world_.objects.mutex};
    ++world_.objects.fetched[object.url];
    if (world_.objects.refusal) return tl::unexpected(*world_.objects.refusal);
    return put_file(destination, world_.objects.by_url[object.url]);
  }
  FakeWorld& world_;
  Power& power_;
};

class FakeAgent {
 public:
  static constexpr std::uint64_t kCacheSize = 1U << 20U;
  static Limits quick_limits() {
    Limits limits;
    limits.first_pause = milliseconds{1};
    limits.longest_pause = milliseconds{4};
    limits.shortest_heartbeat = milliseconds{1};
    limits.console_look = milliseconds{1};
    return limits;
  }

  explicit FakeAgent(FakeWorld& the_world, int steps = 1 << 30, Limits the_limits = quick_limits())
      : limits{the_limits}, power{steps}, around_{the_world} {
    EXPECT_TRUE(cache.open());
    EXPECT_TRUE(instances.load() || power.is_off());
  }
  /// On a thread of its own, until this agent ends.
  void connect() {
    session_ = std::jthread{
        [this](const std::stop_token& stop) { Session{world, instances, commands, {}}.run(stop); }};
  }

  const Limits limits;
  Power power;

 private:
  FakeWorld& around_;
  Ports ports_{around_, power};
  static void log_line(const std::string& /*line*/) {}

 public:
  ImageCache cache{around_.cache.path(), kCacheSize, ports_};
  Completions completions{ports_, limits, log_line};
  World world{ports_, ports_, ports_, ports_, ports_, cache, completions, around_.clock, limits, log_line};
  Instances instances{world, {4, 4096}};
  Commands commands{world, instances, around_.platform};

 private:
  std::jthread session_;
};

// Commands as an orchestrator gives them.

inline void put_object(FakeWorld& world, v1::ObjectLocation& location, const std::string& url) {
  const auto content = as_bytes(url);
  const std::lock_guard lock{world.objects.mutex};  // an instance may be fetching
  world.objects.by_url[url] = to_bytes(content);
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha512, content);
  location.set_url(url);
  location.set_sha512(std::string{as_text(digest.view())});
  location.set_size(content.size());
}

inline v1::Command command_for(const std::string& launch_id, const std::string& name) {
  v1::Command command;
  command.set_command_id(launch_id + "/1/" + name);
  command.set_launch_id(launch_id);
  command.set_attempt(1);
  return command;
}

inline v1::Command start_command(FakeWorld& world, const std::string& launch_id = "launch") {
  auto command = command_for(launch_id, "start");
  auto& start = *command.mutable_start_instance();
  start.set_image_id("00112233445566778899aabbccddeeff");
  start.set_cmdline("quiet");
  start.set_cpus(1);
  start.set_memory_mib(512);
  put_object(world, *start.mutable_kernel(), "dir:kernel");
  put_object(world, *start.mutable_head(), "dir:head-of-" + launch_id);
  put_object(world, *start.mutable_initramfs_body(), "dir:body");
  put_object(world, *start.mutable_root_disk(), "dir:disk");
  start.set_reference_event_log("reference");
  return command;
}

inline v1::Command stop_command(const std::string& launch_id = "launch") {
  auto command = command_for(launch_id, "stop");
  command.mutable_stop_instance();
  return command;
}

}  // namespace sealift::agent
