// SPDX-License-Identifier: Apache-2.0
/// Every decision, in one Merkle log for all replicas and tenants of a database (design section 10).
///
/// An entry is written down, and the head over it signed, before anything comes of the decision. Entries that
/// arrive together are appended together: one transaction, one signature. An append costs O(log n) and reads
/// nothing but the head.
///
/// What whoever writes the database can do: take the log away, or put an older state of it in its place. A
/// replica that runs notices; so does everybody who has a receipt or a bundle of the part that is gone. What
/// they cannot do is sign: the key is wrapped by the root key or in a token, and the head carries a stamp.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "merkle/log.h"
#include "sealift/v1/audit.pb.h"
#include "services/securitymodule/domain/decision.h"
#include "services/securitymodule/domain/vault.h"
#include "store/audit.h"

namespace sealift::securitymodule {

class AuditLog final : public DecisionLog {
 public:
  /// Gets each entry that was appended, as one line: for the operator's own log.
  using Echo = std::function<void(std::string_view line)>;

  /// A log is signed by one key from its first entry on: `signer`'s, or, where that is null, one that is made
  /// then and kept in the database, wrapped by the root key. failed_precondition at "log-key" where it is the
  /// other one, or another signer; authentication_failed where the database was altered. `store`, `vault` and
  /// `clock` outlive the log.
  static Result<std::unique_ptr<AuditLog>> open(store::AuditStore& store, const Vault& vault,
                                                const Clock& clock, Echo echo = {},
                                                std::unique_ptr<merkle::HeadSigner> signer = {});

  /// authentication_failed at "database" where the log is not the one of which this replica knows the
  /// beginning.
  Result<Bytes> record(const Decision& decision, const Error* refusal) override;
  Result<std::vector<Bytes>> record_all(const std::vector<Decided>& decided) override;
  /// The tenant's own entries, and hashes for the others. invalid_argument at "from", "to" or "limit".
  Result<v1::ExportLogResponse> export_log(const std::string& tenant, const v1::ExportLogRequest& request);
  const crypto::PublicKey& public_key() const { return signer_->public_key(); }

 private:
  /// One who waits.
  struct Waiting {
    std::string tenant;
    Bytes entry;
    Result<Bytes> outcome;
    bool done = false;
  };
  using Batch = std::vector<Waiting*>;
  struct Head {
    merkle::Frontier tree;
    merkle::SignedHead signed_head;
  };
  struct Appended {
    Head head;
    std::vector<store::AuditEntryRecord> entries;
    std::vector<merkle::Receipt> receipts;
  };

  AuditLog(store::AuditStore& store, const Vault& vault, const Clock& clock, Echo echo,
           std::unique_ptr<merkle::HeadSigner> signer)
      : store_{store}, vault_{vault}, clock_{clock}, echo_{std::move(echo)}, signer_{std::move(signer)} {}

  Waiting entry_for(const Decision& decision, const Error* refusal) const;
  void wait_for(const Batch& own);
  void append_together(const Batch& batch);
  Result<std::vector<merkle::Receipt>> append(const Batch& batch);
  Result<Appended> append_to(const store::AuditHeadRecord& record, const Batch& batch) const;
  Result<Head> read(const store::AuditHeadRecord& record) const;
  Bytes written(const Head& head) const;
  Status expect_own_past(const merkle::Frontier& tree) const;
  Result<merkle::Hash> node(const merkle::NodeId& id) const;

  store::AuditStore& store_;
  const Vault& vault_;
  const Clock& clock_;
  const Echo echo_;
  const std::unique_ptr<merkle::HeadSigner> signer_;

  std::mutex mutex_;
  std::condition_variable settled_;
  Batch waiting_;
  bool busy_ = false;
  merkle::Frontier known_;  ///< the latest that this replica has seen; of whoever is busy
};

}  // namespace sealift::securitymodule
