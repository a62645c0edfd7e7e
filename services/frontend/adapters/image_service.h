// SPDX-License-Identifier: Apache-2.0
/// sealift.v1.ImageService, for tenants.
#pragma once

#include "rpc/router.h"
#include "services/frontend/adapters/zone_channels.h"
#include "services/frontend/domain/sealed_heads.h"
#include "services/frontend/domain/uploads.h"

namespace sealift::frontend {

/// All outlive the router.
void register_image_service(rpc::Router& router, Images& images, Uploads& uploads, ZoneChannels& zone);
void register_sealed_heads(rpc::Router& router, SealedHeads& heads);

}  // namespace sealift::frontend
