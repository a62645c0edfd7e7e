// SPDX-License-Identifier: Apache-2.0
#include "cli/inputs.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/file.h"
#include "tpm/profile.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kPublicLimit = 4096;
constexpr std::size_t kKeyFileLimit = 64UL * 1024;
constexpr std::size_t kCustomerDataLimit = 16UL * 1024;

/// A TPM2B says its own length; a certificate starts with a DER or PEM header that does not fit.
bool looks_like_tpm2b(ByteView bytes) {
  return bytes.size() >= 2 && (std::size_t{bytes[0]} << 8U | bytes[1]) + 2U == bytes.size();
}

Result<tpm::Public> endorsement_key_of(ByteView certificate) {
  SEALIFT_TRY(const auto parsed, crypto::Certificate::parse_padded(certificate));
  SEALIFT_TRY(const auto key, parsed.public_key());
  return tpm::endorsement_key_area(key);
}

Result<tpm::Public> endorsement_key_from(ByteView bytes) {
  if (looks_like_tpm2b(bytes)) return tpm::Public::parse(bytes);
  constexpr std::string_view kPem = "-----BEGIN";
  if (!as_text(bytes).starts_with(kPem)) return endorsement_key_of(bytes);
  SEALIFT_TRY(const auto certificate, crypto::Certificate::parse(bytes));
  SEALIFT_TRY(const auto key, certificate.public_key());
  return tpm::endorsement_key_area(key);
}

}  // namespace

Result<tpm::Public> read_public(const Path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, kPublicLimit));
  return in_file(path, tpm::Public::parse(bytes));
}

Result<tpm::Approver> read_approver(const Path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, kKeyFileLimit));
  SEALIFT_TRY(const auto key, in_file(path, crypto::PublicKey::parse(bytes)));
  return in_file(path, tpm::Approver::create(key));
}

Result<tpm::Public> read_endorsement_key(const Path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, crypto::kCertificateLimit * 2));
  return in_file(path, endorsement_key_from(bytes));
}

Result<std::vector<crypto::Certificate>> read_certificates(const std::vector<Path>& paths) {
  std::vector<crypto::Certificate> all;
  for (const auto& path : paths) {
    SEALIFT_TRY(const auto bytes, read_file(path, crypto::kCertificateFileLimit));
    SEALIFT_TRY(auto some, in_file(path, crypto::parse_certificates(bytes)));
    std::ranges::move(some, std::back_inserter(all));
  }
  return all;
}

Result<std::vector<crypto::Crl>> read_crls(const std::vector<Path>& paths) {
  std::vector<crypto::Crl> all;
  for (const auto& path : paths) {
    SEALIFT_TRY(const auto bytes, read_file(path, crypto::kCrlLimit));
    SEALIFT_TRY(auto crl, in_file(path, crypto::Crl::parse(bytes)));
    all.push_back(std::move(crl));
  }
  return all;
}

Result<tpm::EventLog> read_event_log(const Path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, tpm::EventLog::kSizeLimit));
  return in_file(path, tpm::EventLog::parse(bytes));
}

Result<crypto::PrivateKey> read_private_key(const Path& path) {
  SEALIFT_TRY(const auto bytes, read_secret_file(path, kKeyFileLimit));
  return in_file(path, crypto::PrivateKey::parse(bytes.expose()));
}

Result<esm::Seed> read_seed(const Path& path) {
  SEALIFT_TRY(auto bytes, read_secret_file(path, esm::kSeedSize));
  if (bytes.size() != esm::kSeedSize) {
    return fail(ErrorCode::truncated, fmt::format("{}: a seed has {} bytes", path.string(), esm::kSeedSize),
                "seed");
  }
  return esm::Seed{bytes.expose_for_writing().first<esm::kSeedSize>()};
}

Result<std::pair<std::string, Path>> split_assignment(const std::string& argument,
                                                      const std::string& option) {
  const auto equals = argument.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == argument.size()) {
    return fail(ErrorCode::invalid_argument, fmt::format("{} takes NAME=FILE, not '{}'", option, argument),
                option);
  }
  return std::pair{argument.substr(0, equals), Path{argument.substr(equals + 1)}};
}

Result<esm::CustomerData> read_customer_data(const std::string& argument) {
  SEALIFT_TRY(const auto assignment, split_assignment(argument, "--customer-data"));
  SEALIFT_TRY(auto value, read_secret_file(assignment.second, kCustomerDataLimit));
  return esm::CustomerData{assignment.first, std::move(value)};
}

Result<std::vector<esm::CustomerData>> read_customer_data(const std::vector<std::string>& arguments) {
  std::vector<esm::CustomerData> all;
  for (const auto& argument : arguments) {
    SEALIFT_TRY(auto entry, read_customer_data(argument));
    all.push_back(std::move(entry));
  }
  return all;
}

Result<tpm::PcrValues> expected_pcrs(const std::string& typed, const Path& reference,
                                     const tpm::PcrSelection& selection) {
  if (typed.empty() == reference.empty()) {
    return fail(ErrorCode::invalid_argument, "give either --pcr or --reference", "--pcr");
  }
  if (!typed.empty()) return tpm::PcrValues::parse(typed);
  SEALIFT_TRY(const auto log, read_event_log(reference));
  auto values = log.replay();
  std::erase_if(values, [&](const tpm::PcrValue& value) {
    return std::ranges::none_of(selection.banks(), [&](const tpm::PcrBank& bank) {
      return bank.hash == value.hash && (bank.pcrs >> value.index & 1U) != 0;
    });
  });
  SEALIFT_TRY(auto expected, in_file(reference, tpm::PcrValues::from_values(std::move(values))));
  if (expected.selection() == selection) return expected;
  return fail(ErrorCode::not_found,
              fmt::format("{}: the log does not have all of {}", reference.string(), selection.text()),
              "pcr");
}

}  // namespace sealift::cli
