// SPDX-License-Identifier: Apache-2.0
#include "emulator/firmware/container.h"

#include <fmt/core.h>

#include <algorithm>

namespace sealift::emulator {
namespace {

constexpr std::string_view kMagic = "SEALIFTF";
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::uint16_t kEcdsaP256Sha256 = 1;
constexpr std::size_t kNameLimit = 32;
constexpr std::size_t kSignatureLimit = 72;  // a DER ECDSA signature on P-256 is at most that long
constexpr auto kSignatureHash = crypto::HashAlgorithm::sha256;
constexpr auto kDigestHash = crypto::HashAlgorithm::sha512;

template <std::size_t N>
Result<std::array<std::uint8_t, N>> take_array(ByteReader& reader) {
  SEALIFT_TRY(const auto bytes, reader.take(N));
  std::array<std::uint8_t, N> out{};
  std::ranges::copy(bytes, out.begin());
  return out;
}

Result<std::string> take_text(ByteReader& reader, const char* field, bool (*allowed)(char)) {
  SEALIFT_TRY(const auto bytes, reader.sized16(kNameLimit));
  const auto text = as_text(bytes);
  if (text.empty() || !std::ranges::all_of(text, allowed)) {
    return fail(ErrorCode::malformed, fmt::format("the container's {} is not text as it must be", field),
                field);
  }
  return std::string{text};
}

bool name_character(char c) { return (c >= 'a' && c <= 'z') || c == '-'; }
bool version_character(char c) { return c > ' ' && c < 0x7f; }

Status check_start(ByteReader& reader, std::size_t size) {
  SEALIFT_TRY(const auto magic, reader.take(kMagic.size()));
  if (as_text(magic) != kMagic)
    return fail(ErrorCode::malformed, "no firmware container starts here", "magic");
  SEALIFT_TRY(const auto version, reader.be32());
  if (version != kFormatVersion) {
    return fail(ErrorCode::unsupported, fmt::format("firmware container version {} is unknown", version),
                "version");
  }
  SEALIFT_TRY(const auto total, reader.be32());
  if (total > size) {
    return fail(ErrorCode::truncated, fmt::format("the container says {} bytes, there are {}", total, size),
                "size");
  }
  if (total < size) return fail(ErrorCode::malformed, "bytes follow the container", "size");
  return {};
}

Status read_prefix(ByteReader& reader, Container& out) {
  SEALIFT_TRY(const auto algorithm, reader.be16());
  if (algorithm != kEcdsaP256Sha256) {
    return fail(ErrorCode::unsupported, fmt::format("signature algorithm {} is unknown", algorithm),
                "algorithm");
  }
  SEALIFT_TRY(out.firmware_key, take_array<64>(reader));
  for (auto& signature : out.hardware_signatures) {
    SEALIFT_TRY(const auto bytes, reader.sized16(kSignatureLimit));
    signature = to_bytes(bytes);
  }
  return {};
}

Status read_software(ByteReader& reader, Container& out) {
  SEALIFT_TRY(out.component, take_text(reader, "component", name_character));
  SEALIFT_TRY(out.version, take_text(reader, "version", version_character));
  SEALIFT_TRY(const auto payload_size, reader.be32());
  SEALIFT_TRY(out.payload_digest, take_array<64>(reader));
  SEALIFT_TRY(const auto signature, reader.sized16(kSignatureLimit));
  out.firmware_signature = to_bytes(signature);
  SEALIFT_TRY(const auto payload, reader.take(payload_size));
  out.payload = to_bytes(payload);
  return reader.expect_end();
}

Result<crypto::PublicKey> public_key(const RawKey& raw) {
  const ByteView view{raw};
  return crypto::PublicKey::from_ec(
      {crypto::Curve::p256, to_bytes(view.first(32)), to_bytes(view.subspan(32))});
}

tl::unexpected<Error> invalid(Component component, const std::string& what) {
  return fail(ErrorCode::firmware_signature_invalid,
              fmt::format("firmware component {}: {}", name(component), what), std::string{name(component)});
}

Status check_signature(const RawKey& raw, ByteView message, ByteView signature, Component component,
                       const std::string& whose) {
  const auto key = public_key(raw);
  if (!key) return invalid(component, fmt::format("the {} is no point of P-256", whose));
  if (key->verify(kSignatureHash, message, signature)) return {};
  return invalid(component, fmt::format("the signature by the {} does not match", whose));
}

Status check_prefix(const Container& container, Component component) {
  const auto prefix = container.prefix_header();
  for (std::size_t i = 0; i < kHardwareKeys; ++i) {
    SEALIFT_CHECK(check_signature(container.hardware_keys.at(i), prefix, container.hardware_signatures.at(i),
                                  component, fmt::format("hardware key {}", "abc"[i])));
  }
  return {};
}

Status check_payload(const Container& container, Component component) {
  if (container.component != name(component)) {
    return invalid(component, fmt::format("this is a signed '{}'", container.component));
  }
  if (!same_bytes(crypto::digest(kDigestHash, container.payload).view(), container.payload_digest)) {
    return invalid(component, "the payload is not the one that was signed");
  }
  return {};
}

}  // namespace

Result<Container> Container::parse(ByteView bytes) {
  if (bytes.size() > kContainerLimit) {
    return fail(ErrorCode::too_large,
                fmt::format("a firmware container has at most {} bytes", kContainerLimit));
  }
  ByteReader reader{bytes};
  SEALIFT_CHECK(check_start(reader, bytes.size()));
  Container out;
  for (auto& key : out.hardware_keys) {
    SEALIFT_TRY(key, take_array<64>(reader));
  }
  SEALIFT_CHECK(read_prefix(reader, out));
  SEALIFT_CHECK(read_software(reader, out));
  return out;
}

Bytes Container::prefix_header() const {
  ByteWriter out;
  out.be16(kEcdsaP256Sha256).bytes(firmware_key);
  return std::move(out).take();
}

Bytes Container::software_header() const {
  ByteWriter out;
  out.sized16(as_bytes(component)).sized16(as_bytes(version));
  out.be32(static_cast<std::uint32_t>(payload.size())).bytes(payload_digest);
  return std::move(out).take();
}

Bytes Container::serialize() const {
  ByteWriter body;
  for (const auto& key : hardware_keys) body.bytes(key);
  body.bytes(prefix_header());
  for (const auto& signature : hardware_signatures) body.sized16(signature);
  body.bytes(software_header()).sized16(firmware_signature).bytes(payload);
  const auto start = kMagic.size() + 8;
  ByteWriter out;
  out.text(kMagic).be32(kFormatVersion).be32(static_cast<std::uint32_t>(start + body.view().size()));
  out.bytes(body.view());
  return std::move(out).take();
}

crypto::Digest hardware_key_hash(const Container& container) {
  crypto::Hasher hasher{kDigestHash};
  for (const auto& key : container.hardware_keys) hasher.update(key);
  return hasher.finish();
}

Result<RawKey> raw_key(const crypto::PublicKey& key) {
  SEALIFT_TRY(const auto point, key.ec());
  if (point.curve != crypto::Curve::p256)
    return fail(ErrorCode::key_unsupported, "a firmware key is on P-256");
  RawKey raw{};
  std::ranges::copy(point.x, raw.begin());
  std::ranges::copy(point.y, raw.begin() + 32);
  return raw;
}

Status verify_container(const Container& container, Component component,
                        const crypto::Digest& hardware_keys) {
  if (const auto found = hardware_key_hash(container); !(found == hardware_keys)) {
    return differs(ErrorCode::firmware_keys_differ,
                   fmt::format("firmware component {}: its hardware keys are not those of this machine",
                               name(component)),
                   std::string{name(component)}, to_hex(hardware_keys.view()), to_hex(found.view()));
  }
  SEALIFT_CHECK(check_prefix(container, component));
  SEALIFT_CHECK(check_signature(container.firmware_key, container.software_header(),
                                container.firmware_signature, component, "firmware key"));
  return check_payload(container, component);
}

}  // namespace sealift::emulator
