// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/root_key.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "crypto/random.h"

namespace sealift::securitymodule {
namespace {

constexpr std::string_view kContext = "sealift sm v1 root key";
constexpr std::uint8_t kVersion = 2;
constexpr std::size_t kMaxKeyId = 255;
constexpr std::size_t kMaxWrapped = 4096;

struct Wrap {
  std::string key_id;
  Bytes wrapped;
};
using Wraps = std::vector<Wrap>;

/// u8 2, then for each wrap its key's id and the wrapped key, sized16.
Bytes written(const Wraps& wraps) {
  ByteWriter out;
  out.u8(kVersion);
  for (const auto& wrap : wraps) out.sized16(as_bytes(wrap.key_id)).sized16(wrap.wrapped);
  return std::move(out).take();
}

Result<Wraps> parse(ByteView document) {
  ByteReader reader{document};
  SEALIFT_TRY(const auto version, reader.u8());
  if (version != kVersion) return fail(ErrorCode::malformed, "of no known version");
  Wraps wraps;
  while (!reader.at_end()) {
    if (wraps.size() == kMaxWraps) return fail(ErrorCode::malformed, "too many");
    SEALIFT_TRY(const auto key_id, reader.sized16(kMaxKeyId));
    SEALIFT_TRY(const auto wrapped, reader.sized16(kMaxWrapped));
    wraps.push_back({std::string{as_text(key_id)}, to_bytes(wrapped)});
  }
  return wraps;
}

struct Stored {
  Bytes document;
  Wraps wraps;
};

Result<Stored> read(store::RootKeyStore& store) {
  auto document = store.get();
  if (!document && document.error().code == ErrorCode::not_found)
    return fail(ErrorCode::failed_precondition, "the database has no root key", "protector");
  if (!document) return tl::unexpected(document.error());
  auto wraps = parse(*document);
  if (!wraps)
    return fail(ErrorCode::malformed, "the database's wrapped root key was damaged: restore it from a backup",
                "database", wraps.error().message);
  return Stored{std::move(*document), std::move(*wraps)};
}

std::vector<std::string> key_ids(const Wraps& wraps) {
  std::vector<std::string> ids;
  for (const auto& wrap : wraps) {
    if (std::ranges::find(ids, wrap.key_id) == ids.end()) ids.push_back(wrap.key_id);
  }
  return ids;
}

Result<RootKey> unwrap(const Wrap& wrap, const Protector& protector) {
  SEALIFT_TRY(auto root, protector.unwrap(wrap.wrapped, as_bytes(kContext)));
  if (root.size() != kRootKeySize)
    return fail(ErrorCode::authentication_failed, "the database's root key has not its size", "protector");
  return RootKey{root.expose_for_writing().first<kRootKeySize>()};
}

/// By any of the wraps of the protector's key: a TPM has one for each state that was approved.
Result<RootKey> open(const Wraps& wraps, const Protector& protector) {
  Result<RootKey> opened = fail(
      ErrorCode::failed_precondition,
      fmt::format("the database is protected by the key {}, and this one is {}: restore one of the former",
                  fmt::join(key_ids(wraps), " or "), protector.key_id()),
      "protector");
  for (const auto& wrap : wraps) {
    if (wrap.key_id != protector.key_id()) continue;
    opened = unwrap(wrap, protector);
    if (opened) break;
  }
  return opened;
}

Result<Wrap> wrap(const RootKey& root, const Protector& protector) {
  SEALIFT_TRY(auto wrapped, protector.wrap(root.expose(), as_bytes(kContext)));
  Wrap made{protector.key_id(), std::move(wrapped)};
  const auto opened = unwrap(made, protector);
  // A TPM cannot show yet that it will open what was wrapped for a state to come.
  if (!opened && opened.error().code == ErrorCode::pcr_differs) return made;
  if (!opened) return tl::unexpected(opened.error());
  if (!opened->equals(root.expose()))
    return fail(ErrorCode::internal, "the protector does not give back what it wrapped", "protector");
  return made;
}

}  // namespace

Result<Vault> open_vault(store::RootKeyStore& store, const Protector& protector) {
  SEALIFT_TRY(const auto stored, read(store));
  SEALIFT_TRY(auto root, open(stored.wraps, protector));
  return Vault{std::move(root)};
}

Status make_root_key(store::RootKeyStore& store, const Protector& protector) {
  SEALIFT_TRY(auto made, wrap(crypto::random_secret<kRootKeySize>(), protector));
  SEALIFT_CHECK(store.put_if_absent(written({std::move(made)})));
  return {};
}

Result<std::vector<std::string>> protecting_keys(store::RootKeyStore& store) {
  SEALIFT_TRY(const auto stored, read(store));
  return key_ids(stored.wraps);
}

Status rewrap(store::RootKeyStore& store, const Protector& from, const Protector& to, OldWraps old) {
  SEALIFT_TRY(const auto stored, read(store));
  SEALIFT_TRY(const auto root, open(stored.wraps, from));
  auto wraps = stored.wraps;
  if (old == OldWraps::remove)
    std::erase_if(wraps, [&](const Wrap& wrap) { return wrap.key_id == from.key_id(); });
  if (wraps.size() == kMaxWraps)
    return fail(ErrorCode::resource_exhausted, "the root key is wrapped by too many keys already",
                "protector");
  SEALIFT_TRY(auto added, wrap(root, to));
  wraps.push_back(std::move(added));
  return store.replace(stored.document, written(wraps));
}

}  // namespace sealift::securitymodule
