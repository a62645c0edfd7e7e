// SPDX-License-Identifier: Apache-2.0
#include "store/columns.h"

#include <limits>

namespace sealift::store {

Bytes encode_texts(const std::vector<std::string>& texts) {
  ByteWriter writer;
  for (const auto& text : texts) writer.sized32(as_bytes(text));
  return std::move(writer).take();
}

Result<std::vector<std::string>> decode_texts(ByteView column) {
  std::vector<std::string> texts;
  ByteReader reader{column};
  while (!reader.at_end()) {
    SEALIFT_TRY(const auto text, reader.sized32(std::numeric_limits<std::uint32_t>::max()));
    texts.emplace_back(as_text(text));
  }
  return texts;
}

Bytes encode_labels(const Labels& labels) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : labels) {
    texts.push_back(name);
    texts.push_back(value);
  }
  return encode_texts(texts);
}

Result<Labels> decode_labels(ByteView column) {
  SEALIFT_TRY(auto texts, decode_texts(column));
  Labels labels;
  for (std::size_t i = 0; i + 1 < texts.size(); i += 2) labels[texts[i]] = texts[i + 1];
  if (labels.size() * 2 != texts.size())
    return fail(ErrorCode::malformed, "a label has no value, or comes twice", "labels");
  return labels;
}

}  // namespace sealift::store
