// SPDX-License-Identifier: Apache-2.0
/// sealift policy approve, withdraw: what an approver signs, for machines that are bound to it.
#include "cli/commands/policy_approve.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/inputs.h"

namespace sealift::cli {
namespace {

struct SigningOptions {
  Path key;
  std::string profile = "firmware";
  std::uint32_t version = 0;
  Path out;
  std::string name;
  std::string pcr;
  Path reference;
};

/// The log of a machine in that state, for machines to explain with where they are in another.
Status place_log(const SigningOptions& options) {
  if (options.reference.empty()) return {};
  SEALIFT_TRY(const auto log, read_event_log(options.reference));
  auto beside = options.out;
  return write_file(beside.replace_extension(".eventlog"), log.bytes());
}

Status approve(const SigningOptions& options, Context& context) {
  SEALIFT_TRY(const auto* const profile, tpm::profile_from_name(options.profile));
  SEALIFT_TRY(const auto selection, tpm::PcrSelection::parse(profile->pcrs));
  SEALIFT_TRY(const auto state, expected_pcrs(options.pcr, options.reference, selection));
  SEALIFT_TRY(const auto key, read_private_key(options.key));
  SEALIFT_TRY(const auto approval, tpm::approve(key, *profile, options.name, options.version, state));
  SEALIFT_CHECK(write_file(options.out, as_bytes(tpm::to_json(approval))));
  SEALIFT_CHECK(place_log(options));
  return context.report(Json{{"approval", options.out.string()},
                             {"name", options.name},
                             {"version", options.version},
                             {"pcrs", state.text()},
                             {"policy", to_hex(approval.policy.policy().view())}},
                        fmt::format("{} approves of {} as version {}: bring it to the machines, then update "
                                    "them\n",
                                    options.out.string(), state.text(), options.version));
}

Status withdraw(const SigningOptions& options, Context& context) {
  SEALIFT_TRY(const auto* const profile, tpm::profile_from_name(options.profile));
  SEALIFT_TRY(const auto key, read_private_key(options.key));
  SEALIFT_TRY(const auto withdrawal, tpm::withdraw_below(key, *profile, options.version));
  SEALIFT_CHECK(write_file(options.out, as_bytes(tpm::to_json(withdrawal))));
  return context.report(
      Json{{"withdrawal", options.out.string()}, {"below", options.version}},
      fmt::format("{} withdraws what has a lower version than {}, on each machine that gets it, for good\n",
                  options.out.string(), options.version));
}

void declare_signing(Command& command, SigningOptions& options) {
  command.path("--key", options.key, "PEM", "the approver's private key, P-256", Need::required)
      .choice("--profile", options.profile, {"firmware", "owner"},
              "how the machines were provisioned (default: firmware)")
      .path("--out", options.out, kFile, "the document, to be made", Need::required);
}

}  // namespace

void declare_approving(Command& group) {
  auto approving = std::make_shared<SigningOptions>();
  auto command =
      group.command("approve", "Sign a state, for machines that are bound to your key",
                    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out approver.key\n"
                    "openssl pkey -in approver.key -pubout -out approver.pem      for --approver\n"
                    "sealift policy approve --key approver.key --name 'firmware 2026.2' --version 2 \\\n"
                    "  --reference new.eventlog --out 2.approval",
                    [approving](Context& context) { return approve(*approving, context); });
  declare_signing(command, *approving);
  command.text("--name", approving->name, "TEXT", "for people", Need::required)
      .number("--version", approving->version, "from 1; higher than what it takes the place of")
      .text("--pcr", approving->pcr, "BANK:N=HEX", "the state")
      .path("--reference", approving->reference, kFile, "instead: the event log of a machine in that state");

  auto withdrawing = std::make_shared<SigningOptions>();
  auto other = group.command("withdraw", "Take approvals back: those of lower versions, for good",
                             "sealift policy withdraw --key approver.key --below 2 --out 2.withdrawal",
                             [withdrawing](Context& context) { return withdraw(*withdrawing, context); });
  declare_signing(other, *withdrawing);
  other.number("--below", withdrawing->version, "the lowest version that holds from then on");
}

}  // namespace sealift::cli
