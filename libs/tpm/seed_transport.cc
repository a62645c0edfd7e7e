// SPDX-License-Identifier: Apache-2.0
#include "tpm/seed_transport.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "crypto/kdf.h"
#include "crypto/random.h"

namespace sealift::tpm {
namespace {

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Context = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;

tl::unexpected<Error> refused(const char* what) {
  return fail(ErrorCode::key_unsupported, "OpenSSL does not take the receiver's key", "public", what);
}

/// OpenSSL's contexts serve one thread at a time: as many as threads that ever met, each made once.
template <typename Make>
class ContextPool {
 public:
  explicit ContextPool(Make make) : make_{std::move(make)} {}

  /// Runs `use` with a context of its own; null where OpenSSL cannot make one.
  template <typename Use>
  auto with(const Use& use) {
    auto context = take();
    auto result = use(context.get());
    if (context != nullptr) {
      const std::scoped_lock lock{mutex_};
      idle_.push_back(std::move(context));
    }
    return result;
  }

 private:
  Context take() {
    {
      const std::scoped_lock lock{mutex_};
      if (!idle_.empty()) {
        auto context = std::move(idle_.back());
        idle_.pop_back();
        return context;
      }
    }
    return make_();
  }

  Make make_;
  std::mutex mutex_;
  std::vector<Context> idle_;
};

/// OAEP with the receiver's name algorithm; the label includes its NUL (Part 1, B.10.3).
class RsaSeedTransport final : public SeedTransport {
 public:
  RsaSeedTransport(const crypto::PublicKey& receiver, HashAlgorithm hash, std::string_view label)
      : seed_size_{crypto::digest_size(hash)},
        size_{static_cast<std::size_t>(receiver.bits()) / 8},
        pool_{Maker{receiver, hash, std::string{label}}} {}

  Result<Seed> new_seed() const override {
    SecretBytes seed{seed_size_};
    crypto::fill_random(seed.expose_for_writing());
    ByteWriter encrypted;
    encrypted.sized16(Bytes(size_));
    auto out = std::move(encrypted).take();
    const bool good = pool_.with([&](EVP_PKEY_CTX* context) {
      auto size = size_;
      return context != nullptr &&
             EVP_PKEY_encrypt(context, out.data() + sizeof(std::uint16_t), &size, seed.expose().data(),
                              seed.size()) > 0 &&
             size == size_;
    });
    if (!good) return refused("OAEP");
    return Seed{.value = std::move(seed), .encrypted = std::move(out)};
  }

 private:
  struct Maker {
    crypto::PublicKey receiver;
    HashAlgorithm hash;
    std::string label;

    Context operator()() const {
      const std::string md{crypto::name(hash)};
      Context context{EVP_PKEY_CTX_new_from_pkey(nullptr, receiver.get(), nullptr)};
      if (!context || EVP_PKEY_encrypt_init(context.get()) <= 0 ||
          EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) <= 0 ||
          EVP_PKEY_CTX_set_rsa_oaep_md_name(context.get(), md.c_str(), nullptr) <= 0) {
        return nullptr;
      }
      const auto size = label.size() + 1;
      auto* const copy = OPENSSL_memdup(label.c_str(), size);
      if (EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), copy, static_cast<int>(size)) <= 0) return nullptr;
      return context;
    }
  };

  std::size_t seed_size_;
  std::size_t size_;
  mutable ContextPool<Maker> pool_;
};

/// An ephemeral key, the shared x-coordinate, KDFe with both x-coordinates (Part 1, C.6.3).
class EcSeedTransport final : public SeedTransport {
 public:
  EcSeedTransport(crypto::PublicKey receiver, crypto::EcPoint point, HashAlgorithm hash,
                  std::string_view label)
      : receiver_{std::move(receiver)},
        point_{std::move(point)},
        hash_{hash},
        label_{label},
        pool_{Maker{receiver_}} {}

  Result<Seed> new_seed() const override {
    const auto ephemeral = pool_.with([](EVP_PKEY_CTX* context) {
      EVP_PKEY* key = nullptr;
      if (context != nullptr) EVP_PKEY_generate(context, &key);
      return Key{key};
    });
    if (!ephemeral) return refused("key generation");
    SEALIFT_TRY(const auto z, shared_secret(ephemeral.get()));
    SEALIFT_TRY(const auto own, encoded_point(ephemeral.get()));
    const auto size = coordinate_size(point_.curve);
    const auto x = ByteView{own}.subspan(1, size);
    const auto y = ByteView{own}.subspan(1 + size, size);
    auto seed = crypto::kdfe(hash_, z.expose(), label_, x, point_.x, crypto::digest_size(hash_));
    ByteWriter out;  // TPM2B of TPMS_ECC_POINT
    out.be16(static_cast<std::uint16_t>(2 * (sizeof(std::uint16_t) + size))).sized16(x).sized16(y);
    return Seed{.value = std::move(seed), .encrypted = std::move(out).take()};
  }

 private:
  struct Maker {
    crypto::PublicKey receiver;

    Context operator()() const {
      Context context{EVP_PKEY_CTX_new_from_pkey(nullptr, receiver.get(), nullptr)};
      if (!context || EVP_PKEY_keygen_init(context.get()) <= 0) return nullptr;
      return context;
    }
  };

  Result<SecretBytes> shared_secret(EVP_PKEY* own) const {
    const Context context{EVP_PKEY_CTX_new_from_pkey(nullptr, own, nullptr)};
    SecretBytes z{coordinate_size(point_.curve)};
    auto size = z.size();
    // 0: PublicKey has checked the point already, once.
    if (!context || EVP_PKEY_derive_init(context.get()) <= 0 ||
        EVP_PKEY_derive_set_peer_ex(context.get(), receiver_.get(), 0) <= 0 ||
        EVP_PKEY_derive(context.get(), z.expose_for_writing().data(), &size) <= 0 || size != z.size()) {
      return refused("ECDH");
    }
    return z;
  }

  /// 04 ‖ x ‖ y.
  Result<Bytes> encoded_point(EVP_PKEY* key) const {
    Bytes bytes(1 + 2 * coordinate_size(point_.curve));
    std::size_t size = 0;
    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, bytes.data(), bytes.size(),
                                        &size) <= 0 ||
        size != bytes.size()) {
      return refused("public point");
    }
    return bytes;
  }

  crypto::PublicKey receiver_;
  crypto::EcPoint point_;
  HashAlgorithm hash_;
  std::string label_;
  mutable ContextPool<Maker> pool_;
};

}  // namespace

Result<std::unique_ptr<const SeedTransport>> SeedTransport::prepare(const crypto::PublicKey& receiver,
                                                                    HashAlgorithm hash,
                                                                    std::string_view label) {
  if (receiver.type() == crypto::KeyType::rsa) {
    return std::make_unique<const RsaSeedTransport>(receiver, hash, label);
  }
  SEALIFT_TRY(auto point, receiver.ec());
  return std::make_unique<const EcSeedTransport>(receiver, std::move(point), hash, label);
}

}  // namespace sealift::tpm
