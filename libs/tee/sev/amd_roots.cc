// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/amd_roots.h"

#include <string_view>
#include <utility>

namespace sealift::sev {
namespace {

/// SHA-256 of each ARK's SubjectPublicKeyInfo. From Milan on the key is also in AMD's X.509 chain
/// (kdsintf.amd.com/vcek/v1/Milan/cert_chain, second certificate), where anybody can take it from:
/// openssl x509 -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum
constexpr std::pair<const char*, std::string_view> kRoots[]{
    {"Naples", "3a04f8f1347de206c9206a81148ba4ef0a233b245d43a15dd82de043bb3e4f69"},
    {"Rome", "7447ffa21e2b938bfade89f5e9066c00a328813bfc43685605cceabd18da6fde"},
    {"Milan", "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9"},
    {"Genoa", "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831"},
    {"Turin", "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"},
};

}  // namespace

const std::vector<PinnedRoot>& amd_roots() {
  static const auto roots = [] {
    std::vector<PinnedRoot> all;
    for (const auto& [name, fingerprint] : kRoots) {
      all.push_back({name, crypto::Digest{from_hex(fingerprint).value()}});
    }
    return all;
  }();
  return roots;
}

}  // namespace sealift::sev
