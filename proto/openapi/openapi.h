// SPDX-License-Identifier: Apache-2.0
/// The API in OpenAPI 3.1, made from the .proto files: for those who read or generate from that. The .proto
/// files remain what counts.
#pragma once

#include <string>

namespace sealift::openapi {

/// The document, JSON with a newline. `descriptor_set` is what protoc --include_imports --include_source_info
/// --descriptor_set_out writes; "" where it is not that.
std::string document(const std::string& descriptor_set);

}  // namespace sealift::openapi
