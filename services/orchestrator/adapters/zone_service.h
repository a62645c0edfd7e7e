// SPDX-License-Identifier: Apache-2.0
/// sealift.v1.ZoneService and InventoryService: what front ends and administrators call.
#pragma once

#include <memory>

#include "rpc/router.h"
#include "services/orchestrator/adapters/console_streams.h"
#include "services/orchestrator/adapters/watches.h"

namespace sealift::orchestrator {

/// All outlive the router.
void register_zone_service(rpc::Router& router, CustomerRequests& requests, Watches& watches,
                           ConsoleStreams& consoles);
void register_inventory_service(rpc::Router& router, store::HostStore& hosts, const Clock& clock,
                                const Limits& limits);

}  // namespace sealift::orchestrator
