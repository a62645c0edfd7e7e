// SPDX-License-Identifier: Apache-2.0
#include "cli/new_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "cli/cancellation.h"

namespace sealift::cli {
namespace {

namespace fs = std::filesystem;

/// A directory for the unfinished files, beside where they go; removed with what is left in it.
class Workshop {
 public:
  static Result<Workshop> create(const fs::path& directory) {
    auto name = (directory / ".sealift-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return fail_errno("make a directory in " + directory.string());
    return Workshop{name};
  }
  Workshop(Workshop&& other) noexcept : path_{std::exchange(other.path_, {})} {}
  Workshop& operator=(Workshop&&) = delete;
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  ~Workshop() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  explicit Workshop(fs::path path) : path_{std::move(path)} {}
  fs::path path_;
};

Status move(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("rename to " + to.string());
  return {};
}

Status fill(const fs::path& directory, const std::vector<NewFile>& files) {
  SEALIFT_TRY(const auto workshop, Workshop::create(directory));
  for (const auto& file : files) {
    SEALIFT_CHECK(write_file(workshop.path() / file.name, file.content, file.mode));
  }
  SEALIFT_CHECK(check_not_cancelled());
  for (const auto& file : files) SEALIFT_CHECK(move(workshop.path() / file.name, directory / file.name));
  return sync_directory(directory);
}

}  // namespace

Status write_files(const fs::path& directory, const std::vector<NewFile>& files) {
  const bool made = ::mkdir(directory.c_str(), 0777) == 0;
  if (!made && errno != EEXIST) return fail_errno("make " + directory.string());
  auto status = fill(directory, files);
  if (!status && made) ::rmdir(directory.c_str());  // only where it is still empty
  return status;
}

Status write_files(const std::vector<PlacedFile>& files) {
  std::vector<Workshop> workshops;
  for (const auto& file : files) {
    if (fs::is_directory(file.path))
      return fail(ErrorCode::already_exists, file.path.string() + " is a directory");
    SEALIFT_TRY(auto workshop, Workshop::create(parent_directory(file.path)));
    SEALIFT_CHECK(write_file(workshop.path() / "file", file.content));
    workshops.push_back(std::move(workshop));
  }
  SEALIFT_CHECK(check_not_cancelled());
  for (std::size_t i = 0; i < files.size(); ++i) {
    SEALIFT_CHECK(move(workshops[i].path() / "file", files[i].path));
  }
  for (const auto& file : files) SEALIFT_CHECK(sync_directory(parent_directory(file.path)));
  return {};
}

}  // namespace sealift::cli
