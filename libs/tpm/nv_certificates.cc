// SPDX-License-Identifier: Apache-2.0
#include "tpm/nv_certificates.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>

#include "tpm/profile.h"

namespace sealift::tpm {
namespace {

constexpr std::size_t kCertificateLimit = 16 * 1024;
constexpr std::size_t kChainLimit = 64 * 1024;
constexpr std::size_t kCertificatesLimit = 8;

/// What an index is for, in errors.
struct Purpose {
  ErrorCode malformed;
  const char* field;
};
constexpr Purpose kEk{ErrorCode::ek_certificate_malformed, "ek_certificates"};
constexpr Purpose kPlatform{ErrorCode::platform_certificate_malformed, "platform_certificate"};

/// Takes one certificate from the front.
Result<Bytes> take_certificate(ByteView& contents, const Purpose& purpose) {
  ByteReader reader{contents};
  const auto tag = reader.be16();
  // SEQUENCE with a length of two bytes: what every certificate of more than 255 bytes starts with.
  if (!tag || *tag != 0x3082)
    return fail(purpose.malformed, "the NV index holds no DER certificate", purpose.field);
  SEALIFT_TRY(const auto length, reader.be16());
  if (!reader.take(length))
    return fail(purpose.malformed, "the certificate in NV ends too early", purpose.field);
  auto certificate = to_bytes(contents.first(reader.position()));
  contents = contents.subspan(certificate.size());
  return certificate;
}

Result<Bytes> read_contents(Tpm& tpm, const NvIndex& index, const Purpose& purpose) {
  if (index.size <= kCertificateLimit) return nv_read_all(tpm, index);
  return fail(ErrorCode::too_large,
              fmt::format("NV index {:#010x} is too large for a certificate", index.index), purpose.field);
}

Result<Bytes> read_one(Tpm& tpm, const NvIndex& index, const Purpose& purpose) {
  SEALIFT_TRY(const auto contents, read_contents(tpm, index, purpose));
  ByteView view{contents};
  return take_certificate(view, purpose);
}

Result<Bytes> read_chain(Tpm& tpm) {
  Bytes all;
  for (auto handle = kEkChainIndex; handle <= kEkChainLastIndex; ++handle) {
    SEALIFT_TRY(const auto index, find_written_index(tpm, handle));
    if (!index) break;
    SEALIFT_TRY(const auto contents, read_contents(tpm, *index, kEk));
    all.insert(all.end(), contents.begin(), contents.end());
    if (all.size() > kChainLimit)
      return fail(ErrorCode::too_large, "the chain of the EK certificate in NV is too large", kEk.field);
  }
  return all;
}

ByteView without_filling(ByteView contents) {
  const auto is_filling = [](std::uint8_t byte) { return byte == 0 || byte == 0xff; };
  const auto next = std::ranges::find_if_not(contents, is_filling);
  return contents.subspan(static_cast<std::size_t>(next - contents.begin()));
}

}  // namespace

Result<std::optional<NvIndex>> find_written_index(Tpm& tpm, Handle handle) {
  SEALIFT_TRY(auto index, find_nv_index(tpm, handle));
  if (index && (index->attributes & TPMA_NV_WRITTEN) == 0) index.reset();
  return index;
}

Result<std::vector<Bytes>> read_ek_certificates(Tpm& tpm, const NvIndex& own) {
  std::vector<Bytes> certificates;
  SEALIFT_TRY(auto certificate, read_one(tpm, own, kEk));
  certificates.push_back(std::move(certificate));
  SEALIFT_TRY(const auto chain, read_chain(tpm));
  for (auto rest = without_filling(chain); !rest.empty(); rest = without_filling(rest)) {
    if (certificates.size() == kCertificatesLimit)
      return fail(ErrorCode::too_large, "the chain of the EK certificate in NV is too long", kEk.field);
    SEALIFT_TRY(auto next, take_certificate(rest, kEk));
    certificates.push_back(std::move(next));
  }
  return certificates;
}

Result<Bytes> read_platform_certificate(Tpm& tpm) {
  SEALIFT_TRY(const auto index, find_written_index(tpm, kPlatformCertificateIndex));
  if (!index) return Bytes{};
  return read_one(tpm, *index, kPlatform);
}

}  // namespace sealift::tpm
