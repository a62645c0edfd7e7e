// SPDX-License-Identifier: Apache-2.0
#include "guest/image/cryptsetup_files.h"

#include <optional>
#include <vector>

#include "guest/image/elf_file.h"

namespace sealift::image {
namespace {

/// Where the dynamic loaders of Debian and its relatives look, and then those of the others.
std::vector<std::string> library_directories(std::string_view arch) {
  const std::string triplet = arch == "x86_64" ? "x86_64-linux-gnu" : "powerpc64le-linux-gnu";
  return {"/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib"};
}

/// Follows what the program needs, breadth first.
class Search {
 public:
  Search(const RootFilesystem& root, std::string_view arch) : root_{root}, arch_{arch} {}

  Status add_program() {
    for (const auto* path : {"/sbin/cryptsetup", "/usr/sbin/cryptsetup", "/usr/bin/cryptsetup"}) {
      SEALIFT_TRY(const auto elf, read_if_there(path));
      if (!elf) continue;
      if (elf->interpreter.size() < 2 || elf->interpreter.front() != '/')
        return fail(ErrorCode::unsupported, "cryptsetup in the root file system names no dynamic loader",
                    path);
      SEALIFT_TRY(const auto loader, read_if_there(elf->interpreter));
      if (!loader) return missing(elf->interpreter);
      files_["sbin/cryptsetup"] = path;
      files_[elf->interpreter.substr(1)] = elf->interpreter;
      return add_libraries(elf->needed);
    }
    return missing("cryptsetup");
  }
  std::map<std::string, std::string> take() && { return std::move(files_); }

 private:
  tl::unexpected<Error> missing(const std::string& what) const {
    return fail(ErrorCode::dependency_missing,
                "the root file system lacks " + what + ": install the package cryptsetup-bin in it", what);
  }

  /// Nothing where there is no such file, or one of another architecture.
  Result<std::optional<ElfFile>> read_if_there(const std::string& path) const {
    const auto content = root_.read_file(path, kMaxProgramSize);
    if (!content && content.error().code == ErrorCode::not_found) return std::nullopt;
    if (!content) return tl::unexpected(content.error());
    SEALIFT_TRY(auto elf, read_elf(*content, path));
    return elf.arch == arch_ ? std::optional{std::move(elf)} : std::nullopt;
  }

  Status add_libraries(const std::vector<std::string>& names) {
    for (const auto& name : names) {
      if (name.find('/') != std::string::npos)
        return fail(ErrorCode::unsupported, "a library of cryptsetup is named by its path", name);
      if (files_.contains("lib/" + name)) continue;
      SEALIFT_CHECK(add_library(name));
    }
    return {};
  }

  Status add_library(const std::string& name) {
    for (const auto& directory : library_directories(arch_)) {
      const auto path = directory + "/" + name;
      SEALIFT_TRY(const auto elf, read_if_there(path));
      if (!elf) continue;
      files_["lib/" + name] = path;
      return add_libraries(elf->needed);
    }
    return missing(name);
  }

  const RootFilesystem& root_;
  std::string arch_;
  std::map<std::string, std::string> files_;
};

}  // namespace

Result<std::map<std::string, std::string>> find_cryptsetup(const RootFilesystem& root,
                                                           std::string_view arch) {
  Search search{root, arch};
  SEALIFT_CHECK(search.add_program());
  return std::move(search).take();
}

}  // namespace sealift::image
