// SPDX-License-Identifier: Apache-2.0
/// The initramfs: the unlock agent as /init, cryptsetup and its libraries out of the customer's own root file
/// system, kernel modules, and the LUKS2 header. Same inputs, same bytes. Not compressed: the guest copies it
/// faster than it could decompress it.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/bytes.h"
#include "crypto/digest.h"
#include "guest/image/kernel.h"
#include "guest/image/root_filesystem.h"

namespace sealift::image {

struct WrittenArchive {
  std::uint64_t size = 0;
  crypto::Digest sha512{};
};

/// What goes into it, known to be complete before the long work of encrypting a disk begins.
class InitramfsPlan {
 public:
  /// `agent` is the static sealift-unlock; `tee` says where it takes the customer data from. invalid_argument
  /// where it is not for the kernel's architecture; dependency_missing, naming the Debian package, where the
  /// root file system lacks cryptsetup or a library of it. `root` and `kernel` outlive the plan.
  static Result<InitramfsPlan> make(const RootFilesystem& root, const Kernel& kernel,
                                    const std::filesystem::path& agent, std::string_view tee);

  /// Writes the newc archive into `fd` from `offset` on. `luks_header` is what the agent opens the root disk
  /// with; guest/agent/root_disk.h says why it is in here.
  Result<WrittenArchive> write(ByteView luks_header, int fd, std::uint64_t offset) const;

 private:
  InitramfsPlan(const RootFilesystem& root, const Kernel& kernel) : root_{&root}, kernel_{&kernel} {}
  const RootFilesystem* root_;
  const Kernel* kernel_;
  Bytes agent_;
  bool for_sev_ = false;
  std::map<std::string, std::string> cryptsetup_;  // as find_cryptsetup() gives it
};

}  // namespace sealift::image
