// SPDX-License-Identifier: Apache-2.0
/// An emulated PSP's platform commands (AMD 55766, chapter 5). Each answers, or refuses with its code; what
/// the disk below cannot do is an error of ours, not a code of the PSP's, and ends in Result.
#pragma once

#include <memory>

#include "emulator/psp/identity.h"
#include "emulator/psp/status.h"

namespace sealift::emulator {

enum class PlatformState : std::uint8_t { uninit = 0, init = 1, working = 2 };

struct PlatformStatus {
  sev::ApiVersion api;
  PlatformState state;
  bool externally_owned;
  std::uint8_t build;
  std::uint32_t guests;
};

/// PDH_CERT_EXPORT: the chain is PEK, OCA, CEK.
struct PdhExport {
  Bytes pdh;
  Bytes chain;
};

class Platform {
 public:
  explicit Platform(Identity identity) : identity_{std::move(identity)} {}
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;
  Platform(Platform&&) = delete;
  Platform& operator=(Platform&&) = delete;
  ~Platform() = default;

  [[nodiscard]] PspStatus init();
  /// Ends all guests.
  [[nodiscard]] PspStatus shutdown();
  /// PLATFORM_RESET: a new owner, for the one who has the machine.
  [[nodiscard]] Result<PspStatus> reset();
  PlatformStatus status() const;
  /// GET_ID.
  const Bytes& id() const noexcept { return identity_.id(); }
  [[nodiscard]] PspAnswer<PdhExport> pdh_cert_export() const;
  [[nodiscard]] Result<PspStatus> pek_gen();
  [[nodiscard]] Result<PspStatus> pdh_gen();
  /// The PEK without signatures, for an owner to sign.
  [[nodiscard]] PspAnswer<Bytes> pek_csr() const;
  /// The PEK as its owner signed it, and the owner's own certificate.
  [[nodiscard]] Result<PspStatus> pek_cert_import(ByteView pek, ByteView oca);

  const Identity& identity() const noexcept { return identity_; }

 private:
  friend class Guest;
  /// Counts the guests that live: a token each. A shutdown makes all of them worthless.
  using Token = std::shared_ptr<int>;
  std::uint32_t guests() const noexcept { return static_cast<std::uint32_t>(token_.use_count() - 1); }
  bool is_on() const noexcept { return state_ != PlatformState::uninit; }

  Identity identity_;
  PlatformState state_ = PlatformState::uninit;
  Token token_ = std::make_shared<int>(0);
};

}  // namespace sealift::emulator
