// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

using tee::host;

v1::Revocation revocation(v1::RevocationKind kind, ByteView subject) {
  v1::Revocation made;
  made.set_kind(kind);
  made.set_subject(text_of(subject));
  return made;
}

class RevocationTest : public SecurityModuleTest {
 protected:
  RevocationTest() {
    EXPECT_THAT(put(sm), Succeeds());
    const auto enrolled = enrol(sm, host());
    EXPECT_THAT(enrolled, Succeeds());
    const auto hosts = sm.list_enrolled_hosts(asker(), {}).value();
    name = to_bytes(as_bytes(hosts.hosts(0).storage_key_name()));
    hardware_key = to_bytes(as_bytes(hosts.hosts(0).hardware_key_hash()));
  }
  v1::Revocation of_key() const { return revocation(v1::REVOCATION_KIND_HARDWARE_KEY, hardware_key); }
  v1::Revocation of_host() const { return revocation(v1::REVOCATION_KIND_HOST, name); }
  v1::Revocation of_image() const {
    return revocation(v1::REVOCATION_KIND_IMAGE, esm::ImageId::from_hex(kImage)->view());
  }

  Bytes name;
  Bytes hardware_key;
  ReplicaForTest other{url(), clock, log};
};

TEST_F(RevocationTest, CountsOnEveryReplicaFromTheNextRequestOn) {
  const std::vector<std::pair<v1::Revocation, std::string>> all{
      {of_key(), "hardware_key"}, {of_host(), "storage_key"}, {of_image(), "image_id"}};
  for (const auto& [one, field] : all) {
    SCOPED_TRACE(field);
    ASSERT_THAT(ask(other.sm, host().evidence()), Succeeds());
    ASSERT_THAT(sm.revoke(asker(), one), Succeeds());
    EXPECT_THAT(ask(other.sm, host().evidence()), FailsAt(ErrorCode::failed_precondition, field));
    EXPECT_THAT(ask(sm, host().evidence()), FailsAt(ErrorCode::failed_precondition, field));
    ASSERT_THAT(other.sm.reinstate(asker(), one), Succeeds());
    EXPECT_THAT(ask(sm, host().evidence()), Succeeds());
  }
  EXPECT_EQ(log.count("revoked"), 3);
}

TEST_F(RevocationTest, StopsAnEnrolmentThatIsUnderWay) {
  const tee::HostForTest late;
  for (const auto kind : {v1::REVOCATION_KIND_HOST, v1::REVOCATION_KIND_IMAGE}) {
    const auto asked = ask(sm, late.evidence());
    ASSERT_THAT(asked, Succeeds());
    ASSERT_TRUE(asked->has_question());
    const auto revoked =
        kind == v1::REVOCATION_KIND_IMAGE ? of_image() : revocation(kind, late.storage_key.name().view());
    ASSERT_THAT(other.sm.revoke(asker(), revoked), Succeeds());
    EXPECT_THAT(answer(sm, asked->question(), answer_of(late, asked->question())),
                FailsWith(ErrorCode::failed_precondition));
    ASSERT_THAT(other.sm.reinstate(asker(), revoked), Succeeds());
  }
}

TEST_F(RevocationTest, OfOneTenantIsNoneOfAnother) {
  ASSERT_THAT(sm.revoke(asker(kOtherTenant), of_key()), Succeeds());
  ASSERT_THAT(sm.revoke(asker(kOtherTenant), of_image()), Succeeds());
  EXPECT_THAT(ask(sm, host().evidence()), Succeeds());
  EXPECT_EQ(sm.list_revocations(asker(), {}).value().revocations_size(), 0);
  const auto theirs = sm.list_revocations(asker(kOtherTenant), {}).value();
  ASSERT_EQ(theirs.revocations_size(), 2);
  EXPECT_EQ(theirs.revocations(0).subject(), text_of(hardware_key));
  EXPECT_EQ(theirs.revocations(0).revoked_at(), crypto::unix_seconds(clock.now()));
}

TEST_F(RevocationTest, NamesItsSubjectProperly) {
  for (const auto kind :
       {v1::REVOCATION_KIND_HARDWARE_KEY, v1::REVOCATION_KIND_HOST, v1::REVOCATION_KIND_IMAGE})
    EXPECT_THAT(sm.revoke(asker(), revocation(kind, Bytes(31))),
                FailsAt(ErrorCode::invalid_argument, "subject"));
  EXPECT_THAT(sm.revoke(asker(), revocation(v1::REVOCATION_KIND_UNSPECIFIED, Bytes(32))),
              FailsAt(ErrorCode::invalid_argument, "kind"));
}

TEST_F(RevocationTest, OfADeprovisionedHostLeavesNothingOfIt) {
  v1::DeprovisionHostRequest request;
  request.set_storage_key_name(text_of(name));
  const auto gone = sm.deprovision_host(asker(), request);
  ASSERT_THAT(gone, Succeeds());
  EXPECT_EQ(gone->authorizations(), 1U);
  EXPECT_EQ(sm.list_enrolled_hosts(asker(), {}).value().hosts_size(), 0);
  EXPECT_EQ(replica.stores.authorizations->count_of_image(kTenant, kImage, 10).value(), 0);
  EXPECT_THAT(ask(other.sm, host().evidence()), FailsAt(ErrorCode::failed_precondition, "storage_key"));
  EXPECT_EQ(sm.deprovision_host(asker(), request)->authorizations(), 0U);
}

TEST_F(RevocationTest, ThatWasForgedIsNotShown) {
  ASSERT_THAT(replica.stores.revocations->put({kTenant, {1, Bytes(32, 9)}, Bytes(40), 5}), Succeeds());
  EXPECT_THAT(sm.list_revocations(asker(), {}), FailsWith(ErrorCode::authentication_failed));
}

}  // namespace
}  // namespace sealift::securitymodule
