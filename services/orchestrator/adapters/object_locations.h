// SPDX-License-Identifier: Apache-2.0
/// The object store as the orchestrator uses it: heads go in, locations come out.
#pragma once

#include "objects/object_store.h"
#include "services/orchestrator/domain/limits.h"
#include "services/orchestrator/domain/ports.h"

namespace sealift::orchestrator {

class ObjectLocations final : public Objects {
 public:
  ObjectLocations(objects::ObjectStore& store, const Limits& limits) : store_{store}, limits_{limits} {}
  Result<v1::ObjectLocation> put_head(const std::string& launch_id, ByteView head) override;
  void remove_head(const std::string& launch_id) override;
  Result<Bytes> read_head(const std::string& name, std::size_t size) override;
  Result<v1::ObjectLocation> locate(const v1::ObjectReference& object) override;

 private:
  objects::ObjectStore& store_;
  const Limits& limits_;
};

}  // namespace sealift::orchestrator
