// SPDX-License-Identifier: Apache-2.0
/// sealift sev verify-chain, session: is the machine genuine, and keys that only its PSP gets.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/commands/sev.h"
#include "cli/new_files.h"
#include "cli/sev_inputs.h"
#include "crypto/base64.h"
#include "tee/sev/session.h"

namespace sealift::cli {
namespace {

Json to_json(const sev::VerifiedPlatform& platform) {
  return Json{{"root", platform.root()},
              {"hardware_key_hash", to_hex(platform.hardware_key_hash().view())},
              {"owner_key_hash", to_hex(platform.owner_key_hash().view())},
              {"api_major", platform.api().major},
              {"api_minor", platform.api().minor}};
}

Status run_verify_chain(const ChainOptions& options, Context& context) {
  SEALIFT_TRY(const auto platform, verify_chain(options));
  Json document{{"verdict", "valid"}};
  document.update(to_json(platform));
  return context.report(document, fmt::format("A genuine machine under the root {}\nchip   {}\nowner  {}\n",
                                              platform.root(), to_hex(platform.hardware_key_hash().view()),
                                              to_hex(platform.owner_key_hash().view())));
}

struct SessionOptions {
  ChainOptions chain;
  std::string policy;
  Path out;
};

struct MadeSession {
  sev::LaunchSession session;
  std::optional<sev::VerifiedPlatform> platform;  ///< nullopt where only the PDH was given
};

Result<MadeSession> make(const SessionOptions& options, sev::Policy policy) {
  if (!options.chain.any()) {
    SEALIFT_TRY(const auto pdh, read_sev_certificate(options.chain.pdh, sev::Usage::pdh));
    SEALIFT_TRY(auto session, sev::make_session_unverified(pdh, policy));
    return MadeSession{std::move(session), std::nullopt};
  }
  for (const auto* path :
       {&options.chain.pek, &options.chain.oca, &options.chain.cek, &options.chain.ask, &options.chain.ark}) {
    if (path->empty()) {
      return fail(ErrorCode::invalid_argument,
                  "to verify the PDH give all of --pek, --oca, --cek, --ask and --ark", "--pek");
    }
  }
  SEALIFT_TRY(auto platform, verify_chain(options.chain));
  SEALIFT_TRY(auto session, sev::make_session(platform, policy));
  return MadeSession{std::move(session), std::move(platform)};
}

Status write_session(const Path& directory, const sev::LaunchSession& session) {
  constexpr mode_t kSecret = 0600;
  const auto godh = crypto::to_base64(session.godh.bytes());
  const auto blob = crypto::to_base64(session.blob);
  return write_files(directory, {{"tik.bin", session.keys.tik.expose(), kSecret},
                                 {"tek.bin", session.keys.tek.expose(), kSecret},
                                 {"godh.b64", as_bytes(godh)},
                                 {"session.b64", as_bytes(blob)}});
}

Status run_session(const SessionOptions& options, Context& context) {
  SEALIFT_TRY(const auto policy_value, parse_number(options.policy, "--policy", UINT32_MAX));
  const sev::Policy policy{policy_value};
  SEALIFT_TRY(const auto made, make(options, policy));
  SEALIFT_CHECK(write_session(options.out, made.session));
  const auto file = [&](const char* name) { return (options.out / name).string(); };
  Json document{{"policy", policy.value()},
                {"policy_text", policy.text()},
                {"verified", made.platform.has_value()},
                {"files",
                 {{"godh", file("godh.b64")},
                  {"session", file("session.b64")},
                  {"tik", file("tik.bin")},
                  {"tek", file("tek.bin")}}}};
  if (made.platform) document["platform"] = to_json(*made.platform);
  const auto* const warning =
      made.platform
          ? ""
          : "The PDH was not verified: sealift sev verify-chain says whether it is a genuine machine's.\n";
  return context.report(
      document, fmt::format("A session for one launch under policy {:#x} ({}) in {}\n{}"
                            "Keep tik.bin and tek.bin secret; godh.b64 and session.b64 are for the host.\n",
                            policy.value(), policy.text(), printable(options.out.string()), warning));
}

}  // namespace

void declare_sev_platform(Command& group) {
  auto chain = std::make_shared<ChainOptions>();
  auto verify = group.command("verify-chain",
                              "Is this a genuine AMD machine? Its certificates, up to AMD's pinned root",
                              "sealift sev verify-chain --pdh pdh.cert --pek pek.cert --oca oca.cert --cek "
                              "cek.cert --ask ask.cert --ark ark.cert",
                              [chain](Context& context) { return run_verify_chain(*chain, context); });
  verify.path("--pdh", chain->pdh, kFile, "the machine's PDH certificate, 2084 bytes", Need::required);
  chain->declare(verify, Need::required);

  auto options = std::make_shared<SessionOptions>();
  auto session = group.command("session", "Make the keys of one launch, wrapped for one machine's PSP",
                               "sealift sev session --pdh pdh.cert --policy 0x7 --out session",
                               [options](Context& context) { return run_session(*options, context); });
  session
      .path("--pdh", options->chain.pdh, kFile,
            "the machine's PDH certificate, verified before or by --pek, …", Need::required)
      .text("--policy", options->policy, "N", "the guest's policy, decimal or 0x…: 1 NODBG, 2 NOKS, 4 ES, …",
            Need::required)
      .path("--out", options->out, kDirectory,
            "gets godh.b64, session.b64, tik.bin and tek.bin; made where it is missing", Need::required);
  options->chain.declare(session, Need::optional);
}

}  // namespace sealift::cli
