// SPDX-License-Identifier: Apache-2.0
/// One SEV launch as its owner does it, with the host in hand: prove the machine, agree on a session, have
/// the image loaded paused, verify what was loaded, inject the secret, let it run (Fig. 10A, 10B: 1025 to
/// 1099).
#pragma once

#include <functional>
#include <span>

#include "cli/sev/host_lies.h"
#include "guest/image/owner.h"
#include "services/agent/sev/machine.h"
#include "tee/sev/chain.h"
#include "tee/sev/measurement.h"

namespace sealift::cli {

/// What the owner brings, and trusts.
struct OwnerSide {
  image::Owner owner;
  Bytes firmware;                    ///< the approved one, not the host's
  std::filesystem::path key_server;  ///< a bundle: ark.cert, ask.cert, cek/<chip ID, hex>
  std::vector<sev::PinnedRoot> roots;
  sev::Policy policy{1};
};

/// What the host brings.
struct HostSide {
  agent::SevHost host;
  std::filesystem::path image;
  std::filesystem::path firmware;
  std::uint32_t memory_mib;
  int console;
  HostLies lies;
};

struct OwnerLaunch {
  agent::SevGuest guest;  ///< runs
  std::string root;
  crypto::Digest hardware_key_hash;
  Bytes measurement;
};

/// `step` hears of each step when it is done: "1025", and a sentence. The first refusal ends it, and the
/// guest with it: nothing was injected then.
Result<OwnerLaunch> launch_sev(const OwnerSide& owner, const HostSide& host,
                               const std::function<void(std::string_view, std::string_view)>& step);

}  // namespace sealift::cli
