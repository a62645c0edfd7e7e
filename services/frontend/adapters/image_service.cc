// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/adapters/image_service.h"

namespace sealift::frontend {
namespace {

using rpc::Call;

constexpr std::string_view kService = "sealift.v1.ImageService.";
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

}  // namespace sealift::frontend
