// SPDX-License-Identifier: Apache-2.0
/// Where one JSON document of a QMP client ends and the next begins: QEMU takes them with and without
/// newlines.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sealift::emulator {

class QmpDocuments {
 public:
  static constexpr std::size_t kLimit = 1U << 20U;

  /// False where a document grows beyond the limit: nothing after it can be trusted.
  bool feed(std::string_view bytes);
  /// The next whole document, if there is one: an object with balanced braces, white space around it left
  /// out.
  std::optional<std::string> next();

 private:
  std::string pending_;
};

}  // namespace sealift::emulator
