// SPDX-License-Identifier: Apache-2.0
#include "services/agent/sev/machine.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "crypto/base64.h"

namespace sealift::agent {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMessagesLimit = 1U << 20U;
constexpr auto kSandbox = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// A comma within a value is written twice.
std::string quoted(const std::string& value) {
  std::string out;
  for (const char c : value) out += c == ',' ? std::string{",,"} : std::string{c};
  return out;
}

tl::unexpected<Error> malformed(const char* member) {
  return fail(ErrorCode::malformed, fmt::format("QEMU's answer has no sensible {}", member), member);
}

Result<Bytes> bytes_at(const Json& json, const char* member) {
  const auto found = json.find(member);
  if (found == json.end() || !found->is_string()) return malformed(member);
  auto bytes = crypto::from_base64(found->get<std::string>());
  if (!bytes || bytes->empty()) return malformed(member);
  return bytes;
}

Result<std::uint32_t> number_at(const Json& json, const char* member, std::uint64_t most) {
  const auto found = json.find(member);
  if (found == json.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() > most)
    return malformed(member);
  return static_cast<std::uint32_t>(found->get<std::uint64_t>());
}

/// SevCapabilities or SevMeasured.
template <typename Shown>
Status read_version(const Json& sev, Shown& shown) {
  SEALIFT_TRY(const auto major, number_at(sev, "api-major", 255));
  SEALIFT_TRY(const auto minor, number_at(sev, "api-minor", 255));
  SEALIFT_TRY(const auto build, number_at(sev, "build-id", 255));
  shown.api_major = static_cast<std::uint8_t>(major);
  shown.api_minor = static_cast<std::uint8_t>(minor);
  shown.build = static_cast<std::uint8_t>(build);
  return {};
}

std::string last_line(const fs::path& file) {
  const auto bytes = read_file(file, kMessagesLimit);
  if (!bytes) return {};
  std::string text{as_text(*bytes)};
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

/// QEMU and the way to it; its own words where it ends at once.
struct Started {
  Child qemu;
  Qmp qmp;
};
Result<Started> start(const SevHost& host, std::vector<std::string> arguments, const fs::path& directory,
                      int console) {
  const auto messages = directory / "messages";
  SEALIFT_TRY(const auto errors, open_file(messages, O_WRONLY | O_CREAT | O_EXCL));
  arguments.insert(arguments.begin(), host.qemu);
  arguments.insert(arguments.begin(), host.prefix.begin(), host.prefix.end());
  const Command command{.argv = std::move(arguments),
                        .environment = host.environment,
                        .stdout_fd = console,
                        .stderr_fd = errors.get()};
  SEALIFT_TRY(auto qemu, spawn(command));
  auto qmp = Qmp::connect(directory / "qmp", qemu);
  if (qmp) return Started{std::move(qemu), std::move(*qmp)};
  const auto words = last_line(messages);
  if (qmp.error().code != ErrorCode::guest_failed || words.empty()) return tl::unexpected(qmp.error());
  return tl::unexpected(refusal_from(words));
}

/// AMD 55766, status codes: of the number that `text` begins with.
ErrorCode code_of(const std::string& text) {
  const auto status = std::strtoul(text.c_str(), nullptr, 10);
  constexpr unsigned long kPolicyFailure = 7;
  constexpr unsigned long kBadSignature = 10;
  constexpr unsigned long kBadMeasurement = 11;
  if (status == kPolicyFailure) return ErrorCode::sev_policy_refused;
  if (status == kBadSignature || status == kBadMeasurement) return ErrorCode::authentication_failed;
  return ErrorCode::failed_precondition;
}

Result<Json> asked(const Qmp& qmp, std::string_view command, const Json& arguments) {
  auto answer = qmp.execute(command, arguments);
  if (answer || answer.error().code != ErrorCode::guest_failed) return answer;
  return tl::unexpected(refusal_from(answer.error().message));
}

}  // namespace

Error refusal_from(const std::string& text) {
  constexpr std::string_view kStatus = "fw_error=";
  const auto at = text.find(kStatus);
  if (at == std::string::npos) return {ErrorCode::guest_failed, text, "qemu", {}};
  constexpr std::array<std::pair<const char*, const char*>, 5> kCommands{{
      {"LAUNCH_START", "LAUNCH_START"},
      {"LAUNCH_UPDATE", "LAUNCH_UPDATE_DATA"},
      {"LAUNCH_MEASURE", "LAUNCH_MEASURE"},
      {"inject secret", "LAUNCH_SECRET"},
      {"attestation report", "ATTESTATION"},
  }};
  const auto* const found = std::ranges::find_if(
      kCommands, [&](const auto& command) { return text.find(command.first) != std::string::npos; });
  return {code_of(text.substr(at + kStatus.size())),
          "the PSP refused: " + text,
          found == kCommands.end() ? "psp" : found->second,
          {}};
}

Result<SevCapabilities> query_capabilities(const SevHost& host) {
  SEALIFT_TRY(const auto directory, TemporaryDirectory::create("sealift-sev"));
  const auto socket = (directory.path() / "qmp").string();
  SEALIFT_TRY(const auto started, start(host,
                                        {"-nodefaults", "-no-user-config", "-display", "none", "-machine",
                                         "none,accel=kvm", "-qmp", "unix:" + socket + ",server=on,wait=off"},
                                        directory.path(), -1));
  SEALIFT_TRY(const auto json, asked(started.qmp, "query-sev-capabilities", Json::object()));
  SevCapabilities shown;
  SEALIFT_TRY(const auto sev, asked(started.qmp, "query-sev", Json::object()));
  SEALIFT_CHECK(read_version(sev, shown));
  SEALIFT_TRY(shown.pdh, bytes_at(json, "pdh"));
  SEALIFT_TRY(shown.chain, bytes_at(json, "cert-chain"));
  SEALIFT_TRY(shown.chip_id, bytes_at(json, "cpu0-id"));
  SEALIFT_TRY(shown.c_bit, number_at(json, "cbitpos", 63));
  SEALIFT_TRY(shown.reduced_physical_bits, number_at(json, "reduced-phys-bits", 63));
  return shown;
}

std::vector<std::string> sev_arguments(const SevHost& host, const SevCapabilities& capabilities,
                                       const SevGuestSpec& spec, const SevGuestFiles& files) {
  return {"-nodefaults", "-no-user-config", "-no-reboot", "-S", "-machine",
          "q35,accel=kvm,confidential-guest-support=sev0", "-object",
          fmt::format("sev-guest,id=sev0,cbitpos={},reduced-phys-bits={},policy={},dh-cert-file={},"
                      "session-file={},kernel-hashes=on",
                      capabilities.c_bit, capabilities.reduced_physical_bits, spec.policy,
                      quoted(files.godh.string()), quoted(files.session.string())),
          "-cpu", host.cpu, "-smp", std::to_string(spec.cpus), "-m", std::to_string(spec.memory_mib),
          "-display", "none", "-vga", "none", "-sandbox", kSandbox, "-bios", spec.firmware.string(),
          "-kernel", spec.kernel.string(), "-initrd", spec.initramfs.string(), "-append", spec.cmdline,
          "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console", "-drive",
          fmt::format("if=none,id=root,format=raw,snapshot=on,file={}", quoted(spec.root_disk.string())),
          // Under SEV a device reaches shared memory alone, which the guest's driver knows by iommu_platform.
          "-device",
          fmt::format("virtio-blk-pci,drive=root,serial={},disable-legacy=on,iommu_platform=on",
                      spec.root_disk_serial),
          "-device", "virtio-rng-pci,disable-legacy=on,iommu_platform=on", "-qmp",
          fmt::format("unix:{},server=on,wait=off", files.qmp.string())};
}

Result<SevGuest> SevGuest::start_paused(const SevHost& host, const SevCapabilities& capabilities,
                                        const SevGuestSpec& spec) {
  SEALIFT_TRY(auto directory, TemporaryDirectory::create("sealift-sev"));
  const auto& path = directory.path();
  const SevGuestFiles files{path / "qmp", path / "godh.b64", path / "session.b64"};
  SEALIFT_CHECK(write_file(files.godh, as_bytes(crypto::to_base64(spec.godh)), 0600));
  SEALIFT_CHECK(write_file(files.session, as_bytes(crypto::to_base64(spec.session)), 0600));
  SEALIFT_TRY(auto started, start(host, sev_arguments(host, capabilities, spec, files), path, spec.console));
  return SevGuest{std::move(directory), std::move(started.qemu), std::move(started.qmp)};
}

Result<SevMeasured> SevGuest::measured() const {
  SevMeasured out;
  SEALIFT_TRY(const auto sev, asked(qmp_, "query-sev", Json::object()));
  SEALIFT_CHECK(read_version(sev, out));
  SEALIFT_TRY(out.policy, number_at(sev, "policy", UINT32_MAX));
  SEALIFT_TRY(const auto measure, asked(qmp_, "query-sev-launch-measure", Json::object()));
  SEALIFT_TRY(out.measurement, bytes_at(measure, "data"));
  return out;
}

Status SevGuest::inject(ByteView header, ByteView payload) const {
  const Json arguments{{"packet-header", crypto::to_base64(header)}, {"secret", crypto::to_base64(payload)}};
  SEALIFT_TRY(const auto done, asked(qmp_, "sev-inject-launch-secret", arguments));
  return {};
}

Status SevGuest::resume() const {
  SEALIFT_TRY(const auto done, asked(qmp_, "cont", Json::object()));
  return {};
}

Result<Bytes> SevGuest::report(ByteView nonce) const {
  SEALIFT_TRY(const auto json,
              asked(qmp_, "query-sev-attestation-report", Json{{"mnonce", crypto::to_base64(nonce)}}));
  return bytes_at(json, "data");
}

void SevGuest::stop() const noexcept { qemu_.signal(SIGKILL); }

}  // namespace sealift::agent
