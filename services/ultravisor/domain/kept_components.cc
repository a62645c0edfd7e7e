// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/kept_components.h"

#include <algorithm>
#include <cstring>

namespace sealift::ultravisor {
namespace {

/// Quicker than std::ranges::equal() and, where they are the same memory, at once.
bool are_equal(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  return a.data() == b.data() || a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::list<KeptComponents::Kept> KeptComponents::all() const {
  const std::lock_guard lock{mutex_};
  return kept_;
}

Result<PinnedFile> KeptComponents::pin(std::span<const int> sources, std::uint64_t limit,
                                       const std::string& what) {
  for (const auto& kept : all()) {
    if (kept.file.size() <= limit && kept.file.consists_of(sources)) return kept.file;
  }
  return PinnedFile::pin(sources, limit, what);
}

/// An initramfs may come behind another head, which is not hashed: then its memory is new, its digest is not.
crypto::Digest KeptComponents::sha512(const PinnedFile& file, std::uint64_t offset) const {
  const auto bytes = file.bytes().subspan(offset);
  for (const auto& kept : all()) {
    if (are_equal(kept.hashed(), bytes)) return kept.sha512;
  }
  return file.sha512(offset);
}

void KeptComponents::keep(const PinnedFile& file, std::uint64_t offset, const crypto::Digest& sha512) {
  if (file.size() > limit_) return;
  const std::lock_guard lock{mutex_};
  const auto is_the_same = [&](const Kept& kept) {
    return kept.sha512 == sha512 && kept.hashed().size() == file.size() - offset;
  };
  std::erase_if(kept_, [&](const Kept& kept) {
    if (!is_the_same(kept)) return false;
    taken_ -= kept.file.size();
    return true;
  });
  kept_.push_front({file, offset, sha512});
  taken_ += file.size();
  for (; taken_ > limit_; kept_.pop_back()) taken_ -= kept_.back().file.size();
}

}  // namespace sealift::ultravisor
