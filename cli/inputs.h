// SPDX-License-Identifier: Apache-2.0
/// What users name on the command line, read and parsed. Errors begin with the file's name.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "crypto/key.h"
#include "crypto/x509.h"
#include "formats/esm/operand.h"
#include "tpm/approval.h"
#include "tpm/event_log.h"
#include "tpm/types.h"

namespace sealift::cli {

using Path = std::filesystem::path;

/// `result`, its error's message with "PATH: " in front.
template <typename T>
Result<T> in_file(const Path& path, Result<T> result) {
  if (!result) result.error().message = path.string() + ": " + result.error().message;
  return result;
}

/// A TPM2B_PUBLIC, as tpm2_readpublic -o writes it.
Result<tpm::Public> read_public(const Path& path);
/// A TPM2B_PUBLIC, or an EK certificate (PEM or DER): its key in the TCG template of that kind of key.
Result<tpm::Public> read_endorsement_key(const Path& path);
/// A public P-256 key, PEM or DER.
Result<tpm::Approver> read_approver(const Path& path);
/// Certificates of all the files.
Result<std::vector<crypto::Certificate>> read_certificates(const std::vector<Path>& paths);
Result<std::vector<crypto::Crl>> read_crls(const std::vector<Path>& paths);
Result<tpm::EventLog> read_event_log(const Path& path);
/// Not encrypted; PEM or DER.
Result<crypto::PrivateKey> read_private_key(const Path& path);
/// 32 bytes.
Result<esm::Seed> read_seed(const Path& path);

/// "NAME=FILE": a secret for the guest. A name of letters, digits, "-", "_", ".", "," and "+" makes a file in
/// the guest.
Result<esm::CustomerData> read_customer_data(const std::string& argument);
Result<std::vector<esm::CustomerData>> read_customer_data(const std::vector<std::string>& arguments);

/// Splits "NAME=FILE"; invalid_argument where one of them is missing.
Result<std::pair<std::string, Path>> split_assignment(const std::string& argument, const std::string& option);

/// The PCRs an approved machine has: as typed ("sha256:6=HEX"), or those that `reference` leads to: every PCR
/// of `selection` in its event log, replayed. Exactly one of both is given.
Result<tpm::PcrValues> expected_pcrs(const std::string& typed, const Path& reference,
                                     const tpm::PcrSelection& selection);

}  // namespace sealift::cli
