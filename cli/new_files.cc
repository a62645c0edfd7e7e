// SPDX-License-Identifier: Apache-2.0
#include "cli/new_files.h"

#include <fcntl.h>
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

Status fill(const fs::path& directory, const std::vector<NewFile>& files) {
  SEALIFT_TRY(const auto workshop, Workshop::create(directory));
  for (const auto& file : files) SEALIFT_CHECK(write_file(workshop.path() / file.name, file.content));
  SEALIFT_CHECK(check_not_cancelled());
  for (const auto& file : files) {
    const auto from = workshop.path() / file.name;
    const auto to = directory / file.name;
    if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("rename to " + to.string());
  }
  SEALIFT_TRY(const auto entry, open_file(directory, O_RDONLY | O_DIRECTORY));
  if (::fsync(entry.get()) != 0) return fail_errno("sync " + directory.string());
  return {};
}

}  // namespace

Status write_files(const fs::path& directory, const std::vector<NewFile>& files) {
  const bool made = ::mkdir(directory.c_str(), 0777) == 0;
  if (!made && errno != EEXIST) return fail_errno("make " + directory.string());
  auto status = fill(directory, files);
  if (!status && made) ::rmdir(directory.c_str());  // only where it is still empty
  return status;
}

}  // namespace sealift::cli
