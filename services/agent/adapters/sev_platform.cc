// SPDX-License-Identifier: Apache-2.0
#include "services/agent/adapters/sev_platform.h"

#include "services/agent/sev/platform_status.h"
#include "tee/sev/documents.h"

namespace sealift::agent {

Result<SevCapabilities> sev_capabilities(const SevHost& host) {
  SEALIFT_TRY(auto shown, query_capabilities(host));
  if (shown.api_major != 0 || shown.api_minor != 0) return shown;
  // QEMU itself knows it of its own guest alone.
  SEALIFT_TRY(const auto status, sev_platform_status());
  shown.api_major = status.api_major;
  shown.api_minor = status.api_minor;
  shown.build = status.build;
  return shown;
}

Result<Bytes> SevPlatform::evidence() {
  SEALIFT_TRY(const auto shown, sev_capabilities(host_));
  if (shown.chain.size() != 3 * sev::kCertificateSize)
    return fail(ErrorCode::malformed, "the machine shows no chain of three certificates", "cert-chain");
  const auto certificate = [&](std::size_t place) {
    return to_bytes(ByteView{shown.chain}.subspan(place * sev::kCertificateSize, sev::kCertificateSize));
  };
  sev::Evidence evidence{{{shown.api_major, shown.api_minor}, shown.build},
                         shown.pdh,
                         certificate(0),
                         certificate(1),
                         {},
                         {},
                         {}};
  SEALIFT_TRY(evidence.cek, keys_.cek(shown.chip_id));
  SEALIFT_TRY(evidence.ask, keys_.ask());
  SEALIFT_TRY(evidence.ark, keys_.ark());
  return to_bytes(as_bytes(to_json(evidence)));
}

Result<Bytes> SevPlatform::answer(ByteView) {
  return fail(ErrorCode::unsupported, "this host answers by loading an image", "question");
}

}  // namespace sealift::agent
