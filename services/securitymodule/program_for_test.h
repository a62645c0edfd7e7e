// SPDX-License-Identifier: Apache-2.0
/// For tests: sealift-sm as a process of its own, and those who ask it.
#pragma once

#include <fcntl.h>

#include <csignal>

#include "base/process.h"
#include "rpc/testing/wait.h"
#include "rpc/testing/world.h"
#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {

using rpc::Role;
using rpc::testing::World;

inline constexpr std::uint8_t kSeedByte = 0xb7;

inline const std::filesystem::path& program() {
  static const auto path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "sealift-sm";
  return path;
}

/// A maker of TPMs, today: the program looks at its own clock.
struct Maker {
  static crypto::Validity validity() {
    const auto now = crypto::unix_seconds(SystemClock{}.now());
    return {now - 86400, now + 86400};
  }
  crypto::CertificateAuthority root =
      crypto::CertificateAuthority::create_root(test_pki::ec_key(), "Maker", validity()).value();

  tee::HostForTest host() const {
    tee::HostForTest made;
    made.ek_certificate =
        root.issue_ek_certificate(made.ek.public_key(), {.serial = {}, .validity = validity()}).value();
    return made;
  }
  v1::SeedPolicy policy() const {
    return policy_for({{root.certificate()}, {}, {}, crypto::CrlPolicy::where_given}, tpm::some_pcrs());
  }
};

/// One sealift-sm, ready.
class Program {
 public:
  Program(const World& world, World& credentials, std::vector<std::string> argv, int number)
      : out_{world.path() / ("out." + std::to_string(number))} {
    const auto out = open_file(out_, O_CREAT | O_WRONLY).value();
    const auto log = open_file(world.path() / "log", O_CREAT | O_WRONLY | O_APPEND).value();
    child_ = spawn({.argv = std::move(argv), .stdout_fd = out.get(), .stderr_fd = log.get()}).value();
    EXPECT_TRUE(rpc::testing::eventually([&] { return find_address(); }));
    tenant = channel(credentials.credentials(Role::tenant, kTenant));
    orchestrator = channel(credentials.credentials(Role::orchestrator));
  }
  Child& child() { return child_; }
  void kill() {
    child_.signal(SIGKILL);
    EXPECT_THAT(child_.wait(), Succeeds());
  }

  Status put(const v1::SeedPolicy& policy) {
    v1::PutSeedRequest request;
    request.set_image_id(kImage);
    request.set_seed(std::string(esm::kSeedSize, static_cast<char>(kSeedByte)));
    *request.mutable_policy() = policy;
    SEALIFT_CHECK(tenant->call<v1::PutSeedResponse>("sealift.v1.SeedService.PutSeed", request));
    return {};
  }
  Result<v1::RequestAuthorizationResponse> ask(const tee::HostForTest& host) {
    v1::RequestAuthorizationRequest request;
    request.set_tenant(kTenant);
    request.set_image_id(kImage);
    request.set_tee("measured");
    request.set_evidence(text_of(host.evidence()));
    return orchestrator->call<v1::RequestAuthorizationResponse>(
        "sealift.v1.AuthorizationService.RequestAuthorization", request);
  }
  Result<v1::SealedData> answer(const v1::Question& question, const tee::HostForTest& host) {
    v1::AnswerQuestionRequest request;
    request.set_tenant(kTenant);
    request.set_image_id(kImage);
    request.set_question_id(question.question_id());
    const auto credential = tpm::parse_credential_file(as_bytes(question.question())).value();
    request.set_answer(text_of(host.activate(credential).value()));
    SEALIFT_TRY(const auto response, orchestrator->call<v1::AnswerQuestionResponse>(
                                         "sealift.v1.AuthorizationService.AnswerQuestion", request));
    return response.sealed_data();
  }

  std::unique_ptr<rpc::Channel> tenant;
  std::unique_ptr<rpc::Channel> orchestrator;

 private:
  bool find_address() {
    constexpr std::string_view kReady = "listening on ";
    const auto text = read_file(out_, 4096).value();
    const auto line = as_text(text);
    const auto found = line.find(kReady);
    if (found == std::string_view::npos || !line.ends_with('\n')) return false;
    address_ = line.substr(found + kReady.size());
    address_.pop_back();
    return true;
  }
  std::unique_ptr<rpc::Channel> channel(std::shared_ptr<rpc::Credentials> credentials) const {
    return rpc::Channel::create({.address = address_,
                                 .credentials = std::move(credentials),
                                 .server = World::identity(Role::security_module, kTenant)})
        .value();
  }

  std::filesystem::path out_;
  std::string address_;
  Child child_{-1};
};

class ProgramTest : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return world.path() / name; }
  std::vector<std::string> argv(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{program().string(),
                                   "--credentials",
                                   world.files(Role::security_module, kTenant).string(),
                                   "--database",
                                   database,
                                   "--protector",
                                   protector,
                                   "--insecure-plain-insertion"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Program start(const std::vector<std::string>& more = {}) { return {world, world, argv(more), ++started_}; }
  Program start_new() { return start({"--create-key"}); }
  std::string log() const { return std::string{as_text(read_file(path("log"), 1U << 20U).value())}; }

  World world;
  Maker maker;
  tee::HostForTest host = maker.host();
  std::string database = "sqlite:" + path("keys.db").string();
  std::string protector = "insecure-file:" + path("key").string();

 private:
  int started_ = 0;
};

}  // namespace sealift::securitymodule
