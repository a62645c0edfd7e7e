// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/instance_image.h"

#include <fmt/core.h>

#include "base/names.h"
#include "formats/esm/insertion.h"
#include "services/orchestrator/domain/host_kind.h"

namespace sealift::orchestrator {
namespace {

constexpr std::size_t kMaxHead = 256U * 1024;
constexpr int kMaxSealedHeads = 8;
constexpr std::size_t kMaxSealedHead = 2U * 1024 * 1024;
constexpr std::size_t kMaxCmdline = 2048;
constexpr std::size_t kMaxReference = 64U * 1024;
constexpr std::size_t kDigestSize = 64;

Bytes bytes(const std::string& text) { return {text.begin(), text.end()}; }

Status require(bool good, const char* field) {
  if (good) return {};
  return fail(ErrorCode::invalid_argument, fmt::format("the request's {} is missing or out of range", field),
              field);
}

Status check_object(const v1::ObjectReference& object, const char* field) {
  return require(object.sha512().size() == kDigestSize && object.size() > 0, field);
}

Result<cpio::Head> head_of(const v1::InstanceImage& image) { return cpio::read_head(as_bytes(image.head())); }

Status check_image(const v1::InstanceImage& image) {
  SEALIFT_CHECK(esm::ImageId::from_hex(image.image_id()));
  SEALIFT_CHECK(require(is_plain_name(image.tee(), 16), "tee"));
  SEALIFT_CHECK(require(is_plain_name(image.arch(), 16), "arch"));
  SEALIFT_CHECK(require(image.cmdline().size() <= kMaxCmdline, "cmdline"));
  SEALIFT_CHECK(require(image.reference_event_log().size() <= kMaxReference, "reference_event_log"));
  SEALIFT_CHECK(require(image.sealed_heads_size() <= kMaxSealedHeads, "sealed_heads"));
  for (const auto& head : image.sealed_heads())
    SEALIFT_CHECK(require(is_plain_name(head.name(), 64) && head.size() > 0 && head.size() <= kMaxSealedHead,
                          "sealed_heads"));
  SEALIFT_CHECK(check_object(image.kernel(), "kernel"));
  SEALIFT_CHECK(check_object(image.initramfs_body(), "initramfs_body"));
  SEALIFT_CHECK(check_object(image.root_disk(), "root_disk"));
  return host_kind(image.tee()).check_head(image);
}

}  // namespace

Status check_operand(const v1::InstanceImage& image) {
  SEALIFT_TRY(const auto id, esm::ImageId::from_hex(image.image_id()));
  SEALIFT_CHECK(require(image.head().size() <= kMaxHead, "head"));
  SEALIFT_TRY(const auto head, head_of(image));
  SEALIFT_CHECK(require(head.bytes.size() == image.head().size(), "head"));
  SEALIFT_TRY(const auto operand, esm::operand_of(head));
  return require(operand.image_id() == id, "image_id");
}

Status check_request(const v1::ZoneCreateLaunchRequest& request) {
  SEALIFT_CHECK(require(is_plain_name(request.tenant(), 63), "tenant"));
  SEALIFT_CHECK(require(is_plain_name(request.idempotency_key(), 64), "idempotency_key"));
  const bool keeps = request.key_model() == v1::KEY_MODEL_KEEP;
  SEALIFT_CHECK(require(keeps || request.key_model() == v1::KEY_MODEL_BRING, "key_model"));
  SEALIFT_CHECK(require(keeps || !request.security_module().empty(), "security_module"));
  SEALIFT_CHECK(require(request.cpus() > 0 && request.cpus() <= 1024, "cpus"));
  SEALIFT_CHECK(require(request.memory_mib() > 0 && request.memory_mib() <= (1U << 26U), "memory_mib"));
  SEALIFT_CHECK(require(request.zone().empty() || is_plain_name(request.zone(), 63), "zone"));
  SEALIFT_CHECK(require(request.labels().size() <= 64, "labels"));
  SEALIFT_CHECK(require(request.max_active() > 0, "max_active"));
  return check_image(request.image());
}

Result<Bytes> head_with(const v1::InstanceImage& image, const v1::SealedData& sealed_data) {
  SEALIFT_TRY(const auto head, head_of(image));
  const esm::Target target{bytes(sealed_data.storage_key_name()), bytes(sealed_data.policy()),
                           bytes(sealed_data.public_area()), bytes(sealed_data.duplicate()),
                           bytes(sealed_data.seed())};
  auto inserted = esm::insert_targets(head, std::array{target});
  if (!inserted && inserted.error().code == ErrorCode::invalid_argument)
    return fail(ErrorCode::sealed_data_refused, inserted.error().message, inserted.error().field);
  return inserted;
}

}  // namespace sealift::orchestrator
