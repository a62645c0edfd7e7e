// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: one connection of an authenticated peer to a server. Requests one after the other:
/// read, admitted, served on a worker, answered. All methods run on the connection's one thread.
#pragma once

#include "rpc/service.h"
#include "rpc/stream_queue.h"
#include "rpc/transport.h"

namespace sealift::rpc {

class Connection {
 public:
  Connection(Service& service, Transport& transport);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  void start();
  void on_bytes(ByteView bytes);
  void on_written();
  void on_expired();
  void on_closed();
  /// The server stops.
  void on_stop();

 private:
  using Time = Transport::Time;
  enum class State : std::uint8_t {
    idle,       ///< waits for a request's first byte
    head,       ///< and for its last header
    body,       ///< and for the end of its body
    serving,    ///< a worker has the unary call
    streaming,  ///< a stream is open
    answering,  ///< the answer is being written
    lingering,  ///< all is written and the connection closed for the peer to notice
    closed,
  };
  /// What is held for one call and given back when its handler has ended, whoever still waits.
  using Hold = std::shared_ptr<void>;

  void take_in(ByteView bytes);
  void on_head();
  Status admit(const Plan& plan);
  Status hold_body(const Plan& plan);
  void refuse_at_head(Reply reply);
  void dispatch();
  void serve(std::string body);
  void stream(std::string body);
  void answer(Reply reply, bool keep_alive = true);
  void write_stream();
  void release();
  void next_request();
  void expire_after(std::chrono::milliseconds time);
  void report(Status status);
  std::shared_ptr<Call::State> make_call(Time deadline);

  Service& service_;
  Transport& transport_;
  std::shared_ptr<PeerUse> use_;
  bool counted_ = false;  // in use_'s connections
  State state_ = State::idle;
  std::string inbox_;  // bytes of requests that are not read yet
  std::optional<RequestReader> reader_;
  bool head_seen_ = false;
  std::optional<Plan> plan_;
  std::optional<Reply> refusal_;  // of the present request, once its body is read
  Hold call_hold_;                // counts in use_
  Hold body_hold_;                // bytes of the body memory
  std::shared_ptr<Call::State> call_;
  std::shared_ptr<StreamQueue> stream_;
  bool stream_writing_ = false;
  bool stream_ended_ = false;
  Status stream_status_;
  Time write_deadline_;
  bool keep_alive_ = true;
  Time began_;
};

}  // namespace sealift::rpc
