// SPDX-License-Identifier: Apache-2.0
/// Lists and maps of short texts in one column: each text as a big-endian 32-bit length and its bytes.
#pragma once

#include <string>
#include <vector>

#include "store/hosts.h"

namespace sealift::store {

Bytes encode_texts(const std::vector<std::string>& texts);
/// truncated.
Result<std::vector<std::string>> decode_texts(ByteView column);

/// Name, value, name, value, … sorted by name.
Bytes encode_labels(const Labels& labels);
/// truncated; malformed where a name has no value or comes twice.
Result<Labels> decode_labels(ByteView column);

}  // namespace sealift::store
