// SPDX-License-Identifier: Apache-2.0
/// sealift.v1.LaunchService, for tenants. Quotes and consent are decided here (domain/launches.h); the rest
/// is the zone's, asked in the name of the tenant in the caller's certificate.
#pragma once

#include "rpc/router.h"
#include "services/frontend/adapters/stream_relays.h"
#include "services/frontend/domain/launches.h"

namespace sealift::frontend {

/// All outlive the router.
void register_launch_service(rpc::Router& router, Launches& launches, ZoneChannels& zone,
                             StreamRelays& relays);

}  // namespace sealift::frontend
