// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/launcher.h"

#include <future>

#include "formats/cpio/head.h"
#include "formats/esm/insertion.h"
#include "services/ultravisor/domain/launch_parts.h"

namespace sealift::ultravisor {
namespace {

/// Hashes what is pinned and was not kept, each component on a thread of its own, while the TPM opens the
/// seal.
class Measuring {
 public:
  Measuring(const Components& components, std::uint64_t rest_offset, KeptComponents& kept)
      : components_{components},
        rest_offset_{rest_offset},
        kept_{kept},
        kernel_{std::async(std::launch::async, [this] { return kept_.sha512(components_.kernel, 0); })},
        initramfs_{std::async(std::launch::async,
                              [this] { return kept_.sha512(components_.initramfs, rest_offset_); })} {}

  esm::Measured finish(const std::string& cmdline) {
    measured_.kernel = kernel_.get();
    measured_.initramfs = initramfs_.get();
    measured_.cmdline = crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(cmdline));
    return measured_;
  }
  /// What was measured is approved.
  void keep() {
    kept_.keep(components_.kernel, 0, measured_.kernel);
    kept_.keep(components_.initramfs, rest_offset_, measured_.initramfs);
  }

 private:
  const Components& components_;
  std::uint64_t rest_offset_;
  KeptComponents& kept_;
  std::future<crypto::Digest> kernel_;
  std::future<crypto::Digest> initramfs_;
  esm::Measured measured_;
};

}  // namespace

Result<int> MeasuredLauncher::run(LaunchRequest request, Launch& launch, const OnEvent& on_event) {
  SEALIFT_TRY(const auto components, pin_components(request.files, kept_));
  on_event("components_pinned");

  SEALIFT_TRY(const auto head, cpio::read_head([&](std::size_t count) -> Result<Bytes> {
                return components.initramfs.prefix(count);
              }));
  SEALIFT_TRY(const auto operand, esm::operand_of(head));
  on_event("operand_found");

  Measuring measuring{components, head.place.rest_offset, kept_};
  auto approved = tee::open_operand(
      operand, opener_, [&]() -> Result<esm::Measured> { return measuring.finish(request.cmdline); },
      [&](tee::OpeningStep step) { on_event(tee::name(step)); });
  if (!approved) return tl::unexpected(explain(approved.error(), records_, request.files.reference.get()));
  measuring.keep();
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
