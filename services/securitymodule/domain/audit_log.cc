// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/audit_log.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "crypto/random.h"
#include "crypto/x509.h"

namespace sealift::securitymodule {
namespace {

using merkle::Frontier;
using merkle::Hash;
using merkle::NodeId;

constexpr std::string_view kKeyPurpose = "audit key";
constexpr std::size_t kMaxBatch = 256;
constexpr std::size_t kSaltSize = 16;
constexpr std::uint32_t kMaxExport = 1000;

std::uint64_t milliseconds(TimePoint time) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  return static_cast<std::uint64_t>(since.count());
}

tl::unexpected<Error> other_past() {
  return fail(
      ErrorCode::authentication_failed,
      "the log of decisions is not the one that was here: an older state of the database was put in its "
      "place",
      "database");
}

tl::unexpected<Error> altered() {
  return fail(ErrorCode::authentication_failed, "the log of decisions was altered: an entry is missing",
              "database");
}

Result<Hash> hash_at(ByteView hashes, unsigned level) {
  const auto offset = level * merkle::kHashSize;
  if (hashes.size() < offset + merkle::kHashSize) return altered();
  Hash hash{};
  std::ranges::copy(hashes.subspan(offset, merkle::kHashSize), hash.begin());
  return hash;
}

std::string text_of(ByteView bytes) { return std::string{as_text(bytes)}; }

/// All nodes that proofs for the new entries touch: the peaks before them, and what they completed.
class NewNodes {
 public:
  explicit NewNodes(const Frontier& before) : first_{before.size()} {
    std::uint64_t from = 0;
    auto peak = before.peaks().begin();
    for (int level = static_cast<int>(merkle::kMaxLevels); level >= 0; --level) {
      if ((before.size() >> level & 1U) == 0) continue;
      peaks_[{static_cast<unsigned>(level), from >> level}] = *peak++;
      from += std::uint64_t{1} << level;
    }
  }
  const std::vector<Hash>& add(std::vector<Hash> completed) {
    return completed_.emplace_back(std::move(completed));
  }
  Result<Hash> operator()(const NodeId& id) const {
    if (const auto peak = peaks_.find(id); peak != peaks_.end()) return peak->second;
    const auto leaf = merkle::completing_leaf(id);
    if (leaf < first_ || leaf - first_ >= completed_.size() || completed_[leaf - first_].size() <= id.level)
      return fail(ErrorCode::internal, "a proof of a new entry needs an old node", "audit");
    return completed_[leaf - first_][id.level];
  }

 private:
  std::uint64_t first_;
  std::map<NodeId, Hash> peaks_;
  std::vector<std::vector<Hash>> completed_;
};

/// What the database keeps of the log's key: its private half, or, of one that is elsewhere, who it is.
Result<SecretBytes> key_to_keep(const merkle::HeadSigner* signer) {
  if (signer != nullptr) return SecretBytes::copy_of(signer->public_key().der());
  SEALIFT_TRY(const auto fresh, crypto::PrivateKey::generate_ec(crypto::Curve::p256));
  return fresh.pem();
}

/// The one that has signed this log from its beginning, or begins it.
Result<std::unique_ptr<merkle::HeadSigner>> signer_of(store::AuditStore& store, const Vault& vault,
                                                      std::unique_ptr<merkle::HeadSigner> signer) {
  SEALIFT_TRY(const auto offered, key_to_keep(signer.get()));
  SEALIFT_TRY(const auto wrapped, store.put_key_if_absent(vault.wrap_own(kKeyPurpose, offered.expose())));
  SEALIFT_TRY(const auto kept, vault.unwrap_own(kKeyPurpose, wrapped));
  if (signer != nullptr) {
    if (kept.equals(offered.expose())) return signer;
    return fail(ErrorCode::failed_precondition,
                "the log of decisions is signed by another key since it began, and goes on with that one",
                "log-key");
  }
  auto key = crypto::PrivateKey::parse(kept.expose());
  if (key) return std::make_unique<merkle::PrivateKeySigner>(*std::move(key));
  return fail(ErrorCode::failed_precondition,
              "the log of decisions is signed by a key in a token: say which with --log-key", "log-key");
}

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(store::AuditStore& store, const Vault& vault,
                                                 const Clock& clock, Echo echo,
                                                 std::unique_ptr<merkle::HeadSigner> signer) {
  SEALIFT_TRY(auto its_own, signer_of(store, vault, std::move(signer)));
  std::unique_ptr<AuditLog> log{new AuditLog{store, vault, clock, std::move(echo), std::move(its_own)}};
  SEALIFT_TRY(const auto record, store.head());
  SEALIFT_TRY(auto head, log->read(record));
  log->known_ = std::move(head.tree);
  return log;
}

/// be64 size ‖ peaks ‖ head, stamped.
Bytes AuditLog::written(const Head& head) const {
  ByteWriter out;
  out.be64(head.tree.size());
  for (const auto& peak : head.tree.peaks()) out.bytes(peak);
  merkle::write_head(out, head.signed_head);
  return vault_.stamp(RecordKind::audit_head, {}, out.view());
}

Result<AuditLog::Head> AuditLog::read(const store::AuditHeadRecord& record) const {
  if (record.size == 0 && record.document.empty()) {
    SEALIFT_TRY(auto head, merkle::sign_head(*signer_, {}, milliseconds(clock_.now())));
    return Head{{}, std::move(head)};
  }
  SEALIFT_TRY(const auto content, vault_.check(RecordKind::audit_head, {}, record.document));
  ByteReader reader{content};
  SEALIFT_TRY(const auto size, reader.be64());
  if (record.size < 0 || size != static_cast<std::uint64_t>(record.size)) return other_past();
  std::vector<Hash> peaks;
  for (auto left = size; left != 0; left &= left - 1) {
    SEALIFT_TRY(const auto peak, reader.take(merkle::kHashSize));
    SEALIFT_TRY(peaks.emplace_back(), hash_at(peak, 0));
  }
  SEALIFT_TRY(auto tree, Frontier::create(size, std::move(peaks)));
  SEALIFT_TRY(auto head, merkle::read_head(reader));
  return Head{std::move(tree), std::move(head)};
}

AuditLog::Waiting AuditLog::entry_for(const Decision& decision, const Error* refusal) const {
  // The salt lets nobody find out by trying what stands behind another tenant's hash.
  const auto salt = to_hex(crypto::random_array<kSaltSize>());
  const auto text = securitymodule::text_of(decision, refusal, clock_.now(), "salt", salt);
  return {decision.asker.tenant, to_bytes(as_bytes(text)), Bytes{}};
}

Result<Bytes> AuditLog::record(const Decision& decision, const Error* refusal) {
  auto own = entry_for(decision, refusal);
  wait_for({&own});
  return std::move(own.outcome);
}

Result<std::vector<Bytes>> AuditLog::record_all(const std::vector<Decided>& decided) {
  std::vector<Waiting> own;
  own.reserve(decided.size());
  Batch all;
  for (const auto& one : decided)
    all.push_back(&own.emplace_back(entry_for(one.decision, one.refusal ? &*one.refusal : nullptr)));
  wait_for(all);
  std::vector<Bytes> receipts;
  receipts.reserve(own.size());
  for (auto& one : own) {
    SEALIFT_TRY(receipts.emplace_back(), std::move(one.outcome));
  }
  return receipts;
}

void AuditLog::wait_for(const Batch& own) {
  std::unique_lock lock{mutex_};
  waiting_.insert(waiting_.end(), own.begin(), own.end());
  // They are appended in order: the last one is done last.
  while (!own.empty() && !own.back()->done) {
    if (busy_) {
      settled_.wait(lock);
      continue;
    }
    // Whoever finds nobody at work does it for all who wait.
    busy_ = true;
    const auto count = std::min(waiting_.size(), kMaxBatch);
    const Batch batch{waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count)};
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    lock.unlock();
    append_together(batch);
    lock.lock();
    busy_ = false;
    for (auto* const one : batch) one->done = true;
    settled_.notify_all();
  }
}

void AuditLog::append_together(const Batch& batch) {
  const auto receipts = append(batch);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!receipts) {
      batch[i]->outcome = tl::unexpected(receipts.error());
      continue;
    }
    batch[i]->outcome = (*receipts)[i].written();
    if (echo_) echo_(as_text(batch[i]->entry));
  }
}

Result<std::vector<merkle::Receipt>> AuditLog::append(const Batch& batch) {
  Appended appended;
  const auto make = [&](const store::AuditHeadRecord& record) -> Result<store::AuditAppend> {
    SEALIFT_TRY(appended, append_to(record, batch));
    return store::AuditAppend{std::move(appended.entries), written(appended.head)};
  };
  SEALIFT_CHECK(store_.append(make));
  known_ = std::move(appended.head.tree);
  return std::move(appended.receipts);
}

Result<AuditLog::Appended> AuditLog::append_to(const store::AuditHeadRecord& record,
                                               const Batch& batch) const {
  SEALIFT_TRY(const auto before, read(record));
  SEALIFT_CHECK(expect_own_past(before.tree));
  NewNodes nodes{before.tree};
  Appended added{{before.tree, {}}, {}, {}};
  auto& tree = added.head.tree;
  for (const auto* const one : batch) {
    merkle::Receipt receipt;
    receipt.index = tree.size();
    receipt.leaf = merkle::leaf_hash(one->entry);
    Bytes hashes;
    for (const auto& hash : nodes.add(tree.append(receipt.leaf)))
      hashes.insert(hashes.end(), hash.begin(), hash.end());
    added.entries.push_back(
        {static_cast<std::int64_t>(receipt.index), one->tenant, one->entry, std::move(hashes)});
    added.receipts.push_back(std::move(receipt));
  }
  SEALIFT_TRY(added.head.signed_head, merkle::sign_head(*signer_, tree, milliseconds(clock_.now())));
  for (auto& receipt : added.receipts) {
    SEALIFT_TRY(receipt.proof, merkle::inclusion_proof(receipt.index, tree.size(), std::ref(nodes)));
    receipt.head = added.head.signed_head;
  }
  return added;
}

/// That `tree` grew from the one that this replica has seen last.
Status AuditLog::expect_own_past(const Frontier& tree) const {
  if (tree.size() == known_.size()) return tree.peaks() == known_.peaks() ? Status{} : other_past();
  if (tree.size() < known_.size()) return other_past();
  SEALIFT_TRY(const auto then,
              merkle::frontier_at(known_.size(), [this](const NodeId& id) { return node(id); }));
  return then.peaks() == known_.peaks() ? Status{} : other_past();
}

Result<Hash> AuditLog::node(const NodeId& id) const {
  SEALIFT_TRY(const auto hashes, store_.hashes(static_cast<std::int64_t>(merkle::completing_leaf(id))));
  return hash_at(hashes, id.level);
}

Result<v1::ExportLogResponse> AuditLog::export_log(const std::string& tenant,
                                                   const v1::ExportLogRequest& request) {
  SEALIFT_TRY(const auto record, store_.head());
  SEALIFT_TRY(const auto head, read(record));
  const auto to = request.to() == 0 ? head.tree.size() : request.to();
  if (to > head.tree.size()) return fail(ErrorCode::invalid_argument, "the log is not that long", "to");
  if (request.from() > to) return fail(ErrorCode::invalid_argument, "the log is not that long", "from");
  if (request.limit() > kMaxExport)
    return fail(ErrorCode::invalid_argument, "a page has at most 1000 entries", "limit");
  const auto limit =
      std::min<std::uint64_t>(request.limit() == 0 ? kMaxExport : request.limit(), to - request.from());
  v1::ExportLogResponse page;
  page.set_public_key(text_of(public_key().der()));
  SEALIFT_TRY(const auto before,
              merkle::frontier_at(request.from(), [this](const NodeId& id) { return node(id); }));
  for (const auto& peak : before.peaks()) page.add_peaks(text_of(peak));
  if (limit > 0) {
    SEALIFT_TRY(const auto entries,
                store_.list(static_cast<std::int64_t>(request.from()), static_cast<int>(limit)));
    for (const auto& entry : entries) {
      if (static_cast<std::uint64_t>(entry.index) !=
          request.from() + static_cast<std::uint64_t>(page.entries_size()))
        return altered();
      auto& added = *page.add_entries();
      if (entry.tenant == tenant) {
        added.set_entry(text_of(entry.entry));
      } else {
        SEALIFT_TRY(const auto leaf, hash_at(entry.hashes, 0));
        added.set_leaf_hash(text_of(leaf));
      }
    }
  }
  if (to == head.tree.size()) {
    ByteWriter out;
    merkle::write_head(out, head.signed_head);
    page.set_head(text_of(out.view()));
  }
  if (static_cast<std::uint64_t>(page.entries_size()) < limit) return altered();
  page.set_more(request.from() + static_cast<std::uint64_t>(page.entries_size()) < to);
  return page;
}

}  // namespace sealift::securitymodule
