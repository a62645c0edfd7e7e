// SPDX-License-Identifier: Apache-2.0
// Approvals and withdrawals. What is accepted must be written back to something that reads the same, and must
// say what the approver signed.
#include <cstdlib>

#include "fuzz/patched.h"
#include "tpm/approval.h"

namespace {

using namespace sealift;

struct Genuine {
  std::string approval;
  std::string withdrawal;
};

const Genuine& genuine() {
  static const auto kDocuments = [] {
    const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
    const auto state = tpm::PcrValues::parse("sha256:6=" + std::string(64, 'a')).value();
    return Genuine{tpm::to_json(tpm::approve(key, tpm::firmware_profile(), "one", 7, state).value()),
                   tpm::to_json(tpm::withdraw_below(key, tpm::firmware_profile(), 7).value())};
  }();
  return kDocuments;
}

template <typename T>
void read_twice(const Result<T>& first, Result<T> (*parse)(ByteView), bool is_patched) {
  if (!first) return;
  if (is_patched && first->version != 7) std::abort();
  const auto again = parse(as_bytes(tpm::to_json(*first)));
  if (!again || tpm::to_json(*again) != tpm::to_json(*first)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input{data + 1, size - 1};
  switch (data[0] % 3) {
    case 0:
      read_twice(tpm::parse_approval(input), tpm::parse_approval, false);
      read_twice(tpm::parse_withdrawal(input), tpm::parse_withdrawal, false);
      break;
    case 1:
      read_twice(tpm::parse_approval(fuzz::patched(as_bytes(genuine().approval), input)), tpm::parse_approval,
                 true);
      break;
    default:
      read_twice(tpm::parse_withdrawal(fuzz::patched(as_bytes(genuine().withdrawal), input)),
                 tpm::parse_withdrawal, true);
  }
  return 0;
}
