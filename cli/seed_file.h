// SPDX-License-Identifier: Apache-2.0
/// The file that an image's seed is kept in: 32 bytes, for its owner only.
#pragma once

#include <filesystem>

#include "formats/esm/operand.h"

namespace sealift::cli {

/// The seed in `path`, or a new random one, kept there with mode 0600.
class SeedFile {
 public:
  static Result<SeedFile> read_or_create(const std::filesystem::path& path);
  SeedFile(SeedFile&&) noexcept = default;
  SeedFile& operator=(SeedFile&&) = delete;
  SeedFile(const SeedFile&) = delete;
  SeedFile& operator=(const SeedFile&) = delete;
  /// Takes a new file away again unless keep() was called.
  ~SeedFile();

  const esm::Seed& seed() const noexcept { return seed_; }
  void keep() noexcept { created_.clear(); }

 private:
  SeedFile(esm::Seed seed, std::filesystem::path created)
      : seed_{std::move(seed)}, created_{std::move(created)} {}
  esm::Seed seed_;
  std::filesystem::path created_;  // empty: it was there before, or is to stay
};

}  // namespace sealift::cli
