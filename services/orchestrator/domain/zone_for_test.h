// SPDX-License-Identifier: Apache-2.0
/// An orchestrator's domain on a real database, with a clock of ours, and hosts, customers and a security
/// module played by the test.
#pragma once

#include <gmock/gmock.h>

#include <deque>
#include <functional>
#include <map>
#include <set>

#include "base/file.h"
#include "base/matchers.h"
#include "crypto/random.h"
#include "formats/cpio/head.h"
#include "formats/esm/operand.h"
#include "services/orchestrator/domain/customer_requests.h"
#include "services/orchestrator/domain/host_reports.h"
#include "store/schemas.h"

namespace sealift::orchestrator {

/// Answers as it is told; by default it knows every host.
class SecurityModuleForTest final : public SecurityModules {
 public:
  Result<v1::RequestAuthorizationResponse> request_authorization(
      const std::string&, const v1::RequestAuthorizationRequest& request) override {
    requests.push_back(request);
    if (failures.empty()) return next;
    auto failure = failures.front();
    failures.pop_front();
    return tl::unexpected(std::move(failure));
  }
  Result<v1::AnswerQuestionResponse> answer_question(const std::string&,
                                                     const v1::AnswerQuestionRequest& request) override {
    answers.push_back(request);
    if (answer_failure) return tl::unexpected(*answer_failure);
    v1::AnswerQuestionResponse response;
    if (launch_secret.header().empty()) {
      *response.mutable_sealed_data() = sealed_data();
    } else {
      *response.mutable_launch_secret() = launch_secret;
    }
    return response;
  }
  static v1::SealedData sealed_data() {
    v1::SealedData data;
    data.set_storage_key_name(std::string("\x00\x0b", 2) + std::string(32, 'n'));
    data.set_policy(std::string(32, 'p'));
    data.set_public_area(std::string(80, 'u'));
    data.set_duplicate(std::string(100, 'd'));
    data.set_seed(std::string(130, 's'));
    return data;
  }

  v1::RequestAuthorizationResponse next;
  v1::LaunchSecret launch_secret;  ///< given in place of sealed data
  std::deque<Error> failures;
  std::optional<Error> answer_failure;
  std::vector<v1::RequestAuthorizationRequest> requests;
  std::vector<v1::AnswerQuestionRequest> answers;
};

/// Hosts that do something at once with what they are asked past the store.
class ConnectedHostsForTest final : public ConnectedHosts {
 public:
  bool has(const std::string& host_id) override { return hosts.contains(host_id); }
  bool send(const std::string& host_id, const v1::Command& command) override {
    if (!has(host_id)) return false;
    on_command(command);
    return true;
  }

  std::set<std::string> hosts;
  std::function<void(const v1::Command&)> on_command;
};

class ObjectsForTest final : public Objects {
 public:
  Result<v1::ObjectLocation> put_head(const std::string& launch_id, ByteView head) override {
    if (failure) return tl::unexpected(*failure);
    heads[launch_id] = to_bytes(head);
    return v1::ObjectLocation{};
  }
  void remove_head(const std::string& launch_id) override { heads.erase(launch_id); }
  Result<Bytes> read_head(const std::string& name, std::size_t size) override {
    if (failure) return tl::unexpected(*failure);
    const auto head = heads.find(name);
    if (head == heads.end() || head->second.size() != size)
      return fail(ErrorCode::not_found, "there is no such head", "name");
    return head->second;
  }
  Result<v1::ObjectLocation> locate(const v1::ObjectReference& object) override {
    v1::ObjectLocation location;
    location.set_url("dir:" + to_hex(as_bytes(object.sha512())));
    return location;
  }

  std::map<std::string, Bytes> heads;
  std::optional<Error> failure;
};

class ZoneForTest : public testing::Test {
 protected:
  ZoneForTest() { *security_module_.next.mutable_sealed_data() = SecurityModuleForTest::sealed_data(); }

  static v1::InstanceImage image() {
    static const auto made = [] {
      const auto id = esm::ImageId::random();
      const auto digest = crypto::digest(crypto::HashAlgorithm::sha512, as_bytes("x"));
      esm::IntegrityInformation integrity;
      integrity.kernel = integrity.initrd = integrity.bootargs = digest;
      const auto operand = esm::make(crypto::random_secret<esm::kSeedSize>(), id, integrity, {}).value();
      v1::InstanceImage image;
      image.set_image_id(id.hex());
      image.set_tee("measured");
      image.set_arch("x86_64");
      image.set_cmdline("console=ttyS0");
      const auto head = cpio::make_head(operand.serialise()).value();
      image.set_head(head.data(), head.size());
      for (auto* object :
           {image.mutable_kernel(), image.mutable_initramfs_body(), image.mutable_root_disk()}) {
        object->set_sha512(std::string(64, 'k'));
        object->set_size(1000);
      }
      return image;
    }();
    return made;
  }

  static v1::ZoneCreateLaunchRequest request(v1::KeyModel model, const std::string& key = "first",
                                             const std::string& tenant = "acme") {
    v1::ZoneCreateLaunchRequest request;
    request.set_tenant(tenant);
    request.set_idempotency_key(key);
    request.set_key_model(model);
    *request.mutable_image() = image();
    request.set_cpus(2);
    request.set_memory_mib(512);
    request.set_security_module("sm.example:7443");
    request.set_price_micros_per_second(7);
    request.set_max_active(10);
    return request;
  }

  void add_host(const std::string& id, std::uint32_t memory_mib = 4096, const std::string& zone = "north",
                const std::string& tee = "measured") {
    v1::HostAttributes host;
    host.set_tee(tee);
    host.set_arch("x86_64");
    host.set_zone(zone);
    host.set_cpus(8);
    host.set_memory_mib(memory_mib);
    (*host.mutable_labels())["rack"] = id;
    EXPECT_THAT(reports_.register_host(id, host), Succeeds());
  }

  /// Every step that can be taken now.
  void work(LaunchSteps& steps) {
    for (int i = 0; i < 1000; ++i) {
      auto due = steps.claim("replica-1", 1);
      ASSERT_THAT(due, Succeeds());
      if (due->empty()) return;
      ASSERT_THAT(steps.step(std::move(due->front()), "replica-1"), Succeeds());
    }
    FAIL() << "the launches never come to rest";
  }
  void work() { work(steps_); }

  std::string launched(const v1::ZoneCreateLaunchRequest& request) {
    const auto launch = customers_.create(request);
    EXPECT_THAT(launch, Succeeds());
    work();
    return launch ? launch->launch_id() : std::string{};
  }

  v1::Launch now(const std::string& id, const std::string& tenant = "acme") {
    return customers_.get(tenant, id).value();
  }
  std::vector<std::string> happened(const std::string& id, const std::string& tenant = "acme") {
    std::vector<std::string> names;
    const auto events = customers_.events(tenant, id, 0).value();
    for (const auto& event : events) {
      names.push_back(event.step() + " " + event.name());
    }
    return names;
  }

  /// The commands that wait for the host, oldest first.
  std::vector<v1::Command> commands(const std::string& host) {
    std::vector<v1::Command> waiting;
    const auto records = commands_->pending(host, {}, 100).value();
    for (const auto& record : records) {
      v1::Command command;
      EXPECT_TRUE(command.ParseFromArray(record.payload.data(), static_cast<int>(record.payload.size())));
      waiting.push_back(command);
    }
    return waiting;
  }
  v1::Command command(const std::string& host) {
    const auto waiting = commands(host);
    EXPECT_EQ(waiting.size(), 1U);
    return waiting.empty() ? v1::Command{} : waiting.front();
  }
  /// The host completes the one command that waits for it.
  void complete(const std::string& host, v1::CompleteCommandRequest result) {
    result.set_command_id(command(host).command_id());
    EXPECT_THAT(reports_.complete(host, result), Succeeds());
    work();
  }
  void show_evidence(const std::string& host) {
    EXPECT_TRUE(command(host).has_get_evidence());
    v1::CompleteCommandRequest result;
    result.mutable_evidence()->set_evidence("evidence of " + host);
    complete(host, result);
  }
  void fail_command(const std::string& host, ErrorCode code, const std::string& field) {
    v1::CompleteCommandRequest result;
    *result.mutable_refusal() = to_message(Error{code, "the host says no", field, {}});
    complete(host, result);
  }
  Status report(const std::string& host, const std::string& id, std::uint32_t sequence,
                const std::string& event, const Error* refused = nullptr, std::int32_t exit_status = 0) {
    v1::ReportInstanceRequest request;
    request.set_launch_id(id);
    request.set_attempt(now(id).attempt());
    request.set_sequence(sequence);
    request.set_event(event);
    request.set_exit_status(exit_status);
    if (refused != nullptr) *request.mutable_refusal() = to_message(*refused);
    auto status = reports_.report(host, request);
    work();
    return status;
  }
  /// A BYOK launch that runs on `host`, which is the only one.
  std::string running(const std::string& host, const std::string& key = "first") {
    auto id = launched(request(v1::KEY_MODEL_BRING, key));
    show_evidence(host);
    EXPECT_THAT(report(host, id, 1, "guest_started"), Succeeds());
    v1::CompleteCommandRequest started;
    started.mutable_started();
    complete(host, started);
    EXPECT_EQ(now(id).state(), v1::Launch::STATE_RUNNING);
    return id;
  }
  std::int64_t free_memory(const std::string& host) { return hosts_->get(host)->free_memory_mib; }
  void pass(milliseconds time) { clock_.advance(std::chrono::ceil<std::chrono::seconds>(time)); }

  const TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  std::unique_ptr<sql::Database> database_ =
      store::open("sqlite:" + (directory_.path() / "zone.db").string(), store::Schema::launches).value();
  std::unique_ptr<store::LaunchStore> launches_ = store::make_launch_store(*database_);
  std::unique_ptr<store::HostStore> hosts_ = store::make_host_store(*database_);
  std::unique_ptr<store::CommandStore> commands_ = store::make_command_store(*database_);
  Stores stores_{*launches_, *hosts_, *commands_};
  FakeClock clock_{TimePoint{std::chrono::seconds{1'800'000'000}}};
  Limits limits_;
  Signal signal_;
  SecurityModuleForTest security_module_;
  ObjectsForTest objects_;
  LaunchSteps steps_{stores_, security_module_, objects_, signal_, clock_, limits_};
  ConnectedHostsForTest connected_;
  DirectCommands direct_{connected_};
  HostReports reports_{stores_, direct_, signal_, clock_, limits_};
  CustomerRequests customers_{stores_, direct_, objects_, signal_, clock_, limits_};
};

}  // namespace sealift::orchestrator
