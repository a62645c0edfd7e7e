// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/guest/secure_mode.h"

#include "emulator/pef/guest/operand_search.h"
#include "formats/describe.h"

namespace sealift::pef {
namespace {

using crypto::Digest;
using crypto::HashAlgorithm;

/// A part of the guest, by its place.
struct Part {
  std::string name;
  Range range;
};

Status check_apart(const std::vector<Part>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!parts[i].range.overlaps(parts[j].range)) continue;
      return fail(ErrorCode::malformed, "the guest's " + parts[i].name + " lies over its " + parts[j].name,
                  parts[i].name);
    }
  }
  return {};
}

class Measurement {
 public:
  Measurement(const GuestMemory& memory, const EsmCall& call, const BootTree& tree,
              const FoundOperand& operand)
      : memory_{memory}, call_{call}, tree_{tree}, operand_{operand} {}

  Result<esm::Measured> measure(const esm::IntegrityInformation& expected) {
    if (!expected.kernel_size) {
      return fail(ErrorCode::operand_malformed,
                  "the operand does not say how large the kernel is: it is not for a pef host",
                  "kernel-size");
    }
    SEALIFT_CHECK(list_parts(*expected.kernel_size));
    esm::Measured measured;
    SEALIFT_TRY(measured.kernel, hash({call_.kernel_base, *expected.kernel_size}, "kernel"));
    SEALIFT_TRY(measured.initramfs, hash_initramfs());
    measured.cmdline = crypto::digest(HashAlgorithm::sha512, as_bytes(tree_.bootargs));
    if (tree_.rtas) {
      SEALIFT_TRY(measured.rtas, hash(*tree_.rtas, "rtas"));
    }
    return measured;
  }

  std::vector<Range> taken() const {
    std::vector<Range> ranges;
    for (const auto& part : parts_) ranges.push_back(part.range);
    return ranges;
  }

 private:
  Status list_parts(std::uint32_t kernel_size) {
    parts_ = {{"fdt", tree_.range()}, {"kernel", {call_.kernel_base, kernel_size}}};
    if (tree_.initrd) parts_.push_back({"initramfs", *tree_.initrd});
    if (tree_.rtas) parts_.push_back({"rtas", *tree_.rtas});
    if (operand_.in_wrapper) parts_.push_back({"operand", *operand_.in_wrapper});
    return check_apart(parts_);
  }

  Result<Digest> hash(const Range& range, std::string_view what) const {
    SEALIFT_TRY(const auto bytes, memory_.view(range, what));
    return crypto::digest(HashAlgorithm::sha512, bytes);
  }

  Result<Digest> hash_initramfs() const {
    if (!tree_.initrd) return crypto::digest(HashAlgorithm::sha512, ByteView{});
    SEALIFT_TRY(const auto bytes, memory_.view(*tree_.initrd, "initramfs"));
    return crypto::digest(HashAlgorithm::sha512, bytes.subspan(operand_.initramfs_rest));
  }

  const GuestMemory& memory_;
  const EsmCall& call_;
  const BootTree& tree_;
  const FoundOperand& operand_;
  std::vector<Part> parts_;
};

using tee::Measure;

Result<std::vector<esm::CustomerData>> open_ours(ByteView bytes, tee::SealOpener& opener,
                                                 const Measure& measure, const OnStep& on_step) {
  SEALIFT_TRY(const auto operand, esm::Operand::parse(bytes));
  on_step("operand_found");
  SEALIFT_TRY(auto approved, tee::open_operand(operand, opener, measure,
                                               [&](tee::OpeningStep step) { on_step(tee::name(step)); }));
  return std::move(approved).take_customer_data();
}

Result<std::vector<esm::CustomerData>> open_ibms(ByteView bytes, tee::LockboxOpener& opener,
                                                 const Measure& measure, const OnStep& on_step) {
  SEALIFT_TRY(const auto blob, ibm_esm::parse(bytes));
  on_step("operand_found");
  return tee::open_blob(blob, opener, measure, [&](tee::OpeningStep step) { on_step(tee::name(step)); });
}

}  // namespace

Result<SecureGuest> enter_secure_mode(const GuestMemory& memory, const EsmCall& call, const Openers& openers,
                                      const OnStep& on_step) {
  SEALIFT_TRY(auto tree, read_boot_tree(memory, call.fdt_address));
  SEALIFT_TRY(const auto found, find_operand(memory, tree));
  SEALIFT_TRY(const auto format, formats::format_of(found.bytes));
  Measurement measurement{memory, call, tree, found};
  const Measure measure = [&](const auto& expected) { return measurement.measure(expected); };
  auto customer_data = format == formats::Format::ibm_esm
                           ? open_ibms(found.bytes, openers.lockboxes, measure, on_step)
                           : open_ours(found.bytes, openers.seals, measure, on_step);
  if (!customer_data) return tl::unexpected(std::move(customer_data).error());
  return SecureGuest{*std::move(customer_data), std::move(tree), measurement.taken()};
}

UltracallCode ultracall_code(const Error& refusal) noexcept {
  switch (refusal.code) {
    case ErrorCode::malformed:
    case ErrorCode::truncated:
    case ErrorCode::too_large:
    case ErrorCode::unsupported:
    case ErrorCode::operand_missing:
    case ErrorCode::operand_malformed:
      return UltracallCode::parameter;
    default:
      return kind(refusal.code) == ErrorKind::refused ? UltracallCode::permission
                                                      : UltracallCode::not_available;
  }
}

}  // namespace sealift::pef
