// SPDX-License-Identifier: Apache-2.0
// How much of a SEV launch's work at the owner is the cryptography that it cannot do without: sessions,
// measurements and secret packets against raw OpenSSL, taking turns in one run, in CPU time of one core.
// Prints one line each: the median of the rounds.
#include <fmt/core.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "bench/measure.h"
#include "crypto/random.h"
#include "tee/sev/measurement.h"
#include "tee/sev/secret_packet.h"
#include "tee/sev/secret_table.h"

namespace sealift {
namespace {

constexpr int kRounds = 11;
constexpr double kGoal = 0.8;

struct Free {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

void must(bool good) {
  if (!good) std::abort();
}

/// HMAC-SHA256 on two contexts that are made once, its four hash calls and nothing else.
class RawHmac {
 public:
  void operator()(ByteView message) {
    std::uint8_t pad[64] = {1};
    std::uint8_t inner[32];
    hash({pad, 64}, message, inner);
    hash({pad, 64}, {inner, 32}, inner);
  }

 private:
  void hash(ByteView first, ByteView second, std::uint8_t* out) {
    must(EVP_DigestInit_ex2(context_.get(), hash_, nullptr) > 0);
    must(EVP_DigestUpdate(context_.get(), first.data(), first.size()) > 0);
    must(EVP_DigestUpdate(context_.get(), second.data(), second.size()) > 0);
    must(EVP_DigestFinal_ex(context_.get(), out, nullptr) > 0);
  }
  EVP_MD* hash_ = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Owned<EVP_MD_CTX> context_{EVP_MD_CTX_new()};
};

class RawCtr {
 public:
  void operator()(std::span<std::uint8_t> data) {
    constexpr std::uint8_t kKeyAndIv[16] = {2};
    int done = 0;
    must(EVP_EncryptInit_ex2(context_.get(), cipher_, kKeyAndIv, kKeyAndIv, nullptr) > 0);
    must(EVP_EncryptUpdate(context_.get(), data.data(), &done, data.data(), static_cast<int>(data.size())) >
         0);
  }

 private:
  EVP_CIPHER* cipher_ = EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr);
  Owned<EVP_CIPHER_CTX> context_{EVP_CIPHER_CTX_new()};
};

/// A fresh P-384 key and the secret that it shares.
class RawEcdh {
 public:
  explicit RawEcdh(const crypto::PublicKey& peer)
      : peer_{peer}, context_{EVP_PKEY_CTX_new_from_pkey(nullptr, peer.get(), nullptr)} {
    must(EVP_PKEY_keygen_init(context_.get()) > 0);
  }
  void operator()() {
    EVP_PKEY* own = nullptr;
    must(EVP_PKEY_generate(context_.get(), &own) > 0);
    const Owned<EVP_PKEY> owner{own};
    const Owned<EVP_PKEY_CTX> derivation{EVP_PKEY_CTX_new_from_pkey(nullptr, own, nullptr)};
    std::uint8_t out[48];
    std::size_t size = sizeof out;
    must(EVP_PKEY_derive_init(derivation.get()) > 0 &&
         EVP_PKEY_derive_set_peer_ex(derivation.get(), peer_.get(), 0) > 0 &&
         EVP_PKEY_derive(derivation.get(), out, &size) > 0);
  }

 private:
  const crypto::PublicKey& peer_;
  Owned<EVP_PKEY_CTX> context_;
};

template <typename Work>
double cpu_seconds(int count, const Work& work) {
  return bench::own_cpu_seconds_of([&] {
    for (int i = 0; i < count; ++i) work();
  });
}

template <typename Floor, typename Work>
void compare(std::string_view what, int count, Floor floor, Work work) {
  std::vector<double> ratios;
  double seconds = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto raw = cpu_seconds(count, floor);
    const auto ours = cpu_seconds(count, work);
    ratios.push_back(raw / ours);
    seconds += ours;
  }
  bench::report(fmt::format("sev: raw / {}", what), bench::median(std::move(ratios)), bench::Goal::at_least,
                kGoal);
  bench::note("a second on one core", kRounds * count / seconds);
}

void sessions() {
  const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p384)->public_key();
  const auto pdh = sev::Certificate::make(sev::Usage::pdh, sev::Algorithm::ecdh_sha256, {1, 55}, key);
  RawEcdh raw{key};
  compare(
      "sessions", 100, [&] { raw(); },
      [&] { must(sev::make_session_unverified(pdh, sev::Policy{7}).has_value()); });
}

void measurements() {
  const auto tik = crypto::random_secret<16>();
  const crypto::Digest digest{Bytes(32, 1)};
  const auto measured = sev::measure(tik, {{1, 55}, 8}, sev::Policy{7}, digest, {});
  RawHmac raw;
  const Bytes message(4 + 4 + 32 + 16);
  compare(
      "measurement checks", 20000, [&] { raw(message); },
      [&] {
        must(sev::VerifiedMeasurement::verify(measured, tik, {{1, 55}, 8}, sev::Policy{7}, digest)
                 .has_value());
      });
}

void packets() {
  const sev::TransportKeys keys{crypto::random_secret<16>(), crypto::random_secret<16>()};
  std::vector<sev::SecretEntry> entries;
  entries.push_back({sev::Guid::parse(sev::kDiskKeyGuid).value(), SecretBytes{64}});
  const auto table = sev::write_secret_table(entries).value();
  RawHmac mac;
  RawCtr cipher;
  Bytes data(table.size());
  const Bytes covered(1 + 20 + 8 + table.size() + 32);
  compare(
      "secret packets", 20000,
      [&] {
        std::uint8_t iv[16];
        crypto::fill_random(iv);
        cipher(data);
        mac(covered);
      },
      [&] { must(!sev::seal_packet(keys, {}, table.expose()).payload.empty()); });
}

}  // namespace
}  // namespace sealift

int main() {
  sealift::sessions();
  sealift::measurements();
  sealift::packets();
}
