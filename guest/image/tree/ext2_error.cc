// SPDX-License-Identifier: Apache-2.0
#include "guest/image/tree/ext2_error.h"

#include <ext2fs/ext2fs.h>

#include <mutex>

namespace sealift::image {

tl::unexpected<Error> fail_ext2(long code, const std::string& doing, const std::string& path) {
  static std::once_flag once;
  std::call_once(once, initialize_ext2_error_table);
  const auto message = doing + (path.empty() ? "" : " " + path);
  if (code == EXT2_ET_BLOCK_ALLOC_FAIL || code == EXT2_ET_INODE_ALLOC_FAIL)
    return fail(ErrorCode::no_space, message + ": the file system is too small for its files", path);
  const auto kind = code == EXT2_ET_FILE_NOT_FOUND ? ErrorCode::not_found : ErrorCode::io_error;
  return fail(kind, message + ": " + error_message(code), path);
}

}  // namespace sealift::image
