// SPDX-License-Identifier: Apache-2.0
/// A StartInstance command that was looked at: every size, name and count is one that this host takes.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/digest.h"
#include "sealift/v1/hosts.pb.h"
#include "services/agent/domain/instance_name.h"

namespace sealift::agent {

struct ObjectOrder {
  std::string url;  ///< a secret until it expires: never logged
  crypto::Digest sha512;
  std::uint64_t size;
};

struct StartOrder {
  InstanceName name;
  std::string cmdline;
  std::uint32_t cpus;
  std::uint32_t memory_mib;
  ObjectOrder kernel;
  ObjectOrder head;  ///< of no bytes where there is a question: none
  ObjectOrder initramfs_body;
  ObjectOrder root_disk;
  Bytes reference_event_log;  ///< empty: none
  Bytes question = {};        ///< empty: none
};

/// invalid_argument or too_large, naming the field.
Result<StartOrder> check_start(const InstanceName& name, const v1::StartInstance& start);

}  // namespace sealift::agent
