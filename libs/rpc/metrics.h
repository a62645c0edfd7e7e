// SPDX-License-Identifier: Apache-2.0
/// What a server counts about its calls, as Prometheus reads it (text format 0.0.4) from GET /metrics, at the
/// one door and with an operator's certificate.
///
///   sealift_calls_total{method, code}     counter; code is "ok" or the error's
///   sealift_call_seconds{method}          histogram
///
/// Methods and codes are all that is told apart: no tenant, image, host or peer is in it.
#pragma once

#include <memory>
#include <string>

#include "rpc/server.h"

namespace sealift::rpc {

/// Any number of threads.
class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  void count(const CallReport& report);
  std::string text() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The server that is made of these counts its calls, and tells operators at /metrics.
void add_metrics(ServerOptions& options, Router& router);

}  // namespace sealift::rpc
