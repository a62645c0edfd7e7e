// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/adapters/host_streams.h"

namespace sealift::orchestrator {
namespace {

constexpr milliseconds kLook{100};  // another replica's commands raise no signal here
constexpr int kPage = 1024;         // more than a host has guests

}  // namespace

HostStreams::HostStreams(Stores stores, Signal& signal)
    : stores_{stores}, signal_{signal}, thread_{[this](const std::stop_token& stop) { serve(stop); }} {}

void HostStreams::add(const std::string& host_id, rpc::Stream<v1::Command> stream) {
  {
    const std::lock_guard lock{mutex_};
    connected_.insert_or_assign(host_id, stream);
    added_.insert_or_assign(host_id, HostStream{std::move(stream)});
  }
  signal_.raise();
}

bool HostStreams::has(const std::string& host_id) {
  const std::lock_guard lock{mutex_};
  const auto found = connected_.find(host_id);
  return found != connected_.end() && !found->second.closed();
}

bool HostStreams::send(const std::string& host_id, const v1::Command& command) {
  const std::lock_guard lock{mutex_};
  const auto found = connected_.find(host_id);
  return found != connected_.end() && found->second.send(command);
}

void HostStreams::serve(const std::stop_token& stop) {
  std::map<std::string, HostStream> hosts;
  for (auto seen = signal_.count(); !stop.stop_requested(); seen = signal_.wait(seen, kLook)) {
    std::map<std::string, HostStream> added;
    {
      const std::lock_guard lock{mutex_};
      added.swap(added_);
    }
    for (auto& [id, host] : added) {
      if (const auto before = hosts.find(id); before != hosts.end()) before->second.stream.finish();
      hosts.insert_or_assign(id, std::move(host));
    }
    for (auto host = hosts.begin(); host != hosts.end();) {
      if (serve(host->first, host->second)) {
        ++host;
        continue;
      }
      forget(host->first);
      host = hosts.erase(host);
    }
  }
}

/// Its stream has ended, unless there is a new one meanwhile.
void HostStreams::forget(const std::string& host_id) {
  const std::lock_guard lock{mutex_};
  const auto found = connected_.find(host_id);
  if (found != connected_.end() && found->second.closed()) connected_.erase(found);
}

bool HostStreams::serve(const std::string& host_id, HostStream& host) {
  if (host.stream.closed()) return false;
  const auto pending = stores_.commands.pending(host_id, {}, kPage);
  if (!pending) return true;  // the store is asked again
  std::set<std::string> waiting;
  for (const auto& record : *pending) {
    if (host.sent.contains(record.command_id)) {
      waiting.insert(record.command_id);
      continue;
    }
    v1::Command command;
    if (!command.ParseFromArray(record.payload.data(), static_cast<int>(record.payload.size()))) continue;
    if (!host.stream.send(command)) break;  // it reads slowly, or is gone
    waiting.insert(record.command_id);
  }
  host.sent = std::move(waiting);
  return true;
}

}  // namespace sealift::orchestrator
