// SPDX-License-Identifier: Apache-2.0
/// The XML answers of S3 (Amazon S3 API Reference, API version 2006-03-01), as far as we ask for them. They
/// are hostile input: malformed where something is missing, double or out of range.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::objects {

/// InitiateMultipartUploadResult: the upload's id, fit for an UploadState.
Result<std::string> parse_upload_id(ByteView xml);

struct UploadedPart {
  std::uint32_t number;
  std::uint64_t size;
  std::string etag;  ///< without quotes
};
struct PartsPage {
  std::vector<UploadedPart> parts;  ///< by number, ascending
  bool more;                        ///< S3 lists 1000 at a time
};
/// ListPartsResult.
Result<PartsPage> parse_parts(ByteView xml);

/// CompleteMultipartUploadResult. S3 may also send an error in an answer with status 200.
bool is_completed(ByteView xml);

/// The Code of an Error, "NoSuchKey"; "" where there is none.
std::string parse_error_code(ByteView xml);

/// `"…"` as a header or element has it: 1 to 128 printable characters without the quotes.
Result<std::string> parse_etag(std::string_view text);

/// The body of CompleteMultipartUpload.
std::string complete_request(const std::vector<UploadedPart>& parts);

}  // namespace sealift::objects
