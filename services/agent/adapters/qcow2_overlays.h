// SPDX-License-Identifier: Apache-2.0
/// Overlays in qcow2, by qemu-img: an empty one of each size is made once and then copied, because starting a
/// program takes longer than all the rest of a launch.
#pragma once

#include <mutex>

#include "services/agent/domain/ports.h"

namespace sealift::agent {

class Qcow2Overlays final : public Overlays {
 public:
  static constexpr std::size_t kMaxTemplates = 16;

  explicit Qcow2Overlays(std::filesystem::path directory) : directory_{std::move(directory)} {}
  Status make(const std::filesystem::path& overlay, std::uint64_t size) override;

 private:
  Result<std::filesystem::path> template_of(std::uint64_t size);
  const std::filesystem::path directory_;
  std::mutex mutex_;
};

}  // namespace sealift::agent
