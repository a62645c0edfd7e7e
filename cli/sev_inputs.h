// SPDX-License-Identifier: Apache-2.0
/// What the commands of `sealift sev` take. Errors begin with the file's name, or have the option as field.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/inputs.h"
#include "tee/sev/chain.h"
#include "tee/sev/explain.h"
#include "tee/sev/ovmf.h"
#include "tee/sev/secret_table.h"

namespace sealift::cli {

/// Decimal, or hexadecimal after 0x; invalid_argument at `option` for anything else, or past `most`.
Result<std::uint32_t> parse_number(const std::string& text, const std::string& option, std::uint32_t most);

/// Exactly `size` bytes of base64; invalid_argument at `option`.
Result<Bytes> parse_base64(const std::string& text, const std::string& option, std::size_t size);

/// 16 bytes.
Result<sev::TransportKey> read_transport_key(const Path& path);

/// "--pdh F --pek F --oca F --cek F --ask F --ark F [--trust-ark HEX]…"
struct ChainOptions {
  Path pdh, pek, oca, cek, ask, ark;
  std::vector<std::string> trusted;

  /// All but --pdh, which every command has in its own words.
  void declare(Command& command, Need need);
  bool any() const;
};

/// A file of each; PEK, OCA and CEK may also be the machine's export of all three (query-sev-capabilities).
Result<sev::VerifiedPlatform> verify_chain(const ChainOptions& options);
Result<sev::Certificate> read_sev_certificate(const Path& path, sev::Usage usage);

/// "--api-major N --api-minor N --build N --policy N"
struct LaunchVersionOptions {
  std::string api_major, api_minor, build, policy;
  void declare(Command& command, Need need);
};
struct LaunchVersion {
  sev::FirmwareVersion firmware;
  sev::Policy policy;
};
Result<LaunchVersion> parse_version(const LaunchVersionOptions& options);

/// "--firmware F [--kernel F --initrd F --cmdline S] [--vcpus N --vmsa0 F --vmsa1 F]", or the pages from
/// "--cpu-family N --cpu-model N --cpu-stepping N [--vmsa-template NAME]".
struct LaunchOptions {
  Path firmware, kernel, initrd, vmsa0, vmsa1;
  std::optional<std::string> cmdline;
  std::string vcpus, cpu_family, cpu_model, cpu_stepping, vmsa_template;
  void declare(Command& command);
};

/// The files' content, and what follows from it. The views of inputs() are into this object.
struct LaunchContent {
  Bytes firmware;
  std::optional<Bytes> kernel;
  Bytes initrd;
  std::string cmdline;
  Bytes vmsa0;
  Bytes vmsa1;
  std::uint32_t vcpus = 0;
  std::optional<sev::OvmfFooter> footer;  ///< nullopt where the firmware has none that can be read

  sev::LaunchInputs inputs(const std::string& firmware_name) const;
};
Result<LaunchContent> read_launch(const LaunchOptions& options);

}  // namespace sealift::cli
