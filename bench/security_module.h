// SPDX-License-Identifier: Apache-2.0
/// For benchmarks: a security module as a process of its own, on SQLite, with the certificates that it and
/// its callers need; and hosts whose TPMs are software.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/process.h"
#include "bench/measure.h"
#include "crypto/random.h"
#include "rpc/client.h"
#include "rpc/pki.h"
#include "sealift/v1/security_module.pb.h"
#include "tee/host_for_test.h"

namespace sealift::bench {

namespace fs = std::filesystem;

constexpr const char* kTenant = "acme";

inline std::int64_t unix_now() { return crypto::unix_seconds(SystemClock{}.now()); }

/// One maker of TPMs whose root the policies trust.
class Maker {
 public:
  tee::HostForTest host() const {
    auto ek = crypto::PrivateKey::generate_rsa(2048).value();
    auto certificate = must(ca_.issue_ek_certificate(ek.public_key(), {.serial = {}, .validity = kValid}));
    auto area = must(tpm::endorsement_key_area(ek.public_key()));
    return {std::move(ek), std::move(certificate), std::move(area), storage_key()};
  }
  /// Of another machine, as far as a security module can tell.
  static tpm::Public storage_key() {
    return tpm::storage_key_of(tpm::fresh_key(tpm::KeyKind::p256), tpm::KeyKind::p256);
  }
  v1::SeedPolicy policy() const {
    v1::SeedPolicy policy;
    policy.add_tees("measured");
    policy.add_trusted_roots(std::string{as_text(ca_.certificate().der())});
    policy.set_profile("firmware");
    policy.set_approved_pcrs(tpm::some_pcrs().text());
    return policy;
  }

 private:
  static inline const crypto::Validity kValid{unix_now() - 86400, unix_now() + 86400};
  crypto::CertificateAuthority ca_ = must(crypto::CertificateAuthority::create_root(
      must(crypto::PrivateKey::generate_ec(crypto::Curve::p256)), "Bench TPM maker", kValid));
};

class SecurityModule {
 public:
  explicit SecurityModule(const fs::path& directory) : directory_{directory} {
    const auto now = SystemClock{}.now();
    must(rpc::create_pki(directory / "pki", "bench.example", now));
    const auto issue = [&](const char* folder, rpc::Role role, const char* name) {
      must(rpc::issue_credentials(directory / "pki", role, name, directory / folder, now));
    };
    issue("sm", rpc::Role::security_module, kTenant);
    issue("tenant", rpc::Role::tenant, kTenant);
    issue("orchestrator", rpc::Role::orchestrator, "");
    start();
  }
  SecurityModule(const SecurityModule&) = delete;
  SecurityModule& operator=(const SecurityModule&) = delete;
  ~SecurityModule() { stop(); }

  void start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) give_up({ErrorCode::internal, "pipe", {}, {}});
    const UniqueFd reading{ends[0]};
    UniqueFd writing{ends[1]};
    Command command;
    command.argv = {fs::read_symlink("/proc/self/exe").parent_path() / "sealift-sm",
                    "--credentials",
                    directory_ / "sm",
                    "--database",
                    "sqlite:" + database().string(),
                    "--tenant",
                    kTenant,
                    "--protector",
                    "insecure-file:" + (directory_ / "key").string(),
                    "--create-key",
                    "--insecure-plain-insertion"};
    command.stdout_fd = writing.get();
    process_ = must(spawn(command));
    writing.reset();
    std::string line;
    for (char c = 0; ::read(reading.get(), &c, 1) == 1 && c != '\n';) line += c;
    const auto colon = line.rfind(':');
    if (colon == std::string::npos) give_up({ErrorCode::internal, "sealift-sm does not start", {}, {}});
    address_ = "127.0.0.1" + line.substr(colon);
  }
  void stop() {
    if (!process_) return;
    process_->signal(SIGTERM);
    (void)process_->wait(std::chrono::seconds{20});
    process_.reset();
  }
  fs::path database() const { return directory_ / "keys.db"; }
  pid_t process() const { return process_->pid(); }

  std::unique_ptr<rpc::Channel> as(const char* folder) const {
    const auto credentials = must(rpc::Credentials::load(must(rpc::credential_files(directory_ / folder))));
    return must(rpc::Channel::create(
        {.address = address_,
         .credentials = credentials,
         .server = {credentials->identity().trust_domain, rpc::Role::security_module, kTenant}}));
  }

 private:
  fs::path directory_;
  std::optional<Child> process_;
  std::string address_;
};

inline std::string new_image_id() { return to_hex(crypto::random_array<16>()); }

inline void put_seed(rpc::Channel& tenant, const std::string& image_id, const v1::SeedPolicy& policy) {
  v1::PutSeedRequest request;
  request.set_image_id(image_id);
  const auto seed = crypto::random_array<32>();
  request.set_seed(seed.data(), seed.size());
  *request.mutable_policy() = policy;
  // A tenant has a rate; what is measured is not the tenant's.
  auto put = tenant.call<v1::PutSeedResponse>("sealift.v1.SeedService.PutSeed", request);
  while (!put && put.error().code == ErrorCode::resource_exhausted) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    put = tenant.call<v1::PutSeedResponse>("sealift.v1.SeedService.PutSeed", request);
  }
  must(put);
}

inline v1::RequestAuthorizationRequest authorization_request(const std::string& image_id,
                                                             const std::string& evidence) {
  v1::RequestAuthorizationRequest request;
  request.set_tenant(kTenant);
  request.set_image_id(image_id);
  request.set_tee("measured");
  request.set_evidence(evidence);
  return request;
}

inline v1::RequestAuthorizationResponse request_authorization(
    rpc::Channel& orchestrator, const v1::RequestAuthorizationRequest& request) {
  return must(orchestrator.call<v1::RequestAuthorizationResponse>(
      "sealift.v1.AuthorizationService.RequestAuthorization", request));
}

/// A machine with the host's EK and another storage key.
struct Machine {
  const tee::HostForTest& host;
  tpm::Public storage_key = Maker::storage_key();

  std::string evidence() const {
    return tpm::to_json(tpm::Evidence{"firmware", {host.ek_certificate.der()}, host.ek_public, storage_key});
  }
  /// The answer to the question in `response`.
  v1::AnswerQuestionRequest answer(const std::string& image_id,
                                   const v1::RequestAuthorizationResponse& response) const {
    const auto credential = must(tpm::parse_credential_file(as_bytes(response.question().question())));
    v1::AnswerQuestionRequest request;
    request.set_tenant(kTenant);
    request.set_image_id(image_id);
    request.set_question_id(response.question().question_id());
    request.set_answer(std::string{as_text(must(host.activate(credential, storage_key.name())))});
    return request;
  }
  /// Proves the machine to the security module.
  void enrol(rpc::Channel& orchestrator, const std::string& image_id) const {
    const auto asked = request_authorization(orchestrator, authorization_request(image_id, evidence()));
    must(orchestrator.call<v1::AnswerQuestionResponse>("sealift.v1.AuthorizationService.AnswerQuestion",
                                                       answer(image_id, asked)));
  }
};

}  // namespace sealift::bench
