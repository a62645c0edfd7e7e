// SPDX-License-Identifier: Apache-2.0
#include "services/agent/adapters/sev_guest_run.h"

#include <fcntl.h>

#include "base/file.h"
#include "tee/sev/documents.h"

namespace sealift::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 100ms;
constexpr const char* kRootDiskSerial = "sealift-root";

Error canceled() { return {ErrorCode::canceled, "stopped as it was asked for", {}, {}}; }

}  // namespace

SevGuestRun::SevGuestRun(SevHost host, std::filesystem::path firmware, Guest guest)
    : host_{std::move(host)}, firmware_{std::move(firmware)}, order_{std::move(guest)} {
  thread_ = std::jthread{[this](const std::stop_token& quit) {
    auto ending = run(quit);
    const Lock lock{mutex_};
    guest_.reset();
    ending_ = std::move(ending);
    changed_.notify_all();
  }};
}

SevGuestRun::~SevGuestRun() { stop(); }

void SevGuestRun::happened(const std::string& event) {
  events_.push_back(event);
  changed_.notify_all();
}

Result<SevGuestSpec> SevGuestRun::spec(int console) const {
  SEALIFT_TRY(const auto request, sev::parse_launch_request(order_.question));
  SevGuestSpec spec;
  spec.firmware = firmware_;
  spec.kernel = order_.kernel;
  spec.initramfs = order_.initramfs_body;
  spec.root_disk = order_.root_disk;
  spec.root_disk_serial = kRootDiskSerial;
  spec.cmdline = order_.cmdline;
  spec.cpus = order_.cpus;
  spec.memory_mib = order_.memory_mib;
  spec.policy = request.policy.value();
  spec.godh = request.godh;
  spec.session = request.session;
  spec.console = console;
  return spec;
}

Ending SevGuestRun::run(const std::stop_token& quit) {
  const auto console = open_file(order_.console, O_WRONLY | O_APPEND);
  if (!console) return console.error();
  const auto capabilities = query_capabilities(host_);
  if (!capabilities) return capabilities.error();
  const auto wanted = spec(console->get());
  if (!wanted) return wanted.error();
  auto guest = SevGuest::start_paused(host_, *capabilities, *wanted);
  if (!guest) return guest.error();
  const auto measured = guest->measured();
  if (!measured) return measured.error();
  {
    const Lock lock{mutex_};
    if (quit.stop_requested()) return canceled();
    guest_.emplace(std::move(*guest));
    measurement_ = measured->measurement;
    happened("guest_loaded");
  }
  // Only this thread ends it or takes it away.
  for (;;) {
    const auto status = guest_->wait(kLook);
    if (!status && status.error().code != ErrorCode::timeout) return status.error();
    const Lock lock{mutex_};
    if (status && !released_ && quit.stop_requested()) return canceled();
    if (status && !released_)
      return Error{ErrorCode::guest_failed, "QEMU ended before the guest was released", "qemu", {}};
    if (status) return *status;
    if (quit.stop_requested()) guest_->stop();
  }
}

Result<std::optional<Ending>> SevGuestRun::follow(const Ultravisor::OnEvent& on_event,
                                                  const std::stop_token& stop) {
  Lock lock{mutex_};
  for (std::size_t place = 0;; ++place) {
    if (!changed_.wait(lock, stop, [&] { return events_.size() > place || ending_.has_value(); }))
      return fail(ErrorCode::canceled, "not followed any more");
    if (events_.size() <= place) return ending_;
    const auto event = events_[place];
    lock.unlock();
    on_event(place, event);
    lock.lock();
  }
}

Result<Bytes> SevGuestRun::measurement() {
  const Lock lock{mutex_};
  if (!measurement_.empty()) return measurement_;
  return fail(ErrorCode::failed_precondition, "the guest is not loaded yet", "state");
}

Status SevGuestRun::release(const v1::LaunchSecret& secret) {
  const Lock lock{mutex_};
  if (released_) return {};
  if (!guest_ || ending_)
    return fail(ErrorCode::not_found, "no guest waits here to be released", "launch_id");
  SEALIFT_CHECK(guest_->inject(as_bytes(secret.header()), as_bytes(secret.payload())));
  SEALIFT_CHECK(guest_->resume());
  released_ = true;
  happened("guest_started");
  return {};
}

void SevGuestRun::stop() { thread_.request_stop(); }

bool SevGuestRun::has_ended() {
  const Lock lock{mutex_};
  return ending_.has_value();
}

}  // namespace sealift::agent
