// SPDX-License-Identifier: Apache-2.0
// What an untrusted host agent may ask, and what is answered: what is read can be written and read again. A
// leading byte says how many files come along.
#include <fcntl.h>

#include <cstdlib>

#include "services/ultravisor/api/messages.h"

using namespace sealift;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ultravisor::Message message{{data + 1, data + size}, {}};
  if (const auto reply = ultravisor::read_reply(message.text)) {
    const auto text = ultravisor::write_reply(*reply);
    const auto again = ultravisor::read_reply(text);
    if (!again || ultravisor::write_reply(*again) != text) std::abort();
  }
  for (int i = 0; i < data[0] % 8; ++i) message.files.push_back(open_file("/dev/null", O_RDONLY).value());
  auto request = ultravisor::read_request(std::move(message));
  if (request && !ultravisor::read_request(ultravisor::write_request(*std::move(request)))) std::abort();
  return 0;
}
