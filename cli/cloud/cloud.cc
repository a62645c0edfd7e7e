// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/cloud.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/cloud/insertion.h"
#include "rpc/pki.h"

namespace sealift::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kFileLimit = 64UL * 1024;
constexpr std::string_view kFormat = "sealift-cloud-v1";

fs::path default_file() {
  if (const char* const file = std::getenv("SEALIFT_CLOUD"); file != nullptr && *file != '\0') return file;
  const char* const config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config != '\0') return fs::path{config} / "sealift/cloud.json";
  const char* const home = std::getenv("HOME");
  return fs::path{home == nullptr ? "/" : home} / ".config/sealift/cloud.json";
}

Result<Json> read_cloud_file(const fs::path& file) {
  auto bytes = read_file(file, kFileLimit);
  if (!bytes && bytes.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::not_found,
                file.string() +
                    " is not there: name your cloud with --cloud or SEALIFT_CLOUD, or start one with "
                    "sealift dev up",
                "--cloud");
  }
  if (!bytes) return tl::unexpected(bytes.error());
  auto json = Json::parse(as_text(*bytes), nullptr, false);
  if (json.is_object() && json.value("format", "") == kFormat) return json;
  return fail(ErrorCode::malformed, file.string() + " is not a sealift-cloud-v1 file", "format");
}

/// "" where there is none.
Result<std::string> text_member(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) return std::string{};
  if (found->is_string()) return found->get<std::string>();
  return fail(ErrorCode::malformed, std::string{"the cloud file's "} + name + " is not a text", name);
}

}  // namespace

void declare_cloud(Command& command, CloudOptions& options) {
  command.path("--cloud", options.file, kFile, "which cloud, and who you are (default: $SEALIFT_CLOUD)");
}

Result<Cloud> Cloud::open(const CloudOptions& options) {
  const auto file = options.file.empty() ? default_file() : options.file;
  SEALIFT_TRY(const auto json, read_cloud_file(file));
  Addresses addresses;
  SEALIFT_TRY(addresses.frontend, text_member(json, "frontend"));
  SEALIFT_TRY(addresses.security_module, text_member(json, "security_module"));
  SEALIFT_TRY(addresses.orchestrator, text_member(json, "orchestrator"));
  SEALIFT_TRY(const auto directory, text_member(json, "credentials"));
  SEALIFT_TRY(auto files, rpc::credential_files(file.parent_path() / directory));
  SEALIFT_TRY(auto credentials, rpc::Credentials::load(std::move(files)));
  std::optional<tee::InsertionTrust> trust;
  if (const auto proof = json.find("security_module_proof"); proof != json.end()) {
    SEALIFT_TRY(trust, read_insertion_trust(*proof, file.parent_path()));
  }
  return Cloud{std::move(addresses), std::move(credentials), std::move(trust)};
}

const std::string& Cloud::tenant() const { return credentials_->identity().name; }

Result<std::unique_ptr<rpc::Channel>> Cloud::connect(const std::string& address, const char* what,
                                                     rpc::Role role, const std::string& name) const {
  if (address.empty()) {
    return fail(ErrorCode::not_found, std::string{"your cloud file names no "} + what, what);
  }
  rpc::ChannelOptions options;
  options.address = address;
  options.credentials = credentials_;
  SEALIFT_TRY(options.server, rpc::make_identity(credentials_->identity().trust_domain, role, name));
  return rpc::Channel::create(std::move(options));
}

Result<std::unique_ptr<rpc::Channel>> Cloud::frontend() const {
  return connect(addresses_.frontend, "frontend", rpc::Role::frontend, {});
}
Result<std::unique_ptr<rpc::Channel>> Cloud::security_module() const {
  return connect(addresses_.security_module, "security_module", rpc::Role::security_module, tenant());
}
Result<tee::InsertionTrust> Cloud::security_module_trust() const {
  if (trust_) return *trust_;
  return fail(
      ErrorCode::not_found,
      "your cloud file does not say how your security module proves itself (docs/security-module.md); "
      "--insecure-plain-insertion sends the seed to whoever answers in its name",
      "security_module_proof");
}
Result<std::unique_ptr<rpc::Channel>> Cloud::orchestrator() const {
  return connect(addresses_.orchestrator, "orchestrator", rpc::Role::orchestrator, {});
}

}  // namespace sealift::cli
