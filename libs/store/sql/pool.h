// SPDX-License-Identifier: Apache-2.0
/// A bounded number of connections, made when they are first needed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"

namespace sealift::sql {

template <typename C>
class Pool {
 public:
  using Make = std::function<Result<std::unique_ptr<C>>()>;

  Pool(std::size_t size, Make make) : free_{size}, make_{std::move(make)} {}

  /// A connection while it lives; it goes back with its owner, or away where C::usable() says no.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<C> connection) : pool_{&pool}, connection_{std::move(connection)} {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (connection_) pool_->give_back(std::move(connection_));
    }
    C* operator->() const { return connection_.get(); }
    C& operator*() const { return *connection_; }

   private:
    Pool* pool_;
    std::unique_ptr<C> connection_;
  };

  /// unavailable where all are in use for long, or the error of making one.
  Result<Lease> borrow() {
    std::unique_ptr<C> connection;
    {
      std::unique_lock lock{mutex_};
      if (!returned_.wait_for(lock, kPatience, [&] { return free_ > 0; }))
        return fail(ErrorCode::unavailable, "all connections to the database are in use");
      --free_;
      if (!idle_.empty()) {
        connection = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (connection && connection->usable()) return Lease{*this, std::move(connection)};
    auto made = make_();
    if (made) return Lease{*this, std::move(*made)};
    give_back(nullptr);
    return tl::unexpected(std::move(made).error());
  }

 private:
  static constexpr std::chrono::seconds kPatience{10};

  void give_back(std::unique_ptr<C> connection) {
    const bool keep = connection && connection->usable();
    {
      const std::scoped_lock lock{mutex_};
      ++free_;
      if (keep) idle_.push_back(std::move(connection));
    }
    returned_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable returned_;
  std::size_t free_;
  std::vector<std::unique_ptr<C>> idle_;  // never more than are free: the last used is used next
  Make make_;
};

}  // namespace sealift::sql
