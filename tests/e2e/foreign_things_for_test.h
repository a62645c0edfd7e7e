// SPDX-License-Identifier: Apache-2.0
/// Every method that names something of somebody, as one tries it whose it is not.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "rpc/client.h"
#include "tests/e2e/methods_for_test.h"

namespace sealift::e2e {

/// What a tenant has; or what nobody has.
struct Things {
  std::string launch;   ///< runs
  std::string waiting;  ///< awaits its customer
  std::string image;
  std::string quote;
  std::string command;  ///< a host's
  std::string host;     ///< name of the storage key of one where it runs
};

/// What never was.
extern const Things kNever;

template <class Response, class Request>
Status unary(rpc::Channel& channel, const char* method, const Request& request) {
  SEALIFT_CHECK(channel.call<Response>(std::string{"sealift.v1."} + method, request));
  return {};
}
template <class Response, class Request>
Status stream(rpc::Channel& channel, const char* method, const Request& request) {
  return channel.stream<Response>(std::string{"sealift.v1."} + method, request,
                                  [](const Response&) { return fail(ErrorCode::conflict, "it answers"); });
}

/// The same as a front end says it, which speaks for umbrella.
template <class Zone, class Request>
Zone for_umbrella(const Request& request) {
  Zone zone;
  zone.set_tenant("umbrella");
  *zone.mutable_request() = request;
  return zone;
}

/// One method, as somebody tries it on `things`.
struct Row {
  using Try = std::function<Status(rpc::Channel&, const Things&)>;
  const char* method;
  Try attempt;
};

/// By a tenant.
const std::vector<Row>& customers_rows();
/// By a front end, which speaks for umbrella.
const std::vector<Row>& front_ends_rows();
/// By a host that the launch was not given to.
const std::vector<Row>& hosts_rows();
/// At the security module of umbrella itself, about acme's image.
const std::vector<Row>& orchestrators_rows();
/// Of sets, which are found by name.
const std::vector<Row>& set_rows();
/// By a tenant: to remove what is not there is no fault.
const std::vector<Row>& sealed_rows();
/// By umbrella at their own security module: to remove or revoke what is not there is no fault.
const std::vector<Row>& seed_rows();
/// Those that name nothing of anybody else's: what they give is looked at in a test of its own.
const std::set<std::string>& naming_nothing();

}  // namespace sealift::e2e
