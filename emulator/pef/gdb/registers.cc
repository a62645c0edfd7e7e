// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/gdb/registers.h"

#include <expat.h>

#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace sealift::pef {
namespace {

constexpr std::size_t kMaxIncludes = 32;
constexpr std::size_t kMaxRegisters = 4096;
constexpr unsigned kMaxNumber = 1U << 16U;

tl::unexpected<Error> refuse(const std::string& what) {
  return fail(ErrorCode::malformed, "QEMU's description of its registers " + what, "gdb");
}

std::string_view attribute(const XML_Char** attributes, std::string_view wanted) {
  for (; *attributes != nullptr; attributes += 2)
    if (wanted == attributes[0]) return attributes[1];
  return {};
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > kMaxNumber) return std::nullopt;
  return value;
}

/// What expat's callbacks fill.
struct Reading {
  XML_Parser parser = nullptr;
  std::vector<std::string> includes{};
  Registers registers{};
  unsigned next = 0;
  bool stopped = false;

  void stop() {
    stopped = true;
    XML_StopParser(parser, XML_FALSE);
  }

  void add(const XML_Char** attributes) {
    const auto bits = number(attribute(attributes, "bitsize"));
    if (const auto own = attribute(attributes, "regnum"); !own.empty()) {
      const auto value = number(own);
      if (!value) return stop();
      next = *value;
    }
    const auto name = attribute(attributes, "name");
    if (!bits || name.empty() || registers.size() >= kMaxRegisters) return stop();
    registers.insert_or_assign(std::string{name}, Register{next++, *bits});
  }
};

void on_start(void* user, const XML_Char* element, const XML_Char** attributes) {
  auto& reading = *static_cast<Reading*>(user);
  if (reading.stopped) return;
  const std::string_view name{element};
  if (name == "reg") return reading.add(attributes);
  if (name != "xi:include") return;
  if (reading.includes.size() == kMaxIncludes) return reading.stop();
  reading.includes.emplace_back(attribute(attributes, "href"));
}

void on_entity(void* user, const XML_Char*, int, const XML_Char*, int, const XML_Char*, const XML_Char*,
               const XML_Char*, const XML_Char*) {
  static_cast<Reading*>(user)->stop();  // nothing here needs to grow by itself
}

Status read_document(const std::string& text, Reading& reading) {
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser{XML_ParserCreate(nullptr),
                                                                            XML_ParserFree};
  if (!parser) return fail(ErrorCode::resource_exhausted, "no memory to read XML");
  reading.parser = parser.get();
  XML_SetUserData(parser.get(), &reading);
  XML_SetStartElementHandler(parser.get(), on_start);
  XML_SetEntityDeclHandler(parser.get(), on_entity);
  const auto status = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
  if (status != XML_STATUS_OK || reading.stopped) return refuse("is not one");
  return {};
}

}  // namespace

Result<Registers> read_registers(const FetchDocument& fetch) {
  Reading reading;
  SEALIFT_TRY(const auto target, fetch("target.xml"));
  SEALIFT_CHECK(read_document(target, reading));
  for (const auto& name : std::vector{reading.includes}) {
    SEALIFT_TRY(const auto document, fetch(name));
    SEALIFT_CHECK(read_document(document, reading));
  }
  return std::move(reading.registers);
}

}  // namespace sealift::pef
