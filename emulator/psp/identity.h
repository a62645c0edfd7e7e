// SPDX-License-Identifier: Apache-2.0
/// What a chip keeps while it has no power: CEK, OCA, PEK, PDH, with their keys, and its ID.
///
///   DIR/id          64 bytes (GET_ID)        DIR/cek.key      fused in when it was made
///   DIR/identity    0600: OCA's certificate and key (empty where it is somebody else's), PEK's, PDH's, each
///                   behind its length as u32 big-endian; replaced as a whole
#pragma once

#include <filesystem>
#include <optional>

#include "emulator/psp/maker.h"

namespace sealift::emulator {

inline constexpr sev::ApiVersion kPspApi{0, 24};
inline constexpr std::uint8_t kPspBuild = 15;
inline constexpr std::size_t kChipIdSize = 64;

struct KeyPair {
  crypto::PrivateKey key;
  sev::Certificate certificate;
};

/// The owner's part: changed by PEK_GEN, PDH_GEN and PEK_CERT_IMPORT.
struct OwnedKeys {
  std::optional<crypto::PrivateKey> oca_key;  ///< none where the machine's owner is not its maker
  sev::Certificate oca;
  KeyPair pek;
  KeyPair pdh;
};

class Identity {
 public:
  static Status create(const Maker& maker, const std::filesystem::path& directory);
  static Result<Identity> open(const std::filesystem::path& directory);

  const Bytes& id() const noexcept { return id_; }
  /// As PDH_CERT_EXPORT gives it: without the ASK's signature, which only the key server has.
  const sev::Certificate& cek() const noexcept { return cek_; }
  const OwnedKeys& owned() const noexcept { return owned_; }

  /// New OCA, PEK and PDH: the machine belongs to nobody but itself.
  Result<OwnedKeys> new_owner() const;
  /// A new PDH under the present PEK.
  Result<KeyPair> new_pdh(const crypto::PrivateKey& pek) const;
  /// `pek` as its owner signed it, with the CEK's signature in the other slot.
  Result<sev::Certificate> endorse(const sev::Certificate& pek) const;

  // Each on the disk as well, or not at all.
  Status replace(OwnedKeys owned);
  Status replace_pdh(KeyPair pdh);
  /// The machine belongs to who has the OCA's key.
  Status replace_owner(sev::Certificate oca, sev::Certificate pek, KeyPair pdh);

 private:
  Identity(std::filesystem::path directory, Bytes id, crypto::PrivateKey cek_key, OwnedKeys owned);

  std::filesystem::path directory_;
  Bytes id_;
  crypto::PrivateKey cek_key_;
  sev::Certificate cek_;
  OwnedKeys owned_;
};

}  // namespace sealift::emulator
