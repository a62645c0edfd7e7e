// SPDX-License-Identifier: Apache-2.0
/// Integrity information: the SHA-512 digests a guest's components must have, and their comparison with what
/// was measured. The same inner device tree in both operand formats:
///
///   / { [compatible = "ibm,esm";]
///       digests { algorithm = "SHA512"; [rtas;] kernel; [kernel-size = u32be;] initrd; bootargs; }; };
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/digest.h"

namespace sealift::esm {

/// All digests are SHA-512, 64 bytes.
struct IntegrityInformation {
  crypto::Digest kernel;               ///< measured hosts: of the kernel file; pef: of the ELF's flat binary
  crypto::Digest initrd;               ///< of the initramfs after its head archive
  crypto::Digest bootargs;             ///< of the command line, without NUL or newline
  std::optional<crypto::Digest> rtas;  ///< pef only
  std::optional<std::uint32_t> kernel_size;  ///< pef only: bytes of the flat binary
  bool operator==(const IntegrityInformation&) const = default;
};

/// What a verifier computed itself, over the bytes that will run.
struct Measured {
  crypto::Digest kernel;
  crypto::Digest initramfs;
  crypto::Digest cmdline;
  std::optional<crypto::Digest> rtas;  ///< pef only
};

enum class Component : std::uint8_t { kernel, initramfs, cmdline, rtas };

/// "kernel", "initramfs", "cmdline", "rtas".
std::string_view name(Component component) noexcept;
/// kernel_differs, initramfs_differs, cmdline_differs, rtas_differs.
ErrorCode difference(Component component) noexcept;

/// Every component that differs, in the order of Component. RTAS present on one side only differs.
std::vector<Component> compare(const IntegrityInformation& expected, const Measured& measured);
/// The first difference as an error with both digests, its message naming all of them.
Status check(const IntegrityInformation& expected, const Measured& measured);

/// The RTAS of SLOF, which QEMU's pseries machines run: the 20 bytes whose digest svm-tools puts into every
/// blob.
ByteView slof_rtas() noexcept;

/// Strict. `compatible` is "ibm,esm" for that format, "" for ours, where there is none. operand_malformed.
Result<IntegrityInformation> parse_integrity(ByteView blob, std::string_view compatible = {});
/// The inner tree, packed. invalid_argument unless every digest has 64 bytes.
Result<Bytes> serialise_integrity(const IntegrityInformation& information, std::string_view compatible = {});

}  // namespace sealift::esm
