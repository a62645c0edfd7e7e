// SPDX-License-Identifier: Apache-2.0
/// sealift.v1.HostService: what host agents call.
#pragma once

#include "rpc/router.h"
#include "services/orchestrator/adapters/host_streams.h"
#include "services/orchestrator/domain/host_reports.h"

namespace sealift::orchestrator {

/// All outlive the router.
void register_host_service(rpc::Router& router, HostReports& reports, HostStreams& streams,
                           const Limits& limits);

}  // namespace sealift::orchestrator
