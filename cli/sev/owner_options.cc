// SPDX-License-Identifier: Apache-2.0
#include "cli/sev/owner_options.h"

#include <fmt/core.h>

#include <charconv>

#include "base/file.h"
#include "cli/sev/host_lies.h"
#include "guest/image/manifest.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/ovmf.h"
#include "tee/sev/vmsa.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kKernelLimit = 256UL << 20U;
constexpr std::size_t kInitramfsLimit = 1UL << 30U;

sev::KernelHashes hashes_of(const image::LaunchInputs& inputs) {
  return {inputs.kernel_sha256, inputs.initramfs_sha256, sev::hash_cmdline(inputs.cmdline)};
}

/// What ES measures of the vCPUs; nothing without it.
struct Registers {
  Bytes first{};
  Bytes others{};
  std::uint32_t vcpus = 0;
  sev::VmsaPages pages() const { return {first, others, vcpus}; }
};

Result<Registers> registers_of(const OwnerOptions& options, sev::Policy policy, ByteView firmware,
                               std::uint32_t cpus) {
  if (!policy.has(sev::PolicyBit::es)) return Registers{};
  SEALIFT_TRY(const auto cpu, sev::cpu_model(options.cpu));
  const auto& shape = sev::vmsa_templates().front();
  Registers registers{first_vmsa(shape, cpu), {}, cpus};
  if (cpus == 1) return registers;
  SEALIFT_TRY(const auto footer, sev::OvmfFooter::parse(firmware));
  SEALIFT_TRY(const auto reset, footer.need_reset_address());
  registers.others = other_vmsa(shape, cpu, reset);
  return registers;
}

/// What the launch digest would be where one input is not as expected.
Result<std::vector<sev::SuspectDigest>> suspects_of(const OwnerOptions& options, const Path& image,
                                                    ByteView firmware, const image::LaunchInputs& expected,
                                                    const sev::VmsaPages& vmsa, std::uint32_t memory_mib) {
  SEALIFT_TRY(const auto kernel, read_file(image / image::kKernelFile, kKernelLimit));
  SEALIFT_TRY(const auto initramfs, read_file(image / image::kInitramfsFile, kInitramfsLimit));
  std::vector<Bytes> others;
  for (const auto& path : options.other_firmware) {
    SEALIFT_TRY(auto other, read_file(path, sev::kFirmwareLimit));
    others.push_back(std::move(other));
  }
  sev::LaunchInputs inputs{.firmware = {options.firmware.string(), firmware},
                           .other_firmware = {},
                           .kernel = kernel,
                           .initrd = initramfs,
                           .cmdline = expected.cmdline,
                           .vmsa = vmsa,
                           .memory_mib = memory_mib == 0 ? std::nullopt : std::optional{memory_mib}};
  for (std::size_t i = 0; i < others.size(); ++i)
    inputs.other_firmware.push_back({options.other_firmware[i].string(), others[i]});
  return sev::suspect_digests(inputs);
}

}  // namespace

bool OwnerOptions::says_no_terms() const {
  const OwnerOptions none;
  return firmware.empty() && other_firmware.empty() && trusted.empty() && policy == none.policy &&
         minimum_api.empty() && minimum_build == 0 && cpu == none.cpu;
}

Result<sev::ApiVersion> parse_api_version(const std::string& text) {
  unsigned major = 0;
  unsigned minor = 0;
  const auto* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, major);
  if (first.ec == std::errc{} && first.ptr != end && *first.ptr == '.') {
    const auto second = std::from_chars(first.ptr + 1, end, minor);
    if (second.ec == std::errc{} && second.ptr == end && major <= UINT8_MAX && minor <= UINT8_MAX)
      return sev::ApiVersion{static_cast<std::uint8_t>(major), static_cast<std::uint8_t>(minor)};
  }
  return fail(ErrorCode::invalid_argument, "--minimum-api is MAJOR.MINOR, not " + text, "--minimum-api");
}

void declare_owner(Command& command, OwnerOptions& options) {
  command
      .path("--owner", options.owner, kDirectory,
            "of an image for SEV, in place of --seed: what its owner keeps")
      .path("--firmware", options.firmware, kFile, "the OVMF that the owner approves of")
      .paths("--other-firmware", options.other_firmware, kFile,
             "another build, only to say so where that was launched; may be repeated", Need::optional)
      .texts("--trust-ark", options.trusted, kHex,
             "SHA-256 of a root's public key, in place of AMD's own; may be repeated")
      .text("--sev-policy", options.policy, "N", "the guest's policy (default: 3, NODBG and NOKS)")
      .text("--sev-cpu", options.cpu, "MODEL",
            "QEMU's CPU model, whose registers a policy with ES measures (default: EPYC)")
      .text("--minimum-api", options.minimum_api, "MAJOR.MINOR", "of the machine's SEV firmware")
      .number("--minimum-build", options.minimum_build, "of that version of it");
}

Result<std::vector<sev::PinnedRoot>> pinned_roots(const std::vector<std::string>& trusted) {
  if (trusted.empty()) return sev::amd_roots();
  std::vector<sev::PinnedRoot> roots;
  for (const auto& text : trusted) {
    const auto fingerprint = from_hex(text);
    if (!fingerprint || fingerprint->size() != 32)
      return fail(ErrorCode::invalid_argument, "a root is named by the SHA-256 of its public key, 64 digits",
                  "--trust-ark");
    roots.push_back({text.substr(0, 16), crypto::Digest{*fingerprint}});
  }
  return roots;
}

Result<SevOwner> read_sev_owner(const OwnerOptions& options, const std::optional<Path>& image,
                                const GuestSize& size) {
  if (options.firmware.empty())
    return fail(ErrorCode::invalid_argument, "an image for SEV takes the firmware you approve of: --firmware",
                "--firmware");
  SEALIFT_TRY(auto owner, image::read_owner(options.owner));
  SEALIFT_TRY(const auto firmware, read_file(options.firmware, sev::kFirmwareLimit));
  sev::LaunchPolicy policy;
  SEALIFT_TRY(policy.roots, pinned_roots(options.trusted));
  SEALIFT_TRY(const auto bits, parse_policy(options.policy, "--sev-policy"));
  policy.policy = sev::Policy{bits};
  if (!options.minimum_api.empty()) {
    SEALIFT_TRY(policy.minimum_api, parse_api_version(options.minimum_api));
  }
  if (options.minimum_build > UINT8_MAX)
    return fail(ErrorCode::invalid_argument, "a build is at most 255", "--minimum-build");
  policy.minimum_build = static_cast<std::uint8_t>(options.minimum_build);
  SEALIFT_TRY(const auto registers, registers_of(options, policy.policy, firmware, size.cpus));
  policy.expected = sev::launch_digest(firmware, hashes_of(owner.inputs), registers.pages());
  if (image) {
    SEALIFT_TRY(policy.suspects,
                suspects_of(options, *image, firmware, owner.inputs, registers.pages(), size.memory_mib));
  }
  return SevOwner{std::move(owner), std::move(policy)};
}

}  // namespace sealift::cli
