// SPDX-License-Identifier: Apache-2.0
/// Objects as files below one directory, on one file system: <root>/sha512/…, <root>/heads/…, and what is not
/// finished in <root>/uploads/…. Several processes may use it at once.
#pragma once

#include <filesystem>

#include "objects/object_store.h"

namespace sealift::objects {

class DirectoryStore final : public ObjectStore {
 public:
  /// Makes what is missing below `root`, which exists or can be made.
  static Result<std::unique_ptr<ObjectStore>> open(const std::filesystem::path& root);

  Status check() override;
  Result<std::optional<std::uint64_t>> stat(const ObjectKey& key) override;
  Result<UploadState> begin(const crypto::Digest& sha512, std::uint64_t size) override;
  Result<UploadState> append(const UploadState& state, std::uint64_t offset, ByteView bytes) override;
  Status finish(const UploadState& state) override;
  void abandon(const UploadState& state) override;
  Status put(const ObjectKey& key, ByteView bytes) override;
  Status remove(const ObjectKey& key) override;
  Result<Bytes> read(const ObjectKey& key, std::uint64_t offset, std::size_t size) override;
  Result<Location> location(const ObjectKey& key, std::chrono::seconds lifetime) override;

 private:
  explicit DirectoryStore(std::filesystem::path root) : root_{std::move(root)} {}
  std::filesystem::path path_of(const ObjectKey& key) const { return root_ / key.text(); }
  std::filesystem::path unfinished(const std::string& id) const;
  /// `from` gets the object's name, durably.
  Status publish(const std::filesystem::path& from, const ObjectKey& key) const;

  std::filesystem::path root_;
};

}  // namespace sealift::objects
