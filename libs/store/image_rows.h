// SPDX-License-Identifier: Apache-2.0
/// Private to libs/store: an image and its files as rows.
#pragma once

#include "store/images.h"
#include "store/sql/database.h"

namespace sealift::store {

/// Of images.
inline constexpr std::string_view kImageColumns =
    "tenant, image_id, state, tee, arch, memory_mib, created_at";

/// kImageColumns, in this order.
Result<ImageRecord> read_image(sql::Row& row);
/// Rows of kImageWithFiles. not_found where there is none.
Result<ImageRecord> read_image_with_files(Result<sql::Rows> rows);
/// $1: tenant, $2: image_id.
extern const std::string kImageWithFiles;
/// Rows of kFilesOfImages, to the records they belong to.
Status read_files(Result<sql::Rows> rows, std::vector<ImageRecord>& images);
/// $1: tenant, $2: after this image_id, $3: up to this one.
inline constexpr std::string_view kFilesOfImages =
    "SELECT image_id, name, digest, size, complete FROM image_files "
    "WHERE tenant = $1 AND image_id > $2 AND image_id <= $3 ORDER BY image_id, position";

}  // namespace sealift::store
