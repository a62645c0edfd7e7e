// SPDX-License-Identifier: Apache-2.0
#include "services/agent/sev/key_files.h"

#include <fmt/core.h>

#include "base/file.h"

namespace sealift::agent {
namespace {

/// More than any certificate of AMD's has: what is too long is the parser's to refuse.
constexpr std::size_t kLimit = 64UL * 1024;

}  // namespace

Result<Bytes> SevKeyFiles::file(const std::filesystem::path& name) const {
  auto bytes = read_file(bundle_ / name, kLimit);
  if (bytes || bytes.error().code != ErrorCode::not_found) return bytes;
  return fail(ErrorCode::not_found, fmt::format("the key server's bundle has no {}: fetch it", name.string()),
              name.string());
}

Status SevKeyFiles::keep_cek(ByteView chip_id, ByteView certificate) const {
  std::error_code error;
  std::filesystem::create_directories(bundle_ / "cek", error);
  if (error) return fail(ErrorCode::io_error, (bundle_ / "cek").string() + ": " + error.message(), "cek");
  return write_file(bundle_ / "cek" / to_hex(chip_id), certificate);
}

}  // namespace sealift::agent
