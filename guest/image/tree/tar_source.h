// SPDX-License-Identifier: Apache-2.0
/// A tar archive (ustar, pax, GNU; plain or compressed by gzip, bzip2, xz, lzma, lz4 or zstd), by libarchive.
#pragma once

#include <filesystem>

#include "guest/image/tree/source.h"

struct archive;  // libarchive's own handle

namespace sealift::image {

/// malformed where the file is no tar archive.
Result<std::unique_ptr<TreeSource>> open_tar(const std::filesystem::path& file);

/// The same for a stream: `read` is libarchive's archive_read_callback, called with `context`.
Result<std::unique_ptr<TreeSource>> open_tar_stream(void* context,
                                                    ssize_t (*read)(struct archive*, void*, const void**));

}  // namespace sealift::image
