// SPDX-License-Identifier: Apache-2.0
/// Heads of images that the customer sealed ahead to sets of hosts (adr/0026). Each is one object in the
/// store, with a slot for each host, and a row that says which hosts, under which policy, since when.
#pragma once

#include "base/clock.h"
#include "objects/object_store.h"
#include "sealift/v1/images.pb.h"
#include "sealift/v1/zone.pb.h"
#include "store/images.h"
#include "store/sealed_heads.h"

namespace sealift::frontend {

class SealedHeads {
 public:
  SealedHeads(store::SealedHeadStore& store, store::ImageStore& images, objects::ObjectStore& objects,
              const Clock& clock)
      : store_{store}, images_{images}, objects_{objects}, clock_{clock} {}

  /// In the place of the set's earlier one. not_found; invalid_argument; operand_full above some 1,200 hosts;
  /// resource_exhausted where the image has as many sets as it may; conflict: somebody else was quicker.
  Result<v1::SealedHead> put(const std::string& tenant, const v1::PutSealedHeadRequest& request);
  Result<v1::ListSealedHeadsResponse> list(const std::string& tenant,
                                           const v1::ListSealedHeadsRequest& request);
  /// Succeeds also where there is none.
  Status remove(const std::string& tenant, const std::string& image_id, const std::string& set);
  /// Takes these hosts' slots out of a page of the tenant's heads, and what has none left away.
  Result<v1::RemoveSealedHostsResponse> remove_hosts(const std::string& tenant,
                                                     const v1::RemoveSealedHostsRequest& request);
  /// All of an image that is being deleted.
  Status drop(const store::ImageName& image);
  /// For a launch of the image.
  Status add_to(const store::ImageName& image, v1::InstanceImage& instance);

 private:
  Result<bool> remove_hosts(const store::SealedHeadRecord& record,
                            const v1::RemoveSealedHostsRequest& request);
  Status replace(store::SealedHeadRecord record, const Bytes& before, ByteView head,
                 v1::SealedHead& described);

  store::SealedHeadStore& store_;
  store::ImageStore& images_;
  objects::ObjectStore& objects_;
  const Clock& clock_;
};

}  // namespace sealift::frontend
