// SPDX-License-Identifier: Apache-2.0
#include "rpc/identity.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace sealift::rpc {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr std::size_t kDomainLimit = 255;
constexpr std::size_t kNameLimit = 63;

struct RoleEntry {
  Role role;
  std::string_view name;
  bool named;
};
constexpr std::array kRoles{
    RoleEntry{Role::tenant, "tenant", true},
    RoleEntry{Role::frontend, "frontend", false},
    RoleEntry{Role::orchestrator, "orchestrator", false},
    RoleEntry{Role::security_module, "sm", true},
    RoleEntry{Role::host, "host", true},
    RoleEntry{Role::administrator, "operator", false},
};

const RoleEntry& entry(Role role) noexcept { return *std::ranges::find(kRoles, role, &RoleEntry::role); }

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_plain(std::string_view text, std::size_t limit) {
  if (text.empty() || text.size() > limit) return false;
  if (!is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
  return std::ranges::all_of(text,
                             [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; });
}

tl::unexpected<Error> refuse(std::string_view what) {
  return fail(ErrorCode::malformed, fmt::format("not an identity of ours: {}", what), "identity");
}

}  // namespace

std::string_view role_name(Role role) noexcept { return entry(role).name; }

Result<Role> parse_role(std::string_view name) {
  const auto* const found = std::ranges::find(kRoles, name, &RoleEntry::name);
  if (found != kRoles.end()) return found->role;
  return fail(ErrorCode::invalid_argument, "a role is tenant, frontend, orchestrator, sm, host or operator",
              "role");
}

std::string Identity::text() const {
  auto out = fmt::format("{}{}/{}", kScheme, trust_domain, role_name(role));
  return name.empty() ? out : out + "/" + name;
}

Result<Identity> make_identity(std::string_view trust_domain, Role role, std::string_view name) {
  if (!is_plain(trust_domain, kDomainLimit))
    return refuse("the trust domain is not a lower-case domain name");
  const auto& known = entry(role);
  if (!known.named && !name.empty()) return refuse(fmt::format("the role {} has no name", known.name));
  if (known.named && !is_plain(name, kNameLimit)) {
    return refuse(fmt::format("the name of a {} has 1 to {} of a-z 0-9 . - _", known.name, kNameLimit));
  }
  return Identity{std::string{trust_domain}, role, std::string{name}};
}

Result<Identity> parse_identity(std::string_view uri) {
  if (!uri.starts_with(kScheme)) return refuse("it does not start with spiffe://");
  uri.remove_prefix(kScheme.size());
  const auto domain_end = uri.find('/');
  if (domain_end == std::string_view::npos) return refuse("it has no role");
  const auto path = uri.substr(domain_end + 1);
  const auto role_end = path.find('/');
  const auto role = parse_role(path.substr(0, role_end));
  if (!role) return refuse("its role is unknown");
  // An empty last segment is not the same as none.
  if (role_end != std::string_view::npos && role_end + 1 == path.size()) return refuse("its name is empty");
  return make_identity(uri.substr(0, domain_end), *role,
                       role_end == std::string_view::npos ? "" : path.substr(role_end + 1));
}

}  // namespace sealift::rpc
