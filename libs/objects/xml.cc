// SPDX-License-Identifier: Apache-2.0
#include "objects/xml.h"

#include <expat.h>

#include <memory>
#include <new>

namespace sealift::objects {
namespace {

constexpr std::size_t kMaxDocument = 1U << 20U;
constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxLeaves = 10'000;  // 1000 parts, and what stands around them

struct OpenElement {
  std::string path;
  std::size_t number;
};

/// What expat's callbacks fill.
struct Reading {
  XML_Parser parser;
  std::vector<XmlLeaf> leaves{};
  std::vector<OpenElement> open{};  ///< the elements around the present place
  std::string text{};               ///< since the last tag
  std::size_t started = 0;          ///< elements so far
  bool leaf = false;                ///< no child has been seen in the innermost element
  bool stopped = false;             ///< expat may call once more all the same

  void stop() {
    stopped = true;
    XML_StopParser(parser, XML_FALSE);
  }
};

void on_start(void* user, const XML_Char* name, const XML_Char**) {
  auto& reading = *static_cast<Reading*>(user);
  if (reading.open.size() == kMaxDepth) return reading.stop();
  auto path = reading.open.empty() ? name : reading.open.back().path + "/" + name;
  reading.open.push_back({std::move(path), reading.started++});
  reading.text.clear();
  reading.leaf = true;
}

void on_end(void* user, const XML_Char*) {
  auto& reading = *static_cast<Reading*>(user);
  if (reading.stopped) return;
  auto path = std::move(reading.open.back().path);
  reading.open.pop_back();
  if (reading.leaf) {
    if (reading.leaves.size() == kMaxLeaves) return reading.stop();
    const auto parent = reading.open.empty() ? 0 : reading.open.back().number;
    reading.leaves.push_back({std::move(path), std::move(reading.text), parent});
  }
  reading.text.clear();
  reading.leaf = false;
}

void on_text(void* user, const XML_Char* text, int size) {
  static_cast<Reading*>(user)->text.append(text, static_cast<std::size_t>(size));
}

void on_doctype(void* user, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  static_cast<Reading*>(user)->stop();
}

}  // namespace

Result<std::vector<XmlLeaf>> parse_xml(ByteView document) {
  if (document.size() > kMaxDocument) return fail(ErrorCode::too_large, "an XML document of more than 1 MiB");
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser{XML_ParserCreate(nullptr),
                                                                            XML_ParserFree};
  if (!parser) throw std::bad_alloc{};
  Reading reading{.parser = parser.get()};
  XML_SetUserData(parser.get(), &reading);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  XML_SetStartDoctypeDeclHandler(parser.get(), on_doctype);
  const auto text = as_text(document);
  if (XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE) != XML_STATUS_OK) {
    return fail(ErrorCode::malformed, "the store's answer is not the XML that we know", {},
                XML_ErrorString(XML_GetErrorCode(parser.get())));
  }
  return std::move(reading.leaves);
}

}  // namespace sealift::objects
