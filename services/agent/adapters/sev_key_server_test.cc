// SPDX-License-Identifier: Apache-2.0
/// Against an HTTP server that has what an emulated maker's directory has.
#include "services/agent/adapters/sev_key_server.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "base/matchers.h"
#include "objects/http_server_for_test.h"
#include "tee/sev/platform_for_test.h"

namespace sealift::agent {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

const sev::PlatformForTest& machine() {
  static const auto platform = sev::PlatformForTest::make();
  return platform;
}

class AKeyServer : public testing::Test {
 protected:
  SevKeyServer client(std::chrono::seconds pause = std::chrono::seconds{0}) {
    return SevKeyServer{bundle_.path(),
                        {.url = "http://" + server_.address(), .insecure_http = true, .pause = pause}};
  }

  Bytes chip_ = Bytes(64, 0xab);
  TemporaryDirectory bundle_ = TemporaryDirectory::create("sealift-keys").value();
  std::string answer_ = objects::http_answer("200 OK", std::string{as_text(machine().cek.bytes())});
  objects::HttpServerForTest server_{[this](const objects::SeenRequest&, std::size_t) {
    return objects::HttpServerForTest::Answer{answer_};
  }};
};

TEST_F(AKeyServer, IsAskedOnceForEachChip) {
  auto keys = client();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(keys.cek(chip_).value(), to_bytes(machine().cek.bytes()));
  EXPECT_EQ(client().cek(chip_).value(), to_bytes(machine().cek.bytes()));
  ASSERT_THAT(server_.requests(), SizeIs(1));
  EXPECT_THAT(server_.requests()[0].head, StartsWith("GET /cek/id/" + to_hex(chip_) + " HTTP/1.1\r\n"));
}

TEST_F(AKeyServer, IsNotAskedForWhatTheBundleHas) {
  ASSERT_THAT(SevKeyFiles{bundle_.path()}.keep_cek(chip_, as_bytes("kept")), Succeeds());
  EXPECT_EQ(client().cek(chip_).value(), to_bytes(as_bytes("kept")));
  EXPECT_THAT(server_.requests(), IsEmpty());
}

TEST_F(AKeyServer, ThatIsBusyIsLeftAloneForAWhile) {
  answer_ = objects::http_answer("429 Too Many Requests", "");
  auto keys = client(std::chrono::hours{1});
  for (int i = 0; i < 3; ++i) EXPECT_THAT(keys.cek(chip_), FailsAt(ErrorCode::unavailable, "key_server"));
  EXPECT_THAT(server_.requests(), SizeIs(1));
}

TEST_F(AKeyServer, IsAskedAgainAfterThat) {
  answer_ = objects::http_answer("500 Internal Server Error", "");
  auto keys = client();
  EXPECT_THAT(keys.cek(chip_), FailsWith(ErrorCode::unavailable));
  answer_ = objects::http_answer("200 OK", std::string{as_text(machine().cek.bytes())});
  EXPECT_THAT(keys.cek(chip_), Succeeds());
}

TEST_F(AKeyServer, ThatGivesSomethingElseFillsNoBundle) {
  auto keys = client();
  for (const auto& wrong :
       {std::string{"<html>"}, std::string{as_text(machine().pek.bytes())}, std::string(100000, 'x')}) {
    answer_ = objects::http_answer("200 OK", wrong);
    EXPECT_FALSE(keys.cek(chip_));
  }
  EXPECT_FALSE(std::filesystem::exists(bundle_.path() / "cek"));
}

TEST_F(AKeyServer, IsNoneWhereNoneIsNamed) {
  SevKeyServer offline{bundle_.path(), {}};
  EXPECT_THAT(offline.cek(chip_), FailsAt(ErrorCode::not_found, "cek/" + to_hex(chip_)));
}

}  // namespace
}  // namespace sealift::agent
