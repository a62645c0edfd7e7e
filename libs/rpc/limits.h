// SPDX-License-Identifier: Apache-2.0
/// How much of a server one peer may use, so that one tenant cannot starve another. Per identity, over all
/// its connections.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "rpc/identity.h"

namespace sealift::rpc {

struct PeerLimits {
  std::size_t connections;
  std::size_t calls;    ///< unary calls at once
  std::size_t streams;  ///< at once
  double calls_per_second;
  double burst;  ///< calls that may come at once after a pause
};

/// For those of whom there are many, and who are not ours: tenants, operators, hosts.
inline constexpr PeerLimits kCustomerLimits{64, 16, 64, 200, 400};
/// For our own services, which speak for many.
inline constexpr PeerLimits kServiceLimits{1024, 512, 16384, 50'000, 50'000};
const PeerLimits& default_limits(Role role) noexcept;

/// What one identity uses now. Thread-safe.
class PeerUse {
 public:
  using Time = std::chrono::steady_clock::time_point;
  PeerUse(const PeerLimits& limits, Time now) noexcept
      : limits_{limits}, tokens_{limits.burst}, filled_{now} {}

  /// Each is false where the limit is reached; what was entered must be left.
  bool enter_connection();
  void leave_connection();
  bool enter_call();
  void leave_call();
  bool enter_stream();
  void leave_stream();
  /// One call of the rate.
  bool take_token(Time now);
  /// Nothing is used and the rate's burst is full again: forgetting this one changes nothing.
  bool is_idle(Time now);

 private:
  void fill(Time now);
  const PeerLimits limits_;
  std::mutex mutex_;
  std::size_t connections_ = 0;
  std::size_t calls_ = 0;
  std::size_t streams_ = 0;
  double tokens_;
  Time filled_;
};

/// Every identity's use.
class PeerTable {
 public:
  explicit PeerTable(std::map<Role, PeerLimits> limits) : limits_{std::move(limits)} {}
  std::shared_ptr<PeerUse> find(const Identity& identity, PeerUse::Time now);

 private:
  std::map<Role, PeerLimits> limits_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<PeerUse>> peers_;
  std::size_t clean_at_ = 1024;
};

}  // namespace sealift::rpc
