// SPDX-License-Identifier: Apache-2.0
// A strict JSON object: each member can be taken once, by its type alone, and nothing is left that was not
// there.
#include <cstdlib>

#include "json/object.h"

namespace {

using namespace sealift;

constexpr json::Limits kLimits{.size = 4096, .depth = 3};

/// All of `members`; `depth` levels of objects may be in it.
void take_all(json::Object& members, int depth) {
  if (depth == 0) std::abort();
  for (const auto* name : {"a", "b", "c"}) {
    if (!members.has(name)) continue;
    if (auto inner = members.take_object(name)) {
      take_all(*inner, depth - 1);
    }
    if (members.has(name) || members.take_text(name)) std::abort();
  }
  if (members.has("n") && members.take_number("n", 5, 9).value_or(5) > 9) std::abort();
  static_cast<void>(members.take_texts("l", 0, 3));
  static_cast<void>(members.take_boolean("t"));
  static_cast<void>(members.take_seconds("s"));
  static_cast<void>(members.take_hex("h", 2));
  static_cast<void>(members.take_base64("e"));
  static_cast<void>(members.take_format("f1"));
  const auto end = members.expect_end();
  if (!end && end.error().field.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto document = json::Object::parse({data, size}, "the input", kLimits);
  if (document) take_all(*document, kLimits.depth);
  return 0;
}
