// SPDX-License-Identifier: Apache-2.0
#include "cli/sev_inputs.h"

#include <fmt/core.h>

#include <charconv>

#include "base/file.h"
#include "crypto/base64.h"
#include "tee/sev/vmsa.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kKernelLimit = 256UL * 1024 * 1024;
constexpr std::size_t kInitrdLimit = 1024UL * 1024 * 1024;
constexpr std::size_t kFingerprintSize = 32;
constexpr std::uint32_t kMostVcpus = 4096;

tl::unexpected<Error> bad_option(const std::string& option, std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), option);
}

/// Where `usage` lies in PDH_CERT_EXPORT's chain: PEK, OCA, CEK (55766, 5.11).
std::optional<std::size_t> place_in_export(sev::Usage usage) {
  switch (usage) {
    case sev::Usage::pek:
      return 0;
    case sev::Usage::oca:
      return 1;
    case sev::Usage::cek:
      return 2;
    default:
      return std::nullopt;
  }
}

Result<Bytes> read_certificate_bytes(const Path& path, sev::Usage usage) {
  constexpr std::size_t kExportSize = 3 * sev::kCertificateSize;
  SEALIFT_TRY(auto bytes, read_file(path, 2 * kExportSize));
  const auto place = place_in_export(usage);
  if (!place || bytes.size() != kExportSize) return bytes;
  return to_bytes(ByteView{bytes}.subspan(*place * sev::kCertificateSize, sev::kCertificateSize));
}

Result<std::vector<sev::PinnedRoot>> trusted_roots(const std::vector<std::string>& fingerprints) {
  if (fingerprints.empty()) return sev::amd_roots();
  std::vector<sev::PinnedRoot> roots;
  for (const auto& text : fingerprints) {
    const auto bytes = from_hex(text);
    if (!bytes || bytes->size() != kFingerprintSize) {
      return bad_option("--trust-ark",
                        "--trust-ark takes the SHA-256 of an ARK's public key, in hexadecimal");
    }
    roots.push_back({"--trust-ark", crypto::Digest{*bytes}});
  }
  return roots;
}

struct ChainFiles {
  Bytes pdh, pek, oca, cek, ask, ark;
};

Result<ChainFiles> read_chain(const ChainOptions& options) {
  ChainFiles files;
  SEALIFT_TRY(files.pdh, read_certificate_bytes(options.pdh, sev::Usage::pdh));
  SEALIFT_TRY(files.pek, read_certificate_bytes(options.pek, sev::Usage::pek));
  SEALIFT_TRY(files.oca, read_certificate_bytes(options.oca, sev::Usage::oca));
  SEALIFT_TRY(files.cek, read_certificate_bytes(options.cek, sev::Usage::cek));
  SEALIFT_TRY(files.ask, read_certificate_bytes(options.ask, sev::Usage::ask));
  SEALIFT_TRY(files.ark, read_certificate_bytes(options.ark, sev::Usage::ark));
  return files;
}

Result<Bytes> read_vmsa(const Path& path) {
  SEALIFT_TRY(auto page, read_file(path, sev::kVmsaSize));
  if (page.size() == sev::kVmsaSize) return page;
  return fail(ErrorCode::truncated,
              fmt::format("{}: a VMSA page has {} bytes, not {}", path.string(), sev::kVmsaSize, page.size()),
              "vmsa");
}

Result<const sev::VmsaTemplate*> vmsa_template(const std::string& name) {
  for (const auto& shape : sev::vmsa_templates()) {
    if (name.empty() || shape.name == name) return &shape;
  }
  return bad_option("--vmsa-template", fmt::format("there is no VMSA template '{}'", name));
}

bool names_cpu(const LaunchOptions& options) {
  return !options.cpu_family.empty() || !options.cpu_model.empty() || !options.cpu_stepping.empty();
}

Status make_vmsa(const LaunchOptions& options, LaunchContent& content) {
  if (!options.vmsa0.empty() || !options.vmsa1.empty()) {
    return bad_option("--cpu-family", "give either --vmsa0 and --vmsa1, or the CPU from which to make them");
  }
  if (options.vcpus.empty()) return bad_option("--vcpus", "--cpu-family wants --vcpus, too");
  sev::CpuModel cpu{};
  SEALIFT_TRY(cpu.family, parse_number(options.cpu_family, "--cpu-family", 0xfff));
  SEALIFT_TRY(cpu.model, parse_number(options.cpu_model, "--cpu-model", 0xff));
  SEALIFT_TRY(cpu.stepping, parse_number(options.cpu_stepping, "--cpu-stepping", 0xf));
  SEALIFT_TRY(const auto* shape, vmsa_template(options.vmsa_template));
  content.vmsa0 = first_vmsa(*shape, cpu);
  SEALIFT_TRY(const auto footer, in_file(options.firmware, sev::OvmfFooter::parse(content.firmware)));
  SEALIFT_TRY(const auto reset, in_file(options.firmware, footer.need_reset_address()));
  content.vmsa1 = other_vmsa(*shape, cpu, reset);
  return {};
}

Status read_vcpus(const LaunchOptions& options, LaunchContent& content) {
  content.vcpus = options.vmsa0.empty() ? 0 : 1;
  if (!options.vcpus.empty()) {
    SEALIFT_TRY(content.vcpus, parse_number(options.vcpus, "--vcpus", kMostVcpus));
    if (content.vcpus == 0) return bad_option("--vcpus", "a guest has at least one vCPU");
  }
  if (names_cpu(options)) return make_vmsa(options, content);
  if (options.vmsa0.empty() && !options.vmsa1.empty()) {
    return bad_option("--vmsa0", "--vmsa1 is for the other vCPUs: the first one's page is missing");
  }
  if (options.vmsa0.empty()) return {};
  SEALIFT_TRY(content.vmsa0, read_vmsa(options.vmsa0));
  if (!options.vmsa1.empty()) {
    SEALIFT_TRY(content.vmsa1, read_vmsa(options.vmsa1));
  } else if (content.vcpus > 1) {
    return bad_option("--vmsa1",
                      fmt::format("with {} vCPUs the page of all but the first is missing", content.vcpus));
  }
  return {};
}

}  // namespace

Result<std::uint32_t> parse_number(const std::string& text, const std::string& option, std::uint32_t most) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const auto digits = std::string_view{text}.substr(hexadecimal ? 2 : 0);
  std::uint32_t value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, hexadecimal ? 16 : 10);
  if (error == std::errc{} && stop == end && value <= most) return value;
  return bad_option(option,
                    fmt::format("{} takes a number up to {}, also as 0x…, not '{}'", option, most, text));
}

Result<Bytes> parse_base64(const std::string& text, const std::string& option, std::size_t size) {
  auto bytes = crypto::from_base64(text);
  if (bytes && bytes->size() == size) return bytes;
  return bad_option(option, fmt::format("{} takes {} bytes in base64", option, size));
}

Result<sev::TransportKey> read_transport_key(const Path& path) {
  SEALIFT_TRY(auto bytes, read_secret_file(path, sev::kTransportKeySize));
  if (bytes.size() != sev::kTransportKeySize) {
    return fail(ErrorCode::truncated,
                fmt::format("{}: a transport key has {} bytes", path.string(), sev::kTransportKeySize));
  }
  return sev::TransportKey{bytes.expose_for_writing().first<sev::kTransportKeySize>()};
}

void ChainOptions::declare(Command& command, Need need) {
  command.path("--pek", pek, kFile, "its PEK certificate, 2084 bytes", need)
      .path("--oca", oca, kFile, "its owner's OCA certificate", need)
      .path("--cek", cek, kFile, "the chip's CEK certificate, as AMD's key server gives it", need)
      .path("--ask", ask, kFile, "AMD's ASK, or ask_ark_*.cert", need)
      .path("--ark", ark, kFile, "AMD's ARK, or ask_ark_*.cert", need)
      .texts("--trust-ark", trusted, kHex,
             "trust the ARK with this public key (SHA-256 of its SubjectPublicKeyInfo) instead of AMD's: for "
             "emulated machines");
}

bool ChainOptions::any() const {
  return !pek.empty() || !oca.empty() || !cek.empty() || !ask.empty() || !ark.empty() || !trusted.empty();
}

Result<sev::VerifiedPlatform> verify_chain(const ChainOptions& options) {
  SEALIFT_TRY(const auto roots, trusted_roots(options.trusted));
  SEALIFT_TRY(const auto files, read_chain(options));
  return sev::VerifiedPlatform::verify({.pdh = files.pdh,
                                        .pek = files.pek,
                                        .oca = files.oca,
                                        .cek = files.cek,
                                        .ask = files.ask,
                                        .ark = files.ark},
                                       roots);
}

Result<sev::Certificate> read_sev_certificate(const Path& path, sev::Usage usage) {
  SEALIFT_TRY(const auto bytes, read_certificate_bytes(path, usage));
  SEALIFT_TRY(auto certificate, in_file(path, sev::Certificate::parse(bytes, sev::field_name(usage))));
  if (certificate.usage() == usage) return certificate;
  return fail(ErrorCode::sev_certificate_usage_differs,
              fmt::format("{}: the certificate given as {} is for {}", path.string(), name(usage),
                          name(certificate.usage())),
              fmt::format("{}.usage", sev::field_name(usage)));
}

void LaunchVersionOptions::declare(Command& command, Need need) {
  command.text("--api-major", api_major, "N", "the SEV firmware's API version (query-sev)", need)
      .text("--api-minor", api_minor, "N", "the SEV firmware's API version", need)
      .text("--build", build, "N", "the SEV firmware's build ID", need)
      .text("--policy", policy, "N", "the guest's policy, decimal or 0x…", need);
}

Result<LaunchVersion> parse_version(const LaunchVersionOptions& options) {
  constexpr std::uint32_t kByte = 0xff;
  SEALIFT_TRY(const auto major, parse_number(options.api_major, "--api-major", kByte));
  SEALIFT_TRY(const auto minor, parse_number(options.api_minor, "--api-minor", kByte));
  SEALIFT_TRY(const auto build, parse_number(options.build, "--build", kByte));
  SEALIFT_TRY(const auto policy, parse_number(options.policy, "--policy", UINT32_MAX));
  return LaunchVersion{{{static_cast<std::uint8_t>(major), static_cast<std::uint8_t>(minor)},
                        static_cast<std::uint8_t>(build)},
                       sev::Policy{policy}};
}

void LaunchOptions::declare(Command& command) {
  command.path("--firmware", firmware, kFile, "OVMF.fd as the VMM loads it", Need::required)
      .path("--kernel", kernel, kFile, "the kernel, where the guest is launched with kernel-hashes=on")
      .path("--initrd", initrd, kFile, "the initrd, where there is one")
      .text("--cmdline", cmdline, kText, "the kernel's command line, without the NUL at its end")
      .text("--vcpus", vcpus, "N", "the guest's vCPUs (SEV-ES measures each)")
      .path("--vmsa0", vmsa0, kFile, "SEV-ES: the first vCPU's registers, 4096 bytes")
      .path("--vmsa1", vmsa1, kFile, "SEV-ES: every other vCPU's")
      .text("--cpu-family", cpu_family, "N", "SEV-ES: make the pages for this CPU model instead")
      .text("--cpu-model", cpu_model, "N", "with --cpu-family")
      .text("--cpu-stepping", cpu_stepping, "N", "with --cpu-family")
      .text("--vmsa-template", vmsa_template, "NAME",
            "with --cpu-family: qemu (default), qemu-x87 or tr16, for VMMs that fill the registers "
            "differently");
}

Result<LaunchContent> read_launch(const LaunchOptions& options) {
  if (options.kernel.empty() && (!options.initrd.empty() || options.cmdline)) {
    return bad_option("--kernel", "--initrd and --cmdline are measured with a --kernel only");
  }
  LaunchContent content;
  SEALIFT_TRY(content.firmware, read_file(options.firmware, sev::kFirmwareLimit));
  if (content.firmware.empty())
    return fail(ErrorCode::truncated, options.firmware.string() + ": is empty", "firmware");
  if (!options.kernel.empty()) {
    SEALIFT_TRY(content.kernel, read_file(options.kernel, kKernelLimit));
  }
  if (!options.initrd.empty()) {
    SEALIFT_TRY(content.initrd, read_file(options.initrd, kInitrdLimit));
  }
  content.cmdline = options.cmdline.value_or("");
  SEALIFT_CHECK(read_vcpus(options, content));
  if (auto footer = sev::OvmfFooter::parse(content.firmware)) content.footer = *footer;
  return content;
}

sev::LaunchInputs LaunchContent::inputs(const std::string& firmware_name) const {
  sev::LaunchInputs inputs;
  inputs.firmware = {firmware_name, firmware};
  if (kernel) inputs.kernel = ByteView{*kernel};
  inputs.initrd = initrd;
  inputs.cmdline = cmdline;
  inputs.vmsa = {vmsa0, vmsa1, vmsa0.empty() ? 0 : vcpus};
  return inputs;
}

}  // namespace sealift::cli
