// SPDX-License-Identifier: Apache-2.0
/// Who a peer is: the one SPIFFE ID in its certificate (design section 3; SPIFFE-ID, X509-SVID).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sealift::rpc {

enum class Role : std::uint8_t { tenant, frontend, orchestrator, security_module, host, administrator };

/// As the path of an identity and the tools say it: "tenant", "frontend", "orchestrator", "sm", "host",
/// "operator".
std::string_view role_name(Role role) noexcept;
/// invalid_argument, naming the roles there are.
Result<Role> parse_role(std::string_view name);

struct Identity {
  std::string trust_domain;
  Role role = Role::tenant;
  std::string name;  ///< tenant, the tenant of a security module, or host id; "" for the other roles

  /// spiffe://<trust-domain>/tenant/<t>, /frontend, /orchestrator, /sm/<t>, /host/<id>, /operator.
  std::string text() const;
  bool operator==(const Identity&) const = default;
};

/// Exactly what text() writes; malformed otherwise. A trust domain has 1 to 255 of a-z 0-9 . - _ ; a name 1
/// to 63 of the same, a letter or digit at both ends, so that it can be a file's name.
Result<Identity> parse_identity(std::string_view uri);
/// From parts that came from elsewhere; the same rules.
Result<Identity> make_identity(std::string_view trust_domain, Role role, std::string_view name);

}  // namespace sealift::rpc
