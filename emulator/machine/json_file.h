// SPDX-License-Identifier: Apache-2.0
/// Reading the small JSON files of a machine: each member typed, each error naming file and member.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::emulator {

class JsonFile {
 public:
  /// malformed where it is not one JSON object.
  static Result<JsonFile> read(const std::filesystem::path& file);

  // The member; malformed where it is absent or of another type.
  Result<std::string> text(const std::string& member) const;
  Result<Bytes> hex(const std::string& member) const;
  Result<bool> boolean(const std::string& member) const;
  Result<std::uint32_t> number(const std::string& member) const;
  bool has(const std::string& member) const;
  /// The member that is an object itself.
  Result<JsonFile> object(const std::string& member) const;

 private:
  struct Document;
  JsonFile(std::shared_ptr<const Document> document, std::string where);
  tl::unexpected<Error> bad(const std::string& member, const char* wanted) const;
  std::shared_ptr<const Document> document_;
  std::string where_;
};

}  // namespace sealift::emulator
