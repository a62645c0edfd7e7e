// SPDX-License-Identifier: Apache-2.0
// AMD's certificates of both formats: what is accepted has a key that can be used, and its bytes are kept.
#include <cstdlib>

#include "tee/sev/amd_certificate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift;
  const ByteView input{data, size};
  if (const auto certificate = sev::Certificate::parse(input, "pek")) {
    if (!same_bytes(certificate->bytes(), input)) std::abort();
    for (const auto signer : {sev::Usage::ask, sev::Usage::oca, sev::Usage::pek, sev::Usage::cek}) {
      if (certificate->verify_signature(signer, certificate->key(), "pek") &&
          !certificate->names_signer(signer)) {
        std::abort();
      }
    }
  }
  for (const auto usage : {sev::Usage::ark, sev::Usage::ask}) {
    const auto certificate = sev::AmdCertificate::parse(input, usage);
    if (!certificate) continue;
    if (certificate->usage() != usage || certificate->bytes().size() > size) std::abort();
    (void)certificate->verify_signature(certificate->key());
  }
  return 0;
}
