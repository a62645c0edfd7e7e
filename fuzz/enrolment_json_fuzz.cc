// SPDX-License-Identifier: Apache-2.0
// The files of enrolled hosts and challenges. What is accepted must be written back to something that reads
// the same.
#include <cstdlib>

#include "fuzz/patched.h"
#include "tee/host_for_test.h"

namespace {

using namespace sealift;

template <typename T>
void read_twice(std::string_view text) {
  const auto first = T::from_json(text);
  if (!first) return;
  const auto again = T::from_json(first->to_json());
  if (!again || again->to_json() != first->to_json()) std::abort();
}

const std::string& challenge_file() {
  static const auto kFile = tee::host().challenge().to_json();
  return kFile;
}

const std::string& host_file() {
  static const auto kFile = [] {
    auto challenge = tee::host().challenge();
    return challenge.finish(tee::host().activate(challenge.credential()).value(), test_pki::now())->to_json();
  }();
  return kFile;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input{data + 1, size - 1};
  switch (data[0] % 3) {
    case 0:
      read_twice<tee::Challenge>(as_text(input));
      read_twice<tee::EnrolledHost>(as_text(input));
      break;
    case 1:
      read_twice<tee::Challenge>(as_text(fuzz::patched(as_bytes(challenge_file()), input)));
      break;
    default:
      read_twice<tee::EnrolledHost>(as_text(fuzz::patched(as_bytes(host_file()), input)));
  }
  return 0;
}
