// SPDX-License-Identifier: Apache-2.0
#include "rpc/credentials.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include "rpc/credential_set.h"

namespace sealift::rpc {
namespace {

using Steady = std::chrono::steady_clock;
constexpr auto kLookEvery = std::chrono::seconds{1};

std::int64_t ticks(Steady::time_point time) { return time.time_since_epoch().count(); }

}  // namespace

/// Changes whenever a file is written or replaced.
struct Credentials::Stamp {
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified = 0;  // nanoseconds

  static Stamp of(const std::filesystem::path& path) {
    struct stat about{};
    if (::stat(path.c_str(), &about) != 0) return {};
    return {about.st_ino, about.st_size, about.st_mtim.tv_sec * 1'000'000'000 + about.st_mtim.tv_nsec};
  }
  bool operator==(const Stamp&) const = default;
};

Credentials::Credentials(CredentialFiles files, std::shared_ptr<const CredentialSet> set,
                         std::vector<Stamp> stamps)
    : files_{std::move(files)},
      identity_{set->identity()},
      next_look_{ticks(Steady::now() + kLookEvery)},
      set_{std::move(set)},
      stamps_{std::move(stamps)} {}

Credentials::~Credentials() = default;

std::vector<Credentials::Stamp> Credentials::stamps_of(const CredentialFiles& files) {
  std::vector<Stamp> stamps{Stamp::of(files.certificate_chain), Stamp::of(files.private_key)};
  for (const auto& trust : files.trust) {
    stamps.push_back(Stamp::of(trust.roots));
    for (const auto& list : trust.revocation_lists) stamps.push_back(Stamp::of(list));
  }
  return stamps;
}

Result<std::shared_ptr<Credentials>> Credentials::load(CredentialFiles files) {
  // Taken before reading: what changes meanwhile is seen at the next look.
  auto stamps = stamps_of(files);
  SEALIFT_TRY(auto set, CredentialSet::read(files, SystemClock{}.now()));
  return std::shared_ptr<Credentials>{new Credentials{std::move(files), std::move(set), std::move(stamps)}};
}

std::shared_ptr<const CredentialSet> Credentials::current() {
  const auto now = ticks(Steady::now());
  auto due = next_look_.load(std::memory_order_relaxed);
  const bool ours =
      now >= due && next_look_.compare_exchange_strong(due, now + ticks(Steady::time_point{kLookEvery}));
  if (ours) refresh();
  const std::lock_guard lock{mutex_};
  return set_;
}

Status Credentials::problem() const {
  const std::lock_guard lock{mutex_};
  return problem_;
}

void Credentials::refresh() {
  auto stamps = stamps_of(files_);
  if (std::lock_guard lock{mutex_}; stamps == stamps_) {
    problem_ = {};
    return;
  }
  auto read = CredentialSet::read(files_, SystemClock{}.now());
  if (read && !((*read)->identity() == identity_)) {
    read = fail(ErrorCode::invalid_argument,
                fmt::format("{} names {}, but this process is {}", files_.certificate_chain.string(),
                            (*read)->identity().text(), identity_.text()),
                "certificate_chain");
  }
  const std::lock_guard lock{mutex_};
  if (!read) {
    // The stamps stay the old ones, so that the next look tries again.
    problem_ = tl::unexpected(std::move(read).error());
    return;
  }
  problem_ = {};
  set_ = *std::move(read);
  stamps_ = std::move(stamps);
}

}  // namespace sealift::rpc
