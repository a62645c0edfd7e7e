// SPDX-License-Identifier: Apache-2.0
/// sealift sev explain: the launch is another one than expected; which input differs?
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands/sev.h"
#include "cli/sev_inputs.h"
#include "crypto/base64.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kDigestSize = 32;

struct ExplainOptions {
  LaunchOptions launch;
  LaunchVersionOptions version;
  std::string measured;
  std::string expected;
  Path tik;
  std::vector<Path> other_firmware;
  std::string memory;
};

using Found = std::optional<std::vector<sev::Difference>>;

/// What was measured, and how to compute the same from a launch digest.
struct Measured {
  Bytes value;  ///< a launch measurement (48 bytes) or a launch digest (32 bytes)
  std::optional<LaunchVersion> version;
  std::optional<sev::TransportKey> tik;

  bool is_digest() const { return value.size() == kDigestSize; }
  Bytes of(const crypto::Digest& digest) const {
    if (is_digest()) return to_bytes(digest.view());
    const auto nonce = sev::Measurement::parse(value)->nonce;
    return to_bytes(sev::measure(*tik, version->firmware, version->policy, digest, nonce).bytes());
  }
};

Result<Measured> read_measured(const ExplainOptions& options) {
  const auto value = crypto::from_base64(options.measured);
  if (!value || (value->size() != kDigestSize && value->size() != sev::kMeasurementSize)) {
    return fail(ErrorCode::invalid_argument,
                "--measured takes a launch measurement (48 bytes) or a launch digest (32 bytes) in base64",
                "--measured");
  }
  Measured measured{*value, std::nullopt, std::nullopt};
  if (measured.is_digest()) return measured;
  if (options.tik.empty()) {
    return fail(
        ErrorCode::invalid_argument,
        "a launch measurement is explained with --tik, --api-major, --api-minor, --build and --policy",
        "--tik");
  }
  SEALIFT_TRY(const auto version, parse_version(options.version));
  measured.version = version;
  SEALIFT_TRY(measured.tik, read_transport_key(options.tik));
  return measured;
}

Found explain(const sev::LaunchInputs& inputs, const Measured& measured) {
  if (measured.is_digest()) {
    return sev::explain_digest(
        inputs, [&](const crypto::Digest& digest) { return same_bytes(digest.view(), measured.value); });
  }
  return sev::explain_measurement(inputs,
                                  {*measured.tik, measured.version->firmware, measured.version->policy,
                                   sev::Measurement::parse(measured.value).value()});
}

crypto::Digest digest_of(const sev::LaunchInputs& inputs) {
  std::optional<sev::KernelHashes> hashes;
  if (inputs.kernel) hashes = sev::hash_kernel(*inputs.kernel, inputs.initrd, inputs.cmdline);
  return sev::launch_digest(inputs.firmware.bytes, hashes, inputs.vmsa);
}

/// The expected value was computed from other inputs than these.
bool is_expected(const std::string& expected, ByteView computed) {
  if (expected.empty()) return true;
  const auto bytes = crypto::from_base64(expected);
  return bytes && same_bytes(*bytes, computed);
}

tl::unexpected<Error> unexplained() {
  return fail(ErrorCode::launch_measurement_differs,
              "none of the usual suspects gives the measured value: it is another build of the firmware, "
              "another kernel, "
              "initrd or command line, other VMSA pages, or the TIK of another session",
              "measured");
}

struct Firmwares {
  std::vector<Bytes> content;
  std::vector<sev::NamedBytes> named;
};
Result<Firmwares> read_firmwares(const std::vector<Path>& paths) {
  Firmwares all;
  for (const auto& path : paths) {
    SEALIFT_TRY(auto bytes, read_file(path, sev::kFirmwareLimit));
    all.content.push_back(std::move(bytes));
  }
  for (std::size_t i = 0; i < paths.size(); ++i) all.named.push_back({paths[i].string(), all.content[i]});
  return all;
}

Status report(const std::vector<sev::Difference>& differences, bool expected, Context& context) {
  auto list = Json::array();
  std::string text = differences.empty() ? "The inputs give the measured value.\n" : "";
  for (const auto& difference : differences) {
    list.push_back(Json{{"input", difference.input}, {"what", difference.what}});
    text += fmt::format("{}: {}\n", difference.input, printable(difference.what));
  }
  if (!expected) text += "The expected value was computed from other inputs than these.\n";
  return context.report(Json{{"verdict", differences.empty() ? "matches" : "differs"},
                             {"differences", list},
                             {"expected_from_inputs", expected}},
                        text);
}

Status run_explain(const ExplainOptions& options, Context& context) {
  SEALIFT_TRY(const auto measured, read_measured(options));
  SEALIFT_TRY(const auto content, read_launch(options.launch));
  SEALIFT_TRY(const auto others, read_firmwares(options.other_firmware));
  auto inputs = content.inputs(options.launch.firmware.string());
  inputs.other_firmware = others.named;
  if (!options.memory.empty()) {
    SEALIFT_TRY(inputs.memory_mib, parse_number(options.memory, "--memory", 1U << 24U));
  }
  context.progress().start("trying", 0);
  const auto found = explain(inputs, measured);
  if (!found) return unexplained();
  return report(*found, is_expected(options.expected, measured.of(digest_of(inputs))), context);
}

}  // namespace

void declare_sev_explain(Command& group) {
  auto options = std::make_shared<ExplainOptions>();
  auto command =
      group.command("explain", "Which input differs, where the measurement is not the expected one",
                    "sealift sev explain --measured kx9…= --tik session/tik.bin --api-major 1 --api-minor 55 "
                    "--build 8 --policy 0x7 "
                    "--firmware OVMF.fd --kernel vmlinuz --initrd initrd.img --cmdline 'console=ttyS0'",
                    [options](Context& context) { return run_explain(*options, context); });
  command
      .text("--measured", options->measured, "B64",
            "what was measured: a launch measurement (48 bytes), or a launch digest (32 bytes)",
            Need::required)
      .text("--expected", options->expected, "B64", "what was expected, to see whether these inputs give it")
      .path("--tik", options->tik, kFile, "with a launch measurement: the session's TIK")
      .paths("--other-firmware", options->other_firmware, kFile,
             "a build that may have been taken by mistake; may be repeated")
      .text("--memory", options->memory, "MIB",
            "the guest's memory, from which a VMM's edits to the kernel follow");
  options->version.declare(command, Need::optional);
  options->launch.declare(command);
}

}  // namespace sealift::cli
