// SPDX-License-Identifier: Apache-2.0
/// The head archive: the newc cpio archive in front of an initramfs that carries the ESM operand (design
/// section 5).
///
/// It is found where IBM's ultravisor looks, but read more strictly. The initramfs digest does not cover the
/// head, and the guest's kernel unpacks it all the same; so it may hold nothing but the directories of
/// opt/ibm/pef, the operand, and zeros: any other file there would be an unverified file in a verified guest.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::cpio {

inline constexpr std::string_view kOperandDirectory = "opt/ibm/pef/";
inline constexpr std::string_view kOperandMember = "opt/ibm/pef/sealift.esm";
/// A head with an operand of the default size fits in here.
inline constexpr std::size_t kUsualHeadSize = 64U * 1024;
/// No head is larger (an ibm,esm operand with 10,000 recipients is 5 MB).
inline constexpr std::size_t kMaxHeadSize = 16U * 1024 * 1024;

/// Offsets from the start of the initramfs file, in bytes.
struct OperandPlace {
  std::size_t offset;       ///< of the operand's first byte
  std::size_t size;         ///< of the operand, its padding included
  std::size_t rest_offset;  ///< where the initramfs digest starts: after the head archive, a multiple of 512
  bool operator==(const OperandPlace&) const = default;
};

/// A head archive that holds `operand` as kOperandMember; its size is a multiple of 512. too_large.
Result<Bytes> make_head(ByteView operand);

/// Finds the operand in the first bytes of an initramfs (at most kMaxHeadSize of them are looked at).
/// operand_missing: it does not start with a head archive. operand_malformed: it does, and the head holds
/// something that it must not. truncated: the head goes on after `prefix`.
Result<OperandPlace> find_operand(ByteView prefix);

struct Head {
  Bytes bytes;  ///< the head archive, exactly: rest_offset bytes
  OperandPlace place;
  ByteView operand() const noexcept { return ByteView{bytes}.subspan(place.offset, place.size); }
};

/// find_operand for a file: `read_prefix(n)` gives its first n bytes, or all where there are fewer. Asks for
/// kUsualHeadSize first, and for kMaxHeadSize only where that was too little.
Result<Head> read_head(const std::function<Result<Bytes>(std::size_t)>& read_prefix);
/// The same for bytes at hand.
Result<Head> read_head(ByteView file);

}  // namespace sealift::cpio
