// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/host_kind.h"

#include "services/orchestrator/domain/instance_image.h"

namespace sealift::orchestrator {
namespace {

constexpr const char* kLoad = "load";
constexpr std::size_t kPacketHeaderSize = 52;
constexpr std::size_t kMaxPacketPayload = 16UL * 1024;

Result<v1::Command> start_command(const Launch& launch, Objects& objects) {
  const auto& image = launch.document().image();
  v1::Command command;
  auto& start = *command.mutable_start_instance();
  start.set_image_id(image.image_id());
  start.set_cmdline(image.cmdline());
  start.set_cpus(static_cast<std::uint32_t>(launch.record().cpus));
  start.set_memory_mib(static_cast<std::uint32_t>(launch.record().memory_mib));
  start.set_reference_event_log(image.reference_event_log());
  SEALIFT_TRY(*start.mutable_kernel(), objects.locate(image.kernel()));
  SEALIFT_TRY(*start.mutable_initramfs_body(), objects.locate(image.initramfs_body()));
  SEALIFT_TRY(*start.mutable_root_disk(), objects.locate(image.root_disk()));
  return command;
}

EventKind of_host(std::string_view name, const EventKind& started) {
  if (name == event::kGuestEnded.name) return event::kGuestEnded;
  if (name == event::kImageFetched.name) return event::kImageFetched;
  if (name == event::kGuestLoaded.name) return event::kGuestLoaded;
  return started;
}

/// measured, pef: the image carries an operand, and into it goes sealed data.
class OpensSeals final : public HostKind {
 public:
  bool loads_first() const override { return false; }
  Status check_head(const v1::InstanceImage& image) const override { return check_operand(image); }
  Status ask(Launch& launch, const std::string& name, const std::string& question, Objects&) const override {
    v1::Command command;
    command.mutable_answer_question()->set_question(question);
    launch.command(name, std::move(command));
    return {};
  }
  std::string answer_command(const std::string& name) const override { return name; }
  milliseconds time_to_answer(const Limits& limits) const override { return limits.host_answer; }
  Status check(const Launch& launch, const Authorization& authorization) const override {
    SEALIFT_CHECK(head_with(launch.document().image(), authorization.sealed_data));
    return {};
  }
  Result<v1::Command> dispatch(const Launch& launch, Objects& objects) const override {
    const auto& document = launch.document();
    SEALIFT_TRY(const auto head, head_with(document.image(), document.sealed_data()));
    SEALIFT_TRY(auto command, start_command(launch, objects));
    SEALIFT_TRY(*command.mutable_start_instance()->mutable_head(),
                objects.put_head(launch.record().launch_id, head));
    return command;
  }
  EventKind host_event(std::string_view name) const override { return of_host(name, event::kGuestStarted); }
};

/// sev: the question is a session to load the image under, the answer its measurement, and the authorization
/// a packet for the guest that was measured.
class MeasuresWhatItLoads final : public HostKind {
 public:
  bool loads_first() const override { return true; }
  Status check_head(const v1::InstanceImage& image) const override {
    if (image.head().empty()) return {};
    return fail(ErrorCode::invalid_argument, "an image for such hosts has no head", "head");
  }
  Status ask(Launch& launch, const std::string&, const std::string& question,
             Objects& objects) const override {
    SEALIFT_TRY(auto command, start_command(launch, objects));
    command.mutable_start_instance()->set_question(question);
    launch.command(kLoad, std::move(command));
    return {};
  }
  std::string answer_command(const std::string&) const override { return kLoad; }
  /// The image is fetched in between.
  milliseconds time_to_answer(const Limits& limits) const override { return limits.start; }
  Status check(const Launch& launch, const Authorization& authorization) const override {
    const auto& secret = authorization.launch_secret;
    if (launch.document().question().empty())
      return fail(ErrorCode::failed_precondition, "the target has not loaded the image yet", "launch_secret");
    if (secret.header().size() == kPacketHeaderSize && !secret.payload().empty() &&
        secret.payload().size() <= kMaxPacketPayload)
      return {};
    return fail(ErrorCode::sealed_data_refused, "this is no packet that such a host takes", "launch_secret");
  }
  Result<v1::Command> dispatch(const Launch& launch, Objects&) const override {
    SEALIFT_CHECK(check(launch, authorization_in(launch.document())));
    v1::Command command;
    *command.mutable_release_instance()->mutable_secret() = launch.document().launch_secret();
    return command;
  }
  EventKind host_event(std::string_view name) const override { return of_host(name, event::kGuestReleased); }
};

}  // namespace

const HostKind& host_kind(std::string_view tee) {
  static const OpensSeals opens_seals;
  static const MeasuresWhatItLoads measures_what_it_loads;
  if (tee == "sev") return measures_what_it_loads;
  return opens_seals;
}

}  // namespace sealift::orchestrator
