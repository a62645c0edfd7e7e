// SPDX-License-Identifier: Apache-2.0
/// sealift sev secret: a packet for sev-inject-launch-secret.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands/sev.h"
#include "cli/new_files.h"
#include "cli/sev_inputs.h"
#include "crypto/base64.h"
#include "tee/sev/secret_packet.h"

namespace sealift::cli {
namespace {

struct SecretOptions {
  Path tik;
  Path tek;
  std::string measurement;
  std::vector<std::string> entries;
  Path header;
  Path payload;
  std::string insecure_iv;
  std::string api_major;
  std::string api_minor;
};

Result<std::vector<sev::SecretEntry>> read_entries(const std::vector<std::string>& arguments) {
  std::vector<sev::SecretEntry> entries;
  for (const auto& argument : arguments) {
    SEALIFT_TRY(const auto assignment, split_assignment(argument, "--entry"));
    const auto guid = sev::Guid::parse(assignment.first);
    if (!guid) return fail(ErrorCode::invalid_argument, guid.error().message, "--entry");
    SEALIFT_TRY(auto value, read_secret_file(assignment.second, sev::kSecretPacketLimit));
    entries.push_back({*guid, std::move(value)});
  }
  return entries;
}

/// The launch's, where it is given; else of a firmware that binds the measurement in, as all since 2018 do.
Result<sev::ApiVersion> api_of(const SecretOptions& options) {
  if (options.api_major.empty() && options.api_minor.empty()) return sev::kContextApi;
  SEALIFT_TRY(const auto major, parse_number(options.api_major, "--api-major", 0xff));
  SEALIFT_TRY(const auto minor, parse_number(options.api_minor, "--api-minor", 0xff));
  return sev::ApiVersion{static_cast<std::uint8_t>(major), static_cast<std::uint8_t>(minor)};
}

Result<sev::SecretPacket> seal(const SecretOptions& options, const sev::TransportKeys& keys,
                               const sev::Measurement& measurement, ByteView table) {
  SEALIFT_TRY(const auto api, api_of(options));
  if (options.insecure_iv.empty()) return seal_packet(keys, measurement, table, api);
  const auto bytes = from_hex(options.insecure_iv);
  sev::PacketIv iv{};
  if (!bytes || bytes->size() != iv.size()) {
    return fail(ErrorCode::invalid_argument, "--insecure-test-iv takes 16 bytes in hexadecimal",
                "--insecure-test-iv");
  }
  std::ranges::copy(*bytes, iv.begin());
  return seal_packet_insecure_iv(keys, measurement, table, iv, api);
}

Status run_secret(const SecretOptions& options, Context& context) {
  SEALIFT_TRY(const auto measured, parse_base64(options.measurement, "--measurement", sev::kMeasurementSize));
  SEALIFT_TRY(const auto measurement, sev::Measurement::parse(measured));
  SEALIFT_TRY(const auto entries, read_entries(options.entries));
  SEALIFT_TRY(auto tik, read_transport_key(options.tik));
  SEALIFT_TRY(auto tek, read_transport_key(options.tek));
  const sev::TransportKeys keys{std::move(tek), std::move(tik)};
  SEALIFT_TRY(const auto table, sev::write_secret_table(entries));
  SEALIFT_TRY(const auto packet, seal(options, keys, measurement, table.expose()));
  SEALIFT_CHECK(write_files({{options.header, packet.header}, {options.payload, packet.payload}}));
  const auto* const warning = table.size() > sev::kAmdSevSecretArea
                                  ? "Larger than the area that AmdSev OVMF reserves (3072 bytes).\n"
                                  : "";
  return context.report(
      Json{{"entries", entries.size()},
           {"size", packet.payload.size()},
           {"header", options.header.string()},
           {"payload", options.payload.string()},
           {"packet_header", crypto::to_base64(packet.header)},
           {"secret", crypto::to_base64(packet.payload)}},
      fmt::format("{} secrets in {} bytes: {} and {}, for the launch with this measurement alone\n{}",
                  entries.size(), packet.payload.size(), printable(options.header.string()),
                  printable(options.payload.string()), warning));
}

}  // namespace

void declare_sev_secret(Command& group) {
  auto options = std::make_shared<SecretOptions>();
  group
      .command(
          "secret", "Encrypt secrets for a launch whose measurement was checked",
          "sealift sev secret --tik session/tik.bin --tek session/tek.bin --measurement kx9…= "
          "--entry 736869e5-84f0-4973-92ec-06879ce3da0b=passphrase --header header.bin --payload payload.bin",
          [options](Context& context) { return run_secret(*options, context); })
      .path("--tik", options->tik, kFile, "the session's TIK, 16 bytes", Need::required)
      .path("--tek", options->tek, kFile, "the session's TEK, 16 bytes", Need::required)
      .text("--measurement", options->measurement, "B64",
            "the launch measurement, 48 bytes, as query-sev-launch-measure gives it and sev measure confirms "
            "it",
            Need::required)
      .texts("--entry", options->entries, "GUID=FILE",
             "a secret; may be repeated. The disk's passphrase has 736869e5-84f0-4973-92ec-06879ce3da0b",
             Need::required)
      .path("--header", options->header, kFile, "gets the packet's header, 52 bytes", Need::required)
      .path("--payload", options->payload, kFile, "gets the encrypted secrets", Need::required)
      .text("--api-major", options->api_major, "N", "of a SEV firmware older than API 0.17")
      .text("--api-minor", options->api_minor, "N", "of a SEV firmware older than API 0.17")
      .text("--insecure-test-iv", options->insecure_iv, kHex,
            "for comparing with other programs only: two packets with one IV give their secrets away");
}

}  // namespace sealift::cli
