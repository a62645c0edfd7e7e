// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/sealed_ahead.h"

#include "formats/esm/insertion.h"
#include "services/orchestrator/domain/zone_for_test.h"

namespace sealift::orchestrator {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class SealedAheadTest : public ZoneForTest {
 protected:
  static Bytes key_name(char fill) {
    return to_bytes(as_bytes(std::string("\x00\x0b", 2) + std::string(32, fill)));
  }
  void add_host_with_key(const std::string& id, const Bytes& key, std::uint32_t memory_mib = 4096) {
    v1::HostAttributes host;
    host.set_tee("measured");
    host.set_arch("x86_64");
    host.set_zone("north");
    host.set_cpus(8);
    host.set_memory_mib(memory_mib);
    host.set_storage_key_name(std::string{as_text(key)});
    EXPECT_THAT(reports_.register_host(id, host), Succeeds());
  }
  /// An image with slots for these keys, in the object store and in the request.
  v1::ZoneCreateLaunchRequest sealed_to(const std::vector<Bytes>& keys) {
    auto wanted = request(v1::KEY_MODEL_BRING);
    const auto own = to_bytes(as_bytes(wanted.image().head()));
    const auto head = cpio::read_head([&](std::size_t) -> Result<Bytes> { return own; }).value();
    std::vector<esm::Target> targets;
    for (const auto& key : keys)
      targets.push_back({key, Bytes(32, 1), Bytes(80, 2), Bytes(200, 3), Bytes(258, key.back())});
    objects_.heads["set-1"] = esm::head_for_many(head, targets).value();
    auto& object = *wanted.mutable_image()->add_sealed_heads();
    object.set_name("set-1");
    object.set_size(objects_.heads["set-1"].size());
    return wanted;
  }
};

TEST_F(SealedAheadTest, ALaunchOnAHostOfTheSetAsksNobody) {
  std::vector<Bytes> keys;
  for (char c = 'a'; c <= 'z'; ++c) keys.push_back(key_name(c));
  add_host_with_key("alpha", key_name('k'));
  const auto id = launched(sealed_to(keys));
  EXPECT_THAT(security_module_.requests, IsEmpty());
  EXPECT_TRUE(command("alpha").has_start_instance());
  const auto& head = objects_.heads.at(id);
  EXPECT_EQ(head.size(), image().head().size()) << "of all slots the host gets its own";
  const auto place = cpio::find_operand(head).value();
  const auto operand = esm::Operand::parse(ByteView{head}.subspan(place.offset, place.size)).value();
  ASSERT_THAT(operand.targets(), SizeIs(1));
  EXPECT_EQ(operand.targets()[0].storage_key_name, key_name('k'));
  EXPECT_THAT(happened(id), ElementsAre("318 provisioning_requested", "322 service_confirmed",
                                        "324 instance_requested", "325 target_selected", "338 sealed_ahead",
                                        "342 sealed_data_inserted", "344 dispatched"));
}

TEST_F(SealedAheadTest, AHostOfTheSetGoesBeforeOneThatFitsBetter) {
  add_host_with_key("better", key_name('x'), 1024);
  add_host_with_key("in-set", key_name('k'), 8192);
  (void)launched(sealed_to({key_name('k')}));
  EXPECT_TRUE(command("in-set").has_start_instance());
}

TEST_F(SealedAheadTest, AnotherHostIsAskedAsEver) {
  add_host_with_key("alpha", key_name('x'));
  const auto id = launched(sealed_to({key_name('k')}));
  show_evidence("alpha");
  EXPECT_THAT(security_module_.requests, SizeIs(1));
  EXPECT_THAT(happened(id), Not(Contains("338 sealed_ahead")));
}

TEST_F(SealedAheadTest, AHeadThatIsGoneOrDamagedIsNoObstacle) {
  add_host_with_key("alpha", key_name('k'));
  auto wanted = sealed_to({key_name('k')});
  objects_.heads["set-1"][700] ^= 1U;
  objects_.heads["set-2"] = Bytes(1000, 7);
  for (const auto* name : {"set-2", "set-3"}) {
    auto& object = *wanted.mutable_image()->add_sealed_heads();
    object.set_name(name);
    object.set_size(1000);
  }
  (void)launched(wanted);
  show_evidence("alpha");
  EXPECT_THAT(security_module_.requests, SizeIs(1));
}

TEST_F(SealedAheadTest, WhoKeepsTheKeyIsAskedAllTheSame) {
  add_host_with_key("alpha", key_name('k'));
  auto wanted = sealed_to({key_name('k')});
  wanted.set_key_model(v1::KEY_MODEL_KEEP);
  const auto id = launched(wanted);
  show_evidence("alpha");
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_AWAITING_CUSTOMER);
}

TEST_F(SealedAheadTest, ARequestThatIsRepeatedIsTheSameWhateverWasSealedMeanwhile) {
  add_host_with_key("alpha", key_name('k'));
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  const auto again = customers_.create(sealed_to({key_name('k')}));
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->launch_id(), id);
}

TEST_F(SealedAheadTest, NamesAreLookedAtBeforeTheyAreUsed) {
  for (const auto* name : {"", "../x", "a/b"}) {
    auto wanted = request(v1::KEY_MODEL_BRING, name);
    wanted.set_idempotency_key("bad");
    auto& object = *wanted.mutable_image()->add_sealed_heads();
    object.set_name(name);
    object.set_size(1);
    EXPECT_THAT(customers_.create(wanted), FailsAt(ErrorCode::invalid_argument, "sealed_heads")) << name;
  }
}

}  // namespace
}  // namespace sealift::orchestrator
