// SPDX-License-Identifier: Apache-2.0
#include "rpc/pki.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "crypto/x509_issue.h"

namespace sealift::rpc {
namespace {

namespace fs = std::filesystem;
using crypto::CertificateAuthority;
using crypto::CertificateDraft;
using crypto::PrivateKey;

constexpr std::chrono::days kAuthorityValidity{3650};
/// Clocks differ a little between machines.
constexpr std::chrono::minutes kEarlier{10};
constexpr std::size_t kKeyLimit = 64 * 1024;

/// One at a time changes the directory.
Result<UniqueFd> lock(const fs::path& directory) {
  SEALIFT_TRY(auto fd, open_file(directory, O_RDONLY | O_DIRECTORY));
  if (::flock(fd.get(), LOCK_EX) != 0) return fail_errno(fmt::format("lock {}", directory.string()));
  return fd;
}

Status make_directory(const fs::path& path, mode_t mode) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, static_cast<fs::perms>(mode), error);
  if (!error) return {};
  return fail(ErrorCode::io_error, fmt::format("{}: {}", path.string(), error.message()));
}

Status write_new_key(const fs::path& path, const PrivateKey& key) {
  if (fs::exists(path)) {
    return fail(ErrorCode::already_exists, fmt::format("{} exists", path.string()), "out");
  }
  const auto pem = key.pem();
  return write_file(path, pem.expose(), 0600);
}

Result<CertificateAuthority> load_authority(const fs::path& directory) {
  SEALIFT_TRY(const auto pem, read_file(directory / "ca.pem", crypto::kCertificateLimit));
  SEALIFT_TRY(auto certificate, crypto::Certificate::parse(pem));
  SEALIFT_TRY(const auto secret, read_secret_file(directory / "ca-key.pem", kKeyLimit));
  SEALIFT_TRY(auto key, PrivateKey::parse(secret.expose()));
  return CertificateAuthority::load(std::move(key), std::move(certificate));
}

/// The root says for whom it speaks, as X509-SVID 3.1 wants it: spiffe://<trust-domain>.
Result<std::string> trust_domain_of(const crypto::Certificate& root) {
  constexpr std::string_view kScheme = "spiffe://";
  const auto uris = root.uri_alt_names();
  if (uris.size() != 1 || !uris.front().starts_with(kScheme)) {
    return fail(ErrorCode::malformed, "the root certificate names no trust domain", "subjectAltName");
  }
  return uris.front().substr(kScheme.size());
}

Result<std::string> alt_name_of_host(const std::string& host) {
  std::array<std::uint8_t, 16> address{};
  if (::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
      ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1) {
    return "IP:" + host;
  }
  const bool plain = !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
  if (plain) return "DNS:" + host;
  return fail(ErrorCode::invalid_argument, fmt::format("{} is no lower-case DNS name and no address", host),
              "host");
}

Result<CertificateDraft> draft_for(const Identity& identity, const crypto::PublicKey& key,
                                   const IssueOptions& options, TimePoint now) {
  // Critical, since the subject is empty (RFC 5280 4.2.1.6).
  auto alt_names = "critical,URI:" + identity.text();
  for (const auto& host : options.hosts) {
    SEALIFT_TRY(const auto name, alt_name_of_host(host));
    alt_names += "," + name;
  }
  CertificateDraft draft;
  draft.validity = certificate_validity(now, options.validity);
  draft.extensions = {{"basicConstraints", "critical,CA:FALSE"},
                      {"keyUsage", "critical,digitalSignature"},
                      {"extendedKeyUsage", "serverAuth,clientAuth"},
                      {"subjectAltName", std::move(alt_names)},
                      {"authorityKeyIdentifier", "keyid"}};
  draft.public_key_info = key.der();
  return draft;
}

Result<std::vector<crypto::Certificate>> revoked_in(const fs::path& directory) {
  std::vector<crypto::Certificate> revoked;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{directory / "revoked", error}) {
    SEALIFT_TRY(const auto pem, read_file(entry.path(), crypto::kCertificateLimit));
    SEALIFT_TRY(auto certificate, crypto::Certificate::parse(pem));
    revoked.push_back(std::move(certificate));
  }
  if (error) return fail(ErrorCode::io_error, fmt::format("{}: {}", directory.string(), error.message()));
  return revoked;
}

Status write_crl(const fs::path& directory, const CertificateAuthority& authority, TimePoint now) {
  SEALIFT_TRY(const auto revoked, revoked_in(directory));
  const crypto::Validity current{crypto::unix_seconds(now - kEarlier), authority.certificate().not_after()};
  // Revocations are never taken back, so their count numbers the lists.
  SEALIFT_TRY(const auto crl,
              authority.issue_crl(revoked, current, static_cast<std::uint32_t>(revoked.size() + 1)));
  return write_file(directory / "crl.pem", as_bytes(crl.pem()));
}

Result<crypto::Certificate> sign_and_record(const fs::path& directory, const CertificateAuthority& authority,
                                            const CertificateDraft& draft) {
  SEALIFT_TRY(auto certificate, authority.sign(draft));
  SEALIFT_CHECK(
      write_file(directory / "issued" / (certificate.serial() + ".pem"), as_bytes(certificate.pem())));
  return certificate;
}

Status place_copy(const fs::path& from, const fs::path& to) {
  SEALIFT_TRY(const auto bytes, read_file(from, crypto::kCrlLimit));
  return write_file(to, bytes);
}

}  // namespace

crypto::Validity certificate_validity(TimePoint now, std::chrono::seconds length) {
  return {crypto::unix_seconds(now - kEarlier), crypto::unix_seconds(now + length)};
}

Status create_pki(const fs::path& directory, const std::string& trust_domain, TimePoint now) {
  SEALIFT_CHECK(make_identity(trust_domain, Role::frontend, ""));
  SEALIFT_CHECK(make_directory(directory, 0700));
  SEALIFT_TRY(const auto locked, lock(directory));
  SEALIFT_TRY(auto key, PrivateKey::generate_ec(crypto::Curve::p256));
  SEALIFT_CHECK(write_new_key(directory / "ca-key.pem", key));
  CertificateDraft draft;
  draft.subject = {{"CN", "Sealift CA"}};
  draft.validity = certificate_validity(now, kAuthorityValidity);
  draft.extensions = {{"basicConstraints", "critical,CA:TRUE,pathlen:0"},
                      {"keyUsage", "critical,keyCertSign,cRLSign"},
                      {"subjectKeyIdentifier", "hash"},
                      {"subjectAltName", "URI:spiffe://" + trust_domain}};
  draft.public_key_info = key.public_key().der();
  SEALIFT_TRY(auto certificate, crypto::sign_certificate(draft, nullptr, key));
  SEALIFT_CHECK(write_file(directory / "ca.pem", as_bytes(certificate.pem())));
  SEALIFT_CHECK(make_directory(directory / "issued", 0700));
  SEALIFT_CHECK(make_directory(directory / "revoked", 0700));
  SEALIFT_TRY(const auto authority, CertificateAuthority::load(std::move(key), std::move(certificate)));
  return write_crl(directory, authority, now);
}

Result<crypto::Certificate> issue_credentials(const fs::path& directory, Role role, const std::string& name,
                                              const fs::path& out, TimePoint now,
                                              const IssueOptions& options) {
  SEALIFT_TRY(const auto authority, load_authority(directory));
  SEALIFT_TRY(const auto trust_domain, trust_domain_of(authority.certificate()));
  SEALIFT_TRY(const auto identity, make_identity(trust_domain, role, name));
  SEALIFT_TRY(const auto key, PrivateKey::generate_ec(crypto::Curve::p256));
  SEALIFT_TRY(const auto draft, draft_for(identity, key.public_key(), options, now));
  SEALIFT_CHECK(make_directory(out, 0700));
  SEALIFT_CHECK(write_new_key(out / "key.pem", key));
  SEALIFT_TRY(auto certificate, sign_and_record(directory, authority, draft));
  SEALIFT_CHECK(write_file(out / "certificate.pem", as_bytes(certificate.pem())));
  SEALIFT_CHECK(place_copy(directory / "ca.pem", out / "ca.pem"));
  SEALIFT_CHECK(place_copy(directory / "crl.pem", out / "crl.pem"));
  return certificate;
}

Result<crypto::Certificate> issue_certificate(const fs::path& directory, const CertificateDraft& draft) {
  SEALIFT_TRY(const auto authority, load_authority(directory));
  return sign_and_record(directory, authority, draft);
}

Status revoke_certificate(const fs::path& directory, const crypto::Certificate& certificate, TimePoint now) {
  SEALIFT_TRY(const auto locked, lock(directory));
  SEALIFT_TRY(const auto authority, load_authority(directory));
  const auto record = certificate.serial() + ".pem";
  SEALIFT_TRY(const auto issued, read_file(directory / "issued" / record, crypto::kCertificateLimit));
  SEALIFT_TRY(const auto ours, crypto::Certificate::parse(issued));
  if (!(ours == certificate)) {
    return fail(ErrorCode::not_found, "this CA has not issued that certificate", "certificate");
  }
  SEALIFT_CHECK(write_file(directory / "revoked" / record, issued));
  return write_crl(directory, authority, now);
}

Result<CredentialFiles> credential_files(const fs::path& out) {
  SEALIFT_TRY(const auto pem, read_file(out / "ca.pem", crypto::kCertificateLimit));
  SEALIFT_TRY(const auto root, crypto::Certificate::parse(pem));
  SEALIFT_TRY(auto trust_domain, trust_domain_of(root));
  return CredentialFiles{.certificate_chain = out / "certificate.pem",
                         .private_key = out / "key.pem",
                         .trust = {{.trust_domain = std::move(trust_domain),
                                    .roots = out / "ca.pem",
                                    .revocation_lists = {out / "crl.pem"}}}};
}

}  // namespace sealift::rpc
