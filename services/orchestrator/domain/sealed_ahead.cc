// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/sealed_ahead.h"

#include "formats/esm/insertion.h"

namespace sealift::orchestrator {
namespace {

std::string text(const Bytes& bytes) { return std::string{as_text(bytes)}; }

v1::SealedData slot(const esm::Target& target) {
  v1::SealedData data;
  data.set_storage_key_name(text(target.storage_key_name));
  data.set_policy(text(target.policy));
  data.set_public_area(text(target.public_area));
  data.set_duplicate(text(target.duplicate));
  data.set_seed(text(target.seed));
  return data;
}

}  // namespace

SealedAhead SealedAhead::read(const Launch& launch, Objects& objects) {
  SealedAhead ahead;
  if (launch.keeps_key()) return ahead;
  for (const auto& object : launch.document().image().sealed_heads()) {
    const auto head = objects.read_head(object.name(), object.size());
    if (head) ahead.add(*head);
  }
  return ahead;
}

void SealedAhead::add(const Bytes& bytes) {
  const auto head = cpio::read_head(bytes);
  if (!head) return;
  const auto operand = esm::operand_of(*head);
  if (!operand) return;
  for (const auto& target : operand->targets())
    slots_.insert_or_assign(target.storage_key_name, slot(target));
}

const v1::SealedData* SealedAhead::slot_of(const store::HostRecord& host) const {
  const auto found = slots_.find(host.storage_key_name);
  return found == slots_.end() ? nullptr : &found->second;
}

}  // namespace sealift::orchestrator
