// SPDX-License-Identifier: Apache-2.0
#include "merkle/tree.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "base/matchers.h"
#include "crypto/digest.h"

namespace sealift::merkle {
namespace {

/// MTH as RFC 9162, 2.1.1 writes it down.
Hash by_definition(std::span<const Bytes> entries) {
  if (entries.empty()) return empty_root();
  if (entries.size() == 1) return leaf_hash(entries[0]);
  const auto split = std::bit_floor(entries.size() - 1);
  return node_hash(by_definition(entries.first(split)), by_definition(entries.subspan(split)));
}

/// A log with everything in memory.
struct Log {
  void append(const Bytes& entry) {
    entries.push_back(entry);
    completed.push_back(tree.append(leaf_hash(entry)));
  }
  NodeReader nodes() const {
    return [this](const NodeId& node) -> Result<Hash> {
      return completed.at(completing_leaf(node)).at(node.level);
    };
  }
  std::vector<Bytes> entries;
  std::vector<std::vector<Hash>> completed;
  Frontier tree;
};

Log log_of(int size) {
  Log log;
  for (int i = 0; i < size; ++i)
    log.append({static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)});
  return log;
}

std::string hex(const Hash& hash) { return to_hex(hash); }

// Of Certificate Transparency's reference implementation (merkletree tests): its eight leaves and their
// roots.
TEST(MerkleTree, HasTheRootsOfTheReferenceImplementation) {
  const std::vector<std::string> leaves{
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const std::vector<std::string> roots{"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                       "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                       "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                       "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                       "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                       "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                       "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                       "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Frontier tree;
  EXPECT_EQ(hex(tree.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    tree.append(leaf_hash(from_hex(leaves[i]).value()));
    EXPECT_EQ(hex(tree.root()), roots[i]) << i;
  }
}

TEST(MerkleTree, GrowsToWhatTheDefinitionGives) {
  Log log;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(log.tree.root(), by_definition(log.entries));
    EXPECT_EQ(frontier_at(log.tree.size(), log.nodes()).value().peaks(), log.tree.peaks());
    log.append(Bytes(static_cast<std::size_t>(i % 7), 1));
  }
}

TEST(MerkleTree, RemembersNoMorePeaksThanItsSizeHasBits) {
  Frontier tree;
  for (std::uint64_t i = 1; i <= 5000; ++i) {
    const auto completed = tree.append(Hash{});
    EXPECT_EQ(tree.peaks().size(), static_cast<std::size_t>(std::popcount(i)));
    EXPECT_EQ(completed.size(), static_cast<std::size_t>(std::countr_zero(i)) + 1);
  }
  EXPECT_THAT(Frontier::create(3, {Hash{}}), FailsAt(ErrorCode::invalid_argument, "peaks"));
  EXPECT_THAT(Frontier::create(kMaxSize + 1, {Hash{}, Hash{}}),
              FailsAt(ErrorCode::invalid_argument, "peaks"));
}

TEST(MerkleTree, ProvesEveryLeafOfEverySizeAndNoOther) {
  const auto log = log_of(70);
  for (std::uint64_t size = 1; size <= 70; ++size) {
    const auto root = by_definition(std::span{log.entries}.first(size));
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto proof = inclusion_proof(index, size, log.nodes()).value();
      const auto leaf = leaf_hash(log.entries[index]);
      ASSERT_THAT(verify_inclusion(index, size, leaf, proof, root), Succeeds()) << index << " of " << size;
      EXPECT_LE(proof.size(), static_cast<std::size_t>(std::bit_width(size)));
      EXPECT_FALSE(verify_inclusion(index + 1, size, leaf, proof, root));
      EXPECT_FALSE(verify_inclusion(index, size, leaf_hash(as_bytes("x")), proof, root));
      EXPECT_FALSE(verify_inclusion(size + index, size, leaf, proof, root));
      for (std::size_t i = 0; i < proof.size(); ++i) {
        auto altered = proof;
        altered[i][i % kHashSize] ^= 1;
        EXPECT_FALSE(verify_inclusion(index, size, leaf, altered, root));
        altered = proof;
        altered.erase(altered.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_FALSE(verify_inclusion(index, size, leaf, altered, root));
      }
      auto longer = proof;
      longer.push_back(root);
      EXPECT_FALSE(verify_inclusion(index, size, leaf, longer, root));
    }
  }
  EXPECT_THAT(inclusion_proof(70, 70, log.nodes()), FailsAt(ErrorCode::invalid_argument, "index"));
}

TEST(MerkleTree, ProvesThatOneSizeGrewIntoAnother) {
  const auto log = log_of(70);
  for (std::uint64_t second = 0; second <= 70; ++second) {
    const auto second_root = by_definition(std::span{log.entries}.first(second));
    for (std::uint64_t first = 0; first <= second; ++first) {
      const auto first_root = by_definition(std::span{log.entries}.first(first));
      const auto proof = consistency_proof(first, second, log.nodes()).value();
      ASSERT_THAT(verify_consistency(first, first_root, second, second_root, proof), Succeeds())
          << first << " to " << second;
      auto other = first_root;
      other[0] ^= 1;
      EXPECT_FALSE(verify_consistency(first, other, second, second_root, proof));
      for (std::size_t i = 0; i < proof.size(); ++i) {
        auto altered = proof;
        altered[i][0] ^= 1;
        EXPECT_FALSE(verify_consistency(first, first_root, second, second_root, altered));
        altered = proof;
        altered.pop_back();
        EXPECT_FALSE(verify_consistency(first, first_root, second, second_root, altered));
      }
    }
  }
}

// RFC 9162, 2.1.5: the tree of seven, its proofs as drawn there.
TEST(MerkleTree, GivesTheProofsOfTheStandardsExample) {
  const auto log = log_of(7);
  const auto node = [&](unsigned level, std::uint64_t index) { return log.nodes()({level, index}).value(); };
  const auto leaf = [&](std::uint64_t index) { return node(0, index); };
  const auto l = node_hash(node(1, 2), leaf(6));
  EXPECT_EQ(inclusion_proof(0, 7, log.nodes()).value(), (Proof{leaf(1), node(1, 1), l}));
  EXPECT_EQ(inclusion_proof(3, 7, log.nodes()).value(), (Proof{leaf(2), node(1, 0), l}));
  EXPECT_EQ(inclusion_proof(4, 7, log.nodes()).value(), (Proof{leaf(5), leaf(6), node(2, 0)}));
  EXPECT_EQ(inclusion_proof(6, 7, log.nodes()).value(), (Proof{node(1, 2), node(2, 0)}));
  EXPECT_EQ(consistency_proof(3, 7, log.nodes()).value(), (Proof{leaf(2), leaf(3), node(1, 0), l}));
  EXPECT_EQ(consistency_proof(4, 7, log.nodes()).value(), (Proof{l}));
  EXPECT_EQ(consistency_proof(6, 7, log.nodes()).value(), (Proof{node(1, 2), leaf(6), node(2, 0)}));
}

}  // namespace
}  // namespace sealift::merkle
