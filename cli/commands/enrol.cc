// SPDX-License-Identifier: Apache-2.0
/// sealift enrol: prove that a host's storage key lives in a genuine TPM, before anything is sealed to it.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "cli/approval.h"
#include "cli/commands/commands.h"
#include "cli/inputs.h"
#include "tee/measured.h"
#include "tpm/evidence.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kEnrolledLimit = 64UL * 1024;

struct ChallengeOptions {
  Path evidence;
  ApprovalOptions approval;
  Path state;
  Path out;
};

Json or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json{}; }

std::string platform_text(const tee::EnrolmentSubject& subject) {
  const auto issuer = subject.platform_issuer();
  return issuer ? "platform certificate by " + printable(*issuer) : "no platform certificate";
}

/// The state first: a challenge nobody can conclude is worth nothing, and a state nobody was asked for is
/// taken away again.
Status write_challenge(const ChallengeOptions& options, const tee::Challenge& challenge) {
  SEALIFT_CHECK(challenge.save(options.state));
  auto status = write_file(options.out, tpm::credential_file(challenge.credential()));
  if (!status) {
    std::error_code ignored;
    std::filesystem::remove(options.state, ignored);
  }
  return status;
}

Status challenge_host(const ChallengeOptions& options, Context& context) {
  SEALIFT_TRY(const auto policy, measured_policy(options.approval));
  SEALIFT_TRY(const auto evidence, read_file(options.evidence, tpm::kEvidenceSizeLimit));
  SEALIFT_TRY(const auto challenge,
              in_file(options.evidence, tee::challenge_measured_host(evidence, policy, SystemClock{}.now())));
  SEALIFT_CHECK(write_challenge(options, challenge));
  const auto expires = crypto::utc_text(challenge.expires_at());
  return context.report(
      Json{{"id", challenge.id()},
           {"expires_at", expires},
           {"platform_issuer", or_null(challenge.subject().platform_issuer())},
           {"state", options.state.string()},
           {"challenge", options.out.string()}},
      fmt::format("The evidence holds: {}. Let the host answer {} before {}\n",
                  platform_text(challenge.subject()), printable(options.out.string()), expires));
}

void declare_challenge(Command& group) {
  auto options = std::make_shared<ChallengeOptions>();
  auto command = group.command("challenge",
                               "Check a host's evidence and ask its TPM the question that only it can answer",
                               "sealift enrol challenge --evidence alpha.evidence --root vendor-root.pem \\\n"
                               "  --reference approved.eventlog --state alpha.state --out alpha.challenge",
                               [options](Context& context) { return challenge_host(*options, context); });
  command.path("--evidence", options->evidence, kFile, "what the host shows", Need::required);
  declare_approval(command, options->approval, Need::required);
  command.path("--state", options->state, kFile, "kept until finish, to be made", Need::required)
      .path("--out", options->out, kFile, "the question for the host", Need::required);
}

Json host_json(const tee::EnrolledHost& host) {
  return {{"hardware_key_hash", to_hex(host.hardware_key_hash().view())},
          {"storage_key_name", host.storage_key_name().hex()},
          {"profile", host.profile().name},
          {"pcr", host.key().approved().text()},
          {"ek_issuer", host.ek_certificate().issuer()},
          {"platform_issuer", or_null(host.subject().platform_issuer())},
          {"enrolled_at", crypto::utc_text(host.enrolled_at())}};
}

std::string host_text(const tee::EnrolledHost& host) {
  std::string text;
  const auto line = [&text](std::string_view what, std::string_view value) {
    text += fmt::format("{:<12} {}\n", what, value);
  };
  line("machine", to_hex(host.hardware_key_hash().view()));
  line("storage key", host.storage_key_name().hex());
  line("profile", host.profile().name);
  line("PCRs", host.key().approved().text());
  line("EK issuer", printable(host.ek_certificate().issuer()));
  line("platform", platform_text(host.subject()));
  line("enrolled", crypto::utc_text(host.enrolled_at()));
  return text;
}

struct FinishOptions {
  Path state;
  Path response;
  Path out;
};

Status finish(const FinishOptions& options, Context& context) {
  // Read first: a wrong file name does not use the challenge up.
  SEALIFT_TRY(const auto response, read_secret_file(options.response, tee::kChallengeResponseLimit));
  SEALIFT_TRY(auto challenge, tee::Challenge::take(options.state));
  SEALIFT_TRY(const auto host, challenge.finish(response.expose(), SystemClock{}.now()));
  SEALIFT_CHECK(write_file(options.out, as_bytes(host.to_json()), 0600));
  auto document = host_json(host);
  document["file"] = options.out.string();
  return context.report(document, "Enrolled:\n" + host_text(host));
}

void declare_finish(Command& group) {
  auto options = std::make_shared<FinishOptions>();
  group
      .command("finish", "Check the host's answer; it counts once, and for five minutes",
               "sealift enrol finish --state alpha.state --response alpha.response --out alpha.json",
               [options](Context& context) { return finish(*options, context); })
      .path("--state", options->state, kFile, "from challenge", Need::required)
      .path("--response", options->response, kFile, "what the host's TPM answered", Need::required)
      .path("--out", options->out, kFile, "the enrolled host, for image seal", Need::required);
}

Status show(const Path& file, Context& context) {
  SEALIFT_TRY(const auto json, read_file(file, kEnrolledLimit));
  SEALIFT_TRY(const auto host, in_file(file, tee::EnrolledHost::from_json(as_text(json))));
  return context.report(host_json(host), host_text(host));
}

void declare_show(Command& group) {
  auto file = std::make_shared<Path>();
  group
      .command("show", "Show an enrolled host", "sealift enrol show alpha.json",
               [file](Context& context) { return show(*file, context); })
      .path("FILE", *file, kFile, "from finish", Need::required);
}

}  // namespace

void declare_enrol(Command root) {
  auto group =
      root.group("enrol", "Prove that a host's TPM is genuine, before sealing to it",
                 "sealift enrol challenge --evidence alpha.evidence --root vendor-root.pem \\\n"
                 "    --reference approved.eventlog --state alpha.state --out alpha.challenge\n"
                 "sealift enrol finish --state alpha.state --response alpha.response --out alpha.json");
  declare_challenge(group);
  declare_finish(group);
  declare_show(group);
}

}  // namespace sealift::cli
