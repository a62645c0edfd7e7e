// SPDX-License-Identifier: Apache-2.0
/// What every service's main does around its router: credentials, one door, a word when it is open, and an
/// orderly end.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/file.h"
#include "rpc/server.h"

namespace sealift::rpc {

struct ServingOptions {
  std::string listen = "127.0.0.1:0";  ///< "ADDRESS:PORT", "[IPV6]:PORT"; port 0: any free one
  std::filesystem::path credentials;   ///< as `sealift pki issue` writes it
};

/// The credentials in the directory; invalid_argument where they are of another role.
Result<std::shared_ptr<Credentials>> load_credentials(const std::filesystem::path& directory, Role role);

/// Opens the door, prints "NAME: listening on ADDRESS:PORT" on standard output, serves until `stop` becomes
/// readable, and lets running calls finish. One line on standard error for each call that failed by our own
/// fault.
Status serve(const std::string& name, const ServingOptions& options, std::shared_ptr<Credentials> credentials,
             Router router, ServerOptions limits, int stop);

}  // namespace sealift::rpc
