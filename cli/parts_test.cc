// SPDX-License-Identifier: Apache-2.0
/// The tool's own parts: what goes to a terminal, what comes from a guest, flat kernels.
#include <fcntl.h>
#include <unistd.h>

#include "base/matchers.h"
#include "cli/new_files.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/run/console_stream.h"
#include "cli/tool_for_test.h"
#include "crypto/digest.h"
#include "guest/image/flat_kernel.h"

namespace sealift::cli {
namespace {

TEST(Printable, KeepsTextAndShowsWhatATerminalWouldObey) {
  EXPECT_EQ(printable("Grüße, 世界 ✓"), "Grüße, 世界 ✓");
  EXPECT_EQ(printable("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(printable("a\nb\x7f"), "a\\x0ab\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b") << "a C1 control";
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
}

TEST(ErrorJson, HasAFieldOnlyWhereThereIsOne) {
  const auto with = to_json(Error{ErrorCode::kernel_differs, "message", "kernel", "private"});
  EXPECT_EQ(with["code"], "kernel_differs");
  EXPECT_EQ(with["field"], "kernel");
  EXPECT_EQ(with.dump().find("private"), std::string::npos);
  EXPECT_FALSE(to_json(Error{ErrorCode::truncated, "message", "", ""}).contains("field"));
  EXPECT_FALSE(with.contains("expected"));
}

TEST(ErrorJson, SaysWhatWasExpectedAndFound) {
  const Error error{ErrorCode::kernel_differs, "message", "kernel", {}, "aa", "b\nb"};
  EXPECT_EQ(to_json(error)["expected"], "aa");
  EXPECT_EQ(to_json(error)["found"], "b\nb");
  EXPECT_EQ(values_text(error, 2), "  expected: aa\n  found:    b\\x0ab\n");
  EXPECT_EQ(values_text(Error{ErrorCode::truncated, "message", "", ""}, 2), "");
}

TEST(ProgressText, HasRateAndTimeLeft) {
  const auto text = progress_text("encrypting", 250'000'000, 1'000'000'000, std::chrono::seconds{2});
  EXPECT_EQ(text, "encrypting   25 %  [======                  ]  125 MB/s  0:06 left");
  EXPECT_EQ(progress_text("reading", 5'000'000, 0, std::chrono::seconds{1}), "reading  5.0 MB  5.0 MB/s");
  EXPECT_EQ(size_text(640), "640 B");
  EXPECT_EQ(size_text(999'900), "1.0 MB");
}

TEST_F(ToolTest, ProgressOfAShortStepIsOneLineInALog) {
  const auto fd = open_file(path("log"), O_RDWR | O_CREAT).value();
  {
    ProgressBar bar{fd.get(), false};
    bar.start("encrypting", 1000);
    bar.advance(500);
    bar.advance(500);
    bar.finish();
    bar.start("left unfinished", 1000);
  }
  EXPECT_EQ(as_text(read("log")), "encrypting: done  1.0 kB  0:00\n");
}

class Console : public ToolTest {
 protected:
  /// What is shown of `text`, and the line that matched.
  std::vector<std::string> show(const std::string& text, const char* pattern = nullptr) {
    std::vector<std::string> shown;
    ConsoleStream stream{{UniqueFd{}, [&](const std::string& line) { shown.push_back(line); }}};
    const auto until = Pattern::compile(pattern == nullptr ? "x^" : pattern);
    const auto fd = open_file(write("console", text), O_RDONLY).value();
    while (*stream.read_from(fd.get(), &*until)) {
    }
    matched_ = stream.matched();
    return shown;
  }
  std::string matched_;
};

TEST_F(Console, ShowsLinesWithoutWhatATerminalWouldObey) {
  const auto lines = show("one\r\n\x1b[1;31mred\x1b[0m\nbell\a\nlast");
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "red", "bell\\x07", "last"}));
}

TEST_F(Console, FindsAPromptThatHasNoNewline) {
  show("Debian GNU/Linux 12\r\n\r\ndebian login: ", "login: $");
  EXPECT_EQ(matched_, "debian login: ");
}

TEST_F(Console, BreaksEndlessLines) {
  const auto lines = show(std::string(10'000, 'a'));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].size(), 4096U);
}

TEST_F(Console, RefusesABrokenPattern) {
  EXPECT_THAT(Pattern::compile("(unclosed"), FailsAt(ErrorCode::invalid_argument, "--until"));
}

class FlatKernels : public ToolTest {};

TEST_F(FlatKernels, AreWhatObjcopyMakes) {
  write("program.s",
        ".globl _start\n.text\n_start: nop\n.section .rodata\n.ascii \"read\"\n.data\n.quad 7\n.bss\n.skip "
        "64\n");
  for (const auto& argv : std::vector<std::vector<std::string>>{
           {"as", "-o", path("program.o"), path("program.s")},
           {"ld", "-o", path("program"), "-Ttext=0x400000", path("program.o")},
           {"objcopy", "-O", "binary", "-S", path("program"), path("flat")}}) {
    Command command;
    command.argv = argv;
    ASSERT_THAT(run_checked(command), Succeeds());
  }
  const auto fd = open_file(path("program"), O_RDONLY).value();
  const auto flat = image::flat_kernel_digest(fd.get());
  ASSERT_THAT(flat, Succeeds());
  ASSERT_TRUE(flat->has_value());
  const auto theirs = read("flat");
  EXPECT_EQ((*flat)->size, theirs.size());
  EXPECT_EQ((*flat)->digest, crypto::digest(crypto::HashAlgorithm::sha512, theirs));

  const auto whole = read("program");
  for (std::size_t size = 64; size < whole.size();
       size += 101) {  // the section table is the last thing in it
    write("cut", ByteView{whole}.first(size));
    const auto cut = open_file(path("cut"), O_RDONLY).value();
    EXPECT_FALSE(image::flat_kernel_digest(cut.get()).has_value()) << size;
  }
}

TEST_F(FlatKernels, OtherFilesAreNone) {
  const auto fd = open_file(write("bzImage", std::string(1000, 'k')), O_RDONLY).value();
  const auto flat = image::flat_kernel_digest(fd.get());
  ASSERT_THAT(flat, Succeeds());
  EXPECT_FALSE(flat->has_value());
}

class NewFiles : public ToolTest {};

TEST_F(NewFiles, LeaveOthersAlone) {
  std::filesystem::create_directory(path("out"));
  write("out/other", "mine");
  ASSERT_THAT(write_files(path("out"), {{"a", as_bytes("1")}, {"b", as_bytes("2")}}), Succeeds());
  EXPECT_EQ(as_text(read("out/a")), "1");
  EXPECT_EQ(as_text(read("out/other")), "mine");
}

TEST_F(NewFiles, LeaveNothingWhereOneCannotBeWritten) {
  EXPECT_THAT(write_files(path("out"), {{"a", as_bytes("1")}, {"no/such", as_bytes("2")}}),
              FailsWith(ErrorCode::not_found));
  EXPECT_EQ(files(), 0U);
}

}  // namespace
}  // namespace sealift::cli
