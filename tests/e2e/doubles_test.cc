// SPDX-License-Identifier: Apache-2.0
/// A cloud that lies. Front end, orchestrator and host agent alter one field of one message at a time, every
/// one that they relay in the launches of both key models: never does a guest run that was not sealed, never
/// is a secret seen, and every launch ends.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <set>

#include "tests/e2e/customer_for_test.h"
#include "tests/e2e/doubled_cloud_for_test.h"
#include "tests/e2e/field_changes_for_test.h"
#include "tests/e2e/methods_for_test.h"
#include "tests/e2e/processes_for_test.h"

namespace sealift::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kLimit{120};
constexpr const char* kRegister = "HostService.Register";
constexpr const char* kHeartbeat = "HostService.Heartbeat";  // comes by the clock
constexpr milliseconds kPatience{3000};  // of the customer with a launch that does not go on

/// One field of one message.
struct Place {
  Door door;
  std::string method;
  Direction direction;
  std::string field;
  auto operator<=>(const Place&) const = default;
};

std::string describe(const Place& place) {
  return place.method + (place.direction == Direction::request ? " request " : " answer ") + place.field;
}

/// What the doubles know and do.
class Meddler {
 public:
  void keep_from(const std::vector<Bytes>& secrets) {
    const std::lock_guard lock{mutex_};
    for (const auto& secret : secrets) {
      secrets_.emplace_back(as_text(secret));
      secrets_.push_back(to_hex(secret));
    }
  }
  void see(Door door, const std::string& method, Direction direction, google::protobuf::Message& message) {
    const auto bytes = message.SerializeAsString();
    const std::lock_guard lock{mutex_};
    for (const auto& secret : secrets_) EXPECT_EQ(bytes.find(secret), std::string::npos) << method;
    if (records_) {
      for (auto& field : fields_of(message)) seen_.insert({door, method, direction, std::move(field)});
    }
    if (change_ && change_->door == door && change_->method == method && change_->direction == direction)
      changed_ += change_field(message, change_->field) ? 1 : 0;
  }
  void record(bool on) {
    const std::lock_guard lock{mutex_};
    records_ = on;
  }
  bool has_seen(const std::string& method, Direction direction) const {
    const std::lock_guard lock{mutex_};
    return std::ranges::any_of(seen_, [&](const Place& place) {
      return place.method.ends_with(method) && place.direction == direction;
    });
  }
  std::vector<Place> seen_at(Door door) const {
    const std::lock_guard lock{mutex_};
    std::vector<Place> places;
    for (const auto& place : seen_) {
      if (place.door == door) places.push_back(place);
    }
    return places;
  }
  void change(std::optional<Place> place) {
    const std::lock_guard lock{mutex_};
    change_ = std::move(place);
    changed_ = 0;
  }
  int changed() const {
    const std::lock_guard lock{mutex_};
    return changed_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> secrets_;
  bool records_ = true;  // a host registers before anything is launched
  std::set<Place> seen_;
  std::optional<Place> change_;
  int changed_ = 0;
};

class Doubles : public testing::Test {
 protected:
  Doubles()
      : cloud_{[this](Door door, const std::string& method, Direction direction,
                      google::protobuf::Message& message) {
          meddler_.see(door, method, direction, message);
          if (method.ends_with(kRegister))
            ++(direction == Direction::request ? registrations_asked_ : registrations_);
        }},
        customer_{cloud_.tenant(), cloud_.frontend()},
        guests_{cloud_.path("machines"), [this](const GuestProcess& guest) { inspect(guest); }} {
    take_new_image();
  }

  /// One that the cloud does not have yet: its files are uploaded.
  void take_new_image() {
    const auto directory = directory_.path() / std::to_string(images_.size());
    std::filesystem::create_directory(directory);
    const auto image =
        std::make_shared<const MiniImage>(directory, "hello " + std::to_string(images_.size()));
    meddler_.keep_from(image->secrets());
    const std::lock_guard lock{mutex_};
    images_.push_back(image);
  }
  std::shared_ptr<const MiniImage> image() const {
    const std::lock_guard lock{mutex_};
    return images_.back();
  }

  /// What runs is what was sealed, byte for byte.
  void inspect(const GuestProcess& guest) {
    const auto sealed = image();
    const auto kernel = guest.kernel();
    const auto initramfs = guest.initramfs();
    if (kernel.empty() || initramfs.empty()) return;  // gone already
    EXPECT_EQ(kernel, sealed->kernel()) << guest.id;
    EXPECT_EQ(guest.cmdline, sealed->cmdline()) << guest.id;
    const auto& body = sealed->initramfs_body();
    ASSERT_GE(initramfs.size(), body.size());
    EXPECT_TRUE(std::equal(body.rbegin(), body.rend(), initramfs.rbegin())) << guest.id;
  }

  struct Outcome {
    int exit_status = -1;  ///< -1: it did not go on
    std::string code;
    std::string output;
  };
  /// The customer's tool, until it has an answer or the customer's patience ends.
  Outcome launch(bool keep_key, milliseconds patience) {
    const auto mine = image();
    Words words{"launch", mine->directory(), "--yes", "--json", "--seed", mine->seed_file()};
    if (keep_key) words.emplace_back("--keep-key");
    const auto log = cloud_.path("tool.out");
    const auto errors = cloud_.path("tool.err");
    const auto out = open_file(log, O_WRONLY | O_CREAT | O_TRUNC).value();
    const auto err = open_file(errors, O_WRONLY | O_CREAT | O_TRUNC).value();
    auto command = cli::sealift_command(cloud_.words(words));
    command.stdout_fd = out.get();
    command.stderr_fd = err.get();
    auto tool = spawn(command).value();
    const auto status = tool.wait(patience);
    if (!status) {
      tool.signal(SIGKILL);
      (void)tool.wait();
    }
    Outcome outcome;
    outcome.exit_status = status.value_or(-1);
    outcome.output = std::string{as_text(read_file(errors, 1U << 20U).value())};
    const auto error = Json::parse(outcome.output, nullptr, false);
    if (error.is_object()) outcome.code = error.value("error", Json::object()).value("code", "");
    return outcome;
  }

  /// As the customer is told.
  Result<std::vector<v1::Launch>> living() const {
    std::vector<v1::Launch> found;
    v1::ListLaunchesRequest request;
    request.set_limit(1000);
    for (;;) {
      SEALIFT_TRY(const auto page, customer_.channel().call<v1::ListLaunchesResponse>(
                                       "sealift.v1.LaunchService.ListLaunches", request));
      for (const auto& launch : page.launches()) {
        request.set_after(launch.launch_id());
        if (!is_over(launch)) found.push_back(launch);
      }
      if (!page.more() || page.launches().empty()) return found;
    }
  }

  /// Asks for the end of what was launched, as far as the doubles let it through.
  void try_to_stop() {
    const auto launches = living();
    if (!launches) return;
    for (const auto& launch : *launches) (void)customer_.stop(launch.launch_id());
    const auto until = steady_clock::now() + kPatience;
    for (auto left = living(); left && !left->empty() && steady_clock::now() < until; left = living())
      std::this_thread::sleep_for(milliseconds{5});
    for (const auto& launch : *launches) EXPECT_LE(guests_.started(launch.launch_id()), 1U) << what_;
  }

  /// Ends all launches there are, without the doubles' help.
  void end_all() {
    const auto launches = living();
    ASSERT_TRUE(launches) << launches.error().message;
    for (const auto& launch : *launches) {
      EXPECT_TRUE(customer_.stop(launch.launch_id()));
      const auto last =
          customer_.wait_for(launch.launch_id(), {v1::Launch::STATE_ENDED, v1::Launch::STATE_REFUSED});
      EXPECT_TRUE(is_over(last)) << what_ << ": stays " << state_text(last.state());
      EXPECT_LE(guests_.started(launch.launch_id()), 1U) << what_;
    }
    wait_until([this] { return guests_below(cloud_.path("machines")).empty(); });
    EXPECT_THAT(guests_below(cloud_.path("machines")), testing::IsEmpty()) << what_;
  }

  /// How long a launch takes here and now, and every field on its way.
  void learn() {
    const auto begun = steady_clock::now();
    for (const bool keep_key : {true, false}) {
      const auto outcome = launch(keep_key, kLimit);
      ASSERT_EQ(outcome.exit_status, 0) << outcome.output;
      end_all();
    }
    const auto usual = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun);
    patience_ = std::max(kPatience, usual);
    wait_until([this] { return meddler_.has_seen(kHeartbeat, Direction::answer); });
    meddler_.record(false);
  }

  /// Changes every field that was seen at that door, one at a time.
  void change_all(Door door) {
    learn();
    int changed = 0;
    int ran = 0;
    int refused = 0;
    std::vector<std::string> unchanged;
    const auto places = meddler_.seen_at(door);
    for (const auto& place : places) {
      what_ = describe(place);
      SCOPED_TRACE(what_);
      const bool is_registration = place.method.ends_with(kRegister);
      if (place.door == Door::security_module) cloud_.renew_security_module();
      if (is_of_an_image(place)) take_new_image();
      meddler_.change(place);
      if (is_registration) restart_agent(registrations_asked_);  // it may be refused
      const bool keep_key = uses_kept_key(place, changed);
      auto outcome = launch(keep_key, patience_);
      // On a busy machine the customer's patience may end before the message comes.
      for (int more = 0; more < 3 && meddler_.changed() == 0 && outcome.exit_status < 0; ++more) {
        meddler_.change(std::nullopt);
        end_all();
        patience_ = std::min<milliseconds>(patience_ * 2, kLimit);
        if (is_of_an_image(place)) take_new_image();
        meddler_.change(place);
        outcome = launch(keep_key, patience_);
      }
      if (place.method.ends_with(kHeartbeat)) wait_until([this] { return meddler_.changed() > 0; });
      try_to_stop();
      if (meddler_.changed() == 0) unchanged.push_back(what_);
      changed += meddler_.changed() > 0 ? 1 : 0;
      meddler_.change(std::nullopt);
      if (outcome.exit_status == 0) ++ran;
      if (outcome.exit_status > 0) {
        ++refused;
        EXPECT_NE(outcome.code, "") << outcome.output;
        EXPECT_NE(outcome.code, "internal") << outcome.output;
      }
      if (std::getenv("SEALIFT_TELL") != nullptr)
        std::cout << what_ << ": " << outcome.exit_status << ' ' << outcome.code << '\n' << std::flush;
      end_all();
      if (is_registration) restart_agent(registrations_);
      if (HasFatalFailure()) return;
    }
    std::cout << places.size() << " fields, " << changed << " changed, " << ran
              << " launches ran all the same, " << refused << " were refused\n";
    EXPECT_THAT(unchanged, testing::IsEmpty()) << "these were not tried";
    EXPECT_GT(refused, 0);
  }

  /// Comes, or says something, where the image is new to the cloud.
  static bool is_of_an_image(const Place& place) {
    return place.method.find("ImageService.") != std::string::npos;
  }

  static void wait_until(const std::function<bool()>& holds) {
    const auto until = steady_clock::now() + kLimit;
    while (!holds() && steady_clock::now() < until) std::this_thread::sleep_for(milliseconds{20});
  }

  /// Of the two launches the one that the message belongs to.
  static bool uses_kept_key(const Place& place, int count) {
    for (const auto* method : {"GetTarget", "ChallengeTarget", "AuthorizeTarget", "RefuseTarget"}) {
      if (place.method.ends_with(method)) return true;
    }
    if (place.door == Door::security_module) return false;
    if (place.field.find("question") != std::string::npos || place.field.find("answer") != std::string::npos)
      return true;
    if (place.field == "security_module") return false;
    return count % 2 == 0;
  }

  void restart_agent(const std::atomic<int>& count) {
    const auto before = count.load();
    cloud_.restart_agent();
    wait_until([&] { return count != before; });
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-image").value();
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const MiniImage>> images_;  // the last is the one being launched
  Meddler meddler_;
  std::atomic<int> registrations_asked_ = 0;
  std::atomic<int> registrations_ = 0;
  std::string what_ = "nothing altered";
  DoubledCloud cloud_;
  CustomerForTest customer_;
  GuestWatch guests_;
  milliseconds patience_ = kPatience;
};

TEST_F(Doubles, OfTheFrontEndNeverGetAGuestToRunWronglyNorASecretOut) { change_all(Door::front_end); }
TEST_F(Doubles, OfTheOrchestratorNeverGetAGuestToRunWronglyNorASecretOut) { change_all(Door::zone); }
TEST_F(Doubles, OfTheHostAgentNeverGetAGuestToRunWronglyNorASecretOut) { change_all(Door::host); }
TEST_F(Doubles, BeforeTheSecurityModuleNeverGetAGuestToRunWronglyNorASecretOut) {
  change_all(Door::security_module);
}

TEST(Methods, OfTheTableAreThoseOfTheApi) { EXPECT_EQ(methods_of_the_table(), methods_of_the_api()); }

}  // namespace
}  // namespace sealift::e2e
