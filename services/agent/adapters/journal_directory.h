// SPDX-License-Identifier: Apache-2.0
/// The journal as files: DIR/LAUNCH.ATTEMPT/journal, beside the instance's other files.
#pragma once

#include <mutex>
#include <set>

#include "services/agent/domain/ports.h"

namespace sealift::agent {

class JournalDirectory final : public Journal {
 public:
  static constexpr std::size_t kMaxDocument = 1U << 20U;

  explicit JournalDirectory(std::filesystem::path directory) : directory_{std::move(directory)} {}

  Result<std::vector<Bytes>> load() override;
  Status save(const InstanceName& name, ByteView document, Survives survives) override;
  void remove(const InstanceName& name) override;
  std::filesystem::path directory(const InstanceName& name) const override {
    return directory_ / name.text();
  }

 private:
  /// The instance's folder outlasts a loss of power, once it was seen to.
  Status keep_folder(const InstanceName& name);

  const std::filesystem::path directory_;
  std::mutex mutex_;
  std::set<InstanceName> kept_;
};

/// A directory for this user alone, with those above it.
Status make_private_directory(const std::filesystem::path& directory);

}  // namespace sealift::agent
