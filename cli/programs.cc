// SPDX-License-Identifier: Apache-2.0
#include "cli/programs.h"

#include <unistd.h>

#include "base/file.h"

namespace sealift::cli {

Result<std::filesystem::path> find_program(const std::string& name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto here = self.parent_path();
  for (const auto& candidate : {here / name, here / "../libexec/sealift" / name}) {
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.lexically_normal();
  }
  return fail(ErrorCode::dependency_missing,
              "the program " + name + " is neither in " + here.string() + " nor in ../libexec/sealift", name);
}

Status become_program(const std::string& name, std::vector<std::string> arguments) {
  SEALIFT_TRY(const auto program, find_program(name));
  auto path = program.string();
  std::vector<char*> argv{path.data()};
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(path.c_str(), argv.data());
  return fail_errno("start " + path);
}

}  // namespace sealift::cli
