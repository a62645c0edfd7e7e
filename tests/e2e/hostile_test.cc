// SPDX-License-Identifier: Apache-2.0
/// Messages of peers that are who they say and mean no good: real ones of a launch, mutated, to every method
/// of every service. Each is answered, none as a defect of ours, and the cloud launches afterwards as before.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>

#include <atomic>
#include <random>

#include "base/matchers.h"
#include "rpc/testing/raw.h"
#include "sealift/v1/health.pb.h"
#include "tests/e2e/customer_for_test.h"
#include "tests/e2e/doubled_cloud_for_test.h"
#include "tests/e2e/field_changes_for_test.h"
#include "tests/e2e/methods_for_test.h"

namespace sealift::e2e {
namespace {

using google::protobuf::Message;
using rpc::testing::Raw;
using rpc::testing::RawAnswer;

constexpr int kBodies = 72;  // for each method: some 3000 in all
constexpr std::uint32_t kSeed = 20250211;

/// Bytes of a body, some of them altered, cut, doubled.
void mutate(std::string& body, std::minstd_rand& random) {
  for (auto times = random() % 4 + 1; times > 0; --times) {
    const auto at = body.empty() ? 0 : random() % body.size();
    switch (random() % 6) {
      case 0:
        if (!body.empty()) body[at] = static_cast<char>(random());
        break;
      case 1:
        if (!body.empty()) body[at] = static_cast<char>(body[at] ^ (1U << random() % 8));
        break;
      case 2:
        body.resize(at);
        break;
      case 3:
        body.insert(at, body.substr(at, random() % 64));
        break;
      case 4:
        body.insert(at, std::string(random() % 300, static_cast<char>(random())));
        break;
      default:
        body.erase(at, random() % 16);
    }
  }
}

std::string json_of(const Message& message) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) json = "{}";
  return json;
}

/// Real requests by method, as relays saw them.
class Recorder {
 public:
  void see(const std::string& method, Direction direction, const Message& message) {
    const std::lock_guard lock{mutex_};
    if (direction == Direction::request && seen_[method].size() < kKept)
      seen_[method].push_back(message.SerializeAsString());
  }
  std::vector<std::string> requests(const std::string& method) {
    const std::lock_guard lock{mutex_};
    return seen_[method];
  }
  /// From now on one answer or command in three is not as it was said.
  void scramble(bool on) { scrambles_ = on; }
  void alter(Message& message) {
    if (!scrambles_) return;
    const std::lock_guard lock{mutex_};
    if (random_() % 3 == 0) e2e::scramble(message, random_);
  }

 private:
  static constexpr std::size_t kKept = 8;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> seen_;
  std::atomic<bool> scrambles_ = false;
  std::minstd_rand random_{kSeed};
};

class Hostile : public testing::Test {
 protected:
  Hostile()
      : cloud_{[this](Door, const std::string& method, Direction direction, Message& message) {
          recorder_.see(method, direction, message);
          recorder_.alter(message);
        }},
        customer_{cloud_.tenant(), cloud_.frontend()} {}

  /// Exit status of the customer's tool; -1 where it did not end.
  int launch(const MiniImage& image, bool keep_key, std::chrono::seconds limit = std::chrono::seconds{120}) {
    Words words{"launch", image.directory(), "--yes", "--json", "--seed", image.seed_file()};
    if (keep_key) words.emplace_back("--keep-key");
    auto tool = spawn(cli::sealift_command(cloud_.words(words))).value();
    const auto status = tool.wait(limit);
    return status.value_or(-1);
  }
  void end_all() {
    v1::ListLaunchesRequest request;
    request.set_limit(1000);
    const auto launches =
        customer_.channel().call<v1::ListLaunchesResponse>("sealift.v1.LaunchService.ListLaunches", request);
    ASSERT_THAT(launches, Succeeds());
    for (const auto& launch : launches->launches()) {
      if (is_over(launch)) continue;
      EXPECT_THAT(customer_.stop(launch.launch_id()), Succeeds());
      const auto last =
          customer_.wait_for(launch.launch_id(), {v1::Launch::STATE_ENDED, v1::Launch::STATE_REFUSED});
      EXPECT_TRUE(is_over(last)) << state_text(last.state());
    }
  }

  struct Body {
    std::string type;
    std::string text;
  };
  /// One after the other: fields at random and bytes at random, in protobuf and in JSON.
  Body body_for(int number, const Message& prototype, const std::vector<std::string>& real, bool streams) {
    const std::unique_ptr<Message> message{prototype.New()};
    if (!real.empty()) message->ParseFromString(real[random_() % real.size()]);
    if (number % 4 != 3 || real.empty()) scramble(*message, random_);
    const bool json = number % 2 == 1;
    auto text = json ? json_of(*message) : message->SerializeAsString();
    if (number % 4 >= 2) mutate(text, random_);
    const std::string encoding = json ? "json" : "proto";
    if (!streams) return {"application/" + encoding, text};
    ByteWriter envelope;
    envelope.u8(0).be32(static_cast<std::uint32_t>(text.size()));
    return {"application/connect+" + encoding, std::string{as_text(envelope.view())} + text};
  }

  void attack(const std::string& service, const std::string& method, const Message& prototype, bool streams) {
    SCOPED_TRACE(service + "." + method);
    const auto name = "sealift.v1." + service + "." + method;
    const auto real = recorder_.requests(name);
    const auto way = cloud_.way_to(service);
    std::optional<Raw> connection;
    for (int i = 0; i < kBodies; ++i) {
      const auto body = body_for(i, prototype, real, streams);
      const auto request = fmt::format(
          "POST /sealift.v1.{}/{} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nConnect-Timeout-Ms: 300\r\n"
          "Content-Length: {}\r\n\r\n{}",
          service, method, body.type, body.text.size(), body.text);
      const auto answer = exchange(connection, way, request);
      EXPECT_NE(answer.status, 0U) << "no answer to " << to_hex(as_bytes(body.text.substr(0, 2000)));
      EXPECT_EQ(answer.body.find("\"internal\""), std::string::npos)
          << answer.body << "\nto " << to_hex(as_bytes(body.text.substr(0, 2000)));
      ++sent_;
      accepted_ += answer.status == 200 && answer.body.find("\"error\"") == std::string::npos ? 1 : 0;
      understood_ += answer.body.find("\"invalid_argument\"") == std::string::npos ? 1 : 0;
    }
    const auto channel =
        rpc::Channel::create({.address = way.address, .credentials = way.credentials, .server = way.server});
    const auto healthy = [&] {
      return (*channel)->call<v1::HealthCheckResponse>("sealift.v1.HealthService.Check",
                                                       v1::HealthCheckRequest{});
    };
    auto health = healthy();
    for (int tries = 0; tries < 100 && is_limited(health); ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
      health = healthy();
    }
    EXPECT_THAT(health, Succeeds());
  }

  /// So many messages in so short a time may be more than anybody may send.
  static bool is_limited(const Result<v1::HealthCheckResponse>& health) {
    return !health && health.error().code == ErrorCode::resource_exhausted;
  }

  RawAnswer exchange(std::optional<Raw>& connection, const DoubledCloud::Way& way,
                     const std::string& request) {
    for (int tries = 0; tries < 100; ++tries) {
      if (!connection) {
        auto made = Raw::connect(way.address, way.credentials, way.server);
        if (!made) continue;
        connection.emplace(*std::move(made));
      }
      connection->send(request);
      auto answer = connection->receive();
      if (answer.status == 0) connection.reset();  // it may have been closed before
      if (answer.status == 0 && tries < 2) continue;
      const bool limited = answer.body.find("\"resource_exhausted\"") != std::string::npos &&
                           answer.body.find("too many ") != std::string::npos;
      if (!limited) return answer;
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    return {};
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-image").value();
  MiniImage image_{directory_.path() / "first"};
  MiniImage after_{directory_.path() / "after"};
  Recorder recorder_;
  DoubledCloud cloud_;
  CustomerForTest customer_;
  std::minstd_rand random_{kSeed};
  int sent_ = 0;
  int accepted_ = 0;    ///< as if they were meant well
  int understood_ = 0;  ///< they got further than to a first check
};

TEST_F(Hostile, MessagesToEveryMethodAreAnswered) {
  ASSERT_EQ(launch(image_, true), 0);
  ASSERT_EQ(launch(image_, false), 0);
  end_all();
  const auto before = cloud_.processes();
#define SEALIFT_ATTACK(service, method, request, response) \
  attack(#service, #method, v1::request::default_instance(), false);
#define SEALIFT_ATTACK_STREAM(service, method, request, response) \
  attack(#service, #method, v1::request::default_instance(), true);
  SEALIFT_METHODS(SEALIFT_ATTACK, SEALIFT_ATTACK_STREAM)
#undef SEALIFT_ATTACK
#undef SEALIFT_ATTACK_STREAM
  EXPECT_EQ(cloud_.processes(), before) << "one has crashed";
  EXPECT_EQ(methods_of_the_table(), methods_of_the_api());
  std::cout << sent_ << " hostile messages, " << understood_ << " understood, " << accepted_ << " accepted\n";
  EXPECT_GT(understood_, sent_ / 10) << "they do not get past the door";
  EXPECT_GT(accepted_, sent_ / 50);
  cloud_.restart_agent();  // its host said all kinds of things of itself
  EXPECT_EQ(launch(after_, true), 0);
  EXPECT_EQ(launch(after_, false), 0);
  end_all();
}

TEST_F(Hostile, AnswersAndCommandsAreSurvived) {
  constexpr int kLaunches = 24;
  constexpr std::chrono::seconds kPatience{2};
  ASSERT_EQ(launch(image_, false), 0);
  const auto before = cloud_.processes();
  for (int i = 0; i < kLaunches; ++i) {
    recorder_.scramble(true);
    const auto status = launch(image_, i % 2 == 0, kPatience);
    EXPECT_LT(status, 4) << "the tool has crashed";
    recorder_.scramble(false);
  }
  EXPECT_EQ(cloud_.processes(), before) << "one has crashed";
  end_all();
  cloud_.restart_agent();
  EXPECT_EQ(launch(after_, true), 0);
  EXPECT_EQ(launch(after_, false), 0);
  end_all();
}

}  // namespace
}  // namespace sealift::e2e
