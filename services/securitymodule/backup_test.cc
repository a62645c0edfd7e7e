// SPDX-License-Identifier: Apache-2.0
// The machine is lost: what docs/security-module.md says about backups, with the databases' own programs.
#include "merkle/log.h"
#include "sealift/v1/audit.pb.h"
#include "services/securitymodule/program_for_test.h"
#include "store/sql/postgres_for_test.h"

namespace sealift::securitymodule {
namespace {

class BackupTest : public ProgramTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (!is_postgres()) return;
    postgres_ = sql::PostgresForTest::start().value();
    database = postgres_->new_database().value();
  }
  static bool is_postgres() { return std::string_view{GetParam()} == "PostgreSQL"; }

  void back_up() {
    if (is_postgres()) {
      backup_ = run_checked({.argv = {"pg_dump", "--dbname", database}}).value().out;
      return;
    }
    ASSERT_THAT(run_checked({.argv = {"sqlite3", path("keys.db"),
                                      "VACUUM INTO '" + path("backup.db").string() + "'"}}),
                Succeeds());
  }
  /// Everything that is not in the backup is gone.
  void lose_the_machine_and_restore() {
    if (is_postgres()) {
      ASSERT_THAT(sql::Database::open(postgres_->conninfo()).value()->write("DROP SCHEMA t1 CASCADE", {}),
                  Succeeds());
      ASSERT_THAT(write_file(path("backup.sql"), as_bytes(backup_)), Succeeds());
      ASSERT_THAT(run_checked({.argv = {"psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1",
                                        "--dbname", database, "--file", path("backup.sql")}}),
                  Succeeds());
      return;
    }
    for (const auto* const end : {"", "-wal", "-shm"})
      std::filesystem::remove(path(std::string{"keys.db"} + end));
    std::filesystem::rename(path("backup.db"), path("keys.db"));
  }

  std::unique_ptr<sql::PostgresForTest> postgres_;
  std::string backup_;
};

merkle::SignedHead head_of(const v1::RequestAuthorizationResponse& response) {
  return merkle::Receipt::parse(as_bytes(response.receipt())).value().head;
}

v1::SealedData enrol(Program& sm, const tee::HostForTest& host) {
  return sm.answer(sm.ask(host).value().question(), host).value();
}

TEST_P(BackupTest, BringsBackSeedsHostsAndAuthorizationsAsTheyWere) {
  auto sm = start_new();
  ASSERT_THAT(sm.put(maker.policy()), Succeeds());
  const auto sealed = enrol(sm, host);
  back_up();  // while it serves
  sm.kill();
  lose_the_machine_and_restore();
  auto restored = start();
  const auto again = restored.ask(host);
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->sealed_data().SerializeAsString(), sealed.SerializeAsString());
  EXPECT_THAT(restored.put(maker.policy()), Succeeds());
  EXPECT_FALSE(enrol(restored, maker.host()).public_area().empty());
}

TEST_P(BackupTest, KnowsNothingOfWhatCameAfterIt) {
  auto sm = start_new();
  ASSERT_THAT(sm.put(maker.policy()), Succeeds());
  back_up();
  enrol(sm, host);
  sm.kill();
  lose_the_machine_and_restore();
  auto restored = start();
  const auto asked = restored.ask(host);
  ASSERT_THAT(asked, Succeeds());
  EXPECT_TRUE(asked->has_question());
}

// A customer who kept a head sees that decisions were taken away.
TEST_P(BackupTest, DoesNotHideThatTheLogWentBack) {
  auto sm = start_new();
  ASSERT_THAT(sm.put(maker.policy()), Succeeds());
  back_up();
  merkle::SignedHead latest;
  for (int i = 0; i < 3; ++i) latest = head_of(sm.ask(host).value());
  sm.kill();
  lose_the_machine_and_restore();
  auto restored = start();
  merkle::SignedHead head;
  for (int i = 0; i < 5; ++i) head = head_of(restored.ask(host).value());
  const auto page = restored.tenant->call<v1::ExportLogResponse>("sealift.v1.AuditService.ExportLog",
                                                                 v1::ExportLogRequest{});
  ASSERT_THAT(page, Succeeds());
  const auto key = crypto::PublicKey::parse(as_bytes(page->public_key())).value();
  ByteReader reader{as_bytes(page->head())};
  merkle::Bundle bundle{{}, {}, merkle::read_head(reader).value()};
  for (const auto& entry : page->entries()) bundle.entries.emplace_back(to_bytes(as_bytes(entry.entry())));
  EXPECT_THAT(bundle.verify(key, {head}), Succeeds());
  EXPECT_FALSE(bundle.verify(key, {latest}));
}

TEST_P(BackupTest, IsWorthNothingWithoutTheKeyThatWrapsItsRootKey) {
  {
    auto sm = start_new();
    ASSERT_THAT(sm.put(maker.policy()), Succeeds());
    back_up();
    sm.kill();
  }
  lose_the_machine_and_restore();
  std::filesystem::remove(path("key"));
  const auto ended = run({.argv = argv({"--create-key"})});
  ASSERT_THAT(ended, Succeeds());
  EXPECT_EQ(ended->exit_status, static_cast<int>(ErrorKind::refused));
  EXPECT_NE(ended->err.find(path("key").string()), std::string::npos) << ended->err;
}

INSTANTIATE_TEST_SUITE_P(Databases, BackupTest, testing::Values("SQLite", "PostgreSQL"),
                         [](const auto& tested) { return std::string{tested.param}; });

}  // namespace
}  // namespace sealift::securitymodule
