// SPDX-License-Identifier: Apache-2.0
/// Which methods a server has, who may call each, and what answers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/call.h"
#include "rpc/stream.h"

namespace google::protobuf {
class Message;
class MethodDescriptor;
}  // namespace google::protobuf

namespace sealift::rpc {

/// Who may call a method: by the role in the caller's certificate. A required argument of every registration.
class Allow {
 public:
  static Allow roles(std::vector<Role> roles) { return Allow{std::move(roles), false}; }
  static Allow every_authenticated_peer() { return Allow{{}, true}; }
  bool permits(const Identity& caller) const noexcept;

 private:
  Allow(std::vector<Role> roles, bool every) : roles_{std::move(roles)}, every_{every} {}
  std::vector<Role> roles_;
  bool every_;
};

/// Private to libs/rpc.
struct Method {
  std::string name;  ///< "sealift.v1.LaunchService.GetLaunch"
  Allow allow;
  const google::protobuf::MethodDescriptor* descriptor;
  const google::protobuf::Message* request;  ///< default instances
  const google::protobuf::Message* response;
  std::function<Status(const Call&, const google::protobuf::Message&, google::protobuf::Message&)> unary;
  std::function<Status(const Call&, const google::protobuf::Message&, std::shared_ptr<StreamSink>)> stream;
  std::size_t body_limit = 0;  ///< bytes; 0: the server's
  bool no_side_effects = false;
  std::function<std::string()> page = {};  ///< in the place of all of these but name and allow
};

class Router {
 public:
  /// `method` as in the .proto: "sealift.v1.LaunchService.GetLaunch". That method must exist, be unary and
  /// have these types, and be registered once: anything else ends the process. The handler runs on a worker
  /// thread and may block.
  template <class Response, class Request>
  void unary(std::string_view method, Allow allow,
             std::function<Result<Response>(const Call&, const Request&)> handler) {
    auto& added =
        add(method, std::move(allow), Request::default_instance(), Response::default_instance(), false);
    added.unary = [handler = std::move(handler)](const Call& call, const google::protobuf::Message& request,
                                                 google::protobuf::Message& response) -> Status {
      SEALIFT_TRY(static_cast<Response&>(response), handler(call, static_cast<const Request&>(request)));
      return {};
    };
  }

  /// The same for a method that answers with a stream. The handler runs on a worker thread; it may return
  /// while the stream goes on. A failure that it returns ends the stream.
  template <class Response, class Request>
  void server_stream(std::string_view method, Allow allow,
                     std::function<Status(const Call&, const Request&, Stream<Response>)> handler) {
    auto& added =
        add(method, std::move(allow), Request::default_instance(), Response::default_instance(), true);
    added.stream = [handler = std::move(handler)](const Call& call, const google::protobuf::Message& request,
                                                  std::shared_ptr<StreamSink> sink) -> Status {
      return handler(call, static_cast<const Request&>(request), Stream<Response>{std::move(sink)});
    };
  }

  /// A text for GET at `path` ("/metrics"): for programs that speak no Connect.
  void page(std::string_view path, Allow allow, std::function<std::string()> text);

  /// Another limit for the request's body than ServerOptions::body_limit, for a method that is registered.
  void limit_body(std::string_view method, std::size_t bytes);

  /// Private to libs/rpc: nullptr for an unknown path ("/sealift.v1.LaunchService/GetLaunch").
  const Method* find(std::string_view path) const;
  std::size_t largest_body_limit() const;

 private:
  Method& add(std::string_view method, Allow allow, const google::protobuf::Message& request,
              const google::protobuf::Message& response, bool streams);
  std::map<std::string, Method, std::less<>> methods_;  // by path
};

}  // namespace sealift::rpc
