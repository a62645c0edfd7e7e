// SPDX-License-Identifier: Apache-2.0
#include "cli/policy_file.h"

#include "base/file.h"
#include "cli/policy_sev.h"
#include "cli/policy_table.h"
#include "tee/pef.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kFileLimit = 256UL * 1024;
constexpr std::string_view kFormat = "sealift-policy-v1";
constexpr std::size_t kHashSize = 32;
constexpr std::string_view kPef = "pef";
constexpr std::string_view kSev = "sev";

std::string bytes_of(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

Result<toml::table> parse(const Path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, kFileLimit));
  try {
    return toml::parse(as_text(bytes));
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::malformed,
                fmt::format("{}:{}: {}", path.string(), error.source().begin.line, error.description()),
                "policy");
  }
}

Status read_trust(PolicyTable& table, const Path& folder, v1::SeedPolicy& policy) {
  SEALIFT_TRY(const auto roots, table.paths("roots", folder));
  SEALIFT_TRY(const auto intermediates, table.paths("intermediates", folder));
  SEALIFT_TRY(const auto crls, table.paths("crls", folder));
  if (roots.empty()) return table.refuse("roots", "names nobody: no host would be trusted");
  SEALIFT_TRY(auto root_certificates, read_certificates(roots));
  SEALIFT_TRY(auto others, read_certificates(intermediates));
  SEALIFT_TRY(auto lists, read_crls(crls));
  for (const auto& one : root_certificates) policy.add_trusted_roots(bytes_of(one.der()));
  for (const auto& one : others) policy.add_intermediates(bytes_of(one.der()));
  for (const auto& one : lists) policy.add_crls(bytes_of(one.der()));
  SEALIFT_TRY(const auto require_crl, table.flag("require_crl"));
  policy.set_require_crl(require_crl);
  const auto crl_policy = require_crl ? crypto::CrlPolicy::required : crypto::CrlPolicy::where_given;
  SEALIFT_CHECK(tee::TrustedRoots::create(
      {std::move(root_certificates), std::move(others), std::move(lists), crl_policy}));
  return {};
}

/// What is written of PCR values does not tell whether PEF is on.
Status check_pef_log(PolicyTable& table, const std::string& log, const Path& folder) {
  if (log.empty())
    return table.refuse("pcrs", "does not tell that PEF is on: for pef hosts give an event log as \"log\"");
  SEALIFT_TRY(const auto reference, read_event_log(folder / log));
  if (const auto enabled = tee::check_pef_reference(reference); !enabled)
    return table.refuse("log", "is refused: " + enabled.error().message);
  return {};
}

Status read_reference(const toml::node& node, std::size_t number, const Path& folder,
                      const tpm::PcrSelection& selection, v1::SeedPolicy& policy) {
  const auto way = fmt::format("policy.reference[{}]", number);
  if (!node.is_table()) return fail(ErrorCode::invalid_argument, way + " is not a table", way);
  PolicyTable table{*node.as_table(), way};
  SEALIFT_TRY(const auto name, table.text("name", {}));
  SEALIFT_TRY(const auto pcrs, table.text("pcrs", {}));
  SEALIFT_TRY(const auto log, table.text("log", {}));
  SEALIFT_CHECK(table.expect_end());
  if (name.empty()) return table.refuse("name", "is missing: which firmware is this?");
  if (pcrs.empty() == log.empty()) return table.refuse("pcrs", "or an event log as \"log\": one of them");
  if (policy.tees(0) == kPef) SEALIFT_CHECK(check_pef_log(table, log, folder));
  auto values = expected_pcrs(pcrs, log.empty() ? Path{} : folder / log, selection);
  if (!values) return table.refuse(log.empty() ? "pcrs" : "log", "does not hold: " + values.error().message);
  auto& reference = *policy.add_references();
  reference.set_name(name);
  reference.set_pcrs(values->text());
  return {};
}

Status read_references(PolicyTable& table, const Path& folder, v1::SeedPolicy& policy) {
  SEALIFT_TRY(const auto profile_name, table.text("profile", "firmware"));
  const auto profile = tpm::profile_from_name(profile_name);
  if (!profile) return table.refuse("profile", "is neither \"firmware\" nor \"owner\"");
  if (policy.tees(0) == kPef && profile_name != "firmware")
    return table.refuse("profile", "is not \"firmware\", which alone has a PEF-enable bit");
  policy.set_profile(profile_name);
  SEALIFT_TRY(const auto selection, tpm::PcrSelection::parse((*profile)->pcrs));
  SEALIFT_TRY(const auto approver_file, table.text("approver", {}));
  if (!approver_file.empty()) {
    if (policy.tees(0) == kPef)
      return table.refuse("approver", "may approve of firmware that leaves PEF off: name references");
    SEALIFT_TRY(const auto approver, read_approver(folder / approver_file));
    policy.set_approver(bytes_of(approver.key().der()));
  }
  const auto* const node = table.take("reference");
  if (node == nullptr && !policy.approver().empty()) return {};
  const auto* const list = node == nullptr ? nullptr : node->as_array();
  if (list == nullptr || list->empty())
    return table.refuse("reference",
                        "is missing: a [[reference]] for each state that you approve of, or an approver");
  for (std::size_t i = 0; i < list->size(); ++i)
    SEALIFT_CHECK(read_reference(*list->get(i), i, folder, selection, policy));
  return {};
}

Status read_models(PolicyTable& table, v1::SeedPolicy& policy) {
  SEALIFT_TRY(const auto models, table.texts("models"));
  for (const auto& model : models) policy.add_models(model);
  return {};
}

Status read_hardware_keys(PolicyTable& table, v1::SeedPolicy& policy) {
  SEALIFT_TRY(const auto keys, table.texts("hardware_keys"));
  for (const auto& text : keys) {
    const auto hash = from_hex(text);
    if (!hash || hash->size() != kHashSize)
      return table.refuse("hardware_keys", "holds something else than 64 hexadecimal digits each");
    policy.add_hardware_keys(bytes_of(*hash));
  }
  return {};
}

Status read_times(PolicyTable& table, v1::SeedPolicy& policy) {
  SEALIFT_TRY(const auto not_before, table.time("not_before"));
  SEALIFT_TRY(const auto not_after, table.time("not_after"));
  if (not_after != 0 && not_after <= not_before)
    return table.refuse("not_after", "is not after not_before: no host would ever do");
  policy.set_not_before(not_before);
  policy.set_not_after(not_after);
  return {};
}

Status read_number(PolicyTable& table, v1::SeedPolicy& policy) {
  SEALIFT_TRY(const auto release, table.text("release", "many"));
  SEALIFT_TRY(const auto maximum, table.count("maximum_hosts"));
  if (release != "many" && release != "once")
    return table.refuse("release", "is neither \"once\" nor \"many\"");
  if (release == "once" && maximum > 1)
    return table.refuse("maximum_hosts", "contradicts release = \"once\"");
  policy.set_maximum_hosts(release == "once" ? 1 : maximum);
  return {};
}

}  // namespace

Result<PolicyFile> read_policy_file(const Path& path) {
  SEALIFT_TRY(const auto document, parse(path));
  const auto folder = path.parent_path();
  PolicyTable table{document, "policy"};
  SEALIFT_TRY(const auto format, table.text("format", {}));
  if (format != kFormat) return table.refuse("format", fmt::format("is not \"{}\"", kFormat));
  PolicyFile file;
  SEALIFT_TRY(const auto tees, table.texts("tees"));
  if (tees.size() != 1 || (tees[0] != "measured" && tees[0] != kPef && tees[0] != kSev))
    return table.refuse("tees", "is none of [\"measured\"], [\"pef\"] and [\"sev\"]");
  file.seed.add_tees(tees[0]);
  if (tees[0] == kSev) {
    SEALIFT_TRY(file.sev, read_sev_terms(table, folder));
  } else {
    SEALIFT_CHECK(read_trust(table, folder, file.seed));
    SEALIFT_CHECK(read_references(table, folder, file.seed));
    SEALIFT_CHECK(read_models(table, file.seed));
    SEALIFT_CHECK(read_number(table, file.seed));
  }
  SEALIFT_CHECK(read_hardware_keys(table, file.seed));
  SEALIFT_CHECK(read_times(table, file.seed));
  SEALIFT_CHECK(table.expect_end());
  return file;
}

}  // namespace sealift::cli
