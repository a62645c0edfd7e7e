// SPDX-License-Identifier: Apache-2.0
// Secret tables and packets: a table that is read and can be written reads the same again; no packet opens.
#include <cstdlib>

#include "tee/sev/secret_packet.h"
#include "tee/sev/secret_table.h"

namespace {

using namespace sealift;

sev::TransportKey key() {
  Bytes bytes(16, 1);
  return sev::TransportKey{std::span<std::uint8_t>{bytes}.first<16>()};
}

bool same(const std::vector<sev::SecretEntry>& a, const std::vector<sev::SecretEntry>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].guid != b[i].guid || !a[i].value.equals(b[i].value.expose())) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input{data, size};
  if (const auto entries = sev::read_secret_table(input)) {
    if (const auto table = sev::write_secret_table(*entries)) {
      const auto again = sev::read_secret_table(table->expose());
      if (!again || !same(*again, *entries)) std::abort();
    }
  }
  static const sev::TransportKeys keys{key(), key()};
  const auto head = std::min(size, sev::kPacketHeaderSize);
  if (sev::open_packet(keys, {}, input.first(head), input.subspan(head))) std::abort();
  return 0;
}
