// SPDX-License-Identifier: Apache-2.0
/// What the agent keeps on its disk: the journal, and overlays as QEMU reads them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"
#include "services/agent/adapters/journal_directory.h"
#include "services/agent/adapters/qcow2_overlays.h"

namespace sealift::agent {
namespace {

namespace fs = std::filesystem;

InstanceName name(const char* text) { return InstanceName::parse(text).value(); }

class JournalDirectoryTest : public ::testing::Test {
 protected:
  std::vector<std::string> load() {
    std::vector<std::string> texts;
    const auto documents = JournalDirectory{path_}.load();
    EXPECT_THAT(documents, Succeeds());
    for (const auto& document : *documents) texts.emplace_back(as_text(document));
    return texts;
  }
  void save(const char* text, ByteView document, Journal::Survives survives = Journal::Survives::power_loss) {
    EXPECT_THAT(journal_.save(name(text), document, survives), Succeeds());
  }
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  fs::path path_ = directory_.path() / "deep" / "instances";
  JournalDirectory journal_{path_};
};

TEST_F(JournalDirectoryTest, HasTheLatestOfEachInstance) {
  EXPECT_THAT(load(), ::testing::IsEmpty());
  save("a.1", as_bytes("one"), Journal::Survives::our_death);
  save("a.2", as_bytes("two"));
  save("a.1", as_bytes("three"));
  EXPECT_THAT(load(), ::testing::UnorderedElementsAre("three", "two"));
  ASSERT_THAT(write_file(journal_.directory(name("a.1")) / "console", {}), Succeeds());
  journal_.remove(name("a.1"));
  EXPECT_THAT(load(), ::testing::ElementsAre("two"));
  EXPECT_FALSE(fs::exists(path_ / "a.1"));
}

TEST_F(JournalDirectoryTest, TakesANameAgainThatItForgot) {
  save("a.1", as_bytes("one"));
  save("a.1", as_bytes("two"));
  journal_.remove(name("a.1"));
  save("a.1", as_bytes("three"));
  EXPECT_THAT(load(), ::testing::ElementsAre("three"));
}

TEST_F(JournalDirectoryTest, IsForItsOwnerAlone) {
  EXPECT_THAT(load(), ::testing::IsEmpty());
  save("a.1", as_bytes("one"));
  for (const auto& path : {path_, path_ / "a.1", path_ / "a.1" / "journal"}) {
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0077, 0U) << path;
  }
}

TEST_F(JournalDirectoryTest, PassesOverWhatWasNeverWritten) {
  EXPECT_THAT(load(), ::testing::IsEmpty());
  fs::create_directory(path_ / "a.1");
  EXPECT_THAT(load(), ::testing::IsEmpty());
  save("a.1", {}, Journal::Survives::our_death);
  EXPECT_THAT(load(), ::testing::IsEmpty())
      << "of a file without syncing a power loss may leave the name alone";
  EXPECT_FALSE(fs::exists(path_ / "a.1"));
}

TEST_F(JournalDirectoryTest, IsNotTakenUpWhereItCannotBeRead) {
  EXPECT_THAT(load(), ::testing::IsEmpty());
  save("a.1", Bytes(JournalDirectory::kMaxDocument + 1));
  EXPECT_THAT(journal_.load(), FailsWith(ErrorCode::too_large));
}

class Qcow2OverlaysTest : public ::testing::Test {
 protected:
  static nlohmann::json info(const fs::path& path) {
    Command command;
    command.argv = {"qemu-img", "info", "--output=json", path.string()};
    return nlohmann::json::parse(run_checked(command)->out);
  }
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  fs::path path_ = directory_.path() / "overlay.qcow2";
  Qcow2Overlays overlays_{directory_.path() / "overlays"};
};

TEST_F(Qcow2OverlaysTest, AreEmptyDisksOfTheirSizeWhateverWasThereBefore) {
  for (const std::uint64_t size : {1ULL << 20U, 3ULL << 30U, 1ULL << 20U}) {
    ASSERT_THAT(overlays_.make(path_, size), Succeeds());
    const auto made = info(path_);
    EXPECT_EQ(made.at("format"), "qcow2");
    EXPECT_EQ(made.at("virtual-size"), size);
    EXPECT_FALSE(made.contains("backing-filename"));
    ASSERT_THAT(write_file(path_, as_bytes("what a guest wrote")), Succeeds());
  }
}

TEST_F(Qcow2OverlaysTest, LeaveNothingWhereTheyCannotBeMade) {
  EXPECT_THAT(overlays_.make(directory_.path() / "nowhere" / "overlay", 1U << 20U),
              FailsWith(ErrorCode::not_found));
  EXPECT_FALSE(overlays_.make(path_, ~std::uint64_t{0}));
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_EQ(std::distance(fs::directory_iterator{directory_.path() / "overlays"}, {}), 1);
}

TEST_F(Qcow2OverlaysTest, KeepFewTemplates) {
  for (std::size_t i = 1; i <= Qcow2Overlays::kMaxTemplates + 2; ++i)
    ASSERT_THAT(overlays_.make(path_, i << 20U), Succeeds());
  EXPECT_LE(std::distance(fs::directory_iterator{directory_.path() / "overlays"}, {}),
            static_cast<std::ptrdiff_t>(Qcow2Overlays::kMaxTemplates));
}

}  // namespace
}  // namespace sealift::agent
