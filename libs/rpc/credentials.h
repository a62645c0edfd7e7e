// SPDX-License-Identifier: Apache-2.0
/// What a process shows its peers and whom it believes, from files that may change while it runs.
///
/// The files are looked at again at most once a second, when a connection or call needs them. A new state
/// counts when all of it fits together: a certificate without its key (a rotation half done), a list that
/// cannot be read or another identity than before leaves the old state in force; problem() says so.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/clock.h"
#include "crypto/x509.h"
#include "rpc/identity.h"

namespace sealift::rpc {

/// Whose certificates are believed to say `trust_domain`. An identity of a domain that nobody vouches for is
/// refused, so one CA cannot name another's tenants.
struct TrustFiles {
  std::string trust_domain;
  std::filesystem::path roots;  ///< PEM, one or more
  std::vector<std::filesystem::path> revocation_lists =
      {};                              ///< where named, every issuer needs a current one
  std::vector<Role> vouches_for = {};  ///< empty: every role
};

struct CredentialFiles {
  std::filesystem::path certificate_chain;  ///< PEM, own certificate first
  std::filesystem::path private_key;        ///< PEM, not encrypted
  std::vector<TrustFiles> trust;
};

/// One consistent state of the files. Immutable. Private to libs/rpc: rpc/credential_set.h.
class CredentialSet;

class Credentials {
 public:
  /// not_found, malformed, invalid_argument (key and certificate do not match, no trust),
  /// certificate_expired, …; the message names the file.
  static Result<std::shared_ptr<Credentials>> load(CredentialFiles files);

  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  ~Credentials();

  const Identity& identity() const noexcept { return identity_; }
  /// The newest state that fits together.
  std::shared_ptr<const CredentialSet> current();
  /// Why what is in the files now does not count; success where it does.
  Status problem() const;

 private:
  struct Stamp;
  Credentials(CredentialFiles files, std::shared_ptr<const CredentialSet> set, std::vector<Stamp> stamps);
  static std::vector<Stamp> stamps_of(const CredentialFiles& files);
  void refresh();

  CredentialFiles files_;
  Identity identity_;
  std::atomic<std::int64_t> next_look_;  // steady clock, ticks
  mutable std::mutex mutex_;
  std::shared_ptr<const CredentialSet> set_;
  std::vector<Stamp> stamps_;
  Status problem_;
};

}  // namespace sealift::rpc
