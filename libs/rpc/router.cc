// SPDX-License-Identifier: Apache-2.0
#include "rpc/router.h"

#include <fmt/core.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sealift::rpc {
namespace {

/// A registration that does not fit its .proto is a defect of the program: it must not serve.
void require(bool holds, std::string_view method, std::string_view what) {
  if (holds) return;
  fmt::print(stderr, "rpc method {}: {}\n", method, what);
  std::abort();
}

std::string path_of(const google::protobuf::MethodDescriptor& method) {
  return fmt::format("/{}/{}", method.service()->full_name(), method.name());
}

}  // namespace

bool Allow::permits(const Identity& caller) const noexcept {
  return every_ || std::ranges::find(roles_, caller.role) != roles_.end();
}

Method& Router::add(std::string_view method, Allow allow, const google::protobuf::Message& request,
                    const google::protobuf::Message& response, bool streams) {
  const auto* const descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(std::string{method});
  require(descriptor != nullptr, method, "no .proto that is linked here has it");
  require(!descriptor->client_streaming(), method, "streams from the client are not supported");
  require(descriptor->server_streaming() == streams, method, "unary and streaming are mixed up");
  require(descriptor->input_type() == request.GetDescriptor(), method, "another type of request");
  require(descriptor->output_type() == response.GetDescriptor(), method, "another type of response");
  using Options = google::protobuf::MethodOptions;
  const bool safe = descriptor->options().idempotency_level() == Options::NO_SIDE_EFFECTS;
  auto [entry, added] = methods_.emplace(
      path_of(*descriptor),
      Method{std::string{method}, std::move(allow), descriptor, &request, &response, {}, {}, 0, safe});
  require(added, method, "registered twice");
  return entry->second;
}

void Router::page(std::string_view path, Allow allow, std::function<std::string()> text) {
  const bool added = methods_
                         .emplace(path, Method{std::string{path},
                                               std::move(allow),
                                               nullptr,
                                               nullptr,
                                               nullptr,
                                               {},
                                               {},
                                               0,
                                               true,
                                               std::move(text)})
                         .second;
  require(added, path, "registered twice");
}

void Router::limit_body(std::string_view method, std::size_t bytes) {
  const auto found =
      std::ranges::find_if(methods_, [&](const auto& each) { return each.second.name == method; });
  require(found != methods_.end(), method, "not registered");
  found->second.body_limit = bytes;
}

const Method* Router::find(std::string_view path) const {
  const auto found = methods_.find(path);
  return found == methods_.end() ? nullptr : &found->second;
}

std::size_t Router::largest_body_limit() const {
  std::size_t largest = 0;
  for (const auto& [path, method] : methods_) largest = std::max(largest, method.body_limit);
  return largest;
}

}  // namespace sealift::rpc
