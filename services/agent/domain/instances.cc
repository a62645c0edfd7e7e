// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/instances.h"

#include <fmt/core.h>

#include <algorithm>

namespace sealift::agent {

Status Instances::load() {
  SEALIFT_TRY(const auto documents, world_.journal.load());
  const std::lock_guard lock{mutex_};
  for (const auto& document : documents) {
    auto record = Record::parse(document);
    if (record) {
      add(*std::move(record));
    } else {
      world_.log("journal: " + record.error().message);  // its guest, if any, is a stranger
    }
  }
  return {};
}

void Instances::stop_strangers() {
  if (strangers_stopped_) return;
  const auto live = world_.ultravisor.list();
  if (!live) return world_.log("ultravisor: " + live.error().message);
  bool all_stopped = true;
  for (const auto& id : *live) {
    const auto name = InstanceName::parse(id);
    if (!name || find(*name) != nullptr) continue;  // other people's guests have other names
    world_.log(fmt::format("instance {}: the journal does not know it; it is stopped", id));
    const auto stopped = world_.ultravisor.stop(id);
    all_stopped = all_stopped && (stopped || stopped.error().code == ErrorCode::not_found);
  }
  strangers_stopped_ = all_stopped;
}

Instances::Found Instances::find(const InstanceName& name) const {
  const std::lock_guard lock{mutex_};
  const auto found = instances_.find(name);
  return found == instances_.end() ? nullptr : found->second;
}

std::vector<Instances::Found> Instances::all() const {
  const std::lock_guard lock{mutex_};
  std::vector<Found> found;
  for (const auto& [name, instance] : instances_) found.push_back(instance);
  return found;
}

Instances::Found Instances::add(Record record) {
  const auto name = record.name();
  return instances_.emplace(name, std::make_shared<Instance>(world_, std::move(record))).first->second;
}

Status Instances::check_count() const {
  const auto untold =
      std::ranges::count_if(instances_, [](const auto& entry) { return !entry.second->record().is_told(); });
  if (static_cast<std::size_t>(untold) < world_.limits.instances) return {};
  return fail(ErrorCode::resource_exhausted, "the host has as many instances as it takes", "instances");
}

Status Instances::check_room(const StartOrder& order) const {
  SEALIFT_CHECK(check_count());
  std::uint64_t cpus = order.cpus;
  std::uint64_t memory_mib = order.memory_mib;
  for (const auto& [name, instance] : instances_) {
    const auto record = instance->record();
    if (record.is_over()) continue;
    if (name.launch_id() == order.name.launch_id())
      return fail(ErrorCode::conflict, "another attempt at this launch is on this host", "attempt");
    cpus += record.cpus();
    memory_mib += record.memory_mib();
  }
  if (cpus > capacity_.cpus || memory_mib > capacity_.memory_mib)
    return fail(ErrorCode::resource_exhausted, "the host has no room for it now",
                cpus > capacity_.cpus ? "cpus" : "memory_mib");
  return {};
}

Status Instances::start(const std::string& command_id, StartOrder order) {
  forget_ended();
  Found instance;
  {
    const std::lock_guard lock{mutex_};
    const auto known = instances_.find(order.name);
    if (known == instances_.end()) {
      SEALIFT_CHECK(check_room(order));
      auto record = Record::accepted(order);
      // Where the machine forgets it, the command comes again and nothing has been started.
      const auto saved = world_.journal.save(order.name, record.serialise(), Journal::Survives::our_death);
      if (!saved) world_.journal.remove(order.name);
      SEALIFT_CHECK(saved);
      instance = add(std::move(record));
    } else {
      instance = known->second;
    }
  }
  instance->start(command_id, std::move(order));
  return {};
}

Status Instances::release(const InstanceName& name, const v1::LaunchSecret& secret) {
  const auto instance = find(name);
  if (!instance) return fail(ErrorCode::not_found, "this host does not know the instance", "launch_id");
  return instance->release(secret);
}

Status Instances::stop(const std::string& command_id, const InstanceName& name) {
  forget_ended();
  Found instance;
  {
    const std::lock_guard lock{mutex_};
    const auto known = instances_.find(name);
    if (known == instances_.end()) {
      SEALIFT_CHECK(check_count());
      const auto now = world_.clock.now().time_since_epoch();
      auto record = Record::canceled(name, std::chrono::duration_cast<milliseconds>(now).count());
      // Where that fails, a restart forgets it: the start that comes then is stopped by the orchestrator
      // again.
      (void)world_.journal.save(name, record.serialise(), Journal::Survives::power_loss);
      instance = add(std::move(record));
    } else {
      instance = known->second;
    }
  }
  instance->stop(command_id);
  return {};
}

void Instances::stop_launches(const std::set<std::string>& launch_ids) {
  for (const auto& instance : all()) {
    const auto record = instance->record();
    if (!record.is_over() && launch_ids.contains(record.name().launch_id())) instance->stop({});
  }
}

Result<v1::ConsoleResult> Instances::read_console(const InstanceName& name, std::uint64_t offset,
                                                  milliseconds limit, const std::stop_token& stop) {
  const auto instance = find(name);
  if (!instance)
    return fail(ErrorCode::not_found, "this host does not know the instance (any more)", "launch_id");
  return instance->read_console(offset, limit, stop);
}

std::vector<std::string> Instances::running() const {
  std::vector<std::string> ids;
  for (const auto& instance : all()) {
    const auto record = instance->record();
    if (!record.is_told()) ids.push_back(record.name().launch_id());
  }
  return ids;
}

void Instances::forget_ended() {
  const auto now = world_.clock.now().time_since_epoch();
  const auto now_ms = std::chrono::duration_cast<milliseconds>(now).count();
  std::vector<std::pair<std::int64_t, InstanceName>> ended;
  for (const auto& instance : all()) {
    const auto record = instance->record();
    if (record.is_told()) ended.emplace_back(record.ended_at_ms(), record.name());
  }
  std::ranges::sort(ended, std::greater{});
  std::vector<Found> forgotten;  // ends after the lock
  const std::lock_guard lock{mutex_};
  for (std::size_t i = 0; i < ended.size(); ++i) {
    const auto& [at, name] = ended[i];
    if (i < world_.limits.ended && now_ms - at < world_.limits.keep_ended.count()) continue;
    if (auto entry = instances_.extract(name)) {
      forgotten.push_back(std::move(entry.mapped()));
      world_.journal.remove(name);
    }
  }
}

}  // namespace sealift::agent
