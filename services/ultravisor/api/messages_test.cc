// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/api/messages.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/matchers.h"

namespace sealift::ultravisor {
namespace {

UniqueFd null() { return open_file("/dev/null", O_RDONLY).value(); }

LaunchRequest launch() {
  LaunchRequest request{"guest-1", "root=/dev/mapper/root quiet", 512, 1, {}};
  request.files = {null(), null(), null(), null(), null(), null(), null()};
  return request;
}

/// A launch message with one thing changed.
Message changed(const std::string& from, const std::string& to) {
  auto message = write_request(launch());
  const auto at = message.text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  message.text.replace(at, from.size(), to);
  return message;
}

TEST(UltravisorMessages, AreReadAsTheyWereWritten) {
  const auto request = read_request(write_request(launch()));
  ASSERT_THAT(request, Succeeds());
  const auto& read = std::get<LaunchRequest>(*request);
  EXPECT_EQ(read.id, "guest-1");
  EXPECT_EQ(read.cmdline, "root=/dev/mapper/root quiet");
  EXPECT_EQ(read.memory_mib, 512U);
  EXPECT_TRUE(read.files.kernel && read.files.console && read.files.reference);
  EXPECT_EQ(std::get<WatchRequest>(*read_request(write_request(WatchRequest{"a"}))).id, "a");
  EXPECT_EQ(std::get<StopRequest>(*read_request(write_request(StopRequest{"a"}))).id, "a");
  EXPECT_TRUE(std::holds_alternative<ListRequest>(*read_request(write_request(ListRequest{}))));
}

TEST(UltravisorMessages, DoWithoutReferenceAndHeadButNotWithoutAKernel) {
  auto without_optional = launch();
  without_optional.files.reference.reset();
  without_optional.files.initramfs_head.reset();
  EXPECT_THAT(read_request(write_request(std::move(without_optional))), Succeeds());
  auto without_kernel = launch();
  without_kernel.files.kernel.reset();
  EXPECT_THAT(read_request(write_request(std::move(without_kernel))),
              FailsAt(ErrorCode::malformed, "kernel"));
}

TEST(UltravisorMessages, AreRefusedNamingTheFieldThatIsWrong) {
  const std::tuple<const char*, const char*, const char*> faults[] = {
      {"\"id\":\"guest-1\"", "\"id\":\"../guest\"", "id"},
      {"\"id\":\"guest-1\"", "\"id\":\"\"", "id"},
      {"\"id\":\"guest-1\"", "\"id\":7", "id"},
      {"\"id\":\"guest-1\",", "", "id"},
      {"\"cpus\":1", "\"cpus\":0", "cpus"},
      {"\"cpus\":1", "\"cpus\":-1", "cpus"},
      {"\"cpus\":1", "\"cpus\":1,\"more\":1", "more"},
      {"\"memory_mib\":512", "\"memory_mib\":63", "memory_mib"},
      {"\"memory_mib\":512", "\"memory_mib\":99999999999", "memory_mib"},
      {"quiet", "qui\\u0000et", "cmdline"},
      {"\"initramfs\"", "\"kernel\"", "files"},
      {"\"initramfs\"", "\"bios\"", "files"},
      {"\"initramfs_head\"", "\"initramfs\"", "files"},
      {",\"reference\"", "", "files"},
      {"\"launch\"", "\"lunch\"", "files"},
      {"{\"launch\"", "{\"also\":1,\"launch\"", "also"},
  };
  for (const auto& [from, to, field] : faults) {
    EXPECT_THAT(read_request(changed(from, to)), FailsAt(ErrorCode::malformed, field)) << to;
  }
}

TEST(UltravisorMessages, WithAMemberTwiceAreRefused) {
  EXPECT_THAT(read_request(changed("\"cpus\":1", "\"cpus\":1,\"cpus\":1")), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(read_reply(R"({"stopped":{},"stopped":{}})"), FailsWith(ErrorCode::malformed));
}

TEST(UltravisorMessages, CutShortAnywhereAreRefused) {
  const auto whole = write_request(launch()).text;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    auto message = write_request(launch());
    message.text.resize(size);
    EXPECT_THAT(read_request(std::move(message)), FailsWith(ErrorCode::malformed)) << size;
  }
}

TEST(UltravisorMessages, WithFilesThatNobodyAskedForAreRefused) {
  for (const auto* text : {R"({"stop":{"id":"a"}})", R"({"watch":{"id":"a"}})", R"({"list":{}})"}) {
    Message message{text, {}};
    message.files.push_back(null());
    EXPECT_THAT(read_request(std::move(message)), FailsAt(ErrorCode::malformed, "files")) << text;
  }
}

TEST(UltravisorMessages, ThatNameAGuestTakeNothingButItsId) {
  for (const auto* text : {R"({"watch":{"id":"../a"}})", R"({"stop":{"id":""}})", R"({"watch":{}})"}) {
    EXPECT_THAT(read_request({text, {}}), FailsAt(ErrorCode::malformed, "id")) << text;
  }
  EXPECT_THAT(read_request({R"({"watch":{"id":"a","more":1}})", {}}), FailsAt(ErrorCode::malformed, "more"));
  EXPECT_THAT(read_request({R"({"watch":{"id":"a"},"stop":{"id":"a"}})", {}}),
              FailsAt(ErrorCode::malformed, "stop"));
}

TEST(UltravisorMessages, CarryRepliesWithoutTheirPrivateDetail) {
  const Error refusal{ErrorCode::kernel_differs, "the kernel is another one", "kernel", "for the log only"};
  const auto text = write_reply(refusal);
  EXPECT_EQ(text.find("for the log only"), std::string::npos);
  const auto reply = read_reply(text);
  ASSERT_THAT(reply, Succeeds());
  const auto& read = std::get<Error>(*reply);
  EXPECT_EQ(read.code, ErrorCode::kernel_differs);
  EXPECT_EQ(read.field, "kernel");
  EXPECT_EQ(std::get<Event>(*read_reply(write_reply(Event{"guest_ended", 3}))).exit_status, 3);
  EXPECT_EQ(std::get<Guests>(*read_reply(write_reply(Guests{{"a", "b"}}))).ids.size(), 2U);
}

TEST(UltravisorMessages, SayWhatWasExpectedAndFoundOnlyOfAValue) {
  Error refusal{ErrorCode::kernel_differs, "not it", "kernel", {}, "aa", "bb"};
  const auto reply = read_reply(write_reply(refusal));
  ASSERT_THAT(reply, Succeeds());
  EXPECT_EQ(std::get<Error>(*reply).expected, "aa");
  EXPECT_EQ(std::get<Error>(*reply).found, "bb");
  refusal.expected.clear();
  EXPECT_EQ(write_reply(refusal).find("found"), std::string::npos);
  const auto with = [](std::string_view members) {
    return read_reply(R"({"refused":{"code":"kernel_differs","message":"m","field":"kernel")" +
                      std::string{members} + "}}");
  };
  EXPECT_THAT(with(R"(,"expected":"aa","found":"bb")"), Succeeds());
  EXPECT_THAT(with(R"(,"expected":"aa")"), FailsAt(ErrorCode::malformed, "found"));
  EXPECT_THAT(with(R"(,"found":"bb")"), FailsAt(ErrorCode::malformed, "found"));
  EXPECT_THAT(with(R"(,"expected":1,"found":"bb")"), FailsAt(ErrorCode::malformed, "expected"));
  EXPECT_THAT(with(",\"expected\":\"" + std::string(4097, 'a') + "\",\"found\":\"\""),
              FailsAt(ErrorCode::malformed, "expected"));
}

TEST(UltravisorMessages, CrossASocketWithTheirFiles) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd one{ends[0]};
  UniqueFd two{ends[1]};
  ASSERT_THAT(send_message(one.get(), write_request(launch())), Succeeds());
  auto message = receive_message(two.get());
  ASSERT_THAT(message, Succeeds());
  EXPECT_EQ(message->files.size(), kMaxFiles);
  EXPECT_THAT(read_request(*std::move(message)), Succeeds());
  two.reset();
  EXPECT_THAT(receive_message(one.get()), FailsWith(ErrorCode::unavailable));
  EXPECT_THAT(send_message(one.get(), write_request(ListRequest{})), FailsWith(ErrorCode::unavailable));
}

}  // namespace
}  // namespace sealift::ultravisor
