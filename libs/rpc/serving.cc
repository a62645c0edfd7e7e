// SPDX-License-Identifier: Apache-2.0
#include "rpc/serving.h"

#include <fmt/core.h>
#include <poll.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

#include "rpc/metrics.h"
#include "rpc/pki.h"

namespace sealift::rpc {
namespace {

Status read_address(const std::string& listen, ServerOptions& options) {
  const auto colon = listen.rfind(':');
  const auto port =
      colon == std::string::npos ? std::string_view{} : std::string_view{listen}.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size())
    return fail(ErrorCode::invalid_argument,
                "not an address to listen on: " + listen + " (127.0.0.1:7443, [::]:7443)", "--listen");
  options.address = listen.substr(0, colon);
  if (options.address.starts_with('[') && options.address.ends_with(']'))
    options.address = options.address.substr(1, options.address.size() - 2);
  return {};
}

/// What its caller is told as well is no news; what is our own fault is for our log alone.
void log_defects(const CallReport& report) {
  if (report.status || report.status.error().code != ErrorCode::internal) return;
  fmt::print(stderr, "{} for {}: {}: {}\n", report.method, report.caller.text(),
             report.status.error().message, report.status.error().detail);
}

void wait_for(int stop) {
  pollfd fd{stop, POLLIN, 0};
  while (::poll(&fd, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<std::shared_ptr<Credentials>> load_credentials(const std::filesystem::path& directory, Role role) {
  const auto loaded = [&]() -> Result<std::shared_ptr<Credentials>> {
    SEALIFT_TRY(auto files, credential_files(directory));
    return Credentials::load(std::move(files));
  }();
  if (!loaded) {
    auto error = loaded.error();
    error.message = fmt::format("{} holds no credentials as `sealift pki issue` makes them: {}",
                                directory.string(), error.message);
    return tl::unexpected(std::move(error));
  }
  if ((*loaded)->identity().role == role) return *loaded;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} holds the credentials of {}: they must be of the role \"{}\"",
                          directory.string(), (*loaded)->identity().text(), role_name(role)),
              "--credentials");
}

Status serve(const std::string& name, const ServingOptions& options, std::shared_ptr<Credentials> credentials,
             Router router, ServerOptions limits, int stop) {
  SEALIFT_CHECK(read_address(options.listen, limits));
  limits.credentials = std::move(credentials);
  if (!limits.on_call) limits.on_call = log_defects;
  add_metrics(limits, router);
  const auto address = options.listen.substr(0, options.listen.rfind(':'));
  SEALIFT_TRY(const auto server, Server::start(std::move(limits), std::move(router)));
  fmt::print("{}: listening on {}:{}\n", name, address, server->port());
  std::fflush(stdout);
  wait_for(stop);
  server->stop();
  return {};
}

}  // namespace sealift::rpc
