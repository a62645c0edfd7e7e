// SPDX-License-Identifier: Apache-2.0
/// The little XML that an S3 service answers with, by expat: a list of the elements that hold text. The input
/// is hostile: no document types, so no entities; depth and number of elements are bounded. Attributes
/// (xmlns) are ignored.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::objects {

struct XmlLeaf {
  std::string path;  ///< names from the root on: "ListPartsResult/Part/ETag"
  std::string text;
  std::size_t parent;  ///< which element it stands in: the number of that one's start tag
};

/// Every element without children, in the document's order. malformed, too_large.
Result<std::vector<XmlLeaf>> parse_xml(ByteView document);

}  // namespace sealift::objects
