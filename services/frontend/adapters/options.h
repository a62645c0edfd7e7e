// SPDX-License-Identifier: Apache-2.0
/// sealift-frontend's command line.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "rpc/serving.h"
#include "services/frontend/domain/launches.h"

namespace sealift::frontend {

struct Options {
  rpc::ServingOptions serving;
  std::string database;
  std::string objects;
  std::vector<std::string> orchestrators;
  Terms terms;
  std::chrono::seconds housekeeping{60};
  rpc::PeerLimits tenant = rpc::kCustomerLimits;
  std::size_t workers = 128;
  std::size_t streams = 1024;  ///< of all tenants together
};

void declare(CLI::App& app, Options& options);

}  // namespace sealift::frontend
