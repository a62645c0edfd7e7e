// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/adapters/image_service.h"

namespace sealift::frontend {
namespace {

using rpc::Call;

constexpr std::string_view kService = "sealift.v1.ImageService.";
// A thousand hosts in JSON.
constexpr std::size_t kSealedLimit = 3UL * 1024 * 1024;
// A part in JSON is base64.
constexpr std::size_t kPartLimit = objects::kPartSize / 3 * 4 + 64UL * 1024;

std::string method(const char* name) { return std::string{kService} + name; }

}  // namespace

void register_image_service(rpc::Router& router, Images& images, Uploads& uploads, ZoneChannels& zone) {
  const auto tenants = rpc::Allow::roles({rpc::Role::tenant});
  router.unary<v1::Image, v1::CreateImageRequest>(
      method("CreateImage"), tenants, [&](const Call& call, const v1::CreateImageRequest& request) {
        return images.create(call.caller.name, request);
      });
  router.unary<v1::UploadPartResponse, v1::UploadPartRequest>(
      method("UploadPart"), tenants, [&](const Call& call, const v1::UploadPartRequest& request) {
        return uploads.put(call.caller.name, request);
      });
  router.limit_body(method("UploadPart"), kPartLimit);
  router.unary<v1::Image, v1::GetImageRequest>(method("GetImage"), tenants,
                                               [&](const Call& call, const v1::GetImageRequest& request) {
                                                 return images.get(call.caller.name, request.image_id());
                                               });
  router.unary<v1::ListImagesResponse, v1::ListImagesRequest>(
      method("ListImages"), tenants, [&](const Call& call, const v1::ListImagesRequest& request) {
        return images.list(call.caller.name, request);
      });
  router.unary<v1::DeleteImageResponse, v1::DeleteImageRequest>(
      method("DeleteImage"), tenants,
      [&](const Call& call, const v1::DeleteImageRequest& request) -> Result<v1::DeleteImageResponse> {
        ZoneDuringCall asked{zone, call};
        SEALIFT_CHECK(images.remove(asked, call.caller.name, request.image_id()));
        return v1::DeleteImageResponse{};
      });
}

void register_sealed_heads(rpc::Router& router, SealedHeads& heads) {
  const auto tenants = rpc::Allow::roles({rpc::Role::tenant});
  router.unary<v1::SealedHead, v1::PutSealedHeadRequest>(
      method("PutSealedHead"), tenants, [&](const Call& call, const v1::PutSealedHeadRequest& request) {
        return heads.put(call.caller.name, request);
      });
  router.limit_body(method("PutSealedHead"), kSealedLimit);
  router.unary<v1::ListSealedHeadsResponse, v1::ListSealedHeadsRequest>(
      method("ListSealedHeads"), tenants, [&](const Call& call, const v1::ListSealedHeadsRequest& request) {
        return heads.list(call.caller.name, request);
      });
  router.unary<v1::RemoveSealedHeadResponse, v1::RemoveSealedHeadRequest>(
      method("RemoveSealedHead"), tenants,
      [&](const Call& call,
          const v1::RemoveSealedHeadRequest& request) -> Result<v1::RemoveSealedHeadResponse> {
        SEALIFT_CHECK(heads.remove(call.caller.name, request.image_id(), request.set()));
        return v1::RemoveSealedHeadResponse{};
      });
  router.unary<v1::RemoveSealedHostsResponse, v1::RemoveSealedHostsRequest>(
      method("RemoveSealedHosts"), tenants,
      [&](const Call& call, const v1::RemoveSealedHostsRequest& request) {
        return heads.remove_hosts(call.caller.name, request);
      });
  router.limit_body(method("RemoveSealedHosts"), 256UL * 1024);
}

}  // namespace sealift::frontend
