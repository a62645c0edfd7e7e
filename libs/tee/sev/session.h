// SPDX-License-Identifier: Apache-2.0
/// Launch sessions: two keys that only the owner and one PSP know (AMD 55766, 2.2.2, 2.2.3 and 6.2
/// LAUNCH_START).
///
///   Z   = ECDH(PDH, GODH), the x-coordinate, little-endian as all of AMD's numbers
///   M   = KDF(Z, "sev-master-secret", nonce);  KEK = KDF(M, "sev-kek");  KIK = KDF(M, "sev-kik")
///
/// Session, 128 bytes: nonce[16] | wrapped TEK and TIK[32] = AES-128-CTR(KEK, IV) | IV[16] |
/// HMAC-SHA256(KIK, wrapped)[32] | HMAC-SHA256(TIK, policy as 32 bits little-endian)[32].
#pragma once

#include <array>

#include "base/secret.h"
#include "tee/sev/chain.h"
#include "tee/sev/policy.h"

namespace sealift::sev {

inline constexpr std::size_t kSessionSize = 128;
inline constexpr std::size_t kTransportKeySize = 16;
using TransportKey = Secret<kTransportKeySize>;

struct TransportKeys {
  TransportKey tek;  ///< encrypts what is injected
  TransportKey tik;  ///< authenticates measurement and packets
};

struct LaunchSession {
  Certificate
      godh;  ///< the owner's Diffie-Hellman key, fresh for each session; its signature is never looked at
  std::array<std::uint8_t, kSessionSize> blob;
  TransportKeys keys;
};

/// A session with this machine's PSP alone, with fresh keys: never for two launches.
/// key_unsupported at "pdh.key" unless that is on P-384, as all chips' are.
Result<LaunchSession> make_session(const VerifiedPlatform& platform, Policy policy);
/// The same for a PDH that nobody verified: anybody can have made it, and would learn the keys.
Result<LaunchSession> make_session_unverified(const Certificate& pdh, Policy policy);

/// The PSP's side. authentication_failed at "session.wrap_mac" for another PDH, GODH or blob, at
/// "session.policy_mac" for another policy; truncated or malformed at "session.size".
Result<TransportKeys> open_session(const crypto::PrivateKey& pdh, const Certificate& godh, ByteView blob,
                                   Policy policy);

/// SP 800-108 counter mode with HMAC-SHA256 as the PSP does it: 16 bytes of
/// HMAC(key, 1 as u32 LE | label | 0x00 | context | 128 as u32 LE).
TransportKey derive_key(ByteView key, std::string_view label, ByteView context);

}  // namespace sealift::sev
