// SPDX-License-Identifier: Apache-2.0
/// For tests: the memory of a guest that has just asked for secure mode, as a POWER kernel leaves it, and an
/// operand that fits. No QEMU.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "crypto/random.h"
#include "emulator/pef/guest/secure_mode.h"
#include "formats/ibm_esm/opened.h"

namespace sealift::pef {

/// Opens what has its name, and gives the seed; a TPM in a word.
class SealOpenerForTest final : public tee::SealOpener {
 public:
  explicit SealOpenerForTest(ByteView seed) : seed_{to_bytes(seed)} {}
  ByteView storage_key_name() const override { return name_; }
  Result<SecretBytes> open(const esm::Target&) override;
  esm::Target target() const;
  /// From here on every seal is refused with this.
  void refuse(ErrorCode code) { refusal_ = code; }
  /// From here on it is another machine's.
  void rename(Bytes name) { name_ = std::move(name); }

 private:
  Bytes name_ = Bytes(34, 7);
  Bytes seed_;
  std::optional<ErrorCode> refusal_;
};

/// Opens lockboxes with a key in software.
class LockboxOpenerForTest final : public tee::LockboxOpener {
 public:
  const crypto::PublicKey& wrapping_key() const override { return public_; }
  Result<SecretBytes> open(ByteView encrypted_key) override;
  void refuse(ErrorCode code) { refusal_ = code; }
  /// From here on it is another machine's.
  void change_key() { public_ = crypto::PrivateKey::generate_rsa(2048)->public_key(); }

 private:
  static const crypto::PrivateKey& key();
  const crypto::PrivateKey& key_ = key();  // one per process: it takes its time
  crypto::PublicKey public_ = key_.public_key();
  std::optional<ErrorCode> refusal_;
};

/// Of a device tree: node, property, value, in that order; a property may come twice.
struct TreeProperty {
  std::string node;
  std::string name;
  Bytes value;
};
Bytes make_boot_tree(const std::vector<TreeProperty>& properties, const std::vector<Range>& reserved);
Bytes cells64(std::uint64_t value);
Bytes cells32(std::uint32_t value);
Bytes text_value(std::string_view text);
Bytes random_bytes(std::size_t size);

struct GuestForTest {
  static constexpr std::uint64_t kSize = 16U << 20U;
  static constexpr EsmCall kCall{.kernel_base = 0x40'0000, .fdt_address = 0x20'0000};
  static constexpr std::uint64_t kInitrd = 0x60'0000;
  static constexpr std::uint64_t kRtas = 0xf0'0000;
  static constexpr std::string_view kCmdline = "console=hvc0 svm=on";

  explicit GuestForTest(std::size_t kernel_size = 100'000, std::size_t rest_size = 50'000);
  /// Puts all parts into memory as they are now.
  void lay_out();
  /// The operand moves from the initramfs into the kernel's wrapper, at `address`.
  void move_operand_to_wrapper(std::uint64_t address);
  /// The operand becomes one in IBM's format, in the initramfs.
  void use_ibms_format(const std::function<void(ibm_esm::OpenedBlob&)>& change = {});
  void set(const std::string& node, const std::string& name, Bytes value);
  void remove(const std::string& name);
  Bytes operand_bytes() const { return blob ? *blob : operand.serialise(); }
  esm::IntegrityInformation integrity() const;

  Result<SecureGuest> ask(const EsmCall& call = kCall);

  Bytes ram = Bytes(kSize);
  GuestMemory memory{ram};
  Bytes kernel;
  Bytes rest;  ///< of the initramfs, behind its head
  Bytes rtas;
  esm::Seed seed = crypto::random_secret<esm::kSeedSize>();
  SealOpenerForTest opener{seed.expose()};
  LockboxOpenerForTest lockboxes;
  esm::Operand operand;
  std::optional<Bytes> blob;  ///< in IBM's format, instead of the operand
  Bytes initrd;
  std::vector<TreeProperty> tree;
  std::vector<Range> reserved{{0xf0'0000, 0x1000}};
  std::vector<std::string> steps;
};

}  // namespace sealift::pef
