// SPDX-License-Identifier: Apache-2.0
/// What AMD's key server has of a machine, as a bundle on disk: ark.cert, ask.cert, cek/CHIP-ID, where
/// CHIP-ID is GET_ID in lower-case hexadecimal.
#pragma once

#include <filesystem>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::agent {

class SevKeyFiles {
 public:
  explicit SevKeyFiles(std::filesystem::path bundle) : bundle_{std::move(bundle)} {}
  /// Each not_found, naming the file to fetch.
  Result<Bytes> ark() const { return file("ark.cert"); }
  Result<Bytes> ask() const { return file("ask.cert"); }
  Result<Bytes> cek(ByteView chip_id) const { return file(std::filesystem::path{"cek"} / to_hex(chip_id)); }

  /// Whole, or not at all.
  Status keep_cek(ByteView chip_id, ByteView certificate) const;

 private:
  Result<Bytes> file(const std::filesystem::path& name) const;
  std::filesystem::path bundle_;
};

}  // namespace sealift::agent
