// SPDX-License-Identifier: Apache-2.0
/// A service of the cloud as its customers must expect it to be: one that relays, reads and alters. It stands
/// between two real processes with certificates that both believe.
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "rpc/client.h"
#include "rpc/server.h"

namespace sealift::e2e {

enum class Direction { request, answer };

/// What it does with every message on its way, on many threads at once.
using Meddle =
    std::function<void(const std::string& method, Direction direction, google::protobuf::Message& message)>;

class RelayForTest {
 public:
  struct Sides {
    std::shared_ptr<rpc::Credentials> server;  ///< whom callers take it for
    std::shared_ptr<rpc::Credentials> client;  ///< whom the real service takes it for
    std::string service;                       ///< the real one's address
    rpc::Identity identity;                    ///< and who that is
  };
  RelayForTest(Sides sides, Meddle meddle);
  RelayForTest(const RelayForTest&) = delete;
  RelayForTest& operator=(const RelayForTest&) = delete;
  ~RelayForTest();

  /// To another service of the same name.
  void redirect(const std::string& service);
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

 private:
  template <class Response, class Request>
  void relay(rpc::Router& router, const std::string& method);
  template <class Response, class Request>
  void relay_stream(rpc::Router& router, const std::string& method);
  rpc::Router router();
  std::shared_ptr<rpc::Channel> channel();

  Sides sides_;
  Meddle meddle_;
  std::mutex mutex_;
  std::shared_ptr<rpc::Channel> channel_;
  std::list<std::jthread> streams_;
  std::stop_source over_;
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace sealift::e2e
