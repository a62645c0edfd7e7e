// SPDX-License-Identifier: Apache-2.0
/// Sealed data into an image in place: new head bytes of the same length for the caller to write at offset 0,
/// one pwrite and one fdatasync whatever the image's size. Or a head object that takes its place (adr/0011).
#pragma once

#include <span>

#include "formats/cpio/head.h"
#include "formats/esm/operand.h"

namespace sealift::esm {

/// The operand of a head archive.
Result<Operand> operand_of(const cpio::Head& head);
/// The head with `operand` in the place of the one it holds. invalid_argument unless image, payload and size
/// are the same: this only ever changes targets.
Result<Bytes> replace_operand(const cpio::Head& head, const Operand& operand);
/// The head with every target added, or replaced where its storage key already has one. operand_full.
Result<Bytes> insert_targets(const cpio::Head& head, std::span<const Target> targets);
/// Another head for the same initramfs, as large as many targets need it. operand_full.
Result<Bytes> head_for_many(const cpio::Head& head, std::vector<Target> targets);

}  // namespace sealift::esm
