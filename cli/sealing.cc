// SPDX-License-Identifier: Apache-2.0
#include "cli/sealing.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/inputs.h"
#include "formats/esm/verify.h"
#include "tee/enrolled_host.h"
#include "tpm/seal.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kEnrolledLimit = 64UL * 1024;
constexpr std::size_t kTpmStructureLimit = 4096;

Result<NewTarget> target_for(const tpm::StorageKey& key, const tpm::Binding& expected,
                             const esm::Seed& seed) {
  const auto policy = expected.sealing_policy();
  SEALIFT_TRY(auto sealed, key.seal(seed.expose(), policy));
  return NewTarget{{to_bytes(key.name().view()), to_bytes(policy.view()), std::move(sealed.public_area),
                    std::move(sealed.duplicate), std::move(sealed.seed)},
                   expected.text()};
}

Result<tpm::PcrValues> expected_for(const SealingOptions& options, const tpm::Profile& profile) {
  SEALIFT_TRY(const auto selection, tpm::PcrSelection::parse(profile.pcrs));
  return expected_pcrs(options.pcr, options.reference, selection);
}

Result<NewTarget> target_for_host(const Path& path, const SealingOptions& options, const esm::Seed& seed) {
  SEALIFT_TRY(const auto json, read_file(path, kEnrolledLimit));
  SEALIFT_TRY(const auto host, in_file(path, tee::EnrolledHost::from_json(as_text(json))));
  if (options.pcr.empty() && options.reference.empty()) {
    return target_for(host.storage_key(), host.key().approved(), seed);
  }
  SEALIFT_TRY(const auto expected, expected_for(options, host.profile()));
  return target_for(host.storage_key(), expected, seed);
}

Result<NewTarget> target_for_key(const SealingOptions& options, const esm::Seed& seed) {
  SEALIFT_TRY(const auto expected, expected_for(options, tpm::firmware_profile()));
  SEALIFT_TRY(const auto parent, read_public(options.storage_key));
  SEALIFT_TRY(const auto key, in_file(options.storage_key, tpm::StorageKey::prepare(parent)));
  return target_for(key, expected, seed);
}

}  // namespace

void declare_sealing(Command& command, SealingOptions& options) {
  command.paths("--host", options.hosts, kFile, "an enrolled host, from enrol finish; may be repeated")
      .path("--storage-key", options.storage_key, kFile,
            "instead of --host: TPM2B_PUBLIC of a storage key that you vouch for")
      .text("--pcr", options.pcr, "BANK:N=HEX",
            "PCR values that open the seal (default: those the host was enrolled for)")
      .path("--reference", options.reference, kFile,
            "instead of --pcr: the event log of an approved machine");
}

Result<std::vector<NewTarget>> make_targets(const SealingOptions& options, const esm::Seed& seed) {
  if (options.hosts.empty() == options.storage_key.empty()) {
    return fail(ErrorCode::invalid_argument, "give either --host or --storage-key", "--host");
  }
  std::vector<NewTarget> targets;
  for (const auto& host : options.hosts) {
    SEALIFT_TRY(auto target, target_for_host(host, options, seed));
    targets.push_back(std::move(target));
  }
  if (!options.storage_key.empty()) {
    SEALIFT_TRY(auto target, target_for_key(options, seed));
    targets.push_back(std::move(target));
  }
  return targets;
}

Result<NewTarget> read_target(const Path& sealed, const Path& storage_key) {
  SEALIFT_TRY(const auto parent, read_public(storage_key));
  NewTarget made{{to_bytes(parent.name().view()), {}, {}, {}, {}}, {}};
  SEALIFT_TRY(made.target.policy, read_file(sealed / "policy.digest", kTpmStructureLimit));
  SEALIFT_TRY(made.target.public_area, read_file(sealed / "object.pub", kTpmStructureLimit));
  SEALIFT_TRY(made.target.duplicate, read_file(sealed / "object.dup", kTpmStructureLimit));
  SEALIFT_TRY(made.target.seed, read_file(sealed / "object.seed", kTpmStructureLimit));
  return made;
}

Status check_seed(const esm::Operand& operand, const esm::Seed& seed) {
  SEALIFT_CHECK(esm::VerifiedOperand::verify(operand, seed));
  return {};
}

Json targets_json(const std::vector<NewTarget>& targets) {
  auto json = Json::array();
  for (const auto& made : targets) {
    Json entry{{"storage_key_name", to_hex(made.target.storage_key_name)},
               {"policy", to_hex(made.target.policy)}};
    if (!made.pcr.empty()) entry["pcr"] = made.pcr;
    json.push_back(std::move(entry));
  }
  return json;
}

}  // namespace sealift::cli
