// SPDX-License-Identifier: Apache-2.0
#include "objects/partial_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "objects/locked_file.h"

namespace sealift::objects {
namespace {

constexpr std::size_t kPiece = 1U << 20U;

}  // namespace

PartialFile::PartialFile(std::filesystem::path destination, UniqueFd fd, std::uint64_t size,
                         Progress& progress)
    : destination_{std::move(destination)},
      path_{destination_.string() + ".part"},
      fd_{std::move(fd)},
      size_{size},
      hasher_{crypto::HashAlgorithm::sha512},
      progress_{&progress} {}

Result<PartialFile> PartialFile::open(const std::filesystem::path& destination, std::uint64_t size,
                                      Progress& progress) {
  SEALIFT_TRY(auto fd, open_locked(destination.string() + ".part", O_RDWR | O_CREAT, Locking::give_up));
  PartialFile file{destination, std::move(fd), size, progress};
  progress.start("fetch", size);
  SEALIFT_CHECK(file.take_up());
  return file;
}

Status PartialFile::take_up() {
  SEALIFT_TRY(const auto there, file_size(fd_.get()));
  if (there > size_) return restart();
  Bytes piece;
  while (arrived_ < there) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, there - arrived_)));
    SEALIFT_CHECK(pread_exact(fd_.get(), piece, arrived_));
    hasher_.update(piece);
    arrived_ += piece.size();
    progress_->advance(piece.size());
  }
  return {};
}

Status PartialFile::append(ByteView bytes) {
  if (bytes.size() > size_ - arrived_)
    return fail(ErrorCode::too_large, "the store sent more bytes than the object has", "size");
  SEALIFT_CHECK(pwrite_all(fd_.get(), bytes, arrived_));
  hasher_.update(bytes);
  arrived_ += bytes.size();
  progress_->advance(bytes.size());
  return {};
}

Status PartialFile::restart() {
  if (::ftruncate(fd_.get(), 0) != 0) return fail_errno("truncate " + path_.string());
  arrived_ = 0;
  hasher_ = crypto::Hasher{crypto::HashAlgorithm::sha512};
  progress_->start("fetch", size_);
  return {};
}

Status PartialFile::publish(const crypto::Digest& sha512, bool lasting) {
  if (const auto found = hasher_.finish(); found != sha512)
    return differs(ErrorCode::object_differs, "what the store has is not what was asked for", "sha512",
                   to_hex(sha512.view()), to_hex(found.view()));
  if (lasting && ::fdatasync(fd_.get()) != 0) return fail_errno("sync " + path_.string());
  if (::rename(path_.c_str(), destination_.c_str()) != 0)
    return fail_errno("rename to " + destination_.string());
  if (lasting) SEALIFT_CHECK(sync_directory(parent_directory(destination_)));
  progress_->finish();
  return {};
}

}  // namespace sealift::objects
