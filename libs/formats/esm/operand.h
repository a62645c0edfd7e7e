// SPDX-License-Identifier: Apache-2.0
/// The `sealift,esm-v1` operand (design section 5): sealed data for any number of hosts, and a payload that
/// none of them needs to be trusted with until its seed was unsealed there. Reading one proves nothing: see
/// verify.h.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/cipher.h"
#include "formats/esm/image_id.h"
#include "formats/esm/integrity.h"

namespace sealift::esm {

inline constexpr std::string_view kCompatible = "sealift,esm-v1";
inline constexpr std::string_view kIntegrityName = "integrity";
inline constexpr std::size_t kSeedSize = 32;
inline constexpr std::size_t kIvSize = 12;
inline constexpr std::size_t kHmacSize = 64;
inline constexpr std::size_t kMaxLabelSize = 63;
inline constexpr std::size_t kMaxCustomerData = 64;
/// Room for about 30 targets with RSA storage keys (900 bytes each) beside a usual payload, and the whole
/// head archive is still written in one go of less than 64 KiB.
inline constexpr std::size_t kDefaultReservedSize = std::size_t{32} * 1024;
inline constexpr std::size_t kMinReservedSize = std::size_t{2} * 1024;
inline constexpr std::size_t kMaxReservedSize = std::size_t{1024} * 1024;

/// 32 random bytes per image: the one secret from which the operand's keys derive.
using Seed = Secret<kSeedSize>;

/// The seed wrapped to one host's storage key: what TPM2_Import takes. Not covered by the HMAC.
struct Target {
  Bytes storage_key_name;  ///< TPM Name of the parent: 2-byte algorithm and digest
  Bytes policy;            ///< policy digest of the sealed object
  Bytes public_area;       ///< TPM2B_PUBLIC
  Bytes duplicate;         ///< TPM2B_PRIVATE
  Bytes seed;              ///< TPM2B_ENCRYPTED_SECRET
  bool operator==(const Target&) const = default;
};

/// One encrypted entry of the payload.
struct PayloadEntry {
  std::string name;  ///< "integrity", or the customer data's own name (`label`); unique in the payload
  std::array<std::uint8_t, kIvSize> iv;
  Bytes ciphertext;
  crypto::GcmTag tag;
  bool operator==(const PayloadEntry&) const = default;
};

/// A secret for the guest. The first one, CD1, is the root disk's passphrase.
struct CustomerData {
  std::string name;  ///< 1 to kMaxLabelSize printable ASCII characters, not "integrity"
  SecretBytes value;
};

/// An operand that was read, not verified. Its payload never changes; its targets may.
class Operand {
 public:
  /// Strict: operand_malformed with the field's path where anything is unknown, missing, mis-sized or
  /// doubled.
  static Result<Operand> parse(ByteView blob);
  /// The operand as a device tree of exactly total_size() bytes.
  Bytes serialise() const;

  const ImageId& image_id() const noexcept { return image_id_; }
  const std::vector<Target>& targets() const noexcept { return targets_; }
  /// The first entry is the integrity information, the others are CD1..CDn in order.
  const std::vector<PayloadEntry>& payload() const noexcept { return payload_; }
  const std::array<std::uint8_t, kHmacSize>& hmac() const noexcept { return hmac_; }
  std::size_t total_size() const noexcept { return total_size_; }

  /// The slot for the storage key of that Name, or nullptr.
  const Target* find_target(ByteView storage_key_name) const noexcept;
  /// Adds the target, or replaces the one for the same storage key. operand_full (then nothing changed),
  /// invalid_argument for fields of a size that no TPM makes.
  Status put_target(Target target);
  /// The same for many at once, and the operand grows where they need more room: neither the HMAC nor the
  /// digest of the initramfs covers its size. operand_full above kMaxReservedSize: some 1,200 with RSA keys.
  Status put_targets(std::vector<Target> targets);
  /// no_target_for_host where there is none.
  Status remove_target(ByteView storage_key_name);

  /// The exact bytes the HMAC is over. A function of values: the tree's layout and the targets have no part
  /// in it.
  Bytes hmac_input() const;

 private:
  friend Result<Operand> make(const Seed&, const ImageId&, const IntegrityInformation&,
                              const std::vector<CustomerData>&, std::size_t);
  explicit Operand(const ImageId& image_id) : image_id_{image_id} {}
  ImageId image_id_;
  std::vector<Target> targets_;
  std::vector<PayloadEntry> payload_;
  std::array<std::uint8_t, kHmacSize> hmac_{};
  std::size_t total_size_ = 0;
};

/// A new operand without targets. operand_full where the payload does not fit into `reserved_size`;
/// invalid_argument for doubled or empty names, digests that are not SHA-512, or a size out of range.
Result<Operand> make(const Seed& seed, const ImageId& image_id, const IntegrityInformation& integrity,
                     const std::vector<CustomerData>& customer_data,
                     std::size_t reserved_size = kDefaultReservedSize);

}  // namespace sealift::esm
