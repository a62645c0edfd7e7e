// SPDX-License-Identifier: Apache-2.0
#include "emulator/psp/identity.h"

#include "base/file.h"
#include "base/new_directory.h"
#include "crypto/random.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
using crypto::PrivateKey;
using sev::Algorithm;
using sev::Certificate;
using sev::Usage;

constexpr std::size_t kKeyLimit = 16 * 1024;
constexpr std::size_t kIdentityLimit = 64 * 1024;

Result<PrivateKey> new_key() { return PrivateKey::generate_ec(crypto::Curve::p384); }

Certificate unsigned_cek(const PrivateKey& key) {
  return Certificate::make(Usage::cek, Algorithm::ecdsa_sha256, {}, key.public_key());
}

Result<Certificate> endorsed(const Certificate& pek, const PrivateKey& cek) {
  // Either order is right: the CEK's goes where the owner's is not.
  constexpr std::size_t kFirstSigner = 0x414;
  const auto first = ByteReader{pek.bytes().subspan(kFirstSigner)}.le32().value();
  const auto slot = Usage{first} == Usage::oca ? 1U : 0U;
  return pek.signed_by(slot, Usage::cek, cek);
}

Result<KeyPair> make_pdh(const PrivateKey& pek) {
  SEALIFT_TRY(auto key, new_key());
  SEALIFT_TRY(auto certificate,
              Certificate::make(Usage::pdh, Algorithm::ecdh_sha256, kPspApi, key.public_key())
                  .signed_by(0, Usage::pek, pek));
  return KeyPair{std::move(key), std::move(certificate)};
}

Result<OwnedKeys> make_owned(const PrivateKey& cek) {
  SEALIFT_TRY(auto oca_key, new_key());
  SEALIFT_TRY(auto oca, Certificate::make(Usage::oca, Algorithm::ecdsa_sha256, {}, oca_key.public_key())
                            .signed_by(0, Usage::oca, oca_key));
  SEALIFT_TRY(auto pek_key, new_key());
  const auto bare = Certificate::make(Usage::pek, Algorithm::ecdsa_sha256, kPspApi, pek_key.public_key());
  SEALIFT_TRY(const auto by_owner, bare.signed_by(0, Usage::oca, oca_key));
  SEALIFT_TRY(auto pek, endorsed(by_owner, cek));
  SEALIFT_TRY(auto pdh, make_pdh(pek_key));
  return OwnedKeys{std::move(oca_key), std::move(oca), {std::move(pek_key), std::move(pek)}, std::move(pdh)};
}

Bytes serialise(const OwnedKeys& owned) {
  ByteWriter out;
  const auto add_key = [&out](const PrivateKey& key) {
    const auto pem = key.pem();
    out.sized32(pem.expose());
  };
  out.sized32(owned.oca.bytes());
  if (owned.oca_key)
    add_key(*owned.oca_key);
  else
    out.sized32({});
  for (const auto* pair : {&owned.pek, &owned.pdh}) {
    out.sized32(pair->certificate.bytes());
    add_key(pair->key);
  }
  return std::move(out).take();
}

Result<KeyPair> read_pair(ByteReader& reader, std::string_view what) {
  SEALIFT_TRY(const auto bytes, reader.sized32(sev::kCertificateSize));
  SEALIFT_TRY(auto certificate, Certificate::parse(bytes, what));
  SEALIFT_TRY(const auto pem, reader.sized32(kKeyLimit));
  SEALIFT_TRY(auto key, PrivateKey::parse(pem));
  return KeyPair{std::move(key), std::move(certificate)};
}

Result<OwnedKeys> parse(ByteView bytes) {
  ByteReader reader{bytes};
  SEALIFT_TRY(const auto oca_bytes, reader.sized32(sev::kCertificateSize));
  SEALIFT_TRY(auto oca, Certificate::parse(oca_bytes, "oca"));
  SEALIFT_TRY(const auto oca_pem, reader.sized32(kKeyLimit));
  std::optional<PrivateKey> oca_key;
  if (!oca_pem.empty()) {
    SEALIFT_TRY(oca_key, PrivateKey::parse(oca_pem));
  }
  SEALIFT_TRY(auto pek, read_pair(reader, "pek"));
  SEALIFT_TRY(auto pdh, read_pair(reader, "pdh"));
  SEALIFT_CHECK(reader.expect_end());
  return OwnedKeys{std::move(oca_key), std::move(oca), std::move(pek), std::move(pdh)};
}

Status write_owned(const fs::path& directory, const OwnedKeys& owned) {
  auto bytes = serialise(owned);
  auto written = write_file(directory / "identity", bytes, 0600);
  wipe(bytes);
  return written;
}

}  // namespace

Identity::Identity(fs::path directory, Bytes id, PrivateKey cek_key, OwnedKeys owned)
    : directory_{std::move(directory)},
      id_{std::move(id)},
      cek_key_{std::move(cek_key)},
      cek_{unsigned_cek(cek_key_)},
      owned_{std::move(owned)} {}

Status Identity::create(const Maker& maker, const fs::path& directory) {
  SEALIFT_TRY(auto made, NewDirectory::create(directory));
  const auto id = crypto::random_array<kChipIdSize>();
  SEALIFT_TRY(const auto cek_key, new_key());
  SEALIFT_TRY(const auto signed_cek, maker.sign(unsigned_cek(cek_key), to_hex(id)));
  SEALIFT_TRY(const auto owned, make_owned(cek_key));
  const auto pem = cek_key.pem();
  SEALIFT_CHECK(write_new_secret_file(made.path() / "cek.key", pem.expose()));
  SEALIFT_CHECK(write_file(made.path() / "id", id));
  SEALIFT_CHECK(write_owned(made.path(), owned));
  return made.publish();
}

Result<Identity> Identity::open(const fs::path& directory) {
  SEALIFT_TRY(auto id, read_file(directory / "id", kChipIdSize));
  if (id.size() != kChipIdSize) return fail(ErrorCode::truncated, "the chip's ID is too short", "id");
  SEALIFT_TRY(const auto pem, read_secret_file(directory / "cek.key", kKeyLimit));
  SEALIFT_TRY(auto cek_key, PrivateKey::parse(pem.expose()));
  SEALIFT_TRY(const auto bytes, read_secret_file(directory / "identity", kIdentityLimit));
  SEALIFT_TRY(auto owned, parse(bytes.expose()));
  return Identity{directory, std::move(id), std::move(cek_key), std::move(owned)};
}

Result<OwnedKeys> Identity::new_owner() const { return make_owned(cek_key_); }

Result<KeyPair> Identity::new_pdh(const PrivateKey& pek) const { return make_pdh(pek); }

Result<Certificate> Identity::endorse(const Certificate& pek) const { return endorsed(pek, cek_key_); }

Status Identity::replace(OwnedKeys owned) {
  SEALIFT_CHECK(write_owned(directory_, owned));
  owned_ = std::move(owned);
  return {};
}

Status Identity::replace_pdh(KeyPair pdh) {
  std::swap(owned_.pdh, pdh);
  auto written = write_owned(directory_, owned_);
  if (!written) std::swap(owned_.pdh, pdh);
  return written;
}

Status Identity::replace_owner(Certificate oca, Certificate pek, KeyPair pdh) {
  const auto exchange = [&] {
    std::swap(owned_.oca, oca);
    std::swap(owned_.pek.certificate, pek);
    std::swap(owned_.pdh, pdh);
  };
  exchange();
  auto oca_key = std::exchange(owned_.oca_key, std::nullopt);
  auto written = write_owned(directory_, owned_);
  if (written) return written;
  exchange();
  owned_.oca_key = std::move(oca_key);
  return written;
}

}  // namespace sealift::emulator
