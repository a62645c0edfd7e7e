// SPDX-License-Identifier: Apache-2.0
#include "emulator/psp/maker.h"

#include "base/new_directory.h"
#include "crypto/random.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
using sev::AmdCertificate;
using sev::Usage;

constexpr std::size_t kKeyLimit = 16 * 1024;

Status keep_key(const fs::path& file, const crypto::PrivateKey& key) {
  const auto pem = key.pem();
  return write_new_secret_file(file, pem.expose());
}

Result<AmdCertificate> read_certificate(const fs::path& file, Usage usage) {
  SEALIFT_TRY(const auto bytes, read_file(file, sev::kAmdCertificateLimit));
  return AmdCertificate::parse(bytes, usage);
}

Status make_files(const fs::path& directory, const MakerOptions& options) {
  const auto ark_id = options.claim_id.value_or(crypto::random_array<16>());
  SEALIFT_TRY(const auto ark_key, crypto::PrivateKey::generate_rsa(options.bits));
  SEALIFT_TRY(const auto ask_key, crypto::PrivateKey::generate_rsa(options.bits));
  SEALIFT_TRY(const auto ark,
              AmdCertificate::issue(Usage::ark, ark_id, ark_id, ark_key.public_key(), ark_key));
  SEALIFT_TRY(const auto ask, AmdCertificate::issue(Usage::ask, crypto::random_array<16>(), ark_id,
                                                    ask_key.public_key(), ark_key));
  std::error_code error;
  fs::create_directory(directory / "private", error);
  fs::create_directory(directory / "cek", error);
  fs::create_directories(directory / "public/cek", error);
  fs::create_directory_symlink("../../cek", directory / "public/cek/id", error);
  SEALIFT_CHECK(keep_key(directory / "private/ark.key", ark_key));
  SEALIFT_CHECK(keep_key(directory / "private/ask.key", ask_key));
  SEALIFT_CHECK(write_file(directory / "ark.cert", ark.bytes()));
  return write_file(directory / "ask.cert", ask.bytes());
}

}  // namespace

Status Maker::create(const fs::path& directory, const MakerOptions& options) {
  SEALIFT_TRY(auto made, NewDirectory::create(directory));
  SEALIFT_CHECK(make_files(made.path(), options));
  return made.publish();
}

Result<Maker> Maker::open(const fs::path& directory) {
  SEALIFT_TRY(auto ark, read_certificate(directory / "ark.cert", Usage::ark));
  SEALIFT_TRY(auto ask, read_certificate(directory / "ask.cert", Usage::ask));
  SEALIFT_TRY(const auto pem, read_secret_file(directory / "private/ask.key", kKeyLimit));
  SEALIFT_TRY(auto key, crypto::PrivateKey::parse(pem.expose()));
  return Maker{directory, std::move(ark), std::move(ask), std::move(key)};
}

Result<sev::Certificate> Maker::sign(const sev::Certificate& cek, const std::string& chip_id) const {
  SEALIFT_TRY(auto signed_cek, cek.signed_by(0, Usage::ask, ask_key_));
  SEALIFT_CHECK(write_file(directory_ / "cek" / chip_id, signed_cek.bytes()));
  return signed_cek;
}

}  // namespace sealift::emulator
