// SPDX-License-Identifier: Apache-2.0
#include "rpc/limits.h"

#include <algorithm>

namespace sealift::rpc {
namespace {

bool enter(std::mutex& mutex, std::size_t& used, std::size_t limit) {
  const std::lock_guard lock{mutex};
  if (used >= limit) return false;
  ++used;
  return true;
}

void leave(std::mutex& mutex, std::size_t& used) {
  const std::lock_guard lock{mutex};
  --used;
}

}  // namespace

const PeerLimits& default_limits(Role role) noexcept {
  switch (role) {
    case Role::frontend:
    case Role::orchestrator:
    case Role::security_module:
      return kServiceLimits;
    case Role::tenant:
    case Role::host:
    case Role::administrator:
      break;
  }
  return kCustomerLimits;
}

bool PeerUse::enter_connection() { return enter(mutex_, connections_, limits_.connections); }
void PeerUse::leave_connection() { leave(mutex_, connections_); }
bool PeerUse::enter_call() { return enter(mutex_, calls_, limits_.calls); }
void PeerUse::leave_call() { leave(mutex_, calls_); }
bool PeerUse::enter_stream() { return enter(mutex_, streams_, limits_.streams); }
void PeerUse::leave_stream() { leave(mutex_, streams_); }

void PeerUse::fill(Time now) {
  const auto passed = std::chrono::duration<double>(now - filled_).count();
  tokens_ = std::min(limits_.burst, tokens_ + std::max(0.0, passed) * limits_.calls_per_second);
  filled_ = now;
}

bool PeerUse::take_token(Time now) {
  const std::lock_guard lock{mutex_};
  fill(now);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

bool PeerUse::is_idle(Time now) {
  const std::lock_guard lock{mutex_};
  fill(now);
  return connections_ == 0 && calls_ == 0 && streams_ == 0 && tokens_ >= limits_.burst;
}

std::shared_ptr<PeerUse> PeerTable::find(const Identity& identity, PeerUse::Time now) {
  const std::lock_guard lock{mutex_};
  // Doubling keeps the cost of cleaning constant per identity seen.
  if (peers_.size() >= clean_at_) {
    std::erase_if(peers_, [now](const auto& each) { return each.second->is_idle(now); });
    clean_at_ = std::max<std::size_t>(1024, peers_.size() * 2);
  }
  auto& entry = peers_[identity.text()];
  if (!entry) {
    const auto given = limits_.find(identity.role);
    entry = std::make_shared<PeerUse>(given == limits_.end() ? default_limits(identity.role) : given->second,
                                      now);
  }
  return entry;
}

}  // namespace sealift::rpc
