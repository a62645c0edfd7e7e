// SPDX-License-Identifier: Apache-2.0
/// sealift-agent as a process on an emulated machine with its real TPM and ultravisor, before an orchestrator
/// played by the test. Its guest is a hundred bytes that say hello and then wait: tests/e2e has a real one.
#include <gmock/gmock.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "base/matchers.h"
#include "emulator/machine/machines_for_test.h"
#include "emulator/machine/report.h"
#include "formats/cpio/head.h"
#include "formats/esm/samples_for_test.h"
#include "guest/image/mini_kernel_for_test.h"
#include "objects/object_store.h"
#include "services/agent/domain/agent_for_test.h"
#include "services/agent/host_service_for_test.h"
#include "tpm/evidence.h"
#include "tpm/seal.h"

namespace sealift::agent {
namespace {

/// One machine for all tests: making and booting it takes longest.
class Host {
 public:
  Host() {
    emulator::BootOptions boot;
    boot.ultravisor = SEALIFT_ULTRAVISOR;
    EXPECT_THAT(emulator::boot_machine(machine, boot), Succeeds());
  }
  tpm::PcrValues measured() const {
    const auto json = nlohmann::json::parse(emulator::machine_json(machine).value());
    const std::string value = json.at("expected_pcrs").at("sha256").at("6");
    return tpm::PcrValues::parse("sha256:6=" + value).value();
  }
  emulator::MachinesForTest machines;
  emulator::Machine machine = machines.create("alpha").value();
};

class AgentProgramTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { host_ = new Host; }
  static void TearDownTestSuite() { delete host_; }

  void SetUp() override {
    std::filesystem::create_directory(objects_);
    agent_.program = SEALIFT_AGENT;
    agent_.directory = directory_.path();
    agent_.argv = {"--orchestrator", double_.address(),
                   "--credentials",  pki_.files(rpc::Role::host, "alpha").string(),
                   "--tpm",          host_->machine.tcti(),
                   "--ultravisor",   host_->machine.ultravisor_socket().string(),
                   "--objects-dir",  objects_.string(),
                   "--zone",         "here",
                   "--cpus",         "4",
                   "--memory-mib",   "2048",
                   "--label",        "disk=ssd",
                   "--firmware",     "opal 1.0"};
    agent_.start();
  }
  void TearDown() override {
    if (HasFailure()) std::cerr << agent_.log();
  }

  v1::Command command(const std::string& name) const { return command_for(launch_, name); }
  v1::Command stop_command() const {
    auto stop = command("stop");
    stop.mutable_stop_instance();
    return stop;
  }
  tpm::Evidence evidence() {
    auto asked = command("evidence");
    asked.mutable_get_evidence();
    return tpm::parse_evidence(as_bytes(double_.result(asked).evidence().evidence())).value();
  }
  /// The head archive of an image of these parts, sealed to our machine.
  Bytes sealed_head(ByteView kernel, ByteView body, std::string_view cmdline) {
    const auto sha512 = [](ByteView bytes) { return crypto::digest(crypto::HashAlgorithm::sha512, bytes); };
    const esm::IntegrityInformation integrity{sha512(kernel), sha512(body), sha512(as_bytes(cmdline)),
                                              std::nullopt, std::nullopt};
    const auto seed = esm::samples::seed();
    auto operand =
        esm::make(seed, esm::samples::image_id(), integrity, esm::samples::customer_data()).value();
    const auto key = tpm::StorageKey::prepare(evidence().storage_key).value();
    const auto policy = tpm::Policy{}.pcr(host_->measured()).digest();
    const auto sealed = key.seal(seed.expose(), policy).value();
    EXPECT_THAT(operand.put_target({to_bytes(key.name().view()), to_bytes(policy.view()), sealed.public_area,
                                    sealed.duplicate, sealed.seed}),
                Succeeds());
    return cpio::make_head(operand.serialise()).value();
  }
  void put(v1::ObjectLocation& location, ByteView content) const {
    const auto digest = crypto::digest(crypto::HashAlgorithm::sha512, content);
    const auto key = objects::ObjectKey::content(digest);
    const auto store = objects::open_store("dir:" + objects_.string()).value();
    EXPECT_THAT(store->put(key, content), Succeeds());
    location.set_url(store->location(key, std::chrono::hours{1})->url);
    location.set_sha512(std::string{as_text(digest.view())});
    location.set_size(content.size());
  }
  v1::Command start_command() { return start_command(launch_); }
  v1::Command start_command(const std::string& launch_id) {
    const auto kernel = image::kernel_that_says("hello from the guest\n");
    const Bytes body(4096, 5);
    auto order = command_for(launch_id, "start");
    auto& start = *order.mutable_start_instance();
    start.set_image_id(esm::samples::image_id().hex());
    start.set_cmdline("quiet");
    start.set_cpus(1);
    start.set_memory_mib(64);
    put(*start.mutable_head(), sealed_head(kernel, body, "quiet"));
    put(*start.mutable_kernel(), kernel);
    put(*start.mutable_initramfs_body(), body);
    put(*start.mutable_root_disk(), Bytes(1U << 20U, 6));
    return order;
  }
  v1::ConsoleResult read_console(std::uint64_t offset) {
    auto asked = command("console-" + std::to_string(++consoles_));
    asked.mutable_read_console()->set_offset(offset);
    asked.mutable_read_console()->set_wait_ms(1000);
    return double_.result(asked).console();
  }
  bool is_running() {
    return eventually([&] { return double_.running() == std::vector<std::string>{launch_}; });
  }

  static Host* host_;
  static int tests_;  ///< the machine outlives a test, and an id names one launch
  const std::string launch_ = "launch-" + std::to_string(++tests_);
  TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-agent").value();
  std::filesystem::path objects_ = directory_.path() / "objects";
  rpc::testing::World pki_;
  HostServiceDouble double_{pki_};
  AgentProgram agent_{};
  int consoles_ = 0;
};
Host* AgentProgramTest::host_ = nullptr;
int AgentProgramTest::tests_ = 0;

TEST_F(AgentProgramTest, SaysWhatItsHostIsAndThatItLives) {
  ASSERT_TRUE(eventually([&] { return double_.is_connected() && double_.beats() > 2; }));
  const auto attributes = double_.attributes();
  EXPECT_EQ(attributes.tee(), "measured");
  EXPECT_EQ(attributes.arch(), "x86_64");
  EXPECT_EQ(attributes.zone(), "here");
  EXPECT_EQ(attributes.cpus(), 4U);
  EXPECT_EQ(attributes.memory_mib(), 2048U);
  EXPECT_EQ(attributes.labels().at("disk"), "ssd");
  EXPECT_EQ(attributes.firmware(), "opal 1.0");
}

TEST_F(AgentProgramTest, ProvesItsTpm) {
  const auto shown = evidence();
  const std::string secret(32, 's');
  const auto credential =
      tpm::make_credential(shown.endorsement_key, shown.storage_key.name(), as_bytes(secret)).value();
  auto question = command("question");
  question.mutable_answer_question()->set_question(std::string{as_text(tpm::credential_file(credential))});
  EXPECT_EQ(double_.result(question).answer().answer(), secret);

  auto garbage = command("garbage");
  garbage.mutable_answer_question()->set_question("who are you");
  EXPECT_NE(double_.result(garbage).refusal().code(), "");
}

TEST_F(AgentProgramTest, RunsAGuestThroughItsOwnDeathUntilItIsStopped) {
  EXPECT_TRUE(double_.result(start_command()).has_started());
  std::string console;
  ASSERT_TRUE(eventually([&] {
    console += read_console(console.size()).data();
    return console.find("hello from the guest\n") != std::string::npos;
  })) << console;

  agent_.kill();
  agent_.start();
  ASSERT_TRUE(is_running());
  EXPECT_EQ(read_console(0).data(), console);
  EXPECT_FALSE(double_.said.is_told_of_the_end(launch_));

  EXPECT_TRUE(double_.result(stop_command()).has_stopped());
  EXPECT_TRUE(double_.said.is_told_of_the_end(launch_));
  EXPECT_TRUE(read_console(console.size()).ended());
  EXPECT_TRUE(eventually([&] { return double_.running().empty(); }));
  EXPECT_FALSE(
      std::filesystem::exists(directory_.path() / "state/instances" / (launch_ + ".1") / "overlay.qcow2"));
}

TEST_F(AgentProgramTest, RelaysARefusalWithTheStepThatFailed) {
  auto order = start_command();
  put(*order.mutable_start_instance()->mutable_kernel(),
      image::kernel_that_says("hello from somebody else\n"));
  const auto refusal = double_.result(order).refusal();
  EXPECT_EQ(refusal.code(), "kernel_differs");
  EXPECT_EQ(refusal.field(), "kernel");
  EXPECT_EQ(double_.said.last(launch_)->refusal().code(), "kernel_differs");
  EXPECT_THAT(double_.said.events(launch_),
              ::testing::ElementsAre("image_fetched", "components_pinned", "operand_found", "target_found",
                                     "seal_opened", "payload_verified", "components_verified"));
}

TEST_F(AgentProgramTest, RefusesWhatItsStoreHasOtherwise) {
  auto order = start_command();
  order.mutable_start_instance()->mutable_head()->set_sha512(std::string(64, 'x'));
  EXPECT_EQ(double_.result(order).refusal().code(), "object_differs");
  order = start_command(launch_ + "-2");
  order.mutable_start_instance()->mutable_root_disk()->set_url("file:///etc/passwd");
  order.mutable_start_instance()->mutable_root_disk()->set_sha512(std::string(64, 'y'));
  EXPECT_EQ(double_.result(order).refusal().code(), "invalid_argument");
  EXPECT_TRUE(eventually([&] { return double_.running().empty(); }));
}

TEST_F(AgentProgramTest, RefusesACommandLineThatIsNoText) {
  auto order = start_command();
  order.mutable_start_instance()->set_cmdline("qui\xff\xfet");
  EXPECT_EQ(double_.result(order).refusal().code(), "cmdline_differs");
}

TEST_F(AgentProgramTest, FindsItsOrchestratorAgain) {
  ASSERT_TRUE(eventually([&] { return double_.is_connected(); }));
  double_.stop();
  double_.start();
  evidence();
}

TEST_F(AgentProgramTest, LeavesAnOrchestratorThatDoesNotAnswerForAnother) {
  agent_.kill();
  agent_.argv.insert(agent_.argv.begin(), {"--orchestrator", "127.0.0.1:1"});
  agent_.start();
  evidence();
}

TEST_F(AgentProgramTest, LeavesItsStateToOneAgent) {
  ASSERT_TRUE(eventually([&] { return double_.is_connected(); }));
  Command second;
  second.argv = agent_.argv;
  second.argv.insert(second.argv.begin(), {SEALIFT_AGENT, "--state", (directory_.path() / "state").string()});
  const auto output = run(second);
  EXPECT_EQ(output->exit_status, static_cast<int>(ErrorKind::environment));
  EXPECT_THAT(output->err, ::testing::HasSubstr("conflict"));
}

TEST_F(AgentProgramTest, EndsWhenItIsToldAndLeavesTheGuestAlone) {
  EXPECT_TRUE(double_.result(start_command()).has_started());
  agent_.child->signal(SIGTERM);
  EXPECT_EQ(agent_.child->wait().value(), 0);
  EXPECT_THAT(agent_.log(), ::testing::Not(::testing::HasSubstr("dir:")));
  agent_.start();
  ASSERT_TRUE(is_running());
  EXPECT_TRUE(double_.result(stop_command()).has_stopped());
}

}  // namespace
}  // namespace sealift::agent
