// SPDX-License-Identifier: Apache-2.0
#include "cli/policy_sev.h"

#include "base/file.h"
#include "tee/sev/ovmf.h"
#include "tee/sev/vmsa.h"

namespace sealift::cli {
namespace {

/// The bits by AMD's names.
Result<sev::Policy> read_bits(PolicyTable& table) {
  SEALIFT_TRY(const auto names, table.texts("policy"));
  std::uint32_t bits = 0;
  for (const auto& name : names) {
    const auto bit = sev::policy_bit(name);
    if (!bit) return table.refuse("policy", "has a name that is none of AMD's: " + printable(name));
    bits |= 1U << static_cast<unsigned>(*bit);
  }
  const sev::Policy policy{bits};
  if (auto keeps = sev::check_keeps_secrets(policy); !keeps) {
    auto error = keeps.error();
    error.field = table.way_to("policy");
    return tl::unexpected(std::move(error));
  }
  return policy;
}

/// The one that is approved of: it takes a launch secret and hashes, and is the one that a reviewer saw.
Status check_firmware(PolicyTable& table, const Path& path) {
  SEALIFT_TRY(const auto sha256, table.text("firmware_sha256", {}));
  SEALIFT_TRY(const auto bytes, read_file(path, sev::kFirmwareLimit));
  const auto found = to_hex(crypto::digest(crypto::HashAlgorithm::sha256, bytes).view());
  if (!sha256.empty() && sha256 != found)
    return table.refuse("firmware_sha256", fmt::format("is not that of {}: {}", path.string(), found));
  const auto suits = [&]() -> Status {
    SEALIFT_TRY(const auto footer, sev::OvmfFooter::parse(bytes));
    SEALIFT_CHECK(footer.need_secret_area());
    SEALIFT_CHECK(footer.need_hash_table_area());
    return {};
  }();
  return in_file(path, suits);
}

Status read_firmware(PolicyTable& table, const Path& folder, OwnerOptions& options) {
  SEALIFT_TRY(const auto firmware, table.text("firmware", {}));
  if (firmware.empty()) return table.refuse("firmware", "is missing: which OVMF do you approve of?");
  options.firmware = folder / firmware;
  SEALIFT_CHECK(check_firmware(table, options.firmware));
  SEALIFT_TRY(options.other_firmware, table.paths("other_firmware", folder));
  for (const auto& other : options.other_firmware) SEALIFT_CHECK(read_file(other, sev::kFirmwareLimit));
  return {};
}

Status read_versions(PolicyTable& table, OwnerOptions& options) {
  SEALIFT_TRY(options.minimum_api, table.text("minimum_api", {}));
  if (!options.minimum_api.empty() && !parse_api_version(options.minimum_api))
    return table.refuse("minimum_api", "is not \"MAJOR.MINOR\"");
  SEALIFT_TRY(options.minimum_build, table.count("minimum_build"));
  if (options.minimum_build > UINT8_MAX) return table.refuse("minimum_build", "is more than 255");
  return {};
}

}  // namespace

Result<OwnerOptions> read_sev_terms(PolicyTable& policy, const Path& folder) {
  const auto* const node = policy.take("sev");
  if (node == nullptr || !node->is_table())
    return policy.refuse("sev", "is missing: a [sev] with what you approve of");
  PolicyTable table{*node->as_table(), policy.way_to("sev")};
  OwnerOptions options;
  SEALIFT_TRY(options.trusted, table.texts("roots"));
  if (!pinned_roots(options.trusted))
    return table.refuse("roots", "holds something else than SHA-256 of roots' public keys, 64 digits each");
  SEALIFT_TRY(const auto bits, read_bits(table));
  options.policy = fmt::format("{:#x}", bits.value());
  SEALIFT_CHECK(read_versions(table, options));
  SEALIFT_TRY(options.cpu, table.text("cpu", options.cpu));
  if (!sev::cpu_model(options.cpu)) return table.refuse("cpu", "is no model of QEMU's that is known here");
  SEALIFT_CHECK(read_firmware(table, folder, options));
  SEALIFT_CHECK(table.expect_end());
  return options;
}

}  // namespace sealift::cli
