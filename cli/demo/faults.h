// SPDX-License-Identifier: Apache-2.0
/// What an attacker does to files: copies with one thing changed.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace sealift::cli {

/// `to` is `from` with one bit of the byte at `offset` flipped; a negative offset counts from the end.
Status copy_with_flipped_bit(const std::filesystem::path& from, const std::filesystem::path& to,
                             std::int64_t offset);
/// `to` is the initramfs `from` with one bit of the first customer data's ciphertext flipped.
Status copy_with_edited_customer_data(const std::filesystem::path& from, const std::filesystem::path& to);
/// `to` is the initramfs `from` without its head archive, so without an operand.
Status copy_without_operand(const std::filesystem::path& from, const std::filesystem::path& to);
/// `to` is the evidence `from` with, in place of the TPM's storage key, a key made by a program: the same
/// attributes and policy, but its private half lies in the attacker's memory.
Status copy_with_software_key(const std::filesystem::path& from, const std::filesystem::path& to);

/// Where a kernel file says "Linux version": text that it carries and does not run.
Result<std::int64_t> place_of_banner(const std::filesystem::path& kernel);
/// A copy of SLOF whose RTAS returns by another instruction that does the same.
Status copy_with_altered_rtas(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace sealift::cli
