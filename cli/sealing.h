// SPDX-License-Identifier: Apache-2.0
/// Targets for an operand: the seed sealed to each of the hosts that users name.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "formats/esm/operand.h"
#include "tpm/types.h"

namespace sealift::cli {

/// Which hosts, in which state.
struct SealingOptions {
  std::vector<std::filesystem::path> hosts;  ///< written by `enrol finish`
  std::filesystem::path storage_key;         ///< instead: a TPM2B_PUBLIC that the user vouches for
  std::string pcr;                           ///< "sha256:6=HEX"
  std::filesystem::path reference;           ///< instead: the event log of an approved machine
};

/// --host, --storage-key, --pcr and --reference.
void declare_sealing(Command& command, SealingOptions& options);

struct NewTarget {
  esm::Target target;
  std::string pcr;  ///< the states that open it, as text
};

/// One target for each host. Enrolled hosts are sealed to the PCR values they were enrolled for unless others
/// are given.
Result<std::vector<NewTarget>> make_targets(const SealingOptions& options, const esm::Seed& seed);

/// A target from files that `tpm seal` wrote.
Result<NewTarget> read_target(const std::filesystem::path& sealed, const std::filesystem::path& storage_key);

/// hmac_differs unless `seed` is the one that `operand` was made with: else a host could open the seal and
/// then refuse the image.
Status check_seed(const esm::Operand& operand, const esm::Seed& seed);

/// [{"storage_key_name", "policy", "pcr"}…]
Json targets_json(const std::vector<NewTarget>& targets);

}  // namespace sealift::cli
