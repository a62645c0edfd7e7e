// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/image_cache.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/file.h"

namespace sealift::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameSize = 128;

bool is_name(const std::string& name) {
  return name.size() == kNameSize &&
         std::ranges::all_of(name, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Status make_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (!error) return {};
  return fail(ErrorCode::io_error, "cannot make " + directory.string() + ": " + error.message());
}

}  // namespace

Status ImageCache::open() {
  SEALIFT_CHECK(make_directory(directory_));
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{directory_, error}) {
    auto name = entry.path().filename().string();
    if (is_name(name) && entry.is_regular_file(error)) {
      found.emplace_back(entry.last_write_time(error), std::move(name));
    } else {
      fs::remove_all(entry.path(), error);
    }
  }
  std::ranges::sort(found);
  const std::lock_guard lock{mutex_};
  for (const auto& [time, name] : found) {
    const auto size = fs::file_size(directory_ / name, error);
    if (error) return fail(ErrorCode::io_error, "cannot read the image cache: " + error.message());
    entries_[name] = Entry{size, ++uses_, true};
    taken_ += size;
  }
  return {};
}

ImageCache::Use ImageCache::use(Entries::value_type& found) {
  auto& [name, entry] = found;
  entry.last_use = ++uses_;
  std::error_code ignored;
  const auto path = directory_ / name;
  fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);  // for the order after a restart
  auto shared = entry.use.lock();
  if (!shared) entry.use = shared = std::make_shared<const fs::path>(path);
  return shared;
}

ImageCache::Use ImageCache::hold(const crypto::Digest& digest) {
  const std::lock_guard lock{mutex_};
  const auto found = entries_.find(to_hex(digest.view()));
  return found == entries_.end() || !found->second.is_whole ? nullptr : use(*found);
}

Result<ImageCache::Use> ImageCache::get(const ObjectOrder& wanted, const std::stop_token& stop) {
  const auto name = to_hex(wanted.sha512.view());
  std::unique_lock lock{mutex_};
  const auto not_in_the_making = [&] {
    const auto found = entries_.find(name);
    return found == entries_.end() || found->second.is_whole;
  };
  if (!fetched_.wait(lock, stop, not_in_the_making))
    return fail(ErrorCode::canceled, "the transfer was interrupted");
  if (!entries_.contains(name)) SEALIFT_CHECK(fetch(wanted, name, stop, lock));
  auto& found = *entries_.find(name);
  if (found.second.size != wanted.size)
    return differs(ErrorCode::object_differs,
                   fmt::format("the object has {} bytes, not {}", found.second.size, wanted.size), "size",
                   std::to_string(wanted.size), std::to_string(found.second.size));
  return use(found);
}

Status ImageCache::fetch(const ObjectOrder& wanted, const std::string& name, const std::stop_token& stop,
                         std::unique_lock<std::mutex>& lock) {
  SEALIFT_CHECK(make_room(wanted.size));
  entries_[name].size = wanted.size;
  taken_ += wanted.size;
  const auto path = directory_ / name;
  auto fetched = Status{};
  do {
    lock.unlock();
    fetched = objects_.fetch(wanted, path, stop);
    lock.lock();
    // The disk may be smaller than our bound.
  } while (!fetched && fetched.error().code == ErrorCode::no_space && evict_one());
  if (fetched) {
    entries_[name].is_whole = true;
  } else {
    std::error_code ignored;
    fs::remove(path.string() + ".part", ignored);
    taken_ -= wanted.size;
    entries_.erase(name);
  }
  fetched_.notify_all();
  return fetched;
}

Status ImageCache::make_room(std::uint64_t size) {
  if (size > limit_)
    return fail(ErrorCode::no_space, fmt::format("the image cache has {} bytes, not {}", limit_, size),
                "size");
  while (taken_ > limit_ - size) {
    if (!evict_one()) return fail(ErrorCode::no_space, "the image cache is full of images in use", "size");
  }
  return {};
}

/// The least recently used that nobody uses; false where there is none.
bool ImageCache::evict_one() {
  auto oldest = entries_.end();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (!entry->second.is_whole || !entry->second.use.expired()) continue;
    if (oldest == entries_.end() || entry->second.last_use < oldest->second.last_use) oldest = entry;
  }
  if (oldest == entries_.end()) return false;
  std::error_code error;
  fs::remove(directory_ / oldest->first, error);
  taken_ -= oldest->second.size;
  entries_.erase(oldest);
  return true;
}

}  // namespace sealift::agent
