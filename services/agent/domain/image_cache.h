// SPDX-License-Identifier: Apache-2.0
/// Kernels, initramfs bodies and root disks by their digest, shared by all instances: each is fetched once,
/// and the least recently used goes first when the bound is reached. What an instance uses stays.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "services/agent/domain/ports.h"

namespace sealift::agent {

class ImageCache {
 public:
  /// `limit` in bytes.
  ImageCache(std::filesystem::path directory, std::uint64_t limit, Objects& objects)
      : directory_{std::move(directory)}, limit_{limit}, objects_{objects} {}
  /// Finds what is there from before; what is not whole is removed.
  Status open();

  /// While it lives the object stays.
  using Use = std::shared_ptr<const std::filesystem::path>;
  /// Fetches it where it is not there. no_space where everything else is in use; object_differs, and what
  /// Objects::fetch says. Threads that want the same wait for one of them.
  Result<Use> get(const ObjectOrder& wanted, const std::stop_token& stop);
  /// Of an instance from before our restart; null where it is not there.
  Use hold(const crypto::Digest& digest);

 private:
  struct Entry {
    std::uint64_t size = 0;
    std::uint64_t last_use = 0;  ///< larger is later
    bool is_whole = false;
    std::weak_ptr<const std::filesystem::path> use = {};
  };
  using Entries = std::map<std::string, Entry>;  // by the digest in hexadecimal, which is the file's name

  Use use(Entries::value_type& entry);
  Status make_room(std::uint64_t size);
  bool evict_one();
  Status fetch(const ObjectOrder& wanted, const std::string& name, const std::stop_token& stop,
               std::unique_lock<std::mutex>& lock);

  const std::filesystem::path directory_;
  const std::uint64_t limit_;
  Objects& objects_;
  std::mutex mutex_;
  std::condition_variable_any fetched_;
  Entries entries_;
  std::uint64_t taken_ = 0;  ///< bytes, with those that are being fetched
  std::uint64_t uses_ = 0;
};

}  // namespace sealift::agent
