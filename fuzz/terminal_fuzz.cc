// SPDX-License-Identifier: Apache-2.0
// A guest's words on their way to a terminal: none of them controls it.
#include <unistd.h>

#include <cstdlib>

#include "cli/output.h"
#include "cli/run/console_stream.h"

namespace {

using namespace sealift;

void check_plain(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) std::abort();
  }
  if (cli::printable(text) != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_plain(cli::printable(as_text({data, size})));
  int ends[2];
  if (size > 32'768 || ::pipe(ends) != 0) return 0;
  UniqueFd input{ends[0]};
  {
    const UniqueFd output{ends[1]};
    if (!write_all(output.get(), {data, size})) std::abort();
  }
  static const auto kLogin = cli::Pattern::compile("login:").value();
  cli::ConsoleStream console{{{}, check_plain}};
  while (true) {
    const auto more = console.read_from(input.get(), &kLogin);
    if (!more) std::abort();
    if (!*more) break;
  }
  return 0;
}
