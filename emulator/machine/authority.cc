// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/authority.h"

#include "base/clock.h"
#include "base/new_directory.h"
#include "emulator/firmware/new_file.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
using crypto::CertificateAuthority;
using crypto::PrivateKey;

constexpr std::size_t kFileLimit = 16 * 1024;
constexpr std::int64_t kTenYears = 10LL * 365 * 24 * 3600;

Status keep(const CertificateAuthority& authority, const fs::path& directory, const std::string& name,
            std::int64_t now) {
  SEALIFT_CHECK(write_new_file(directory / (name + ".pem"), as_bytes(authority.certificate().pem())));
  const auto key = authority.key().pem();
  SEALIFT_CHECK(write_new_file(directory / (name + ".key"), key.expose()));
  SEALIFT_TRY(const auto crl, authority.issue_crl({}, {now, now + kTenYears}));
  return write_new_file(directory / (name + ".crl"), as_bytes(crl.pem()));
}

Status make_authorities(const fs::path& directory) {
  const auto now = crypto::unix_seconds(SystemClock{}.now());
  SEALIFT_TRY(auto root_key, PrivateKey::generate_ec(crypto::Curve::p256));
  SEALIFT_TRY(const auto root, CertificateAuthority::create_root(
                                   std::move(root_key), "Sealift emulated machines test root", {now}));
  SEALIFT_TRY(auto key, PrivateKey::generate_ec(crypto::Curve::p256));
  SEALIFT_TRY(const auto intermediate,
              root.create_intermediate(std::move(key), "Sealift emulated machines test EK CA", {now}));
  SEALIFT_CHECK(keep(root, directory, "root", now));
  return keep(intermediate, directory, "intermediate", now);
}

}  // namespace

Result<CertificateAuthority> ek_authority(const fs::path& machines) {
  const auto directory = machines / "ca";
  SEALIFT_CHECK(make_directory_once(directory, make_authorities));
  SEALIFT_TRY(const auto pem, read_file(directory / "intermediate.pem", kFileLimit));
  SEALIFT_TRY(auto certificate, crypto::Certificate::parse(pem));
  SEALIFT_TRY(const auto key_pem, read_secret_file(directory / "intermediate.key", kFileLimit));
  SEALIFT_TRY(auto key, PrivateKey::parse(key_pem.expose()));
  return CertificateAuthority::load(std::move(key), std::move(certificate));
}

}  // namespace sealift::emulator
