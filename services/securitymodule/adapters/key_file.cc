// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/key_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace sealift::securitymodule {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kFileLimit = 4096;
constexpr std::size_t kIdSize = 8;
constexpr std::size_t kIvSize = 12;
constexpr std::size_t kHeadSize = 1 + kIdSize + kIvSize;

Bytes id_of(ByteView key) {
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha256, {as_bytes("sealift sm v1 key id"), key});
  return to_bytes(digest.view().first(kIdSize));
}

Status check_owner_only(int fd, const std::filesystem::path& path, const std::string& field) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno(fmt::format("look at {}", path.string()));
  if ((status.st_mode & 077U) == 0 && status.st_uid == ::geteuid()) return {};
  return fail(ErrorCode::permission_denied,
              fmt::format("{} is not its owner's alone: it must be ours, with mode 0600", path.string()),
              field);
}

Status sync(int fd, const std::filesystem::path& path) {
  if (::fsync(fd) != 0) return fail_errno(fmt::format("sync {}", path.string()));
  return {};
}

/// Removes a file that has done its duty, or has not.
class Temporary {
 public:
  explicit Temporary(std::filesystem::path path) : path_{std::move(path)} {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() { ::unlink(path_.c_str()); }
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

Result<SecretBytes> read_owners_file(const std::filesystem::path& path, std::size_t limit,
                                     const std::string& field) {
  SEALIFT_TRY(const auto file, open_file(path, O_RDONLY | O_NOFOLLOW));
  SEALIFT_CHECK(check_owner_only(file.get(), path, field));
  SEALIFT_TRY(const auto size, file_size(file.get()));
  if (size > limit)
    return fail(ErrorCode::too_large, fmt::format("{} is larger than {} bytes", path.string(), limit), field);
  SecretBytes bytes{size};
  SEALIFT_CHECK(pread_exact(file.get(), bytes.expose_for_writing(), 0));
  return bytes;
}

Result<KeyFileProtector> KeyFileProtector::open(const std::filesystem::path& path) {
  SEALIFT_TRY(auto bytes, read_owners_file(path, kFileLimit, "protector"));
  if (bytes.size() != kKeySize) {
    return fail(ErrorCode::malformed, fmt::format("the key file {} does not hold 32 bytes", path.string()),
                "protector");
  }
  return KeyFileProtector{Secret<kKeySize>{bytes.expose_for_writing().first<kKeySize>()}};
}

Status KeyFileProtector::create(const std::filesystem::path& path) {
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
  SEALIFT_TRY(const auto directory, open_file(parent, O_RDONLY | O_DIRECTORY));
  // Whole before it has its name, which nobody else's file loses: others may create it at the same time.
  const Temporary unfinished{fmt::format("{}.{}", path.string(), to_hex(crypto::random_array<8>()))};
  SEALIFT_TRY(const auto file, open_file(unfinished.path(), O_WRONLY | O_CREAT | O_EXCL, 0600));
  const auto key = crypto::random_secret<kKeySize>();
  SEALIFT_CHECK(write_all(file.get(), key.expose()));
  SEALIFT_CHECK(sync(file.get(), path));
  if (::link(unfinished.path().c_str(), path.c_str()) != 0)
    return fail_errno(fmt::format("make the key file {}", path.string()));
  return sync(directory.get(), parent);
}

std::string KeyFileProtector::key_id() const { return "file:" + to_hex(id_of(key_.expose())); }

Result<Bytes> KeyFileProtector::wrap(ByteView secret, ByteView associated_data) const {
  const auto iv = crypto::random_array<kIvSize>();
  const auto sealed = crypto::gcm_encrypt(key_.expose(), iv, associated_data, secret);
  ByteWriter out;
  out.u8(kVersion).bytes(id_of(key_.expose())).bytes(iv).bytes(sealed.ciphertext).bytes(sealed.tag);
  return std::move(out).take();
}

Result<SecretBytes> KeyFileProtector::unwrap(ByteView wrapped, ByteView associated_data) const {
  if (wrapped.size() < kHeadSize + crypto::kGcmTagSize || wrapped[0] != kVersion)
    return fail(ErrorCode::malformed, "the wrapped key is none of a key file's", "protector");
  const auto id = wrapped.subspan(1, kIdSize);
  if (!same_bytes(id, id_of(key_.expose()))) {
    return fail(
        ErrorCode::failed_precondition,
        fmt::format("the database is protected by the key file:{}, and this one is {}: restore the former",
                    to_hex(id), key_id()),
        "protector");
  }
  const auto body = wrapped.subspan(kHeadSize);
  return crypto::gcm_decrypt(key_.expose(), wrapped.subspan(1 + kIdSize, kIvSize), associated_data,
                             body.first(body.size() - crypto::kGcmTagSize), body.last(crypto::kGcmTagSize));
}

}  // namespace sealift::securitymodule
