// SPDX-License-Identifier: Apache-2.0
/// SeedService, AuthorizationService, RevocationService, HostSetService and AuditService on the wire: who may
/// call what, and in whose name.
#pragma once

#include "rpc/router.h"
#include "services/securitymodule/domain/audit_log.h"
#include "services/securitymodule/domain/security_module.h"

namespace sealift::securitymodule {

/// Whether seeds are taken from callers to whom nothing was proven.
enum class PlainInsertion : std::uint8_t { refuse, insecurely_allow };

/// Seeds belong to the tenant of the caller's certificate, which must be of the trust domain `own_domain`:
/// other domains may be trusted to name orchestrators, never to name our tenants. `sm` outlives the
/// router.
void register_methods(rpc::Router& router, SecurityModule& sm, const std::string& own_domain,
                      PlainInsertion plain);

/// Tenants as above; `log` outlives the router, too.
void register_audit(rpc::Router& router, SecurityModule& sm, AuditLog& log, const std::string& own_domain);

}  // namespace sealift::securitymodule
