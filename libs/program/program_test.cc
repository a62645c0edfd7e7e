// SPDX-License-Identifier: Apache-2.0
#include "program/program.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace sealift {
namespace {

class Program : public testing::Test {
 protected:
  std::string file(const std::string& text) const {
    const auto path = directory_.path() / "service.conf";
    EXPECT_TRUE(write_file(path, as_bytes(text)));
    return path.string();
  }

  /// The exit status; `err` is what was said.
  int run(std::vector<std::string> words, Status outcome = {}) {
    CLI::App app{"A service."};
    app.add_option("--database", database)->required();
    app.add_option("--orchestrator", orchestrators);
    app.add_flag("--create", create);
    words.insert(words.begin(), "program");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    const int status =
        run_program(app, "sealift-some", static_cast<int>(argv.size()), argv.data(), [&] { return outcome; });
    err = testing::internal::GetCapturedStderr();
    out = testing::internal::GetCapturedStdout();
    return status;
  }

  std::string database;
  std::vector<std::string> orchestrators;
  bool create = false;
  std::string err;
  std::string out;

 private:
  TemporaryDirectory directory_ = TemporaryDirectory::create("program").value();
};

TEST_F(Program, ReadsItsOptionsFromAFile) {
  const auto config = file(
      "# where state is\n"
      "database = "
      "\"postgresql://sealift:a%23b@db.example/sealift?sslmode=verify-full&sslrootcert=/etc/ca.pem\"\n"
      "orchestrator = [\"one:7444\", \"two:7444\"]\n"
      "create = true\n");
  EXPECT_EQ(run({"--config", config}), 0) << err;
  EXPECT_EQ(database,
            "postgresql://sealift:a%23b@db.example/sealift?sslmode=verify-full&sslrootcert=/etc/ca.pem");
  EXPECT_EQ(orchestrators, (std::vector<std::string>{"one:7444", "two:7444"}));
  EXPECT_TRUE(create);
}

TEST_F(Program, TakesTheCommandLineBeforeTheFile) {
  EXPECT_EQ(run({"--config", file("database = \"a\"\n"), "--database", "b"}), 0) << err;
  EXPECT_EQ(database, "b");
}

TEST_F(Program, RefusesOptionsThatItDoesNotHave) {
  EXPECT_EQ(run({"--config", file("database = \"a\"\ndatabsae = \"b\"\n")}), 2);
  EXPECT_NE(err.find("databsae"), std::string::npos) << err;
}

TEST_F(Program, SaysWhichFileIsMissing) {
  EXPECT_EQ(run({"--config", "/nowhere/service.conf"}), 3);
  EXPECT_NE(err.find("/nowhere/service.conf"), std::string::npos) << err;
  EXPECT_NE(err.find("--config"), std::string::npos) << err;
}

TEST_F(Program, SaysWhichOptionIsMissing) {
  EXPECT_EQ(run({}), 2);
  EXPECT_NE(err.find("--database"), std::string::npos) << err;
}

TEST_F(Program, EndsWithOneLineThatHasEverything) {
  EXPECT_EQ(run({"--database", "a"}, fail(ErrorCode::unavailable, "the database does not answer", "database",
                                          "connection to \"db\"\nrefused\n")),
            3);
  EXPECT_EQ(err,
            "sealift-some: unavailable: the database does not answer (connection to \"db\" refused). The "
            "service did "
            "not answer: check that it runs, then try again.\n");
  EXPECT_EQ(out, "");
}

TEST_F(Program, HelpsWithoutBeingGivenAnything) {
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_NE(out.find("--config"), std::string::npos);
}

}  // namespace
}  // namespace sealift
