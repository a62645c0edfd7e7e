// SPDX-License-Identifier: Apache-2.0
#include "merkle/tree.h"

#include <algorithm>
#include <bit>

#include "crypto/digest.h"

namespace sealift::merkle {
namespace {

constexpr std::uint8_t kLeaf = 0;
constexpr std::uint8_t kNode = 1;

Hash hash_of(std::initializer_list<ByteView> parts) {
  Hash hash{};
  std::ranges::copy(crypto::digest(crypto::HashAlgorithm::sha256, parts).view(), hash.begin());
  return hash;
}

tl::unexpected<Error> unproven() {
  return fail(ErrorCode::authentication_failed, "the proof does not show that", "proof");
}

/// The largest power of two below `size`, which is at least 2: where a tree is split.
std::uint64_t split_of(std::uint64_t size) { return std::bit_floor(size - 1); }

/// The root of the leaves from `from`, which is a multiple of a power of two not below `size`, on.
Result<Hash> root_of(std::uint64_t from, std::uint64_t size, const NodeReader& nodes) {
  if (std::has_single_bit(size)) {
    const auto level = static_cast<unsigned>(std::countr_zero(size));
    return nodes({level, from >> level});
  }
  const auto split = split_of(size);
  SEALIFT_TRY(const auto left, root_of(from, split, nodes));
  SEALIFT_TRY(const auto right, root_of(from + split, size - split, nodes));
  return node_hash(left, right);
}

/// PATH of 2.1.3.1 for the leaf `index` of those from `from` on.
Status add_path(std::uint64_t index, std::uint64_t from, std::uint64_t size, const NodeReader& nodes,
                Proof& proof) {
  if (size == 1) return {};
  const auto split = split_of(size);
  const bool in_left = index < split;
  if (in_left) {
    SEALIFT_CHECK(add_path(index, from, split, nodes, proof));
  } else {
    SEALIFT_CHECK(add_path(index - split, from + split, size - split, nodes, proof));
  }
  SEALIFT_TRY(const auto sibling,
              in_left ? root_of(from + split, size - split, nodes) : root_of(from, split, nodes));
  proof.push_back(sibling);
  return {};
}

/// SUBPROOF of 2.1.4.1.
Status add_subproof(std::uint64_t first, std::uint64_t from, std::uint64_t size, bool whole,
                    const NodeReader& nodes, Proof& proof) {
  if (first == size) {
    if (whole) return {};
    SEALIFT_TRY(const auto root, root_of(from, size, nodes));
    proof.push_back(root);
    return {};
  }
  const auto split = split_of(size);
  const bool in_left = first <= split;
  if (in_left) {
    SEALIFT_CHECK(add_subproof(first, from, split, whole, nodes, proof));
  } else {
    SEALIFT_CHECK(add_subproof(first - split, from + split, size - split, false, nodes, proof));
  }
  SEALIFT_TRY(const auto other,
              in_left ? root_of(from + split, size - split, nodes) : root_of(from, split, nodes));
  proof.push_back(other);
  return {};
}

}  // namespace

Hash leaf_hash(ByteView entry) { return hash_of({ByteView{&kLeaf, 1}, entry}); }
Hash node_hash(const Hash& left, const Hash& right) { return hash_of({ByteView{&kNode, 1}, left, right}); }
Hash empty_root() { return hash_of({}); }

Result<Frontier> Frontier::create(std::uint64_t size, std::vector<Hash> peaks) {
  if (size > kMaxSize || peaks.size() != static_cast<std::size_t>(std::popcount(size)))
    return fail(ErrorCode::invalid_argument, "a tree has as many peaks as its size has bits", "peaks");
  Frontier frontier;
  frontier.size_ = size;
  frontier.peaks_ = std::move(peaks);
  return frontier;
}

std::vector<Hash> Frontier::append(const Hash& leaf) {
  std::vector<Hash> completed{leaf};
  for (auto left = size_; (left & 1U) != 0; left >>= 1U) {
    completed.push_back(node_hash(peaks_.back(), completed.back()));
    peaks_.pop_back();
  }
  peaks_.push_back(completed.back());
  ++size_;
  return completed;
}

Hash Frontier::root() const {
  if (peaks_.empty()) return empty_root();
  auto root = peaks_.back();
  for (auto peak = peaks_.rbegin() + 1; peak != peaks_.rend(); ++peak) root = node_hash(*peak, root);
  return root;
}

Result<Proof> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeReader& nodes) {
  if (index >= size || size > kMaxSize)
    return fail(ErrorCode::invalid_argument, "the tree has no such leaf", "index");
  Proof proof;
  SEALIFT_CHECK(add_path(index, 0, size, nodes, proof));
  return proof;
}

Result<Proof> consistency_proof(std::uint64_t first, std::uint64_t second, const NodeReader& nodes) {
  if (first > second || second > kMaxSize)
    return fail(ErrorCode::invalid_argument, "the first tree is larger than the second", "first");
  Proof proof;
  if (first > 0) SEALIFT_CHECK(add_subproof(first, 0, second, true, nodes, proof));
  return proof;
}

Result<Frontier> frontier_at(std::uint64_t size, const NodeReader& nodes) {
  std::vector<Hash> peaks;
  std::uint64_t from = 0;
  for (int level = static_cast<int>(kMaxLevels); level >= 0; --level) {
    if ((size >> level & 1U) == 0) continue;
    SEALIFT_TRY(const auto peak, nodes({static_cast<unsigned>(level), from >> level}));
    peaks.push_back(peak);
    from += std::uint64_t{1} << level;
  }
  return Frontier::create(size, std::move(peaks));
}

// 2.1.3.2, with its names.
Status verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf, const Proof& proof,
                        const Hash& root) {
  if (index >= size || size > kMaxSize) return unproven();
  auto fn = index;
  auto sn = size - 1;
  auto r = leaf;
  for (const auto& p : proof) {
    if (sn == 0) return unproven();
    if ((fn & 1U) != 0 || fn == sn) {
      r = node_hash(p, r);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  if (sn != 0 || r != root) return unproven();
  return {};
}

// 2.1.4.2, with its names.
Status verify_consistency(std::uint64_t first, const Hash& first_root, std::uint64_t second,
                          const Hash& second_root, const Proof& proof) {
  if (first > second || second > kMaxSize) return unproven();
  if (first == second || first == 0) {
    const bool same = first == second ? first_root == second_root : first_root == empty_root();
    return same && proof.empty() ? Status{} : unproven();
  }
  if (proof.empty()) return unproven();
  auto path = proof.begin();
  auto fr = std::has_single_bit(first) ? first_root : *path++;
  auto sr = fr;
  auto fn = first - 1;
  auto sn = second - 1;
  while ((fn & 1U) != 0) {
    fn >>= 1U;
    sn >>= 1U;
  }
  for (; path != proof.end(); ++path) {
    if (sn == 0) return unproven();
    if ((fn & 1U) != 0 || fn == sn) {
      fr = node_hash(*path, fr);
      sr = node_hash(*path, sr);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      sr = node_hash(sr, *path);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  if (sn != 0 || fr != first_root || sr != second_root) return unproven();
  return {};
}

}  // namespace sealift::merkle
