// SPDX-License-Identifier: Apache-2.0
/// The answers of an S3 service: what is taken keeps the bounds that the store relies on.
#include <cstdlib>

#include "objects/s3_answers.h"

namespace {

void check(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift::objects;
  const sealift::ByteView xml{data, size};
  if (const auto id = parse_upload_id(xml)) check(!id->empty() && id->find(' ') == std::string::npos);
  if (const auto page = parse_parts(xml)) {
    std::uint32_t last = 0;
    for (const auto& part : page->parts) {
      check(part.number > last && part.number <= 10'000);
      check(parse_etag(part.etag).value() == part.etag);
      last = part.number;
    }
    // It is written into XML again: nothing in it may be markup.
    check(!is_completed(sealift::as_bytes(complete_request(page->parts))));
  }
  static_cast<void>(is_completed(xml));
  check(parse_error_code(xml).size() <= 64);
  return 0;
}
