// SPDX-License-Identifier: Apache-2.0
/// sealift pki: certificates for the services and their callers, for those who have no PKI of their own.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands/commands.h"
#include "cli/inputs.h"
#include "rpc/pki.h"
#include "tee/insertion_proof.h"

namespace sealift::cli {
namespace {

constexpr std::uint32_t kLongestDays = 3650;

struct InitOptions {
  Path directory;
  std::string trust_domain;
};

struct IssueCommandOptions {
  Path directory;
  std::string role;
  std::string name;
  Path out;
  std::vector<std::string> hosts;
  std::uint32_t days = 365;
};

struct InsertionOptions {
  Path directory;
  Path key;
  std::string name = "security module";
  Path out;
  std::uint32_t days = 365;
};

struct RevokeOptions {
  Path directory;
  Path certificate;
};

TimePoint now() { return SystemClock{}.now(); }

Status init(const InitOptions& options, Context& context) {
  SEALIFT_CHECK(rpc::create_pki(options.directory, options.trust_domain, now()));
  const auto certificate = (options.directory / "ca.pem").string();
  return context.report(
      Json{{"trust_domain", options.trust_domain},
           {"certificate", certificate},
           {"revocation_list", (options.directory / "crl.pem").string()}},
      fmt::format("{} speaks for spiffe://{}. Its key decides who is who: let nobody else read {}.\n",
                  certificate, options.trust_domain, options.directory.string()));
}

Status check_days(std::uint32_t days) {
  if (days > 0 && days <= kLongestDays) return {};
  return fail(ErrorCode::invalid_argument, fmt::format("--days takes 1 to {}", kLongestDays), "--days");
}

Status issue(const IssueCommandOptions& options, Context& context) {
  SEALIFT_TRY(const auto role, rpc::parse_role(options.role));
  SEALIFT_CHECK(check_days(options.days));
  SEALIFT_TRY(const auto certificate,
              rpc::issue_credentials(options.directory, role, options.name, options.out, now(),
                                     {.hosts = options.hosts, .validity = std::chrono::days{options.days}}));
  const auto identity = certificate.uri_alt_names().front();
  return context.report(Json{{"identity", identity},
                             {"serial", certificate.serial()},
                             {"not_after", crypto::utc_text(certificate.not_after())},
                             {"credentials", options.out.string()}},
                        fmt::format("{} until {}: {}\n", identity, crypto::utc_text(certificate.not_after()),
                                    options.out.string()));
}

Status certify_insertion_key(const InsertionOptions& options, Context& context) {
  SEALIFT_CHECK(check_days(options.days));
  constexpr std::size_t kLimit = 64UL * 1024;
  SEALIFT_TRY(const auto pem, read_file(options.key, kLimit));
  SEALIFT_TRY(const auto key, in_file(options.key, crypto::PublicKey::parse(pem)));
  const auto validity = rpc::certificate_validity(now(), std::chrono::days{options.days});
  SEALIFT_TRY(const auto certificate,
              rpc::issue_certificate(options.directory,
                                     tee::insertion_certificate_draft(key, options.name, validity)));
  SEALIFT_CHECK(write_file(options.out, as_bytes(certificate.pem())));
  return context.report(Json{{"serial", certificate.serial()},
                             {"not_after", crypto::utc_text(certificate.not_after())},
                             {"certificate", options.out.string()}},
                        fmt::format("insertion key of \"{}\" until {}: {}\n", printable(options.name),
                                    crypto::utc_text(certificate.not_after()), options.out.string()));
}

Status revoke(const RevokeOptions& options, Context& context) {
  SEALIFT_TRY(const auto pem, read_file(options.certificate, crypto::kCertificateLimit));
  SEALIFT_TRY(const auto certificate, in_file(options.certificate, crypto::Certificate::parse(pem)));
  SEALIFT_CHECK(rpc::revoke_certificate(options.directory, certificate, now()));
  const auto list = (options.directory / "crl.pem").string();
  return context.report(
      Json{{"serial", certificate.serial()}, {"revocation_list", list}},
      fmt::format("Revoked. It counts where {} is copied to; running services notice by themselves.\n",
                  list));
}

}  // namespace

void declare_pki(Command root) {
  auto group = root.group("pki", "Certificates for services and their callers",
                          "sealift pki init pki --trust-domain cloud.example\n"
                          "sealift pki issue pki --role tenant --name acme --out acme");
  auto init_options = std::make_shared<InitOptions>();
  group
      .command("init", "Make a certification authority in a directory",
               "sealift pki init pki --trust-domain cloud.example",
               [init_options](Context& context) { return init(*init_options, context); })
      .path("DIR", init_options->directory, kDirectory, "where it will be", Need::required)
      .text("--trust-domain", init_options->trust_domain, kText,
            "whom it speaks for: a lower-case domain name of yours", Need::required);

  auto issue_options = std::make_shared<IssueCommandOptions>();
  group
      .command("issue", "Make a key and a certificate that says who holds it",
               "sealift pki issue pki --role tenant --name acme --out acme\n"
               "sealift pki issue pki --role frontend --host cloud.example --out frontend",
               [issue_options](Context& context) { return issue(*issue_options, context); })
      .path("DIR", issue_options->directory, kDirectory, "the certification authority", Need::required)
      .choice("--role", issue_options->role, {"tenant", "frontend", "orchestrator", "sm", "host", "operator"},
              "what the holder is", Need::required)
      .text("--name", issue_options->name, kText,
            "which tenant, which tenant's security module, or which host")
      .texts("--host", issue_options->hosts, kText,
             "a DNS name or address, for clients that look at it, as curl does; may be repeated")
      .number("--days", issue_options->days, "how long it counts (default: 365)")
      .path("--out", issue_options->out, kDirectory, "where certificate.pem, key.pem, ca.pem and crl.pem go",
            Need::required);

  auto insertion_options = std::make_shared<InsertionOptions>();
  group
      .command("insertion",
               "Certify the insertion key of your security module, once you have seen where it is",
               "sealift-sm insertion-key --create-key --insertion-key 'pkcs11:…' >insertion.pub\n"
               "sealift pki insertion sm-pki --key insertion.pub --out insertion.pem",
               [insertion_options](Context& context) {
                 return certify_insertion_key(*insertion_options, context);
               })
      .path("DIR", insertion_options->directory, kDirectory,
            "a certification authority of yours that the cloud has no key of", Need::required)
      .path("--key", insertion_options->key, kFile, "as sealift-sm insertion-key prints it", Need::required)
      .text("--name", insertion_options->name, kText, "for people (default: security module)")
      .number("--days", insertion_options->days, "how long it counts (default: 365)")
      .path("--out", insertion_options->out, kFile,
            "the certificate, for sealift-sm --insertion-certificates", Need::required);

  auto revoke_options = std::make_shared<RevokeOptions>();
  group
      .command("revoke", "Take a certificate back", "sealift pki revoke pki acme/certificate.pem",
               [revoke_options](Context& context) { return revoke(*revoke_options, context); })
      .path("DIR", revoke_options->directory, kDirectory, "the certification authority", Need::required)
      .path("CERTIFICATE", revoke_options->certificate, kFile, "the certificate, as issue wrote it",
            Need::required);
}

}  // namespace sealift::cli
