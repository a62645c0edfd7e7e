// SPDX-License-Identifier: Apache-2.0
/// Merkle trees over lists that only grow (RFC 9162, 2.1; RFC 6962 has the same): SHA-256, leaves behind
/// 0x00, nodes behind 0x01, so that no node can pass for a leaf.
///
/// Pure: where nodes are kept is the caller's. A node of `level` and `index` is complete when the tree has
/// all of its 2^level leaves; then it never changes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::merkle {

inline constexpr std::size_t kHashSize = 32;
using Hash = std::array<std::uint8_t, kHashSize>;

/// Levels of the largest tree: 2^62 leaves.
inline constexpr unsigned kMaxLevels = 62;
inline constexpr std::uint64_t kMaxSize = std::uint64_t{1} << kMaxLevels;

Hash leaf_hash(ByteView entry);
Hash node_hash(const Hash& left, const Hash& right);
/// Of no leaves at all: the hash of nothing.
Hash empty_root();

/// All that a tree must remember to grow: the roots of its largest complete subtrees, from the left; one for
/// each bit of its size.
class Frontier {
 public:
  Frontier() = default;
  /// invalid_argument unless `peaks` are as many as `size` has bits, and `size` at most kMaxSize.
  static Result<Frontier> create(std::uint64_t size, std::vector<Hash> peaks);

  /// The nodes that this leaf completed, the leaf itself first, each the parent of the one before.
  std::vector<Hash> append(const Hash& leaf);
  Hash root() const;
  std::uint64_t size() const noexcept { return size_; }
  const std::vector<Hash>& peaks() const noexcept { return peaks_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;
};

struct NodeId {
  unsigned level;
  std::uint64_t index;
  auto operator<=>(const NodeId&) const = default;
};
/// A complete node.
using NodeReader = std::function<Result<Hash>(const NodeId&)>;
using Proof = std::vector<Hash>;

/// The leaf with which the node became complete. Who keeps what append() gave for each leaf finds the node
/// there, at the place `level`.
constexpr std::uint64_t completing_leaf(const NodeId& node) noexcept {
  return ((node.index + 1) << node.level) - 1;
}

/// That leaf `index` is in the tree of `size` (2.1.3). Reads about log2(size) nodes. invalid_argument unless
/// index < size.
Result<Proof> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeReader& nodes);
/// That the tree of `first` leaves is the beginning of the one of `second` (2.1.4). Empty where they are the
/// same, or `first` is 0. invalid_argument unless first <= second.
Result<Proof> consistency_proof(std::uint64_t first, std::uint64_t second, const NodeReader& nodes);
/// The peaks of the tree of `size`.
Result<Frontier> frontier_at(std::uint64_t size, const NodeReader& nodes);

/// authentication_failed at "proof" where it does not prove that.
Status verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf, const Proof& proof,
                        const Hash& root);
Status verify_consistency(std::uint64_t first, const Hash& first_root, std::uint64_t second,
                          const Hash& second_root, const Proof& proof);

}  // namespace sealift::merkle
