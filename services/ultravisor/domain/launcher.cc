// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/launcher.h"

#include <future>

#include "formats/cpio/head.h"
#include "formats/esm/insertion.h"
#include "services/ultravisor/domain/explain.h"
#include "services/ultravisor/domain/launch_parts.h"

namespace sealift::ultravisor {
namespace {

/// Hashes what is pinned, each component on a thread of its own, while the TPM opens the seal.
class Measuring {
 public:
  Measuring(const Components& components, std::uint64_t rest_offset)
      : kernel_{std::async(std::launch::async, [&components] { return components.kernel.sha512(); })},
        initramfs_{std::async(std::launch::async, [&components, rest_offset] {
          return components.initramfs.sha512(rest_offset);
        })} {}

  Result<esm::Measured> finish(const std::string& cmdline) {
    SEALIFT_TRY(const auto kernel, kernel_.get());
    SEALIFT_TRY(const auto initramfs, initramfs_.get());
    return esm::Measured{
        kernel, initramfs, crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(cmdline)), {}};
  }

 private:
  std::future<Result<crypto::Digest>> kernel_;
  std::future<Result<crypto::Digest>> initramfs_;
};

}  // namespace

Result<int> MeasuredLauncher::run(LaunchRequest request, Launch& launch, const OnEvent& on_event) {
  SEALIFT_TRY(const auto components, pin_components(request.files));
  on_event("components_pinned");

  SEALIFT_TRY(const auto head,
              cpio::read_head([&](std::size_t count) { return components.initramfs.prefix(count); }));
  SEALIFT_TRY(const auto operand, esm::operand_of(head));
  on_event("operand_found");

  Measuring measuring{components, head.place.rest_offset};
  auto approved = tee::open_operand(
      operand, opener_, [&] { return measuring.finish(request.cmdline); },
      [&](tee::OpeningStep step) { on_event(tee::name(step)); });
  if (!approved) return tl::unexpected(explain(approved.error(), event_log_, request.files.reference.get()));
  SEALIFT_TRY(auto entries, (*std::move(approved)).take_customer_data());
  SEALIFT_TRY(auto customer_data, message_for_guest(std::move(entries)));

  if (launch.is_stopped())
    return fail(ErrorCode::canceled, "the launch was stopped before its guest started", "id");
  SEALIFT_TRY(const auto guest,
              runner_.start({request.id, components.kernel, components.initramfs, request.cmdline,
                             request.memory_mib, request.cpus, request.files.root_disk.get(),
                             request.files.overlay.get(), request.files.console.get()}));
  launch.started([known = std::weak_ptr{guest}] {
    if (const auto running = known.lock()) running->stop();
  });
  on_event("guest_started");
  SEALIFT_CHECK(guest->hand_over(std::exchange(customer_data, SecretBytes{})));
  on_event("customer_data_delivered");
  return guest->wait();
}

}  // namespace sealift::ultravisor
