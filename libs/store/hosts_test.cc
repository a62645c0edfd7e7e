// SPDX-License-Identifier: Apache-2.0
#include "store/hosts.h"

#include "store/conformance_for_test.h"

namespace sealift::store {
namespace {

HostRecord host(const std::string& id, std::int64_t memory_mib = 8192) {
  HostRecord record;
  record.host_id = id;
  record.tee = "measured";
  record.arch = "x86_64";
  record.zone = "z1";
  record.cpus = 8;
  record.memory_mib = memory_mib;
  record.labels = {{"disk", "nvme"}, {"empty", ""}};
  record.firmware = "1.0";
  record.storage_key_name = {0, 11, 0};
  record.last_seen_ms = 1000;
  return record;
}

HostQuery query(std::int64_t memory_mib = 1024) {
  HostQuery wanted;
  wanted.tee = "measured";
  wanted.arch = "x86_64";
  wanted.cpus = 1;
  wanted.memory_mib = memory_mib;
  return wanted;
}

std::vector<std::string> ids(const Result<std::vector<HostRecord>>& hosts) {
  std::vector<std::string> found;
  for (const auto& one : *hosts) found.push_back(one.host_id);
  return found;
}

using Ids = std::vector<std::string>;

class Hosts : public ConformanceOf<Schema::launches> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_host_store(database());
  }
  std::unique_ptr<HostStore> store_;
};
SEALIFT_CONFORMANCE(Hosts);

TEST_P(Hosts, AreReadBackAsTheyRegistered) {
  const auto registered = store_->register_host(host("h1"));
  ASSERT_THAT(registered, Succeeds());
  const auto read = *store_->get("h1");
  EXPECT_EQ(read.tee, "measured");
  EXPECT_EQ(read.arch, "x86_64");
  EXPECT_EQ(read.zone, "z1");
  EXPECT_EQ(read.cpus, 8);
  EXPECT_EQ(read.free_cpus, 8);
  EXPECT_EQ(read.free_memory_mib, 8192);
  EXPECT_EQ(read.labels, (Labels{{"disk", "nvme"}, {"empty", ""}}));
  EXPECT_EQ(read.firmware, "1.0");
  EXPECT_EQ(read.storage_key_name, (Bytes{0, 11, 0}));
  EXPECT_FALSE(read.draining);
  EXPECT_EQ(read.last_seen_ms, 1000);
  EXPECT_EQ(read.version, 1);
  EXPECT_THAT(store_->get("h2"), FailsWith(ErrorCode::not_found));
}

TEST_P(Hosts, KeepDrainingWhenTheyRegisterAgain) {
  ASSERT_THAT(store_->register_host(host("h1")), Succeeds());
  ASSERT_THAT(store_->set_draining("h1", true), Succeeds());
  auto changed = host("h1", 4096);
  changed.labels = {};
  changed.firmware = "2.0";
  const auto again = store_->register_host(changed);
  ASSERT_THAT(again, Succeeds());
  EXPECT_TRUE(again->draining);
  EXPECT_EQ(again->free_memory_mib, 4096);
  EXPECT_EQ(again->labels, Labels{});
  EXPECT_EQ(again->firmware, "2.0");
  EXPECT_EQ(again->version, 3);
}

TEST_P(Hosts, AreSeenWhenTheirHeartBeats) {
  ASSERT_THAT(store_->register_host(host("h1")), Succeeds());
  EXPECT_THAT(store_->heartbeat("h1", 2000), Succeeds());
  EXPECT_EQ(store_->get("h1")->last_seen_ms, 2000);
  EXPECT_THAT(store_->heartbeat("h2", 2000), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->set_draining("h2", true), FailsWith(ErrorCode::not_found));
}

TEST_P(Hosts, AreListedInPages) {
  for (const auto* id : {"h3", "h1", "h2"}) ASSERT_THAT(store_->register_host(host(id)), Succeeds());
  EXPECT_EQ(ids(store_->list("", 2)), (Ids{"h1", "h2"}));
  EXPECT_EQ(ids(store_->list("h2", 2)), (Ids{"h3"}));
}

TEST_P(Hosts, WithTheLeastFreeMemoryComeFirstThenByTheirId) {
  ASSERT_THAT(store_->register_host(host("large", 16'384)), Succeeds());
  ASSERT_THAT(store_->register_host(host("b", 2048)), Succeeds());
  ASSERT_THAT(store_->register_host(host("a", 2048)), Succeeds());
  ASSERT_THAT(store_->register_host(host("small", 512)), Succeeds());
  EXPECT_EQ(ids(store_->candidates(query(1024), 10)), (Ids{"a", "b", "large"}));
  EXPECT_EQ(ids(store_->candidates(query(1024), 2)), (Ids{"a", "b"}));
  EXPECT_EQ(ids(store_->candidates(query(2048), 1)), (Ids{"a"}));
  EXPECT_EQ(ids(store_->candidates(query(16'385), 1)), Ids{});
}

TEST_P(Hosts, AreCandidatesOnlyWhereEveryAttributeSuits) {
  ASSERT_THAT(store_->register_host(host("h1")), Succeeds());
  const auto found = [&](auto change) {
    auto wanted = query();
    change(wanted);
    return !store_->candidates(wanted, 1)->empty();
  };
  EXPECT_TRUE(found([](HostQuery&) {}));
  EXPECT_FALSE(found([](HostQuery& q) { q.tee = "sev"; }));
  EXPECT_FALSE(found([](HostQuery& q) { q.arch = "ppc64le"; }));
  EXPECT_TRUE(found([](HostQuery& q) { q.zone = "z1"; }));
  EXPECT_FALSE(found([](HostQuery& q) { q.zone = "z2"; }));
  EXPECT_TRUE(found([](HostQuery& q) { q.cpus = 8; }));
  EXPECT_FALSE(found([](HostQuery& q) { q.cpus = 9; }));
  EXPECT_TRUE(found([](HostQuery& q) { q.labels = {{"disk", "nvme"}, {"empty", ""}}; }));
  EXPECT_FALSE(found([](HostQuery& q) { q.labels = {{"disk", "nvme"}, {"gpu", ""}}; }));
  EXPECT_FALSE(found([](HostQuery& q) { q.labels = {{"disk", "Nvme"}}; }));
  EXPECT_TRUE(found([](HostQuery& q) { q.seen_since_ms = 1000; }));
  EXPECT_FALSE(found([](HostQuery& q) { q.seen_since_ms = 1001; }));
  EXPECT_TRUE(found([](HostQuery& q) { q.excluded_hosts = {"h2"}; }));
  EXPECT_FALSE(found([](HostQuery& q) { q.excluded_hosts = {"h2", "h1"}; }));
  ASSERT_THAT(store_->set_draining("h1", true), Succeeds());
  EXPECT_FALSE(found([](HostQuery&) {}));
}

TEST_P(Hosts, AreFoundBehindManyThatDoNotSuit) {
  for (int i = 0; i < 150; ++i) {
    auto other = host("h" + std::to_string(100 + i));
    other.labels = {};
    ASSERT_THAT(store_->register_host(other), Succeeds());
  }
  ASSERT_THAT(store_->register_host(host("zz")), Succeeds());
  auto wanted = query();
  wanted.labels = {{"disk", "nvme"}};
  EXPECT_EQ(ids(store_->candidates(wanted, 3)), (Ids{"zz"}));
  wanted.zone = "z1";
  EXPECT_EQ(ids(store_->candidates(wanted, 3)), (Ids{"zz"}));
  EXPECT_EQ(store_->candidates(query(), 100)->size(), 100U);
}

}  // namespace
}  // namespace sealift::store
