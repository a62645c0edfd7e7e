// SPDX-License-Identifier: Apache-2.0
// What a host shows, and what it is asked: what is accepted is written back to what is accepted again, the
// same. A session that a fuzzer makes opens on no PSP.
#include <cstdlib>

#include "tee/sev/documents.h"

namespace {

template <typename Document>
void write_and_read(const Document& document, sealift::Result<Document> (*parse)(sealift::ByteView)) {
  const auto text = to_json(document);
  const auto again = parse(sealift::as_bytes(text));
  if (!again || to_json(*again) != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift;
  const ByteView input{data, size};
  if (const auto evidence = sev::parse_evidence(input)) write_and_read(*evidence, sev::parse_evidence);
  const auto request = sev::parse_launch_request(input);
  if (!request) return 0;
  write_and_read(*request, sev::parse_launch_request);
  static const auto pdh = crypto::PrivateKey::generate_ec(crypto::Curve::p384).value();
  const auto godh = sev::Certificate::parse(request->godh, "godh");
  if (godh && sev::open_session(pdh, *godh, request->session, request->policy)) std::abort();
  return 0;
}
