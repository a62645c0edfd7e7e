// SPDX-License-Identifier: Apache-2.0
#include "guest/image/tree/ext4_writer.h"

#include <ext2fs/ext2fs.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>

#include "guest/image/tree/ext2_error.h"

namespace sealift::image {
namespace {

constexpr std::size_t kMaxLinkTarget = 4095;

/// Directory entries' own type numbers (EXT2_FT_*); 0 for what a file system cannot hold.
int directory_entry_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return EXT2_FT_REG_FILE;
    case S_IFDIR:
      return EXT2_FT_DIR;
    case S_IFCHR:
      return EXT2_FT_CHRDEV;
    case S_IFBLK:
      return EXT2_FT_BLKDEV;
    case S_IFIFO:
      return EXT2_FT_FIFO;
    case S_IFSOCK:
      return EXT2_FT_SOCK;
    case S_IFLNK:
      return EXT2_FT_SYMLINK;
    default:
      return EXT2_FT_UNKNOWN;
  }
}

void set_metadata(ext2_inode& inode, const TreeEntry& entry) {
  inode.i_mode = static_cast<__u16>(entry.mode);
  inode.i_uid = static_cast<__u16>(entry.uid);
  inode.i_gid = static_cast<__u16>(entry.gid);
  inode.osd2.linux2.l_i_uid_high = static_cast<__u16>(entry.uid >> 16);
  inode.osd2.linux2.l_i_gid_high = static_cast<__u16>(entry.gid >> 16);
  const std::int64_t latest = std::numeric_limits<std::int32_t>::max();
  const auto time = static_cast<__u32>(std::clamp<std::int64_t>(entry.mtime, 0, latest));
  inode.i_atime = inode.i_ctime = inode.i_mtime = time;
}

/// As the kernel's old_encode_dev and new_encode_dev do it.
void set_device(ext2_inode& inode, const TreeEntry& entry) {
  if (entry.major < 256 && entry.minor < 256)
    inode.i_block[0] = entry.major * 256 + entry.minor;
  else
    inode.i_block[1] = (entry.minor & 0xffU) | (entry.major << 8) | ((entry.minor & ~0xffU) << 12);
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

struct Ext4Writer::Handle {
  ext2_filsys fs = nullptr;
  ext2_file_t file = nullptr;  // the last entry's content
  std::string path;            // the last entry
  std::uint64_t size = 0;      // its size
  std::string parent_path;     // the directory looked up last: trees come directory by directory
  ext2_ino_t parent = EXT2_ROOT_INO;

  /// The inode of `path`, no symbolic link followed; 0 where there is none.
  Result<ext2_ino_t> find(const std::string& path_wanted);
  Result<ext2_ino_t> find_in(ext2_ino_t directory, const std::string& name) const;
  /// The directory `wanted`, made where it is missing.
  Result<ext2_ino_t> directory_at(const std::string& wanted);
  Result<ext2_ino_t> new_directory(ext2_ino_t directory, const std::string& name,
                                   const std::string& full_path);
  Result<ext2_ino_t> add_directory(ext2_ino_t directory, const TreeEntry& entry);
  Result<ext2_ino_t> add_symbolic_link(ext2_ino_t directory, const TreeEntry& entry);
  Result<ext2_ino_t> add_other(ext2_ino_t directory, const TreeEntry& entry);
  Status add_hard_link(ext2_ino_t directory, const TreeEntry& entry);
  Status link(ext2_ino_t directory, const TreeEntry& entry, ext2_ino_t inode);
  Status set_inode(ext2_ino_t number, const TreeEntry& entry);
  Status set_attributes(ext2_ino_t number, const TreeEntry& entry);
  Status close_file();

  /// `make` again after the directory was enlarged, where it said that the directory is full.
  template <typename Make>
  errcode_t with_room(ext2_ino_t directory, Make make) {
    errcode_t code = make();
    if (code == EXT2_ET_DIR_NO_SPACE) {
      code = ext2fs_expand_dir(fs, directory);
      if (code == 0) code = make();
    }
    return code;
  }
};

Result<ext2_ino_t> Ext4Writer::Handle::find_in(ext2_ino_t directory, const std::string& name) const {
  ext2_ino_t found = 0;
  const auto code =
      ext2fs_lookup(fs, directory, name.c_str(), static_cast<int>(name.size()), nullptr, &found);
  if (code == EXT2_ET_FILE_NOT_FOUND) return ext2_ino_t{0};
  if (code != 0) return fail_ext2(code, "look up", name);
  return found;
}

Result<ext2_ino_t> Ext4Writer::Handle::find(const std::string& path_wanted) {
  ext2_ino_t inode = EXT2_ROOT_INO;
  for (std::string_view rest{path_wanted}; !rest.empty() && inode != 0;) {
    const std::string name{rest.substr(0, rest.find('/'))};
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    if (ext2fs_check_directory(fs, inode) != 0) return ext2_ino_t{0};
    SEALIFT_TRY(inode, find_in(inode, name));
  }
  return inode;
}

Result<ext2_ino_t> Ext4Writer::Handle::directory_at(const std::string& wanted) {
  if (wanted.empty()) return ext2_ino_t{EXT2_ROOT_INO};
  if (wanted == parent_path) return parent;
  SEALIFT_TRY(const auto above, directory_at(parent_of(wanted)));
  SEALIFT_TRY(auto inode, find_in(above, name_of(wanted)));
  if (inode == 0) {
    SEALIFT_TRY(inode, new_directory(above, name_of(wanted), wanted));
  } else if (ext2fs_check_directory(fs, inode) != 0) {
    return fail(ErrorCode::malformed, "the path leads through something that is no directory", wanted);
  }
  parent_path = wanted;
  parent = inode;
  return inode;
}

Result<ext2_ino_t> Ext4Writer::Handle::new_directory(ext2_ino_t directory, const std::string& name,
                                                     const std::string& full_path) {
  ext2_ino_t inode = 0;
  if (const auto code = ext2fs_new_inode(fs, directory, LINUX_S_IFDIR, nullptr, &inode); code != 0)
    return fail_ext2(code, "make the directory", full_path);
  const auto code = with_room(directory, [&] { return ext2fs_mkdir(fs, directory, inode, name.c_str()); });
  if (code != 0) return fail_ext2(code, "make the directory", full_path);
  return inode;
}

Result<ext2_ino_t> Ext4Writer::Handle::add_directory(ext2_ino_t directory, const TreeEntry& entry) {
  ext2_ino_t inode = EXT2_ROOT_INO;
  if (!entry.path.empty()) {
    SEALIFT_TRY(inode, find_in(directory, name_of(entry.path)));
  }
  if (inode == 0) {
    SEALIFT_TRY(inode, new_directory(directory, name_of(entry.path), entry.path));
  } else if (ext2fs_check_directory(fs, inode) != 0) {
    return fail(ErrorCode::malformed, "a directory has the name of another file", entry.path);
  }
  SEALIFT_CHECK(set_inode(inode, entry));
  return inode;
}

Result<ext2_ino_t> Ext4Writer::Handle::add_symbolic_link(ext2_ino_t directory, const TreeEntry& entry) {
  if (entry.link_target.empty() || entry.link_target.size() > kMaxLinkTarget ||
      entry.link_target.find('\0') != std::string::npos)
    return fail(ErrorCode::malformed, "a symbolic link has no target, or too long a one", entry.path);
  ext2_ino_t inode = 0;
  if (const auto code = ext2fs_new_inode(fs, directory, LINUX_S_IFLNK, nullptr, &inode); code != 0)
    return fail_ext2(code, "make the link", entry.path);
  const auto name = name_of(entry.path);
  const auto code = with_room(directory, [&] {
    return ext2fs_symlink(fs, directory, inode, name.c_str(), entry.link_target.c_str());
  });
  if (code != 0) return fail_ext2(code, "make the link", entry.path);
  SEALIFT_CHECK(set_inode(inode, entry));
  return inode;
}

Result<ext2_ino_t> Ext4Writer::Handle::add_other(ext2_ino_t directory, const TreeEntry& entry) {
  ext2_ino_t number = 0;
  if (const auto code = ext2fs_new_inode(fs, directory, LINUX_S_IFREG, nullptr, &number); code != 0)
    return fail_ext2(code, "make", entry.path);
  ext2_inode inode{};
  set_metadata(inode, entry);
  inode.i_links_count = 1;
  if (S_ISCHR(entry.mode) || S_ISBLK(entry.mode)) set_device(inode, entry);
  if (S_ISREG(entry.mode)) {
    errcode_t code = ext2fs_inode_size_set(fs, &inode, static_cast<ext2_off64_t>(entry.size));
    ext2_extent_handle_t extents = nullptr;
    if (code == 0) code = ext2fs_extent_open2(fs, number, &inode, &extents);  // makes the inode's extent tree
    if (code != 0) return fail_ext2(code, "make", entry.path);
    ext2fs_extent_free(extents);
  }
  if (const auto code = ext2fs_write_new_inode(fs, number, &inode); code != 0)
    return fail_ext2(code, "make", entry.path);
  ext2fs_inode_alloc_stats2(fs, number, +1, 0);
  SEALIFT_CHECK(link(directory, entry, number));
  return number;
}

Status Ext4Writer::Handle::link(ext2_ino_t directory, const TreeEntry& entry, ext2_ino_t inode) {
  const auto name = name_of(entry.path);
  const int type = directory_entry_type(entry.mode);
  const auto code =
      with_room(directory, [&] { return ext2fs_link(fs, directory, name.c_str(), inode, type); });
  if (code != 0) return fail_ext2(code, "add", entry.path);
  return {};
}

Status Ext4Writer::Handle::add_hard_link(ext2_ino_t directory, const TreeEntry& entry) {
  SEALIFT_TRY(const auto number, find(entry.hard_link_to));
  ext2_inode inode{};
  if (number != 0) {
    if (const auto code = ext2fs_read_inode(fs, number, &inode); code != 0)
      return fail_ext2(code, "link", entry.path);
  }
  if (number == 0 || LINUX_S_ISDIR(inode.i_mode))
    return fail(ErrorCode::malformed, "a hard link leads to nothing, or to a directory", entry.path);
  if (inode.i_links_count >= EXT2_LINK_MAX)
    return fail(ErrorCode::malformed, "a file has more hard links than ext4 can count", entry.path);
  ++inode.i_links_count;
  if (const auto code = ext2fs_write_inode(fs, number, &inode); code != 0)
    return fail_ext2(code, "link", entry.path);
  TreeEntry as_first = entry;
  as_first.mode = inode.i_mode;
  return link(directory, as_first, number);
}

/// Owner, mode and time, where libext2fs made the inode.
Status Ext4Writer::Handle::set_inode(ext2_ino_t number, const TreeEntry& entry) {
  ext2_inode inode{};
  if (const auto code = ext2fs_read_inode(fs, number, &inode); code != 0)
    return fail_ext2(code, "read the inode of", entry.path);
  set_metadata(inode, entry);
  if (const auto code = ext2fs_write_inode(fs, number, &inode); code != 0)
    return fail_ext2(code, "write the inode of", entry.path);
  return {};
}

Status Ext4Writer::Handle::set_attributes(ext2_ino_t number, const TreeEntry& entry) {
  if (entry.attributes.empty()) return {};
  ext2_xattr_handle* raw = nullptr;
  if (const auto code = ext2fs_xattrs_open(fs, number, &raw); code != 0)
    return fail_ext2(code, "set the extended attributes of", entry.path);
  const auto close = [](ext2_xattr_handle* handle) { ext2fs_xattrs_close(&handle); };
  const std::unique_ptr<ext2_xattr_handle, decltype(close)> handle{raw, close};
  errcode_t code = ext2fs_xattrs_read(handle.get());
  for (const auto& attribute : entry.attributes)
    if (code == 0)
      code = ext2fs_xattr_set(handle.get(), attribute.name.c_str(), attribute.value.data(),
                              attribute.value.size());
  if (code != 0) return fail_ext2(code, "set the extended attributes of", entry.path);
  return {};
}

Status Ext4Writer::Handle::close_file() {
  if (file == nullptr) return {};
  const auto code = ext2fs_file_close(std::exchange(file, nullptr));
  if (code != 0) return fail_ext2(code, "write", path);
  return {};
}

void Ext4Writer::HandleCloser::operator()(Handle* handle) const noexcept {
  if (handle->file != nullptr) ext2fs_file_close(handle->file);
  if (handle->fs != nullptr)
    ext2fs_free(handle->fs);  // without writing: an unfinished file system is thrown away
  delete handle;
}

Ext4Writer::Ext4Writer(std::unique_ptr<Handle, HandleCloser> handle) : handle_{std::move(handle)} {}

Result<Ext4Writer> Ext4Writer::open(int fd) {
  std::unique_ptr<Handle, HandleCloser> handle{new Handle};
  const auto path = "/proc/self/fd/" + std::to_string(fd);
  constexpr int kFlags = EXT2_FLAG_RW | EXT2_FLAG_64BITS;
  errcode_t code = ext2fs_open(path.c_str(), kFlags, 0, 0, unix_io_manager, &handle->fs);
  if (code == 0) code = ext2fs_read_bitmaps(handle->fs);
  if (code != 0) return fail_ext2(code, "open the new file system");
  return Ext4Writer{std::move(handle)};
}

Status Ext4Writer::add(const TreeEntry& entry) {
  Handle& handle = *handle_;
  SEALIFT_CHECK(handle.close_file());
  handle.path = entry.path;
  handle.size = 0;
  if (directory_entry_type(entry.mode) == EXT2_FT_UNKNOWN && entry.hard_link_to.empty())
    return fail(ErrorCode::malformed, "an entry is of a type that no root file system has", entry.path);
  if (entry.path.empty() && !S_ISDIR(entry.mode))
    return fail(ErrorCode::malformed, "the root of the file system is no directory");
  SEALIFT_TRY(const auto directory, handle.directory_at(parent_of(entry.path)));
  if (!S_ISDIR(entry.mode) || !entry.hard_link_to.empty()) {
    SEALIFT_TRY(const auto taken, handle.find_in(directory, name_of(entry.path)));
    if (taken != 0) return fail(ErrorCode::malformed, "a file comes twice", entry.path);
  }
  if (!entry.hard_link_to.empty()) return handle.add_hard_link(directory, entry);
  auto added = S_ISDIR(entry.mode)   ? handle.add_directory(directory, entry)
               : S_ISLNK(entry.mode) ? handle.add_symbolic_link(directory, entry)
                                     : handle.add_other(directory, entry);
  SEALIFT_TRY(const auto inode, std::move(added));
  SEALIFT_CHECK(handle.set_attributes(inode, entry));
  if (!S_ISREG(entry.mode) || entry.size == 0) return {};
  handle.size = entry.size;
  if (const auto code = ext2fs_file_open(handle.fs, inode, EXT2_FILE_WRITE, &handle.file); code != 0)
    return fail_ext2(code, "open", entry.path);
  return {};
}

Status Ext4Writer::write(const Piece& piece) {
  Handle& handle = *handle_;
  if (piece.bytes.empty()) return {};
  if (handle.file == nullptr || piece.offset > handle.size || piece.bytes.size() > handle.size - piece.offset)
    return fail(ErrorCode::malformed, "a file has more content than its size", handle.path);
  errcode_t code = ext2fs_file_llseek(handle.file, piece.offset, EXT2_SEEK_SET, nullptr);
  for (auto rest = piece.bytes; code == 0 && !rest.empty();) {
    unsigned int written = 0;
    const auto size = static_cast<unsigned int>(std::min<std::size_t>(rest.size(), 1U << 20));
    code = ext2fs_file_write(handle.file, rest.data(), size, &written);
    rest = rest.subspan(written);
  }
  if (code != 0) return fail_ext2(code, "write", handle.path);
  return {};
}

Status Ext4Writer::finish() {
  SEALIFT_CHECK(handle_->close_file());
  if (const auto code = ext2fs_close_free(&handle_->fs); code != 0)
    return fail_ext2(code, "write the file system");
  return {};
}

}  // namespace sealift::image
