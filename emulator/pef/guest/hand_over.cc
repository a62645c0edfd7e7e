// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/guest/hand_over.h"

#include <libfdt.h>

#include <algorithm>

namespace sealift::pef {
namespace {

constexpr const char* kProperty = "sealift,customer-data";
constexpr std::uint64_t kPage = 64U << 10U;  // the largest that such a guest has
constexpr std::size_t kGrowth = 256;         // one reservation, one property and its name

std::uint64_t round_up(std::uint64_t value) { return (value + kPage - 1) / kPage * kPage; }

tl::unexpected<Error> no_room() {
  return fail(ErrorCode::no_space, "the guest's memory has no room for its customer data", "customer-data");
}

/// The tree with the pages reserved and named.
Result<Bytes> extended(const BootTree& tree, const Range& pages) {
  Bytes blob(tree.blob.size() + kGrowth);
  auto* const fdt = blob.data();
  bool done = fdt_open_into(tree.blob.data(), fdt, static_cast<int>(blob.size())) == 0 &&
              fdt_add_mem_rsv(fdt, pages.start, pages.size) == 0;
  const int chosen = done ? fdt_path_offset(fdt, "/chosen") : -1;
  ByteWriter writer;
  const auto place = writer.be64(pages.start).be64(pages.size).view();
  done = done && chosen >= 0 &&
         fdt_setprop(fdt, chosen, kProperty, place.data(), static_cast<int>(place.size())) == 0 &&
         fdt_pack(fdt) == 0;
  if (!done) return fail(ErrorCode::malformed, "the guest's device tree takes no more properties", "fdt");
  blob.resize(fdt_totalsize(fdt));
  return blob;
}

/// The first pages above the tree that nothing else is in.
Result<Range> free_pages(const GuestMemory& memory, const SecureGuest& guest, std::uint64_t size) {
  const auto tree_end = guest.tree.address + guest.tree.blob.size() + kGrowth;
  Range pages{round_up(tree_end), round_up(size)};
  auto taken = guest.taken;
  taken.insert(taken.end(), guest.tree.reserved.begin(), guest.tree.reserved.end());
  std::erase(taken, guest.tree.range());
  std::ranges::sort(taken, {}, &Range::start);
  for (const auto& range : taken) {
    if (range.overlaps({guest.tree.address, guest.tree.blob.size() + kGrowth}) &&
        range.start > guest.tree.address)
      return no_room();
    if (!range.overlaps(pages)) continue;
    // What a reservation says is the guest's: it may end behind all addresses.
    if (range.start > memory.size() || range.size > memory.size() - range.start) return no_room();
    pages.start = round_up(range.start + range.size);
  }
  if (pages.start > memory.size() || pages.size > memory.size() - pages.start) return no_room();
  return pages;
}

}  // namespace

Status hand_over(GuestMemory& memory, const SecureGuest& guest, const SecretBytes& message) {
  SEALIFT_TRY(const auto pages, free_pages(memory, guest, message.size()));
  SEALIFT_TRY(const auto tree, extended(guest.tree, pages));
  SEALIFT_CHECK(memory.write(pages.start, message.expose(), "customer-data"));
  return memory.write(guest.tree.address, tree, "fdt");
}

}  // namespace sealift::pef
