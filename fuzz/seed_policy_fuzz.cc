// SPDX-License-Identifier: Apache-2.0
// The policy that a tenant sends with a seed, raw and as edits of a genuine one: what is accepted has one
// spelling, which is accepted again.
#include <cstdlib>

#include "fuzz/patched.h"
#include "services/securitymodule/domain/image_policy.h"
#include "tests/certificates/test_pki.h"

namespace {

using namespace sealift;
using securitymodule::ImagePolicy;

std::string text(ByteView bytes) { return std::string{as_text(bytes)}; }

const Bytes& genuine() {
  static const auto kDocument = [] {
    v1::SeedPolicy policy;
    policy.add_tees("measured");
    policy.add_trusted_roots(text(test_pki::pki().root.certificate().der()));
    policy.add_intermediates(text(test_pki::pki().intermediate.certificate().der()));
    policy.set_profile("firmware");
    policy.set_approved_pcrs("sha256:6=" + std::string(64, 'a'));
    return ImagePolicy::check(policy).value().document();
  }();
  return kDocument;
}

void use(ByteView document) {
  const auto policy = ImagePolicy::read(document);
  if (!policy) return;
  const auto again = ImagePolicy::check(policy->message());
  if (!again || again->document() != policy->document()) std::abort();
  if (again->sealing_policy() != policy->sealing_policy()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input{data + 1, size - 1};
  use(data[0] % 2 == 0 ? to_bytes(input) : fuzz::patched(genuine(), input));
  return 0;
}
