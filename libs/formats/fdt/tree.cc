// SPDX-License-Identifier: Apache-2.0
#include "formats/fdt/tree.h"

#include <fmt/core.h>
#include <libfdt.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <span>
#include <utility>

namespace sealift::fdt {
namespace {

constexpr std::size_t kHeaderBytes = 40;
constexpr std::size_t kTerminatorBytes = 16;  // one memory reservation of address 0 and size 0
constexpr std::uint32_t kMagic = 0xd00dfeed;
constexpr std::uint32_t kVersion = 17;
constexpr std::uint32_t kLastCompatibleVersion = 16;

/// A part of the blob, by its place.
struct Block {
  const char* what;
  std::size_t offset;
  std::size_t size;
};

struct Header {
  std::uint32_t total_size;
  std::uint32_t structure_offset;
  std::uint32_t strings_offset;
  std::uint32_t reservations_offset;
  std::uint32_t version;
  std::uint32_t last_compatible_version;
  std::uint32_t strings_size;
  std::uint32_t structure_size;
};

Result<Header> read_header(ByteView blob) {
  ByteReader reader{blob};
  SEALIFT_TRY(const auto magic, reader.be32());
  if (magic != kMagic)
    return fail(ErrorCode::malformed, "not a flattened device tree: other magic number", "magic");
  Header header{};
  SEALIFT_TRY(header.total_size, reader.be32());
  SEALIFT_TRY(header.structure_offset, reader.be32());
  SEALIFT_TRY(header.strings_offset, reader.be32());
  SEALIFT_TRY(header.reservations_offset, reader.be32());
  SEALIFT_TRY(header.version, reader.be32());
  SEALIFT_TRY(header.last_compatible_version, reader.be32());
  SEALIFT_CHECK(reader.be32());  // boot_cpuid_phys: means nothing here
  SEALIFT_TRY(header.strings_size, reader.be32());
  SEALIFT_TRY(header.structure_size, reader.be32());
  return header;
}

Status check_size(const Header& header, ByteView blob, std::size_t max_size) {
  if (header.total_size > max_size) {
    return fail(ErrorCode::too_large,
                fmt::format("device tree of {} bytes, at most {} are read", header.total_size, max_size),
                "totalsize");
  }
  if (header.total_size > blob.size()) {
    return fail(ErrorCode::truncated,
                fmt::format("device tree of {} bytes, {} there", header.total_size, blob.size()),
                "totalsize");
  }
  if (header.total_size < blob.size()) {
    return fail(ErrorCode::malformed,
                fmt::format("{} bytes after the device tree", blob.size() - header.total_size), "totalsize");
  }
  if (header.version != kVersion || header.last_compatible_version != kLastCompatibleVersion) {
    return fail(ErrorCode::unsupported,
                fmt::format("device tree of version {}, only {} is read", header.version, kVersion),
                "version");
  }
  return {};
}

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

/// Every block inside, none over another, only zeros between and after them.
Status check_blocks(const Header& header, ByteView blob) {
  std::array<Block, 4> blocks{{{"header", 0, kHeaderBytes},
                               {"memory reservations", header.reservations_offset, kTerminatorBytes},
                               {"structure", header.structure_offset, header.structure_size},
                               {"strings", header.strings_offset, header.strings_size}}};
  std::ranges::sort(blocks, {}, [](const Block& block) { return std::pair{block.offset, block.size}; });
  std::size_t end = 0;
  for (const auto& block : blocks) {
    if (block.offset > blob.size() || block.size > blob.size() - block.offset) {
      return fail(ErrorCode::malformed,
                  fmt::format("the {} block does not lie inside the device tree", block.what), block.what);
    }
    if (block.offset < end) {
      return fail(ErrorCode::malformed, fmt::format("the {} block overlaps another", block.what), block.what);
    }
    if (!all_zero(blob.subspan(end, block.offset - end))) {
      return fail(ErrorCode::malformed,
                  fmt::format("bytes that belong to nothing before the {} block", block.what), block.what);
    }
    end = block.offset + block.size;
  }
  if (!all_zero(blob.subspan(end))) {
    return fail(ErrorCode::malformed, "bytes that belong to nothing after the last block", "padding");
  }
  if (header.structure_offset % 4 != 0 || header.reservations_offset % 8 != 0) {
    return fail(ErrorCode::malformed, "a block of the device tree is not aligned", "header");
  }
  if (!all_zero(blob.subspan(header.reservations_offset, kTerminatorBytes))) {
    return fail(ErrorCode::unsupported, "the device tree has memory reservations", "memory reservations");
  }
  return {};
}

bool good_name(std::string_view text, std::string_view punctuation) {
  if (text.empty() || text.size() > kMaxNameSize) return false;
  return std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           punctuation.find(c) != std::string_view::npos;
  });
}

// Devicetree Specification, tables 2.1 and 2.2.2: the characters of node and property names.
bool good_node_name(std::string_view text) { return good_name(text, ",._+-@"); }
bool good_property_name(std::string_view text) { return good_name(text, ",._+-?#"); }

template <typename Range>
const std::string* first_duplicate(const Range& named) {
  std::vector<const std::string*> names;
  names.reserve(named.size());
  for (const auto& item : named) names.push_back(&item.name);
  std::ranges::sort(names, {}, [](const std::string* name) { return std::string_view{*name}; });
  const auto found = std::ranges::adjacent_find(names, [](auto* a, auto* b) { return *a == *b; });
  return found == names.end() ? nullptr : *found;
}

Status check_duplicates(const Node& node) {
  if (const auto* twice = first_duplicate(node.properties)) {
    return fail(ErrorCode::malformed, fmt::format("node '{}' has the property '{}' twice", node.name, *twice),
                *twice);
  }
  if (const auto* twice = first_duplicate(node.children)) {
    return fail(ErrorCode::malformed, fmt::format("node '{}' has the child '{}' twice", node.name, *twice),
                *twice);
  }
  return {};
}

/// Walks the structure block, token by token. libfdt's bounds checks hold under every read.
class Walker {
 public:
  Walker(const void* blob, std::size_t structure_size) : blob_{blob}, structure_size_{structure_size} {}

  Result<Node> walk() {
    for (int offset = 0;;) {
      int next = 0;
      const auto tag = fdt_next_tag(blob_, offset, &next);
      if (next < 0) return fail(ErrorCode::malformed, fmt::format("structure block: {}", fdt_strerror(next)));
      if (tag == FDT_END) return finish(next);
      if (done_) return fail(ErrorCode::malformed, "something follows the root node");
      SEALIFT_CHECK(token(tag, offset));
      offset = next;
    }
  }

 private:
  Status token(std::uint32_t tag, int offset) {
    switch (tag) {
      case FDT_BEGIN_NODE:
        return begin_node(offset);
      case FDT_END_NODE:
        return end_node();
      case FDT_PROP:
        return property(offset);
      default:
        return fail(ErrorCode::malformed, fmt::format("token {} in the structure block is not known", tag));
    }
  }

  Status begin_node(int offset) {
    int size = 0;
    const char* name = fdt_get_name(blob_, offset, &size);
    if (name == nullptr) return fail(ErrorCode::malformed, fmt::format("node name: {}", fdt_strerror(size)));
    const std::string_view text{name, static_cast<std::size_t>(size)};
    if (open_.empty() ? !text.empty() : !good_node_name(text)) {
      return fail(ErrorCode::malformed,
                  fmt::format("the name of a node at offset {} is not allowed", offset));
    }
    if (open_.size() == kMaxDepth) {
      return fail(ErrorCode::too_large, fmt::format("the device tree is deeper than {} nodes", kMaxDepth));
    }
    open_.push_back({std::string{text}, {}, {}});
    return {};
  }

  Status property(int offset) {
    const char* name = nullptr;
    int size = 0;
    const void* value = fdt_getprop_by_offset(blob_, offset, &name, &size);
    if (value == nullptr) return fail(ErrorCode::malformed, fmt::format("property: {}", fdt_strerror(size)));
    if (open_.empty()) return fail(ErrorCode::malformed, "a property outside of every node");
    if (!good_property_name(name)) {
      return fail(ErrorCode::malformed,
                  fmt::format("the name of a property at offset {} is not allowed", offset));
    }
    if (!open_.back().children.empty()) {
      return fail(ErrorCode::malformed, fmt::format("the property '{}' follows a child node", name), name);
    }
    const std::span bytes{static_cast<const std::uint8_t*>(value), static_cast<std::size_t>(size)};
    open_.back().properties.push_back({name, to_bytes(bytes)});
    return {};
  }

  Status end_node() {
    if (open_.empty()) return fail(ErrorCode::malformed, "the end of a node that was not begun");
    auto node = std::move(open_.back());
    open_.pop_back();
    SEALIFT_CHECK(check_duplicates(node));
    if (open_.empty()) {
      root_ = std::move(node);
      done_ = true;
    } else {
      open_.back().children.push_back(std::move(node));
    }
    return {};
  }

  Result<Node> finish(int end) {
    if (!done_) return fail(ErrorCode::malformed, "the structure block ends inside a node");
    if (static_cast<std::size_t>(end) != structure_size_) {
      return fail(ErrorCode::malformed, "the structure block goes on after its end token");
    }
    return std::move(root_);
  }

  const void* blob_;
  std::size_t structure_size_;
  std::vector<Node> open_;
  Node root_;
  bool done_ = false;
};

Status check_writable(const Node& node, bool root, std::size_t depth) {
  if (depth > kMaxDepth) return fail(ErrorCode::too_large, "the device tree is too deep");
  if (root ? !node.name.empty() : !good_node_name(node.name)) {
    return fail(ErrorCode::malformed, fmt::format("'{}' is not allowed as a node's name", node.name));
  }
  for (const auto& property : node.properties) {
    if (!good_property_name(property.name)) {
      return fail(ErrorCode::malformed,
                  fmt::format("'{}' is not allowed as a property's name", property.name));
    }
  }
  SEALIFT_CHECK(check_duplicates(node));
  for (const auto& child : node.children) SEALIFT_CHECK(check_writable(child, false, depth + 1));
  return {};
}

std::size_t aligned(std::size_t size) { return (size + 3) / 4 * 4; }

/// The most that `node` can take in the structure and strings blocks.
std::size_t bound(const Node& node) {
  std::size_t size = 4 + aligned(node.name.size() + 1) + 4;
  for (const auto& property : node.properties) {
    size += 12 + aligned(property.value.size()) + property.name.size() + 1;
  }
  for (const auto& child : node.children) size += bound(child);
  return size;
}

int write_node(void* out, const Node& node) {
  int error = fdt_begin_node(out, node.name.c_str());
  for (const auto& property : node.properties) {
    if (error != 0) return error;
    error = fdt_property(out, property.name.c_str(), property.value.data(),
                         static_cast<int>(property.value.size()));
  }
  for (const auto& child : node.children) {
    if (error != 0) return error;
    error = write_node(out, child);
  }
  return error != 0 ? error : fdt_end_node(out);
}

int write_tree(Bytes& out, const Node& root) {
  int error = fdt_create(out.data(), static_cast<int>(out.size()));
  if (error == 0) error = fdt_finish_reservemap(out.data());
  if (error == 0) error = write_node(out.data(), root);
  return error != 0 ? error : fdt_finish(out.data());
}

template <typename Range>
auto find_named(Range& named, std::string_view wanted) {
  return std::ranges::find(named, wanted, [](const auto& item) { return std::string_view{item.name}; });
}

}  // namespace

const Bytes* Node::property(std::string_view wanted) const noexcept {
  const auto found = find_named(properties, wanted);
  return found == properties.end() ? nullptr : &found->value;
}

const Node* Node::child(std::string_view wanted) const noexcept {
  const auto found = find_named(children, wanted);
  return found == children.end() ? nullptr : &*found;
}

Node& Node::add(std::string_view property_name, ByteView value) {
  properties.push_back({std::string{property_name}, to_bytes(value)});
  return *this;
}

Node& Node::add_text(std::string_view property_name, std::initializer_list<std::string_view> texts) {
  ByteWriter value;
  for (const auto text : texts) value.text(text).u8(0);
  return add(property_name, value.view());
}

Node& Node::add_be32(std::string_view property_name, std::uint32_t value) {
  return add(property_name, ByteWriter{}.be32(value).view());
}

Node& Node::add_child(std::string_view child_name) {
  return children.emplace_back(Node{std::string{child_name}, {}, {}});
}

Result<Node> parse(ByteView blob, std::size_t max_size) {
  SEALIFT_TRY(const auto header, read_header(blob));
  SEALIFT_CHECK(check_size(header, blob, std::min(max_size, kMaxSize)));
  SEALIFT_CHECK(check_blocks(header, blob));
  const Bytes copy = to_bytes(blob);  // libfdt wants 8-byte alignment
  if (const int error = fdt_check_full(copy.data(), copy.size()); error != 0) {
    return fail(ErrorCode::malformed, fmt::format("not a valid device tree: {}", fdt_strerror(error)));
  }
  return Walker{copy.data(), header.structure_size}.walk();
}

Result<Bytes> serialise(const Node& root, std::size_t total_size) {
  SEALIFT_CHECK(check_writable(root, true, 1));
  const std::size_t most = kHeaderBytes + kTerminatorBytes * 2 + bound(root) + 4;  // libfdt aligns to 16
  // Names are shared in the end, so `most` may be several times the packed size.
  if (most > kMaxSize * 8 || total_size > kMaxSize) {
    return fail(ErrorCode::too_large, fmt::format("the device tree is larger than {} bytes", kMaxSize));
  }
  Bytes out(most);
  if (const int error = write_tree(out, root); error != 0) {
    return fail(ErrorCode::internal, fmt::format("libfdt: {}", fdt_strerror(error)));
  }
  const std::size_t packed = ByteReader{ByteView{out}.subspan(4)}.be32().value();
  if (const auto room = total_size != 0 ? total_size : kMaxSize; packed > room) {
    return fail(ErrorCode::too_large,
                fmt::format("the device tree takes {} bytes, there is room for {}", packed, room));
  }
  out.resize(packed);
  if (total_size != 0) {
    out.resize(total_size);
    fdt_set_totalsize(out.data(), static_cast<std::uint32_t>(total_size));
  }
  return out;
}

}  // namespace sealift::fdt
