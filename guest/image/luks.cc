// SPDX-License-Identifier: Apache-2.0
#include "guest/image/luks.h"

#include <fcntl.h>
#include <libcryptsetup.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/file.h"
#include "crypto/cipher.h"
#include "crypto/random.h"
#include "guest/agent/root_disk.h"

namespace sealift::image {
namespace {

constexpr std::size_t kVolumeKeySize = 64;  // AES-256 twice: XTS
constexpr std::uint64_t kMetadataSize = 16 << 10;
/// Room for 16 keyslots. libcryptsetup fills all of it with random bytes, so that more would cost time.
constexpr std::uint64_t kKeyslotsSize = 4 << 20;
constexpr std::uint64_t kLuksSector = 512;  // libcryptsetup counts in these
/// Read, encrypted and hashed while it is in the processor's cache.
constexpr std::size_t kStepSize = 128 << 10;
/// Written at once: each write past the page cache has its own cost in the file system.
constexpr std::size_t kPieceSize = 4 << 20;
constexpr std::uint32_t kLargeSector = 4096;
constexpr std::uint32_t kSmallSector = 512;

/// Stretching makes a guessed passphrase costly. Ours has 256 random bits and cannot be guessed, so the
/// smallest count that LUKS2 allows is as strong as any, and saves the guest seconds of every start.
constexpr std::uint32_t kIterations = 1000;

struct DeviceCloser {
  void operator()(crypt_device* device) const noexcept { crypt_free(device); }
};
using Device = std::unique_ptr<crypt_device, DeviceCloser>;

void keep_message(int level, const char* message, void* kept) {
  if (level == CRYPT_LOG_ERROR) *static_cast<std::string*>(kept) = message;
}

/// A LUKS2 header being made on a disk.
class Header {
 public:
  static Result<std::unique_ptr<Header>> open(const std::filesystem::path& disk) {
    std::unique_ptr<Header> header{new Header};
    crypt_device* raw = nullptr;
    if (const int code = crypt_init(&raw, disk.c_str()); code != 0)
      return header->failed("open the new disk", code);
    header->device_.reset(raw);
    crypt_set_log_callback(raw, keep_message, &header->message_);
    // The lock is a directory under /run that only root can make, and nobody else knows this file yet.
    crypt_metadata_locking(raw, 0);
    return header;
  }

  Status format(ByteView volume_key, std::uint32_t sector_size) {
    crypt_pbkdf_type pbkdf{};
    pbkdf.type = CRYPT_KDF_PBKDF2;
    pbkdf.hash = "sha256";
    pbkdf.iterations = kIterations;
    pbkdf.flags = CRYPT_PBKDF_NO_BENCHMARK;
    crypt_params_luks2 parameters{};
    parameters.pbkdf = &pbkdf;
    parameters.sector_size = sector_size;
    int code = crypt_set_metadata_size(device_.get(), kMetadataSize, kKeyslotsSize);
    if (code == 0) code = crypt_set_data_offset(device_.get(), guest::kLuksHeaderSize / kLuksSector);
    if (code == 0)
      code = crypt_format(device_.get(), CRYPT_LUKS2, "aes", "xts-plain64", nullptr,
                          as_text(volume_key).data(), volume_key.size(), &parameters);
    if (code != 0) return failed("make the LUKS2 header", code);
    return {};
  }

  Status add_passphrase(ByteView volume_key, ByteView passphrase) {
    const auto key = as_text(volume_key);
    const auto text = as_text(passphrase);
    const int slot = crypt_keyslot_add_by_volume_key(device_.get(), CRYPT_ANY_SLOT, key.data(), key.size(),
                                                     text.data(), text.size());
    if (slot < 0) return failed("add the passphrase", slot);
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    if (const int code = crypt_keyslot_area(device_.get(), slot, &offset, &length); code != 0)
      return failed("find the keyslot", code);
    size_ = offset + length;
    return {};
  }

  std::string uuid() const { return crypt_get_uuid(device_.get()); }
  /// Bytes of metadata and keyslot, from the start of the disk. Behind them up to the payload nothing is in
  /// use.
  std::uint64_t size() const noexcept { return size_; }

 private:
  Header() = default;
  tl::unexpected<Error> failed(const std::string& doing, int code) const {
    return fail(ErrorCode::io_error, "cannot " + doing + ": " + std::strerror(-code), "rootdisk.luks",
                message_);
  }

  Device device_;
  std::string message_;
  std::uint64_t size_ = 0;
};

SecretBytes make_volume_key() {
  SecretBytes key{kVolumeKeySize};
  crypto::fill_random(key.expose_for_writing());
  return key;
}

Status lay_out(int disk, std::uint64_t size) {
  // Space for all of it now, so that a full disk shows at the start; where that cannot be asked for, later.
  if (fallocate(disk, 0, 0, static_cast<off_t>(size)) == 0) return {};
  if (errno == ENOSPC) return fail_errno("make room for the root disk");
  if (ftruncate(disk, static_cast<off_t>(size)) != 0) return fail_errno("make room for the root disk");
  return {};
}

/// Reads up to a piece at `offset`; what lies behind the end of the file is zeros.
Status read_piece(int fd, std::span<std::uint8_t> piece, std::uint64_t offset) {
  while (!piece.empty()) {
    const auto count = pread(fd, piece.data(), piece.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read the root file system");
    if (count == 0) {
      std::ranges::fill(piece, std::uint8_t{0});
      return {};
    }
    piece = piece.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

/// A piece of a file as the page cache has it: copying it would cost a twentieth of what encryption does.
/// Empty where it cannot be had so (the file ends, or the disk fails): it is to be read then.
class MappedPiece {
 public:
  MappedPiece(int fd, std::uint64_t offset, std::size_t size) {
    auto* const at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, static_cast<off_t>(offset));
    if (at == MAP_FAILED) return;
    bytes_ = {static_cast<const std::uint8_t*>(at), size};
    if (madvise(at, size, MADV_POPULATE_READ) != 0) unmap();
  }
  MappedPiece(const MappedPiece&) = delete;
  MappedPiece& operator=(const MappedPiece&) = delete;
  ~MappedPiece() { unmap(); }
  ByteView bytes() const noexcept { return bytes_; }

 private:
  void unmap() noexcept {
    if (!bytes_.empty())
      munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());  // NOLINT: its signature
    bytes_ = {};
  }
  ByteView bytes_;
};

/// Page-aligned memory, so that pieces can go to the disk without a copy in the page cache.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(std::size_t size)
      : bytes_{static_cast<std::uint8_t*>(std::aligned_alloc(kLargeSector, size))}, size_{size} {
    if (!bytes_) throw std::bad_alloc{};
  }
  std::span<std::uint8_t> span(std::size_t size) noexcept { return {bytes_.get(), std::min(size, size_)}; }

 private:
  struct Free {
    void operator()(std::uint8_t* bytes) const noexcept { std::free(bytes); }
  };
  std::unique_ptr<std::uint8_t[], Free> bytes_;
  std::size_t size_;
};

/// The disk written front to back, hashed as it goes.
class DiskWriter {
 public:
  DiskWriter(int disk, std::uint64_t payload, std::uint32_t sector_size, ByteView volume_key, const Job& job)
      : disk_{disk}, payload_{payload}, job_{job}, cipher_{volume_key, sector_size}, buffer_{kPieceSize} {}

  Status write(int plaintext) {
    job_.progress().start("encrypt the root disk", payload_);
    SEALIFT_CHECK(hash_header());
    write_past_the_page_cache();
    for (std::uint64_t done = 0; done < payload_;) {
      SEALIFT_CHECK(job_.check());
      const auto piece =
          buffer_.span(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceSize, payload_ - done)));
      SEALIFT_CHECK(fill(piece, plaintext, done));
      SEALIFT_CHECK(pwrite_all(disk_, piece, guest::kLuksHeaderSize + done));
      done += piece.size();
      job_.progress().advance(piece.size());
    }
    if (fsync(disk_) != 0) return fail_errno("sync the root disk");
    job_.progress().finish();
    return {};
  }
  crypto::Digest digest() { return hasher_.finish(); }

 private:
  Status hash_header() {
    for (std::uint64_t done = 0; done < guest::kLuksHeaderSize; done += kPieceSize) {
      const auto piece = buffer_.span(kPieceSize);
      SEALIFT_CHECK(pread_exact(disk_, piece, done));
      hasher_.update(piece);
    }
    return {};
  }
  Status fill(std::span<std::uint8_t> piece, int plaintext, std::uint64_t offset) {
    const MappedPiece mapped{plaintext, offset, piece.size()};
    for (std::size_t done = 0; done < piece.size();) {
      const auto step = piece.subspan(done, std::min(kStepSize, piece.size() - done));
      if (mapped.bytes().empty()) {
        SEALIFT_CHECK(read_piece(plaintext, step, offset + done));
        cipher_.encrypt(step, offset + done);
      } else {
        cipher_.encrypt(mapped.bytes().subspan(done, step.size()), step, offset + done);
      }
      hasher_.update(step);
      done += step.size();
    }
    return {};
  }
  /// Where the file system can: copying into the page cache would cost a third of what encryption does.
  void write_past_the_page_cache() const {
    const int flags = fcntl(disk_, F_GETFL);
    if (flags >= 0) fcntl(disk_, F_SETFL, flags | O_DIRECT);
  }

  int disk_;
  std::uint64_t payload_;
  const Job& job_;
  crypto::XtsEncryptor cipher_;
  crypto::Hasher hasher_{crypto::HashAlgorithm::sha512};
  AlignedBuffer buffer_;
};

}  // namespace

Result<LuksDisk> write_luks_disk(int plaintext, std::uint64_t size, std::uint32_t block_size,
                                 ByteView passphrase, const std::filesystem::path& disk, const Job& job) {
  if (size == 0 || size % kLargeSector != 0)
    return fail(ErrorCode::invalid_argument, "a root disk's size is a multiple of 4096 bytes", "size");
  SEALIFT_TRY(const auto fd, open_file(disk, O_RDWR | O_CREAT | O_EXCL, 0644));
  SEALIFT_CHECK(lay_out(fd.get(), guest::kLuksHeaderSize + size));
  const auto sector_size = block_size >= kLargeSector ? kLargeSector : kSmallSector;
  const auto volume_key = make_volume_key();
  SEALIFT_TRY(const auto header, Header::open(disk));
  SEALIFT_CHECK(header->format(volume_key.expose(), sector_size));
  SEALIFT_CHECK(header->add_passphrase(volume_key.expose(), passphrase));

  LuksDisk made{.uuid = header->uuid(),
                .size = guest::kLuksHeaderSize + size,
                .sha512 = {},
                .header = Bytes(header->size())};
  SEALIFT_CHECK(pread_exact(fd.get(), made.header, 0));
  DiskWriter writer{fd.get(), size, sector_size, volume_key.expose(), job};
  SEALIFT_CHECK(writer.write(plaintext));
  made.sha512 = writer.digest();
  return made;
}

SecretBytes make_passphrase() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto random = crypto::random_secret<32>();
  SecretBytes text{kPassphraseSize};
  auto out = text.expose_for_writing().begin();
  for (const auto byte : random.expose()) {
    *out++ = static_cast<std::uint8_t>(kDigits[byte >> 4]);
    *out++ = static_cast<std::uint8_t>(kDigits[byte & 15]);
  }
  return text;
}

}  // namespace sealift::image
