// SPDX-License-Identifier: Apache-2.0
/// Objects in an S3 bucket, by any service that checks SigV4 and knows multipart uploads.
///
/// An upload is a multipart upload of the final key, which stays invisible until it is completed. It is
/// completed with exactly the parts whose hash the state carries: a part that somebody replaced in between
/// ends in `conflict`.
#pragma once

#include "objects/object_store.h"
#include "objects/s3_client.h"

namespace sealift::objects {

struct UploadedPart;

class S3Store final : public ObjectStore {
 public:
  /// `clock` outlives the store.
  S3Store(S3Config config, const Clock& clock) : client_{std::move(config), clock} {}

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
  Result<std::vector<UploadedPart>> parts_of(const UploadState& state);
  Status complete(const UploadState& state);

  S3Client client_;
};

}  // namespace sealift::objects
