// SPDX-License-Identifier: Apache-2.0
#include "objects/directory_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "crypto/random.h"
#include "objects/locked_file.h"
#include "objects/store_checks.h"

namespace sealift::objects {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUploads = "uploads";
constexpr mode_t kObjectMode = 0644;

std::string random_id() { return to_hex(crypto::random_array<16>()); }

bool is_id(std::string_view id) {
  return id.size() == 32 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The upload's file, locked against others who would write it or give it its final name.
Result<UniqueFd> lock_upload(const fs::path& path) {
  auto fd = open_locked(path, O_RDWR, Locking::wait);
  if (!fd && fd.error().code == ErrorCode::not_found) return fail_no_upload();
  return fd;
}

/// Bytes once written stay: the hashes that states carry stand for them.
Status check_overlap(int fd, std::uint64_t offset, ByteView bytes) {
  SEALIFT_TRY(const auto size, file_size(fd));
  if (size < offset) return fail_no_upload();
  Bytes there(static_cast<std::size_t>(std::min<std::uint64_t>(size - offset, bytes.size())));
  SEALIFT_CHECK(pread_exact(fd, there, offset));
  if (same_bytes(there, bytes.first(there.size()))) return {};
  return fail(ErrorCode::conflict, "other bytes were sent for this part before: begin the upload again",
              "bytes");
}

Status write_new(const fs::path& path, ByteView bytes) {
  SEALIFT_TRY(const auto fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL, kObjectMode));
  SEALIFT_CHECK(write_all(fd.get(), bytes));
  if (::fdatasync(fd.get()) != 0) return fail_errno("sync " + path.string());
  return {};
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> DirectoryStore::open(const fs::path& root) {
  for (const auto* const part : {"sha512", "heads", kUploads}) {
    std::error_code error;
    fs::create_directories(root / part, error);
    if (!error) continue;
    errno = error.value();
    return fail_errno("create " + (root / part).string());
  }
  SEALIFT_CHECK(sync_directory(root));
  return std::unique_ptr<ObjectStore>{new DirectoryStore{root}};
}

fs::path DirectoryStore::unfinished(const std::string& id) const { return root_ / kUploads / id; }

Status DirectoryStore::publish(const fs::path& from, const ObjectKey& key) const {
  const auto to = path_of(key);
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("rename to " + to.string());
  return sync_directory(to.parent_path());
}

Status DirectoryStore::check() {
  if (::access((root_ / kUploads).c_str(), W_OK | X_OK) == 0) return {};
  return fail_errno("write to " + root_.string());
}

Result<std::optional<std::uint64_t>> DirectoryStore::stat(const ObjectKey& key) {
  struct stat status{};
  const auto path = path_of(key);
  if (::lstat(path.c_str(), &status) == 0) return static_cast<std::uint64_t>(status.st_size);
  if (errno != ENOENT) return fail_errno("stat " + path.string());
  SEALIFT_CHECK(check());
  return std::nullopt;
}

Result<UploadState> DirectoryStore::begin(const crypto::Digest& sha512, std::uint64_t size) {
  SEALIFT_TRY(auto state, start_upload(sha512, size));
  state.id = random_id();
  SEALIFT_CHECK(write_new(unfinished(state.id), {}));
  return state;
}

Result<UploadState> DirectoryStore::append(const UploadState& state, std::uint64_t offset, ByteView bytes) {
  SEALIFT_CHECK(check_part(state, offset, bytes));
  if (!is_id(state.id)) return fail_no_upload();
  SEALIFT_TRY(const auto fd, lock_upload(unfinished(state.id)));
  SEALIFT_CHECK(check_overlap(fd.get(), offset, bytes));
  SEALIFT_CHECK(pwrite_all(fd.get(), bytes, offset));
  if (::fdatasync(fd.get()) != 0) return fail_errno("sync upload " + state.id);
  return advanced(state, bytes);
}

Status DirectoryStore::finish(const UploadState& state) {
  SEALIFT_CHECK(check_whole(state));
  if (!is_id(state.id)) return fail_no_upload();
  const auto path = unfinished(state.id);
  const auto fd = lock_upload(path);
  if (!fd) {
    // Perhaps finished before, by a call whose answer was lost.
    SEALIFT_TRY(const auto there, stat(state.key));
    if (fd.error().code != ErrorCode::not_found || there != state.size) return tl::unexpected{fd.error()};
    return sync_directory(path_of(state.key).parent_path());
  }
  SEALIFT_TRY(const auto size, file_size(fd->get()));
  if (size != state.size) return fail_no_upload();
  return publish(path, state.key);
}

void DirectoryStore::abandon(const UploadState& state) {
  if (is_id(state.id)) ::unlink(unfinished(state.id).c_str());
}

Status DirectoryStore::put(const ObjectKey& key, ByteView bytes) {
  SEALIFT_CHECK(check_small(key, bytes));
  const auto path = unfinished(random_id());
  auto status = write_new(path, bytes);
  if (status) status = publish(path, key);
  if (!status) ::unlink(path.c_str());
  return status;
}

Status DirectoryStore::remove(const ObjectKey& key) {
  const auto path = path_of(key);
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return fail_errno("remove " + path.string());
}

Result<Bytes> DirectoryStore::read(const ObjectKey& key, std::uint64_t offset, std::size_t size) {
  SEALIFT_CHECK(check_read(offset, size));
  const auto fd = open_file(path_of(key), O_RDONLY | O_NOFOLLOW);
  if (!fd && fd.error().code == ErrorCode::not_found) return fail_no_object(key);
  if (!fd) return tl::unexpected{fd.error()};
  SEALIFT_TRY(const auto whole, file_size(fd->get()));
  if (offset > whole || size > whole - offset)
    return fail(ErrorCode::truncated, "the object " + key.text() + " ends before that", "size");
  Bytes bytes(size);
  SEALIFT_CHECK(pread_exact(fd->get(), bytes, offset));
  return bytes;
}

Result<Location> DirectoryStore::location(const ObjectKey& key, std::chrono::seconds lifetime) {
  SEALIFT_CHECK(check_lifetime(lifetime));
  return Location{"dir:" + key.text()};
}

}  // namespace sealift::objects
