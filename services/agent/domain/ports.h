// SPDX-License-Identifier: Apache-2.0
/// What the agent's domain needs of the world. Every call ends: it has a limit of its own, or a stop token.
/// All are used by several threads at once.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "sealift/v1/hosts.pb.h"
#include "services/agent/domain/start_order.h"

namespace sealift::agent {

/// The zone's orchestrator, whichever of its replicas answers at present.
class Orchestrator {
 public:
  virtual ~Orchestrator() = default;
  virtual Result<v1::RegisterResponse> register_host(const v1::RegisterRequest& request) = 0;
  virtual Result<v1::HeartbeatResponse> heartbeat(const v1::HeartbeatRequest& request) = 0;
  /// Until the stream ends, `on_command` fails (that is returned) or `stop`.
  virtual Status stream_commands(const std::function<Status(const v1::Command&)>& on_command,
                                 const std::stop_token& stop) = 0;
  virtual Status complete(const v1::CompleteCommandRequest& request) = 0;
  virtual Status report(const v1::ReportInstanceRequest& request) = 0;
  /// The present replica is of no use: the next calls go to another.
  virtual void try_another() = 0;
};

/// The TPM of this host. One question at a time.
class Platform {
 public:
  virtual ~Platform() = default;
  /// The TEE's evidence document.
  virtual Result<Bytes> evidence() = 0;
  virtual Result<Bytes> answer(ByteView question) = 0;
};

/// Where objects come from. Nothing that they say is believed but the digest.
class Objects {
 public:
  virtual ~Objects() = default;
  /// `destination` is whole, or not there, also after a loss of power.
  virtual Status fetch(const ObjectOrder& object, const std::filesystem::path& destination,
                       const std::stop_token& stop) = 0;
  /// The same for what no loss of power leaves a use for: nothing waits for the disk.
  virtual Status fetch_fleeting(const ObjectOrder& object, const std::filesystem::path& destination,
                                const std::stop_token& stop) = 0;
};

/// Disks that take what guests write.
class Overlays {
 public:
  virtual ~Overlays() = default;
  /// A new, empty one of `size` bytes.
  virtual Status make(const std::filesystem::path& overlay, std::uint64_t size) = 0;
};

/// What a guest is started from; the initramfs is head and body.
struct Guest {
  std::string id;
  std::string cmdline;
  std::uint32_t cpus;
  std::uint32_t memory_mib;
  std::filesystem::path kernel;
  std::filesystem::path head;
  std::filesystem::path initramfs_body;
  std::filesystem::path root_disk;
  std::filesystem::path overlay;
  std::filesystem::path console;
  Bytes reference_event_log;
  Bytes question = {};  ///< of a TEE that measures what it loads; then there is no head
};

/// How a launch ended: the guest's exit status, or why the ultravisor refused.
using Ending = std::variant<int, Error>;

/// The trusted component, which starts guests and outlives us.
class Ultravisor {
 public:
  /// The event at `place`, from 0.
  using OnEvent = std::function<void(std::size_t place, const std::string& event)>;
  virtual ~Ultravisor() = default;
  /// Starts it and follows it to its end, which includes that nobody is there to start it. An error says only
  /// that we lost sight of it: it may run. Never none.
  virtual Result<std::optional<Ending>> launch(const Guest& guest, const OnEvent& on_event,
                                               const std::stop_token& stop) = 0;
  /// Follows one from its first event on. None where that id is not known (any more).
  virtual Result<std::optional<Ending>> watch(const std::string& id, const OnEvent& on_event,
                                              const std::stop_token& stop) = 0;
  /// Of a TEE that measures what it loads: what it measured of one that is loaded, after its event
  /// "guest_loaded".
  virtual Result<Bytes> measurement(const std::string& id) {
    return fail(ErrorCode::unsupported, "nothing is measured before " + id + " runs", "question");
  }
  /// Lets it run. Succeeds again for one that runs.
  virtual Status release(const std::string& id, const v1::LaunchSecret& /*secret*/) {
    return fail(ErrorCode::unsupported, "nothing waits to be released as " + id, "release_instance");
  }
  /// not_found: it does not run, and never will.
  virtual Status stop(const std::string& id) = 0;
  /// The ids of all that live.
  virtual Result<std::vector<std::string>> list() = 0;
};

/// What must outlive us: one document for each instance, beside its other files.
class Journal {
 public:
  virtual ~Journal() = default;
  /// All documents, in no order.
  virtual Result<std::vector<Bytes>> load() = 0;
  enum class Survives : std::uint8_t { our_death, power_loss };
  /// The old document or the new one, whole.
  virtual Status save(const InstanceName& name, ByteView document, Survives survives) = 0;
  /// With all of the instance's files.
  virtual void remove(const InstanceName& name) = 0;
  /// Where the instance's files are; there after the first save().
  virtual std::filesystem::path directory(const InstanceName& name) const = 0;
};

/// One line of the log: no secrets, no URLs.
using Log = std::function<void(const std::string& line)>;

}  // namespace sealift::agent
