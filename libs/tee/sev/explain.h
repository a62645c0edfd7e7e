// SPDX-License-Identifier: Apache-2.0
/// Why is the launch another one than expected? A hash does not say, so the usual suspects are tried one by
/// one and together until one of them gives the value that was measured.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tee/sev/launch_digest.h"
#include "tee/sev/measurement.h"

namespace sealift::sev {

struct NamedBytes {
  std::string name;
  ByteView bytes;
};

/// What the owner expects to have been launched.
struct LaunchInputs {
  NamedBytes firmware;
  std::vector<NamedBytes> other_firmware;  ///< builds that may have been taken by mistake
  std::optional<ByteView> kernel;          ///< nullopt: none is hashed
  ByteView initrd;                         ///< empty: none
  std::string_view cmdline;
  VmsaPages vmsa;
  std::optional<std::uint32_t> memory_mib;  ///< of the guest; without it, common sizes are tried
};

/// One input that was not as expected.
struct Difference {
  std::string input;  ///< "firmware", "kernel", "initrd", "cmdline", "kernel_hashes", "vcpus", "vmsa",
                      ///< "policy", "version"
  std::string what;   ///< what it was instead, one sentence
};

/// The digest as it is where one input is not as expected.
struct SuspectDigest {
  crypto::Digest digest;
  Difference difference;
};
/// Of every suspect that is one difference: for who cannot have the inputs themselves at hand.
std::vector<SuspectDigest> suspect_digests(const LaunchInputs& inputs);

/// Whether a launch with this digest gives the measured value.
using DigestMatches = std::function<bool(const crypto::Digest&)>;

/// What differs, as few things as possible: empty where the inputs are the launch's own. nullopt where no
/// suspect gives the measured value.
std::optional<std::vector<Difference>> explain_digest(const LaunchInputs& inputs,
                                                      const DigestMatches& matches);

/// The same for a launch measurement, which covers policy and firmware version, too.
struct MeasuredLaunch {
  const TransportKey& tik;
  FirmwareVersion version;
  Policy policy;
  Measurement measured;
};
std::optional<std::vector<Difference>> explain_measurement(const LaunchInputs& inputs,
                                                           const MeasuredLaunch& launch);

}  // namespace sealift::sev
