// SPDX-License-Identifier: Apache-2.0
// How much of a seal is the public-key operation that it cannot do without: StorageKey::seal() against raw
// OpenSSL, taking turns in one run, in CPU time of one core. Prints one line per kind of key: the median of
// the rounds.
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "bench/measure.h"
#include "bench/raw_oaep.h"
#include "crypto/random.h"
#include "tpm/profile.h"
#include "tpm/seal.h"

namespace sealift {
namespace {

using namespace bench;

constexpr int kRounds = 11;

/// An ephemeral key, the shared secret and the point to send; everything that can be prepared once is.
class RawEcdh {
 public:
  explicit RawEcdh(const crypto::PublicKey& peer)
      : peer_{peer}, context_{EVP_PKEY_CTX_new_from_pkey(nullptr, peer.get(), nullptr)} {
    must_be(EVP_PKEY_keygen_init(context_.get()) > 0);
  }
  void operator()() const {
    EVP_PKEY* own = nullptr;
    must_be(EVP_PKEY_generate(context_.get(), &own) > 0);
    const OpensslKey owner{own};
    const OpensslContext context{EVP_PKEY_CTX_new_from_pkey(nullptr, own, nullptr)};
    std::uint8_t out[32];
    std::size_t size = sizeof out;
    must_be(EVP_PKEY_derive_init(context.get()) > 0 &&
            EVP_PKEY_derive_set_peer_ex(context.get(), peer_.get(), 0) > 0 &&
            EVP_PKEY_derive(context.get(), out, &size) > 0);
    std::uint8_t point[65];
    must_be(EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof point,
                                            &size) > 0);
  }

 private:
  const crypto::PublicKey& peer_;
  OpensslContext context_;
};

template <typename Work>
double cpu_seconds(int count, const Work& work) {
  return own_cpu_seconds_of([&] {
    for (int i = 0; i < count; ++i) work();
  });
}

template <typename Raw>
void compare(std::string_view what, int count, double goal, const crypto::PublicKey& key, const Raw& raw) {
  // An endorsement key has the shape of a parent, too.
  const auto parent = tpm::StorageKey::prepare(tpm::endorsement_key_area(key).value()).value();
  const auto policy = tpm::Policy{}.auth_value().digest();
  const auto secret = crypto::random_secret<32>();
  const auto seal = [&] { must_be(parent.seal(secret.expose(), policy).has_value()); };
  std::vector<double> ratios;
  double seal_seconds = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto floor = cpu_seconds(count, raw);
    const auto seconds = cpu_seconds(count, seal);
    ratios.push_back(floor / seconds);
    seal_seconds += seconds;
  }
  report(fmt::format("seal: raw {} / one seal", what), median(ratios), Goal::at_least, goal);
  note("seals a second on one core", kRounds * count / seal_seconds);
}

void run() {
  const auto rsa = crypto::PrivateKey::generate_rsa(2048)->public_key();
  compare("RSA-OAEP", 4000, 0.8, rsa, RawOaep{rsa});
  const auto ec = crypto::PrivateKey::generate_ec(crypto::Curve::p256)->public_key();
  compare("ECDH", 1500, 0.9, ec, RawEcdh{ec});
}

}  // namespace
}  // namespace sealift

int main() { sealift::run(); }
