// SPDX-License-Identifier: Apache-2.0
#include "guest/image/tree/directory_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/file.h"
#include "guest/image/tree/attributes.h"

namespace sealift::image {
namespace {

constexpr std::size_t kPieceSize = 256UL * 1024;
constexpr std::size_t kMaxLinkTarget = 4095;
constexpr std::size_t kMaxAttributeSize = 64UL * 1024;

/// A directory being read: its descriptor and the names still to come, last first.
struct Level {
  UniqueFd directory;
  std::string path;
  std::vector<std::string> names;
};

/// The names in a directory, last first.
Result<std::vector<std::string>> names_in(int directory, const std::string& path) {
  const int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return fail_errno("open the directory " + path);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream{fdopendir(own), closedir};
  if (!stream) return fail_errno("read the directory " + path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) return fail_errno("read the directory " + path);
  std::ranges::sort(names, std::greater<>{});
  return names;
}

class DirectorySource final : public TreeSource {
 public:
  DirectorySource(UniqueFd root, dev_t device) : device_{device} { pending_ = std::move(root); }

  Result<std::optional<TreeEntry>> next() override {
    file_.reset();
    if (!started_) {
      started_ = true;
      SEALIFT_TRY(auto names, names_in(pending_.get(), "/"));
      levels_.push_back({std::move(pending_), "", std::move(names)});
      SEALIFT_TRY(auto root, describe(levels_.back().directory.get(), "", ""));
      return root;
    }
    while (!levels_.empty() && levels_.back().names.empty()) levels_.pop_back();
    if (levels_.empty()) return std::nullopt;
    auto& level = levels_.back();
    const std::string name = std::move(level.names.back());
    level.names.pop_back();
    const int directory = level.directory.get();
    SEALIFT_TRY(auto entry, describe(directory, name, level.path.empty() ? name : level.path + "/" + name));
    SEALIFT_CHECK(enter(directory, name, entry));
    return entry;
  }

  Result<std::optional<Piece>> next_piece() override {
    if (!file_) return std::nullopt;
    const auto data = lseek(file_.get(), static_cast<off_t>(offset_), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return std::nullopt;
    if (data < 0) return fail_errno("read " + file_path_);
    const auto end = lseek(file_.get(), data, SEEK_HOLE);
    if (end < 0) return fail_errno("read " + file_path_);
    buffer_.resize(std::min<std::size_t>(kPieceSize, static_cast<std::size_t>(end - data)));
    SEALIFT_CHECK(pread_exact(file_.get(), buffer_, static_cast<std::uint64_t>(data)));
    offset_ = static_cast<std::uint64_t>(data) + buffer_.size();
    return Piece{static_cast<std::uint64_t>(data), buffer_};
  }

 private:
  /// What `name` in `directory` is; "" for the directory itself.
  Result<TreeEntry> describe(int directory, const std::string& name, const std::string& path) {
    TreeEntry out;
    SEALIFT_TRY(out.path, canonical_path(path));
    struct stat status{};
    if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW | (name.empty() ? AT_EMPTY_PATH : 0)) !=
        0)
      return fail_errno("look at " + path);
    out.mode = status.st_mode;
    out.uid = status.st_uid;
    out.gid = status.st_gid;
    out.mtime = status.st_mtime;
    out.major = major(status.st_rdev);
    out.minor = minor(status.st_rdev);
    crosses_mount_ = status.st_dev != device_;
    if (S_ISREG(status.st_mode)) out.size = static_cast<std::uint64_t>(status.st_size);
    if (S_ISLNK(status.st_mode)) SEALIFT_CHECK(read_link(directory, name, out));
    if (!S_ISDIR(status.st_mode) && status.st_nlink > 1)
      out.hard_link_to = first_name_of(status.st_ino, out.path);
    if (out.hard_link_to.empty()) SEALIFT_CHECK(read_attributes(directory, name, out));
    return out;
  }

  /// Opens what next() and next_piece() go on with: a directory's names, a file's content.
  Status enter(int directory, const std::string& name, const TreeEntry& entry) {
    const bool into = S_ISDIR(entry.mode) && !crosses_mount_;
    const bool read = S_ISREG(entry.mode) && entry.hard_link_to.empty();
    if (!into && !read) return {};
    UniqueFd fd{openat(directory, name.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (into ? O_DIRECTORY : O_NONBLOCK))};
    if (!fd) return fail_errno("open " + entry.path);
    if (into) {
      SEALIFT_TRY(auto names, names_in(fd.get(), entry.path));
      levels_.push_back({std::move(fd), entry.path, std::move(names)});
    } else {
      file_ = std::move(fd);
      file_path_ = entry.path;
      offset_ = 0;
    }
    return {};
  }

  static Status read_link(int directory, const std::string& name, TreeEntry& out) {
    std::string target(kMaxLinkTarget + 1, '\0');
    const auto size = readlinkat(directory, name.c_str(), target.data(), target.size());
    if (size < 0) return fail_errno("read the link " + out.path);
    target.resize(static_cast<std::size_t>(size));
    out.link_target = std::move(target);
    return {};
  }

  /// The path that this inode was first seen under; "" where this is the first time.
  std::string first_name_of(ino_t inode, const std::string& path) {
    const auto [known, is_new] = first_names_.try_emplace(inode, path);
    return is_new ? "" : known->second;
  }

  static Status read_attributes(int directory, const std::string& name, TreeEntry& out) {
    const std::string path = "/proc/self/fd/" + std::to_string(directory) + "/" + name;
    std::string names(kMaxAttributeSize, '\0');
    const auto size = llistxattr(path.c_str(), names.data(), names.size());
    if (size < 0 && errno == ENOTSUP) return {};
    if (size < 0) return fail_errno("read the extended attributes of " + out.path);
    names.resize(static_cast<std::size_t>(size));
    for (std::string_view rest{names}; !rest.empty();) {
      const std::string attribute{rest.substr(0, rest.find('\0'))};
      rest.remove_prefix(std::min(attribute.size() + 1, rest.size()));
      if (!is_kept_attribute(attribute)) continue;
      Bytes value(kMaxAttributeSize);
      const auto length = lgetxattr(path.c_str(), attribute.c_str(), value.data(), value.size());
      if (length < 0) return fail_errno("read the extended attributes of " + out.path);
      value.resize(static_cast<std::size_t>(length));
      out.attributes.push_back({attribute, std::move(value)});
    }
    return {};
  }

  dev_t device_;
  bool started_ = false;
  UniqueFd pending_;  // the root, until next() is called first
  std::vector<Level> levels_;
  std::map<ino_t, std::string> first_names_;  // of files with several names only
  bool crosses_mount_ = false;
  UniqueFd file_;
  std::string file_path_;
  std::uint64_t offset_ = 0;
  Bytes buffer_;
};

}  // namespace

Result<std::unique_ptr<TreeSource>> open_directory(const std::filesystem::path& directory) {
  SEALIFT_TRY(auto root, open_file(directory, O_RDONLY | O_DIRECTORY));
  struct stat status{};
  if (fstat(root.get(), &status) != 0) return fail_errno("look at " + directory.string());
  return std::make_unique<DirectorySource>(std::move(root), status.st_dev);
}

}  // namespace sealift::image
