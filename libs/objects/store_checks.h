// SPDX-License-Identifier: Apache-2.0
/// What both stores refuse in the same words.
#pragma once

#include <chrono>

#include "base/bytes.h"
#include "base/result.h"
#include "objects/object_key.h"

namespace sealift::objects {

/// put(): too_large, object_differs.
Status check_small(const ObjectKey& key, ByteView bytes);
/// read(): invalid_argument, truncated.
Status check_read(std::uint64_t offset, std::size_t size);
/// location(): invalid_argument.
Status check_lifetime(std::chrono::seconds lifetime);
tl::unexpected<Error> fail_no_object(const ObjectKey& key);
tl::unexpected<Error> fail_no_upload();

}  // namespace sealift::objects
