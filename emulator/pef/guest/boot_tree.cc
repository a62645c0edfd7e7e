// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/guest/boot_tree.h"

#include <libfdt.h>

namespace sealift::pef {
namespace {

constexpr std::size_t kHeaderSize = sizeof(fdt_header);
constexpr int kMaxReservations = 64;
constexpr std::size_t kMaxBootargs = 4096;

tl::unexpected<Error> refuse(const std::string& field, const std::string& what) {
  return fail(ErrorCode::malformed, "the guest's device tree: " + field + " " + what, field);
}

Result<Bytes> copy_blob(const GuestMemory& memory, std::uint64_t address) {
  SEALIFT_TRY(const auto header, memory.view({address, kHeaderSize}, "fdt"));
  ByteReader reader{header};
  SEALIFT_TRY(const auto magic, reader.be32());
  SEALIFT_TRY(const auto size, reader.be32());
  if (magic != FDT_MAGIC) return refuse("fdt", "is not where the guest says");
  if (size < kHeaderSize || size > kMaxBootTree) return refuse("fdt", "has a size that none has");
  SEALIFT_TRY(const auto whole, memory.view({address, size}, "fdt"));
  auto blob = to_bytes(whole);
  if (fdt_totalsize(blob.data()) != size || fdt_check_full(blob.data(), blob.size()) != 0)
    return refuse("fdt", "is not well-formed");
  return blob;
}

/// One node's properties; each may come once.
class Properties {
 public:
  /// Fails for a node that comes twice, under whatever parent or unit address: Linux would take the first
  /// that libfdt finds as "/chosen", which may be "/chosen@1", and the first "rtas" anywhere.
  static Result<Properties> of(const Bytes& blob, const std::string& name) {
    int found = -FDT_ERR_NOTFOUND;
    int depth = 0;  // libfdt counts on from here: 1 is the root
    for (int node = fdt_next_node(blob.data(), -1, &depth); node >= 0;
         node = fdt_next_node(blob.data(), node, &depth)) {
      int length = 0;
      const char* const text = fdt_get_name(blob.data(), node, &length);
      if (text == nullptr) return refuse("fdt", "has a node without a name");
      const std::string_view whole{text, static_cast<std::size_t>(length)};
      if (whole.substr(0, whole.find('@')) != name) continue;
      if (found >= 0) return refuse(name, "comes twice");
      if (depth != 2 || whole != name) return refuse(name, "is not where it belongs");
      found = node;
    }
    return Properties{blob, name, found};
  }

  std::string field(const std::string& property) const { return name_ + "." + property; }

  /// Empty where there is none.
  Result<std::optional<ByteView>> find(const std::string& wanted) const {
    std::optional<ByteView> found;
    int property = 0;
    if (node_ < 0) return found;
    fdt_for_each_property_offset(property, blob_.data(), node_) {
      const char* name = nullptr;
      int length = 0;
      const void* const value = fdt_getprop_by_offset(blob_.data(), property, &name, &length);
      if (value == nullptr || name == nullptr) return refuse(field(wanted), "cannot be read");
      if (wanted != name) continue;
      if (found) return refuse(field(wanted), "comes twice");
      found = ByteView{static_cast<const std::uint8_t*>(value), static_cast<std::size_t>(length)};
    }
    return found;
  }

  /// A number of one or two cells.
  Result<std::optional<std::uint64_t>> number(const std::string& wanted) const {
    SEALIFT_TRY(const auto bytes, find(wanted));
    if (!bytes) return std::optional<std::uint64_t>{};
    if (bytes->size() != 4 && bytes->size() != 8) return refuse(field(wanted), "is no number");
    std::uint64_t value = 0;
    for (const auto byte : *bytes) value = value << 8U | byte;
    return std::optional{value};
  }

  /// One of one cell: what Linux reads as such, whatever comes behind it.
  Result<std::optional<std::uint64_t>> cell(const std::string& wanted) const {
    SEALIFT_TRY(const auto bytes, find(wanted));
    if (bytes && bytes->size() != 4) return refuse(field(wanted), "is no number of one cell");
    return number(wanted);
  }

 private:
  Properties(const Bytes& blob, std::string name, int node)
      : blob_{blob}, name_{std::move(name)}, node_{node} {}
  const Bytes& blob_;
  std::string name_;
  int node_;
};

Result<std::string> bootargs_of(const Properties& chosen) {
  SEALIFT_TRY(const auto value, chosen.find("bootargs"));
  if (!value || value->empty()) return std::string{};
  const auto text = as_text(*value);
  if (text.size() > kMaxBootargs) return refuse("chosen.bootargs", "is too long");
  if (text.find('\0') != text.size() - 1) return refuse("chosen.bootargs", "is not one text");
  return std::string{text.substr(0, text.size() - 1)};
}

Result<std::optional<Range>> initrd_of(const Properties& chosen) {
  SEALIFT_TRY(const auto start, chosen.number("linux,initrd-start"));
  SEALIFT_TRY(const auto end, chosen.number("linux,initrd-end"));
  if (!start && !end) return std::optional<Range>{};
  if (!start || !end || *end < *start) return refuse("chosen.linux,initrd-end", "is not behind its start");
  return std::optional{Range{*start, *end - *start}};
}

/// What of the RTAS is code, is what SLOF says beside the size that it reserves. It is entered where what is
/// measured begins, and nowhere else.
Result<std::optional<Range>> rtas_of(const Properties& rtas) {
  SEALIFT_TRY(const auto base, rtas.cell("linux,rtas-base"));
  SEALIFT_TRY(const auto entry, rtas.cell("linux,rtas-entry"));
  if (entry && entry != base) return refuse("rtas.linux,rtas-entry", "is not the start of what is measured");
  if (!base) return std::optional<Range>{};
  SEALIFT_TRY(auto size, rtas.cell("slof,rtas-size"));
  if (!size) {
    SEALIFT_TRY(size, rtas.cell("rtas-size"));
  }
  if (!size) return refuse("rtas.rtas-size", "is missing");
  return std::optional{Range{*base, *size}};
}

Result<std::vector<Range>> reservations_of(const Bytes& blob) {
  const int count = fdt_num_mem_rsv(blob.data());
  if (count < 0 || count > kMaxReservations) return refuse("fdt", "has too many memory reservations");
  std::vector<Range> reserved;
  for (int i = 0; i < count; ++i) {
    Range range;
    if (fdt_get_mem_rsv(blob.data(), i, &range.start, &range.size) != 0)
      return refuse("fdt", "has memory reservations that cannot be read");
    reserved.push_back(range);
  }
  return reserved;
}

}  // namespace

Result<BootTree> read_boot_tree(const GuestMemory& memory, std::uint64_t address) {
  BootTree tree;
  tree.address = address;
  SEALIFT_TRY(tree.blob, copy_blob(memory, address));
  SEALIFT_TRY(const auto chosen, Properties::of(tree.blob, "chosen"));
  SEALIFT_TRY(tree.bootargs, bootargs_of(chosen));
  SEALIFT_TRY(tree.initrd, initrd_of(chosen));
  SEALIFT_TRY(const auto start, chosen.find("linux,esm-blob-start"));
  SEALIFT_TRY(const auto end, chosen.find("linux,esm-blob-end"));
  if (start) tree.esm_blob_start = to_bytes(*start);
  if (end) tree.esm_blob_end = to_bytes(*end);
  SEALIFT_TRY(const auto rtas, Properties::of(tree.blob, "rtas"));
  SEALIFT_TRY(tree.rtas, rtas_of(rtas));
  SEALIFT_TRY(tree.reserved, reservations_of(tree.blob));
  return tree;
}

}  // namespace sealift::pef
