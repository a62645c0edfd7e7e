// SPDX-License-Identifier: Apache-2.0
/// Kernel modules as files: which there are, what each needs, and in which order they load.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "guest/image/kernel.h"

namespace sealift::image {

/// What a module says of itself (section .modinfo): the names of modules that must be (`depends`), and that
/// had better be (`softdep` … pre:), loaded before it.
struct ModuleNeeds {
  std::vector<std::string> depends;
  std::vector<std::string> better;
};

/// `object` is an ELF relocatable. malformed where it is none.
Result<ModuleNeeds> read_module_needs(ByteView object, const std::string& name);

/// A /lib/modules/VERSION directory. No modules.dep is needed: Debian's packages come without.
class ModuleDirectory {
 public:
  static Result<ModuleDirectory> open(const std::filesystem::path& directory);

  /// `required` and `optional` modules and all they need, each after what it needs; built-in ones left out.
  /// dependency_missing for a required one that is nowhere.
  Result<std::vector<KernelModule>> load(const std::vector<std::string>& required,
                                         const std::vector<std::string>& optional) const;

 private:
  std::map<std::string, std::filesystem::path, std::less<>> files_;
  std::set<std::string, std::less<>> built_in_;
};

}  // namespace sealift::image
