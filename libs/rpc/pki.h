// SPDX-License-Identifier: Apache-2.0
/// A certification authority in one directory, for those who have none: `sealift pki`, `sealift dev up`,
/// tests.
///
/// DIR/ca.pem, ca-key.pem (0600), crl.pem; issued/<serial>.pem and revoked/<serial>.pem for the record. Keys
/// are P-256. Whoever reads ca-key.pem can be anybody: keep DIR where only its owner can read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/x509_issue.h"
#include "rpc/credentials.h"

namespace sealift::rpc {

/// Makes DIR. already_exists where it holds a CA; malformed for a bad trust domain.
Status create_pki(const std::filesystem::path& directory, const std::string& trust_domain, TimePoint now);

struct IssueOptions {
  std::vector<std::string> hosts =
      {};  ///< DNS names and addresses, for clients that look at them: curl, browsers
  std::chrono::days validity{365};
};

/// Makes a key and its certificate; OUT gets certificate.pem, key.pem (0600), ca.pem and crl.pem.
/// already_exists where OUT has a key.
Result<crypto::Certificate> issue_credentials(const std::filesystem::path& directory, Role role,
                                              const std::string& name, const std::filesystem::path& out,
                                              TimePoint now, const IssueOptions& options = {});

/// Signs what is none of a service's or caller's credentials, and keeps it for the record.
Result<crypto::Certificate> issue_certificate(const std::filesystem::path& directory,
                                              const crypto::CertificateDraft& draft);
/// From a little before `now`, as clocks differ, until `length` after it.
crypto::Validity certificate_validity(TimePoint now, std::chrono::seconds length);

/// Puts the certificate on DIR/crl.pem, which then has to reach those who check it. not_found where DIR has
/// not issued it; already revoked is fine.
Status revoke_certificate(const std::filesystem::path& directory, const crypto::Certificate& certificate,
                          TimePoint now);

/// How a process names what issue_credentials() wrote. The trust domain is the one that ca.pem says.
Result<CredentialFiles> credential_files(const std::filesystem::path& out);

}  // namespace sealift::rpc
