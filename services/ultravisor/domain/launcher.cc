// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/launcher.h"

#include <array>

#include "formats/cpio/head.h"
#include "formats/esm/insertion.h"
#include "guest/agent/customer_data.h"
#include "services/ultravisor/domain/explain.h"

namespace sealift::ultravisor {
namespace {

constexpr std::uint64_t kMaxKernel = 256ULL << 20U;
constexpr std::uint64_t kMaxInitramfs = 8ULL << 30U;

/// Kernel and initramfs as they will run.
struct Components {
  PinnedFile kernel;
  PinnedFile initramfs;
};

Result<Components> pin(const LaunchFiles& files) {
  SEALIFT_TRY(auto kernel, PinnedFile::pin(std::array{files.kernel.get()}, kMaxKernel, "kernel"));
  std::vector<int> parts{files.initramfs.get()};
  if (files.initramfs_head) parts.insert(parts.begin(), files.initramfs_head.get());
  SEALIFT_TRY(auto initramfs, PinnedFile::pin(parts, kMaxInitramfs, "initramfs"));
  return Components{std::move(kernel), std::move(initramfs)};
}

Result<esm::Measured> measure(const Components& components, const std::string& cmdline,
                              std::uint64_t rest_offset) {
  SEALIFT_TRY(const auto kernel, components.kernel.sha512());
  SEALIFT_TRY(const auto initramfs, components.initramfs.sha512(rest_offset));
  return esm::Measured{
      kernel, initramfs, crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(cmdline)), {}};
}

/// The customer data as the one message for the guest; they exist nowhere else afterwards.
Result<SecretBytes> message_for_guest(esm::ApprovedOperand approved) {
  SEALIFT_TRY(auto customer_data, std::move(approved).take_customer_data());
  std::vector<guest::CustomerData> entries;
  entries.reserve(customer_data.size());
  for (auto& entry : customer_data) entries.push_back({entry.name, std::move(entry.value)});
  return guest::encode_customer_data(entries);
}

}  // namespace

Result<int> Launcher::run(LaunchRequest request, Launch& launch, const OnEvent& on_event) {
  SEALIFT_TRY(const auto components, pin(request.files));
  on_event("components_pinned");

  SEALIFT_TRY(const auto head,
              cpio::read_head([&](std::size_t count) { return components.initramfs.prefix(count); }));
  SEALIFT_TRY(const auto operand, esm::operand_of(head));
  on_event("operand_found");

  SEALIFT_TRY(const auto measured, measure(components, request.cmdline, head.place.rest_offset));
  auto approved = tee::open_operand(operand, opener_, measured,
                                    [&](tee::OpeningStep step) { on_event(tee::name(step)); });
  if (!approved) return tl::unexpected(explain(approved.error(), event_log_, request.files.reference.get()));
  SEALIFT_TRY(auto customer_data, message_for_guest(*std::move(approved)));

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
