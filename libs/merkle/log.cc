// SPDX-License-Identifier: Apache-2.0
#include "merkle/log.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <map>

namespace sealift::merkle {
namespace {

constexpr std::string_view kHeadContext = "sealift audit v1 tree head";
constexpr std::string_view kReceiptMagic = "SLRCPT1\n";
constexpr std::string_view kBundleMagic = "SLBNDL1\n";
constexpr std::size_t kMaxSignature = 256;
constexpr std::uint8_t kInTheClear = 0;
constexpr std::uint8_t kHashed = 1;

Bytes signed_bytes(const crypto::PublicKey& key, std::uint64_t size, std::uint64_t time_ms,
                   const Hash& root) {
  ByteWriter out;
  out.text(kHeadContext).bytes(log_id(key)).be64(size).be64(time_ms).bytes(root);
  return std::move(out).take();
}

Result<Hash> read_hash(ByteReader& reader) {
  SEALIFT_TRY(const auto bytes, reader.take(kHashSize));
  Hash hash{};
  std::ranges::copy(bytes, hash.begin());
  return hash;
}

Status expect_magic(ByteReader& reader, std::string_view magic) {
  SEALIFT_TRY(const auto found, reader.take(magic.size()));
  if (!same_bytes(found, as_bytes(magic)))
    return fail(ErrorCode::malformed, "these are no receipt or bundle of an audit log");
  return {};
}

tl::unexpected<Error> malformed(const char* what) {
  return fail(ErrorCode::malformed, fmt::format("the {} is damaged", what), what);
}

Result<Frontier> read_frontier(ByteReader& reader) {
  SEALIFT_TRY(const auto size, reader.be64());
  if (size > kMaxSize) return malformed("size");
  std::vector<Hash> peaks;
  for (int i = std::popcount(size); i > 0; --i) {
    SEALIFT_TRY(const auto peak, read_hash(reader));
    peaks.push_back(peak);
  }
  return Frontier::create(size, std::move(peaks));
}

Result<BundleEntry> read_entry(ByteReader& reader) {
  SEALIFT_TRY(const auto kind, reader.u8());
  if (kind == kHashed) {
    SEALIFT_TRY(const auto hash, read_hash(reader));
    return BundleEntry{hash};
  }
  if (kind != kInTheClear) return malformed("entries");
  SEALIFT_TRY(const auto bytes, reader.sized32(kMaxEntry));
  return BundleEntry{to_bytes(bytes)};
}

void write_entry(ByteWriter& out, const BundleEntry& entry) {
  if (const auto* const bytes = std::get_if<Bytes>(&entry)) {
    out.u8(kInTheClear).sized32(*bytes);
  } else {
    out.u8(kHashed).bytes(std::get<Hash>(entry));
  }
}

Hash leaf_of(const BundleEntry& entry) {
  if (const auto* const bytes = std::get_if<Bytes>(&entry)) return leaf_hash(*bytes);
  return std::get<Hash>(entry);
}

}  // namespace

Hash log_id(const crypto::PublicKey& key) {
  Hash id{};
  std::ranges::copy(crypto::digest(crypto::HashAlgorithm::sha256, key.der()).view(), id.begin());
  return id;
}

Result<SignedHead> sign_head(const HeadSigner& signer, const Frontier& tree, std::uint64_t time_ms) {
  SignedHead head{tree.size(), time_ms, tree.root(), {}};
  SEALIFT_TRY(head.signature, signer.sign(signed_bytes(signer.public_key(), head.size, time_ms, head.root)));
  return head;
}

Status verify_head(const crypto::PublicKey& key, const SignedHead& head) {
  const auto verified = key.verify(crypto::HashAlgorithm::sha256,
                                   signed_bytes(key, head.size, head.time_ms, head.root), head.signature);
  if (verified) return {};
  return fail(ErrorCode::signature_invalid, "the head of the log was altered, or is another log's", "head");
}

Status expect_same_history(const SignedHead& one, const SignedHead& other) {
  if (one.size != other.size || one.root == other.root) return {};
  return fail(ErrorCode::authentication_failed,
              fmt::format("the log has shown two histories of its first {} entries", one.size), "head");
}

void write_head(ByteWriter& out, const SignedHead& head) {
  out.be64(head.size).be64(head.time_ms).bytes(head.root).sized16(head.signature);
}

Result<SignedHead> read_head(ByteReader& reader) {
  SignedHead head;
  SEALIFT_TRY(head.size, reader.be64());
  SEALIFT_TRY(head.time_ms, reader.be64());
  SEALIFT_TRY(head.root, read_hash(reader));
  SEALIFT_TRY(const auto signature, reader.sized16(kMaxSignature));
  head.signature = to_bytes(signature);
  return head;
}

Bytes Receipt::written() const {
  ByteWriter out;
  out.text(kReceiptMagic).be64(index).bytes(leaf).u8(static_cast<std::uint8_t>(proof.size()));
  for (const auto& hash : proof) out.bytes(hash);
  write_head(out, head);
  return std::move(out).take();
}

Result<Receipt> Receipt::parse(ByteView bytes) {
  ByteReader reader{bytes};
  SEALIFT_CHECK(expect_magic(reader, kReceiptMagic));
  Receipt receipt;
  SEALIFT_TRY(receipt.index, reader.be64());
  SEALIFT_TRY(receipt.leaf, read_hash(reader));
  SEALIFT_TRY(const auto count, reader.u8());
  if (count > kMaxLevels + 1) return malformed("proof");
  for (unsigned i = 0; i < count; ++i) {
    SEALIFT_TRY(const auto hash, read_hash(reader));
    receipt.proof.push_back(hash);
  }
  SEALIFT_TRY(receipt.head, read_head(reader));
  SEALIFT_CHECK(reader.expect_end());
  return receipt;
}

Status Receipt::verify(const crypto::PublicKey& key) const {
  SEALIFT_CHECK(verify_head(key, head));
  return verify_inclusion(index, head.size, leaf, proof, head.root);
}

Bytes Bundle::written() const {
  ByteWriter out;
  out.text(kBundleMagic).be64(before.size());
  for (const auto& peak : before.peaks()) out.bytes(peak);
  out.be64(entries.size());
  for (const auto& entry : entries) write_entry(out, entry);
  write_head(out, head);
  return std::move(out).take();
}

Result<Bundle> Bundle::parse(ByteView bytes) {
  ByteReader reader{bytes};
  SEALIFT_CHECK(expect_magic(reader, kBundleMagic));
  Bundle bundle;
  SEALIFT_TRY(bundle.before, read_frontier(reader));
  SEALIFT_TRY(const auto count, reader.be64());
  if (count > reader.rest().size()) return malformed("entries");
  for (std::uint64_t i = 0; i < count; ++i) {
    SEALIFT_TRY(auto entry, read_entry(reader));
    bundle.entries.push_back(std::move(entry));
  }
  SEALIFT_TRY(bundle.head, read_head(reader));
  SEALIFT_CHECK(reader.expect_end());
  return bundle;
}

Result<Bundle::Verdict> Bundle::verify(const crypto::PublicKey& key,
                                       const std::vector<SignedHead>& known) const {
  SEALIFT_CHECK(verify_head(key, head));
  std::multimap<std::uint64_t, const SignedHead*> by_size;
  for (const auto& one : known) {
    SEALIFT_CHECK(verify_head(key, one));
    SEALIFT_CHECK(expect_same_history(one, head));
    by_size.emplace(one.size, &one);
  }
  Verdict verdict{0, known.size()};
  Status fork;
  auto tree = before;
  const auto compare = [&] {
    const auto [from, to] = by_size.equal_range(tree.size());
    for (auto one = from; one != to; ++one) {
      ++verdict.compared;
      --verdict.out_of_range;
      if (fork) fork = expect_same_history(*one->second, {tree.size(), 0, tree.root(), {}});
    }
  };
  compare();
  for (const auto& entry : entries) {
    tree.append(leaf_of(entry));
    compare();
  }
  if (tree.size() != head.size || tree.root() != head.root)
    return fail(ErrorCode::authentication_failed,
                "the entries are not those that the log's head was signed over", "entries");
  SEALIFT_CHECK(std::move(fork));
  return verdict;
}

Result<Receipt> Bundle::receipt(std::uint64_t index) const {
  if (before.size() != 0)
    return fail(ErrorCode::invalid_argument, "a receipt needs a bundle from the log's first entry on",
                "bundle");
  if (index >= entries.size())
    return fail(ErrorCode::invalid_argument, "the bundle has no such entry", "index");
  std::vector<std::vector<Hash>> completed;
  Frontier tree;
  for (const auto& entry : entries) completed.push_back(tree.append(leaf_of(entry)));
  SEALIFT_TRY(auto proof, inclusion_proof(index, tree.size(), [&](const NodeId& node) -> Result<Hash> {
                return completed.at(completing_leaf(node)).at(node.level);
              }));
  return Receipt{index, leaf_of(entries[index]), std::move(proof), head};
}

}  // namespace sealift::merkle
