// SPDX-License-Identifier: Apache-2.0
#include "emulator/firmware/vendor.h"

#include <fmt/core.h>

#include "base/file.h"
#include "emulator/firmware/new_file.h"

namespace sealift::emulator {
namespace {

constexpr std::size_t kKeyFileLimit = 4096;
constexpr std::size_t kCodeSize = 4096;
constexpr std::array<std::string_view, kHardwareKeys + 1> kKeyFiles{
    "hardware-key-a.pem", "hardware-key-b.pem", "hardware-key-c.pem", "firmware-key.pem"};

/// Stands for machine code: other for every component and version, the same wherever it is made.
Bytes payload_of(Component component, std::string_view version) {
  const auto title =
      fmt::format("Sealift emulated firmware\ncomponent: {}\nversion: {}\n", name(component), version);
  auto payload = to_bytes(as_bytes(title));
  for (std::uint32_t block = 0; payload.size() < kCodeSize; ++block) {
    ByteWriter counter;
    counter.be32(block);
    const auto code = crypto::digest(crypto::HashAlgorithm::sha512, {as_bytes(title), counter.view()});
    payload.insert(payload.end(), code.view().begin(), code.view().end());
  }
  payload.resize(kCodeSize);
  return payload;
}

}  // namespace

Result<Vendor> Vendor::generate() {
  std::vector<crypto::PrivateKey> keys;
  while (keys.size() < kKeys) {
    SEALIFT_TRY(auto key, crypto::PrivateKey::generate_ec(crypto::Curve::p256));
    keys.push_back(std::move(key));
  }
  return Vendor{std::move(keys)};
}

Result<Vendor> Vendor::load(const std::filesystem::path& directory) {
  std::vector<crypto::PrivateKey> keys;
  for (const auto file : kKeyFiles) {
    SEALIFT_TRY(const auto pem, read_secret_file(directory / file, kKeyFileLimit));
    SEALIFT_TRY(auto key, crypto::PrivateKey::parse(pem.expose()));
    keys.push_back(std::move(key));
  }
  return Vendor{std::move(keys)};
}

Status Vendor::save(const std::filesystem::path& directory) const {
  for (std::size_t i = 0; i < kKeys; ++i) {
    const auto pem = keys_.at(i).pem();
    SEALIFT_CHECK(write_new_file(directory / kKeyFiles.at(i), pem.expose()));
  }
  return {};
}

Result<std::array<RawKey, kHardwareKeys>> Vendor::raw_hardware_keys() const {
  std::array<RawKey, kHardwareKeys> raw{};
  for (std::size_t i = 0; i < kHardwareKeys; ++i) {
    SEALIFT_TRY(raw.at(i), raw_key(keys_.at(i).public_key()));
  }
  return raw;
}

Result<Container> Vendor::sign(Component component, std::string_view version, ByteView payload) const {
  Container out;
  SEALIFT_TRY(out.hardware_keys, raw_hardware_keys());
  SEALIFT_TRY(out.firmware_key, raw_key(firmware_key().public_key()));
  const auto prefix = out.prefix_header();
  for (std::size_t i = 0; i < kHardwareKeys; ++i) {
    SEALIFT_TRY(out.hardware_signatures.at(i), keys_.at(i).sign(crypto::HashAlgorithm::sha256, prefix));
  }
  out.component = name(component);
  out.version = version;
  out.payload = to_bytes(payload);
  std::ranges::copy(crypto::digest(crypto::HashAlgorithm::sha512, payload).view(),
                    out.payload_digest.begin());
  SEALIFT_TRY(out.firmware_signature,
              firmware_key().sign(crypto::HashAlgorithm::sha256, out.software_header()));
  return out;
}

Result<crypto::Digest> Vendor::hardware_key_hash() const {
  Container keys;
  SEALIFT_TRY(keys.hardware_keys, raw_hardware_keys());
  return emulator::hardware_key_hash(keys);
}

const std::array<FirmwareSet, 3>& firmware_sets() noexcept {
  static constexpr std::array<FirmwareSet, 3> kSets{FirmwareSet{"default", "vendor", "1.0", "1.0"},
                                                    FirmwareSet{"next", "vendor", "1.1", "1.0"},
                                                    FirmwareSet{"foreign", "other-vendor", "1.0", "1.0"}};
  return kSets;
}

Result<const FirmwareSet*> firmware_set_from_name(std::string_view name) {
  std::string known;
  for (const auto& set : firmware_sets()) {
    if (set.name == name) return &set;
    known += known.empty() ? "" : ", ";
    known += set.name;
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("there is no firmware '{}'; there are {}", name, known), "firmware");
}

Result<Flash> build_firmware(const Vendor& vendor, const FirmwareSet& set) {
  Flash flash;
  for (const auto component : kComponents) {
    const auto version = component == Component::mutable_loader ? set.verification_version : set.version;
    SEALIFT_TRY(const auto container, vendor.sign(component, version, payload_of(component, version)));
    part(flash, component) = container.serialize();
  }
  return flash;
}

}  // namespace sealift::emulator
