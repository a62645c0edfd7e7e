// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/launches.h"

#include <utility>

namespace sealift::ultravisor {
namespace {

Error stopped_before() {
  return {ErrorCode::canceled, "the launch was stopped before its guest started", "id", {}};
}

}  // namespace

void Launch::note(std::string_view event) {
  const std::lock_guard lock{mutex_};
  replies_.emplace_back(Event{std::string{event}, {}});
  said_.notify_all();
}

void Launch::started(std::function<void()> stop) {
  const std::lock_guard lock{mutex_};
  stop_ = std::move(stop);
  if (stopped_) stop_();
}

void Launch::end(Reply last) {
  const std::lock_guard lock{mutex_};
  replies_.push_back(std::move(last));
  over_ = true;
  stop_ = nullptr;
  said_.notify_all();
}

void Launch::stop() {
  const std::lock_guard lock{mutex_};
  stopped_ = true;
  if (stop_) stop_();
}

bool Launch::is_stopped() const {
  const std::lock_guard lock{mutex_};
  return stopped_;
}

bool Launch::is_over() const {
  const std::lock_guard lock{mutex_};
  return over_;
}

Launch::News Launch::after(std::size_t seen, std::chrono::milliseconds limit) const {
  std::unique_lock lock{mutex_};
  said_.wait_for(lock, limit, [&] { return replies_.size() > seen || over_; });
  News news{{}, over_};
  if (seen < replies_.size())
    news.replies.assign(replies_.begin() + static_cast<std::ptrdiff_t>(seen), replies_.end());
  return news;
}

std::shared_ptr<Launch> Launches::known(const std::string& id) const {
  const auto found = launches_.find(id);
  return found == launches_.end() ? nullptr : found->second;
}

void Launches::remember(const std::string& id) {
  over_.push_back(id);
  if (over_.size() <= kRemembered) return;
  launches_.erase(over_.front());
  over_.pop_front();
}

Result<std::shared_ptr<Launch>> Launches::begin(const std::string& id) {
  const std::lock_guard lock{mutex_};
  if (known(id)) return fail(ErrorCode::already_exists, "there was a launch " + id + " already", "id");
  return launches_.emplace(id, std::make_shared<Launch>()).first->second;
}

void Launches::end(const std::string& id, Reply last) {
  const std::lock_guard lock{mutex_};
  known(id)->end(std::move(last));
  remember(id);
}

std::shared_ptr<Launch> Launches::find(const std::string& id) const {
  const std::lock_guard lock{mutex_};
  return known(id);
}

Status Launches::stop(const std::string& id) {
  const std::lock_guard lock{mutex_};
  const auto launch = known(id);
  if (launch && !launch->is_over()) {
    launch->stop();
    return {};
  }
  if (!launch) {
    launches_.emplace(id, std::make_shared<Launch>()).first->second->end(stopped_before());
    remember(id);
  }
  return fail(ErrorCode::not_found, "no guest named " + id + " runs", "id");
}

void Launches::stop_all() {
  const std::lock_guard lock{mutex_};
  for (const auto& [id, launch] : launches_) launch->stop();
}

std::vector<std::string> Launches::live() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> ids;
  for (const auto& [id, launch] : launches_) {
    if (!launch->is_over()) ids.push_back(id);
  }
  return ids;
}

}  // namespace sealift::ultravisor
