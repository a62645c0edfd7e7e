// SPDX-License-Identifier: Apache-2.0
#include "cli/sev/owner_launch.h"

#include <fmt/core.h>

#include "base/file.h"
#include "cli/sev/launch_secret.h"
#include "guest/agent/customer_data_wire.h"
#include "guest/image/manifest.h"
#include "services/agent/sev/key_files.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/secret_packet.h"
#include "tee/sev/secret_table.h"
#include "tee/sev/session.h"

namespace sealift::cli {
namespace {

namespace fs = std::filesystem;

using Step = std::function<void(std::string_view, std::string_view)>;

constexpr std::size_t kCmdlineLimit = image::kMaxCmdlineSize;
/// 1025: the PSP's chain, up to a root that the owner trusts.
Result<sev::VerifiedPlatform> prove(const OwnerSide& owner, const agent::SevCapabilities& shown) {
  if (shown.chain.size() != 3 * sev::kCertificateSize)
    return fail(ErrorCode::malformed, "the machine shows no chain of three certificates", "cert-chain");
  const agent::SevKeyFiles keys{owner.key_server};
  SEALIFT_TRY(const auto ark, keys.ark());
  SEALIFT_TRY(const auto ask, keys.ask());
  SEALIFT_TRY(const auto cek, keys.cek(shown.chip_id));
  const ByteView chain{shown.chain};
  return sev::VerifiedPlatform::verify({.pdh = shown.pdh,
                                        .pek = chain.first(sev::kCertificateSize),
                                        .oca = chain.subspan(sev::kCertificateSize, sev::kCertificateSize),
                                        .cek = cek,
                                        .ask = ask,
                                        .ark = ark},
                                       owner.roots);
}

const fs::path& either(const fs::path& lie, const fs::path& truth) { return lie.empty() ? truth : lie; }

/// 1029, 1051: the host loads the image, and starts nothing of it.
Result<agent::SevGuest> load(const HostSide& host, const agent::SevCapabilities& capabilities,
                             const sev::LaunchSession& session, sev::Policy policy) {
  const auto& lies = host.lies;
  agent::SevGuestSpec spec;
  spec.firmware = either(lies.firmware, host.firmware);
  spec.kernel = either(lies.kernel, host.image / image::kKernelFile);
  spec.initramfs = either(lies.initramfs, host.image / image::kInitramfsFile);
  spec.root_disk = host.image / image::kRootDiskFile;
  spec.root_disk_serial = guest::kRootDiskSerial;
  SEALIFT_TRY(const auto cmdline, read_file(host.image / image::kCmdlineFile, kCmdlineLimit));
  spec.cmdline = lies.cmdline.value_or(std::string{as_text(cmdline)});
  spec.memory_mib = host.memory_mib;
  spec.policy = lies.policy.value_or(policy.value());
  spec.godh = to_bytes(session.godh.bytes());
  spec.session = to_bytes(session.blob);
  spec.console = host.console;
  return agent::SevGuest::start_paused(host.host, capabilities, spec);
}

crypto::Digest expected_digest(const OwnerSide& owner) {
  const auto& inputs = owner.owner.inputs;
  const sev::KernelHashes hashes{inputs.kernel_sha256, inputs.initramfs_sha256,
                                 sev::hash_cmdline(inputs.cmdline)};
  return sev::launch_digest(owner.firmware, hashes);
}

/// 1055 to 1059, 1099: what was loaded is what the owner expects, by the PSP's word.
Result<sev::VerifiedMeasurement> verify(const OwnerSide& owner, const agent::SevMeasured& shown,
                                        const sev::TransportKey& tik) {
  const sev::FirmwareVersion version{{shown.api_major, shown.api_minor}, shown.build};
  if (version.api < owner.policy.minimum_api())
    return fail(ErrorCode::sev_api_too_old,
                fmt::format("the machine's SEV firmware is of API {}.{}", shown.api_major, shown.api_minor),
                "policy.minimum_api");
  SEALIFT_TRY(const auto measured, sev::Measurement::parse(shown.measurement));
  return sev::VerifiedMeasurement::verify(measured, tik, version, owner.policy, expected_digest(owner));
}

}  // namespace

Result<OwnerLaunch> launch_sev(const OwnerSide& owner, const HostSide& host, const Step& step) {
  SEALIFT_CHECK(sev::check_keeps_secrets(owner.policy));
  SEALIFT_TRY(const auto table, launch_secret_table(owner.owner));
  SEALIFT_TRY(const auto capabilities, agent::query_capabilities(host.host));
  SEALIFT_TRY(const auto platform, prove(owner, capabilities));
  step("1025", "the machine's PSP is genuine: its chain leads to the root " + platform.root());
  SEALIFT_TRY(auto session, sev::make_session(platform, owner.policy));
  SEALIFT_TRY(auto guest, load(host, capabilities, session, owner.policy));
  step("1029", "the host loaded the image; not one instruction of it has run");
  SEALIFT_TRY(auto shown, guest.measured());
  if (host.lies.measurement) shown.measurement = *host.lies.measurement;
  SEALIFT_TRY(const auto verified, verify(owner, shown, session.keys.tik));
  step("1059", "firmware, kernel, initramfs and command line are those that the owner expects");
  auto packet = sev::seal_packet(session.keys, verified.measurement(), table.expose(),
                                 {shown.api_major, shown.api_minor});
  if (host.lies.alters_packet) packet.payload.front() ^= 1U;
  SEALIFT_CHECK(guest.inject(packet.header, packet.payload));
  step("1091", "the PSP put the secret into the guest's memory");
  SEALIFT_CHECK(guest.resume());
  step("1093", "the guest runs");
  return OwnerLaunch{std::move(guest), platform.root(), platform.hardware_key_hash(),
                     std::move(shown.measurement)};
}

}  // namespace sealift::cli
