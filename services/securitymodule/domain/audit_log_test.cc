// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/audit_log.h"

#include <fmt/core.h>

#include <random>
#include <thread>

#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

merkle::Hash hash_of(const std::string& bytes) {
  merkle::Hash hash{};
  EXPECT_EQ(bytes.size(), hash.size());
  std::copy_n(bytes.begin(), std::min(bytes.size(), hash.size()), hash.begin());
  return hash;
}

/// What the tooling makes of an export; nothing that verifies where there is none.
merkle::Bundle bundle_of(AuditLog& log, const std::string& tenant, std::uint64_t from = 0) {
  merkle::Bundle bundle;
  v1::ExportLogRequest request;
  request.set_from(from);
  request.set_limit(7);
  for (bool more = true; more;) {
    const auto page = log.export_log(tenant, request);
    if (!page) return {};  // which does not verify
    if (bundle.entries.empty()) {
      std::vector<merkle::Hash> peaks;
      for (const auto& peak : page->peaks()) peaks.push_back(hash_of(peak));
      bundle.before = merkle::Frontier::create(from, std::move(peaks)).value();
      ByteReader head{as_bytes(page->head())};
      bundle.head = merkle::read_head(head).value();
      request.set_to(bundle.head.size);
    }
    for (const auto& entry : page->entries()) {
      if (entry.has_entry()) {
        bundle.entries.emplace_back(to_bytes(as_bytes(entry.entry())));
      } else {
        bundle.entries.emplace_back(hash_of(entry.leaf_hash()));
      }
    }
    request.set_from(request.from() + static_cast<std::uint64_t>(page->entries_size()));
    more = page->more();
  }
  return bundle;
}

class AuditLogTest : public testing::Test {
 protected:
  struct Replica {
    Replica(const std::string& url, const Vault& vault, const Clock& clock)
        : database{store::open(url, store::Schema::keys).value()},
          store{store::make_audit_store(*database)},
          log{AuditLog::open(*store, vault, clock).value()} {}
    std::unique_ptr<sql::Database> database;
    std::unique_ptr<store::AuditStore> store;
    std::unique_ptr<AuditLog> log;
  };
  static Decision decision(const std::string& tenant, int number) {
    return {"put_seed", {tenant, "spiffe://x", std::to_string(number)}, kImage, {}, "accepted"};
  }
  static merkle::Receipt record(AuditLog& log, const std::string& tenant = kTenant, int number = 0) {
    return merkle::Receipt::parse(log.record(decision(tenant, number), nullptr).value()).value();
  }
  void record_some(int count) {
    for (int i = 0; i < count; ++i) record(log, i % 3 == 0 ? kOtherTenant : kTenant, i);
  }
  Status run(const std::string& sql, const sql::Args& args = {}) {
    SEALIFT_CHECK(replica.database->write(sql, args));
    return {};
  }

  TemporaryDirectory directory = TemporaryDirectory::create().value();
  std::string url = "sqlite:" + (directory.path() / "keys.db").string();
  Vault vault{root_key_of(7)};
  FakeClock clock{test_pki::now()};
  Replica replica{url, vault, clock};
  AuditLog& log = *replica.log;
};

TEST_F(AuditLogTest, ShowsATenantItsOwnEntriesAndHashesOfTheOthers) {
  record_some(30);
  const auto bundle = bundle_of(log, kTenant);
  EXPECT_THAT(bundle.verify(log.public_key()), Succeeds());
  ASSERT_EQ(bundle.entries.size(), 30U);
  for (std::size_t i = 0; i < 30; ++i) {
    const auto* const clear = std::get_if<Bytes>(&bundle.entries[i]);
    ASSERT_EQ(clear != nullptr, i % 3 != 0) << i;
    if (clear == nullptr) continue;
    EXPECT_NE(as_text(*clear).find(fmt::format("\"trace\":\"{}\"", i)), std::string::npos);
  }
  EXPECT_THAT(bundle_of(log, kTenant, 17).verify(log.public_key(), {bundle.head}), Succeeds());
  EXPECT_EQ(as_text(bundle.written()).find(kOtherTenant), std::string::npos);
}

TEST_F(AuditLogTest, GivesEveryDecisionAReceiptThatLaterBundlesBear) {
  std::vector<merkle::SignedHead> heads;
  for (int i = 0; i < 40; ++i) {
    const auto receipt = record(log);
    EXPECT_EQ(receipt.index, static_cast<std::uint64_t>(i));
    EXPECT_THAT(receipt.verify(log.public_key()), Succeeds());
    heads.push_back(receipt.head);
  }
  const auto verdict = bundle_of(log, kTenant).verify(log.public_key(), heads);
  ASSERT_THAT(verdict, Succeeds());
  EXPECT_EQ(verdict->compared, 40U);
}

TEST_F(AuditLogTest, IsOneLogForAllReplicasWhoeverAppends) {
  Replica other{url, vault, clock};
  EXPECT_TRUE(other.log->public_key() == log.public_key());
  std::mutex mutex;
  std::vector<merkle::Receipt> receipts;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 12; ++i) {
      threads.emplace_back([&, i] {
        for (int n = 0; n < 10; ++n) {
          const auto receipt = record(i % 2 == 0 ? log : *other.log, kTenant, n);
          const std::scoped_lock lock{mutex};
          receipts.push_back(receipt);
        }
      });
    }
  }
  std::set<std::uint64_t> places;
  std::vector<merkle::SignedHead> heads;
  for (const auto& receipt : receipts) {
    EXPECT_THAT(receipt.verify(log.public_key()), Succeeds());
    places.insert(receipt.index);
    heads.push_back(receipt.head);
  }
  EXPECT_EQ(places.size(), 120U);
  const auto verdict = bundle_of(log, kTenant).verify(log.public_key(), heads);
  ASSERT_THAT(verdict, Succeeds());
  EXPECT_EQ(verdict->compared, heads.size());
}

TEST_F(AuditLogTest, GoesOnAfterARestart) {
  const auto before = record(log);
  Replica again{url, vault, clock};
  const auto after = record(*again.log);
  EXPECT_EQ(after.index, 1U);
  EXPECT_THAT(bundle_of(log, kTenant).verify(again.log->public_key(), {before.head, after.head}), Succeeds());
}

TEST_F(AuditLogTest, OfAnotherRootKeyIsNotBelieved) {
  record(log);
  const Vault other{root_key_of(8)};
  EXPECT_THAT(AuditLog::open(*replica.store, other, clock), FailsWith(ErrorCode::authentication_failed));
}

TEST_F(AuditLogTest, IsSignedByOneKeyFromItsBeginningOn) {
  const auto signer = [](crypto::PrivateKey key) {
    return std::make_unique<merkle::PrivateKeySigner>(std::move(key));
  };
  const auto open = [&](store::AuditStore& at, std::unique_ptr<merkle::HeadSigner> by) {
    return AuditLog::open(at, vault, clock, {}, std::move(by));
  };
  EXPECT_THAT(open(*replica.store, signer(test_pki::ec_key())),
              FailsAt(ErrorCode::failed_precondition, "log-key"));
  const auto elsewhere = "sqlite:" + (directory.path() / "elsewhere.db").string();
  const auto database = store::open(elsewhere, store::Schema::keys).value();
  const auto store = store::make_audit_store(*database);
  const auto key = test_pki::ec_key();
  const auto pem = key.pem();
  ASSERT_THAT(open(*store, signer(crypto::PrivateKey::parse(pem.expose()).value())), Succeeds());
  EXPECT_THAT(open(*store, nullptr), FailsAt(ErrorCode::failed_precondition, "log-key"));
  EXPECT_THAT(open(*store, signer(test_pki::ec_key())), FailsAt(ErrorCode::failed_precondition, "log-key"));
  const auto again = open(*store, signer(crypto::PrivateKey::parse(pem.expose()).value()));
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ((*again)->public_key(), key.public_key());
}

TEST_F(AuditLogTest, ShowsEveryEditOfItsTable) {
  record_some(40);
  const auto seen = bundle_of(log, kTenant).head;
  std::mt19937 random{3};
  const auto any = [&](int bound) { return std::uniform_int_distribution<int>{0, bound - 1}(random); };
  const auto holds = [&] {
    v1::ExportLogRequest request;
    if (!log.export_log(kTenant, request)) return false;
    return bundle_of(log, kTenant).verify(log.public_key(), {seen}).has_value();
  };
  for (int i = 0; i < 200; ++i) {
    SCOPED_TRACE(i);
    const std::int64_t place = any(40);
    const auto kept = replica.store->list(place, 1).value().front();
    switch (i % 4) {
      case 0: {  // another text
        auto entry = kept.entry;
        entry[static_cast<std::size_t>(any(static_cast<int>(entry.size())))] ^= 1;
        auto hashes = kept.hashes;
        const auto leaf = merkle::leaf_hash(entry);
        std::ranges::copy(leaf, hashes.begin());
        ASSERT_THAT(run("UPDATE audit_entries SET entry = $2, hashes = $3 WHERE position = $1",
                        {place, entry, hashes}),
                    Succeeds());
        break;
      }
      case 1:  // another tenant's, so that it is not shown
        ASSERT_THAT(run("UPDATE audit_entries SET tenant = 'x', entry = $2, hashes = $3 WHERE position = $1",
                        {place, Bytes{1}, Bytes(kept.hashes.size(), 1)}),
                    Succeeds());
        break;
      case 2:  // gone
        ASSERT_THAT(run("DELETE FROM audit_entries WHERE position = $1", {place}), Succeeds());
        break;
      default: {  // changed places with the next
        const auto next = (place + 1) % 40;
        ASSERT_THAT(run("UPDATE audit_entries SET position = -1 WHERE position = $1", {place}), Succeeds());
        ASSERT_THAT(run("UPDATE audit_entries SET position = $1 WHERE position = $2", {place, next}),
                    Succeeds());
        ASSERT_THAT(run("UPDATE audit_entries SET position = $1 WHERE position = -1", {next}), Succeeds());
        EXPECT_FALSE(holds());
        ASSERT_THAT(run("UPDATE audit_entries SET position = -1 WHERE position = $1", {place}), Succeeds());
        ASSERT_THAT(run("UPDATE audit_entries SET position = $1 WHERE position = $2", {place, next}),
                    Succeeds());
        ASSERT_THAT(run("UPDATE audit_entries SET position = $1 WHERE position = -1", {next}), Succeeds());
        continue;
      }
    }
    EXPECT_FALSE(holds());
    ASSERT_THAT(run("DELETE FROM audit_entries WHERE position = $1", {place}), Succeeds());
    ASSERT_THAT(run("INSERT INTO audit_entries(position, tenant, entry, hashes) VALUES($1, $2, $3, $4)",
                    {place, kept.tenant, kept.entry, kept.hashes}),
                Succeeds());
  }
  EXPECT_TRUE(holds());
}

TEST_F(AuditLogTest, DoesNotGoOnFromAHeadThatWasEdited) {
  record_some(5);
  const auto head = replica.store->head().value();
  for (std::size_t i = 0; i < head.document.size(); i += 11) {
    auto edited = head.document;
    edited[i] ^= 1;
    ASSERT_THAT(run("UPDATE audit_log SET document = $1", {edited}), Succeeds());
    EXPECT_THAT(log.record(decision(kTenant, 1), nullptr), FailsWith(ErrorCode::authentication_failed));
  }
  ASSERT_THAT(run("UPDATE audit_log SET document = $1, size = 4", {head.document}), Succeeds());
  EXPECT_THAT(log.record(decision(kTenant, 1), nullptr),
              FailsAt(ErrorCode::authentication_failed, "database"));
  ASSERT_THAT(run("UPDATE audit_log SET size = 5"), Succeeds());
  EXPECT_EQ(record(log).index, 5U);
}

TEST_F(AuditLogTest, ThatWasSetBackIsNoticedByReplicasAndByWhoeverHasAReceipt) {
  record_some(4);
  const auto earlier = replica.store->head().value();
  std::vector<merkle::Receipt> receipts;
  for (int i = 0; i < 6; ++i) receipts.push_back(record(log));
  ASSERT_THAT(run("DELETE FROM audit_entries WHERE position >= 4"), Succeeds());
  ASSERT_THAT(run("UPDATE audit_log SET size = 4, document = $1", {earlier.document}), Succeeds());
  EXPECT_THAT(log.record(decision(kTenant, 1), nullptr),
              FailsAt(ErrorCode::authentication_failed, "database"));

  Replica unaware{url, vault, clock};
  for (int i = 0; i < 20; ++i) record(*unaware.log, kTenant, 100 + i);
  // Longer by now than what the first replica knew, and still not its own past.
  EXPECT_THAT(log.record(decision(kTenant, 1), nullptr),
              FailsAt(ErrorCode::authentication_failed, "database"));
  const auto bundle = bundle_of(*unaware.log, kTenant);
  EXPECT_THAT(bundle.verify(log.public_key()), Succeeds());
  for (const auto& receipt : receipts)
    EXPECT_THAT(bundle.verify(log.public_key(), {receipt.head}),
                FailsAt(ErrorCode::authentication_failed, "head"));
}

TEST_F(AuditLogTest, RefusesPagesThatItHasNot) {
  record_some(3);
  v1::ExportLogRequest request;
  request.set_from(4);
  EXPECT_THAT(log.export_log(kTenant, request), FailsAt(ErrorCode::invalid_argument, "from"));
  request.set_from(0);
  request.set_to(4);
  EXPECT_THAT(log.export_log(kTenant, request), FailsAt(ErrorCode::invalid_argument, "to"));
  request.set_to(0);
  request.set_limit(1001);
  EXPECT_THAT(log.export_log(kTenant, request), FailsAt(ErrorCode::invalid_argument, "limit"));
}

class SilentLog final : public DecisionLog {
  Result<Bytes> record(const Decision&, const Error*) override {
    return fail(ErrorCode::unavailable, "the log is away", "database");
  }
  Result<std::vector<Bytes>> record_all(const std::vector<Decided>&) override {
    return fail(ErrorCode::unavailable, "the log is away", "database");
  }
};

TEST_F(AuditLogTest, WithoutItNothingIsDecided) {
  SilentLog silent;
  ReplicaForTest other{url, clock, silent};
  auto& sm = other.sm;
  EXPECT_THAT(sm.list_seeds(asker(), {}), FailsWith(ErrorCode::unavailable));
  v1::RequestAuthorizationRequest request;
  request.set_image_id("no");
  EXPECT_THAT(sm.request_authorization(asker(), request), FailsAt(ErrorCode::invalid_argument, "image_id"));
}

TEST_F(AuditLogTest, IsInEachAuthorization) {
  ReplicaForTest one{url, clock, log};
  v1::PutSeedRequest put;
  put.set_image_id(kImage);
  *put.mutable_policy() = policy_for_test();
  ASSERT_THAT(one.sm.put_seed(asker(), put, seed_of(1)), Succeeds());
  v1::RequestAuthorizationRequest request;
  request.set_tenant(kTenant);
  request.set_image_id(kImage);
  request.set_tee("measured");
  request.set_evidence(text_of(tee::host().evidence()));
  const auto asked = one.sm.request_authorization(asker(), request);
  ASSERT_THAT(asked, Succeeds());
  const auto receipt = merkle::Receipt::parse(as_bytes(asked->receipt()));
  ASSERT_THAT(receipt, Succeeds());
  EXPECT_THAT(receipt->verify(log.public_key()), Succeeds());
  const auto bundle = bundle_of(log, kTenant);
  EXPECT_EQ(merkle::leaf_hash(std::get<Bytes>(bundle.entries.at(receipt->index))), receipt->leaf);
}

}  // namespace
}  // namespace sealift::securitymodule
