// SPDX-License-Identifier: Apache-2.0
#include "emulator/firmware/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "base/file.h"

namespace sealift::emulator {

Status write_new_file(const std::filesystem::path& path, ByteView bytes) {
  SEALIFT_TRY(const auto fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  return write_all(fd.get(), bytes);
}

Status replace_file(const std::filesystem::path& path, ByteView bytes) {
  const std::filesystem::path beside = path.native() + ".new";
  ::unlink(beside.c_str());
  SEALIFT_CHECK(write_new_file(beside, bytes));
  if (std::rename(beside.c_str(), path.c_str()) != 0) return fail_errno("write " + path.native());
  return {};
}

}  // namespace sealift::emulator
