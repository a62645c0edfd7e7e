// SPDX-License-Identifier: Apache-2.0
/// SEV on this host, by QEMU: what the machine shows, and one guest from its paused start to its end.
/// Everything here is relayed: the owner believes none of it before it is verified.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "services/agent/sev/qmp.h"

namespace sealift::agent {

struct SevHost {
  std::string qemu = "qemu-system-x86_64";  ///< or what stands in for it, with a PSP of its own
  std::vector<std::string> environment;     ///< "NAME=value"
  std::vector<std::string> prefix = {};     ///< what starts QEMU: "setpriv", …
  std::string cpu = "EPYC";                 ///< the model that guests see
};

/// query-sev-capabilities.
struct SevCapabilities {
  Bytes pdh;
  Bytes chain;  ///< PEK, OCA, CEK; the CEK without AMD's signature
  Bytes chip_id;
  /// Of the PSP's firmware; zeros where QEMU does not tell (platform_status.h).
  std::uint8_t api_major = 0;
  std::uint8_t api_minor = 0;
  std::uint8_t build = 0;
  std::uint32_t c_bit = 0;
  std::uint32_t reduced_physical_bits = 0;
};
Result<SevCapabilities> query_capabilities(const SevHost& host);

struct SevGuestSpec {
  std::filesystem::path firmware;
  std::filesystem::path kernel;
  std::filesystem::path initramfs;
  std::filesystem::path root_disk;  ///< raw; what the guest writes is thrown away at its end
  std::string root_disk_serial;
  std::string cmdline;
  std::uint32_t cpus = 1;
  std::uint32_t memory_mib = 0;
  std::uint32_t policy = 0;
  Bytes godh;
  Bytes session;
  int console = -1;  ///< the guest's serial port goes there
};

/// query-sev and query-sev-launch-measure.
struct SevMeasured {
  Bytes measurement;
  std::uint8_t api_major = 0;
  std::uint8_t api_minor = 0;
  std::uint8_t build = 0;
  std::uint32_t policy = 0;
};

/// A guest; killed on destruction.
class SevGuest {
 public:
  /// LAUNCH_START to LAUNCH_MEASURE; not one instruction of it runs. refusal_from() has the codes.
  static Result<SevGuest> start_paused(const SevHost& host, const SevCapabilities& capabilities,
                                       const SevGuestSpec& spec);

  Result<SevMeasured> measured() const;
  /// LAUNCH_SECRET, where the firmware keeps room for it.
  Status inject(ByteView header, ByteView payload) const;
  /// LAUNCH_FINISH; the guest runs.
  Status resume() const;
  /// ATTESTATION: 208 bytes.
  Result<Bytes> report(ByteView nonce) const;
  /// Its exit status; timeout while it runs.
  Result<int> wait(std::chrono::milliseconds limit) { return qemu_.wait(limit); }
  void stop() const noexcept;

 private:
  SevGuest(TemporaryDirectory directory, Child qemu, Qmp qmp)
      : directory_{std::move(directory)}, qemu_{std::move(qemu)}, qmp_{std::move(qmp)} {}
  TemporaryDirectory directory_;
  Child qemu_;
  Qmp qmp_;
};

/// QEMU's arguments for it: `session` and `godh` are files with base64, `qmp` the control socket.
struct SevGuestFiles {
  std::filesystem::path qmp;
  std::filesystem::path godh;
  std::filesystem::path session;
};
std::vector<std::string> sev_arguments(const SevHost& host, const SevCapabilities& capabilities,
                                       const SevGuestSpec& spec, const SevGuestFiles& files);

/// What QEMU's words are about. Where the PSP refused a command, that is the field, "LAUNCH_SECRET", and the
/// code authentication_failed where a MAC or signature did not hold, sev_policy_refused for a policy that it
/// cannot keep, else failed_precondition. All else is guest_failed.
Error refusal_from(const std::string& text);

}  // namespace sealift::agent
