// SPDX-License-Identifier: Apache-2.0
/// A maker of chips, as AMD is one: one generation's ARK and ASK, and the key server for what it signed.
///
///   DIR/ark.cert, ask.cert      the root, which nobody trusts who did not name it, and what it signed
///   DIR/cek/<chip ID, hex>      each chip's signed CEK
///   DIR/public                  what AMD's key server has, at its paths, for any web server
///   DIR/private/ark.key, ask.key
#pragma once

#include <filesystem>
#include <optional>

#include "crypto/key.h"
#include "tee/sev/amd_certificate.h"

namespace sealift::emulator {

struct MakerOptions {
  int bits = 4096;                     ///< 2048 as Naples, 4096 as all later
  std::optional<sev::KeyId> claim_id;  ///< for forgers: the ARK's key ID, which anybody can write
};

class Maker {
 public:
  static Status create(const std::filesystem::path& directory, const MakerOptions& options = {});
  static Result<Maker> open(const std::filesystem::path& directory);

  const sev::AmdCertificate& ark() const noexcept { return ark_; }
  const sev::AmdCertificate& ask() const noexcept { return ask_; }
  /// The CEK with the ASK's signature, kept for the key server.
  Result<sev::Certificate> sign(const sev::Certificate& cek, const std::string& chip_id) const;

 private:
  Maker(std::filesystem::path directory, sev::AmdCertificate ark, sev::AmdCertificate ask,
        crypto::PrivateKey ask_key)
      : directory_{std::move(directory)},
        ark_{std::move(ark)},
        ask_{std::move(ask)},
        ask_key_{std::move(ask_key)} {}

  std::filesystem::path directory_;
  sev::AmdCertificate ark_;
  sev::AmdCertificate ask_;
  crypto::PrivateKey ask_key_;
};

}  // namespace sealift::emulator
