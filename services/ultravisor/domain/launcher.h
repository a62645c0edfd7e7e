// SPDX-License-Identifier: Apache-2.0
/// One launch, from the host agent's request to the end of the guest (design section 7).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "services/ultravisor/api/messages.h"
#include "services/ultravisor/domain/explain.h"
#include "services/ultravisor/domain/kept_components.h"
#include "services/ultravisor/domain/launches.h"
#include "tee/opening.h"

namespace sealift::ultravisor {

/// What a guest is started from. Kernel and initramfs are the verified bytes themselves.
struct GuestSpec {
  std::string id;
  const PinnedFile& kernel;
  const PinnedFile& initramfs;
  std::string cmdline;
  std::uint32_t memory_mib;
  std::uint32_t cpus;
  int root_disk;
  int overlay;
  int console;
};

class RunningGuest {
 public:
  virtual ~RunningGuest() = default;
  /// Gives it the customer data, once, when its unlock agent asks for them.
  virtual Status hand_over(const SecretBytes& customer_data) = 0;
  /// Until it ends; its exit status.
  virtual Result<int> wait() = 0;
  /// Ends it; from any thread.
  virtual void stop() = 0;
};

/// Where guests run.
class GuestRunner {
 public:
  virtual ~GuestRunner() = default;
  virtual Result<std::shared_ptr<RunningGuest>> start(const GuestSpec& spec) = 0;
};

/// Told of each step that went well: "components_pinned", "operand_found", the steps of tee/opening.h,
/// "guest_started", "customer_data_delivered".
using OnEvent = std::function<void(std::string_view)>;

/// One per kind of host.
class Launcher {
 public:
  virtual ~Launcher() = default;
  /// Verifies, starts and hands over; returns the guest's exit status when it has ended. canceled where
  /// `launch` was stopped before.
  virtual Result<int> run(LaunchRequest request, Launch& launch, const OnEvent& on_event) = 0;
};

/// Verifies before the first guest instruction.
class MeasuredLauncher final : public Launcher {
 public:
  /// `records`: to explain a refusal. The others outlive the launcher.
  MeasuredLauncher(tee::SealOpener& opener, GuestRunner& runner, KeptComponents& kept, Records records)
      : opener_{opener}, runner_{runner}, kept_{kept}, records_{std::move(records)} {}

  Result<int> run(LaunchRequest request, Launch& launch, const OnEvent& on_event) override;

 private:
  tee::SealOpener& opener_;
  GuestRunner& runner_;
  KeptComponents& kept_;
  const Records records_;
};

}  // namespace sealift::ultravisor
