// SPDX-License-Identifier: Apache-2.0
#include "rpc/connection.h"

#include <fmt/core.h>

#include "rpc/envelope.h"
#include "rpc/error_json.h"

namespace sealift::rpc {
namespace {

using Steady = std::chrono::steady_clock;

/// A refused request's body up to this size is read and forgotten, so that the connection can go on.
constexpr std::size_t kForgettable = 64 * 1024;
constexpr std::chrono::milliseconds kLinger{1000};
/// A connection too many gets its first request refused, if it comes soon.
constexpr std::chrono::milliseconds kOverLimit{2000};

Error too_much(std::string_view what) {
  return {ErrorCode::resource_exhausted, fmt::format("too many {}", what), "limit", {}};
}

unsigned status_of_unreadable(const Error& error) {
  if (error.code != ErrorCode::too_large) return 400;
  return error.field == "head" ? 431 : 413;
}

Reply too_long_line() {
  auto reply = refusal({ErrorCode::too_large, "a line is too long", "head", {}});
  reply.status = 431;
  return reply;
}

bool has_body(const RequestHead& head) { return head.chunked || head.content_length.value_or(0) > 0; }

template <typename Leave>
std::shared_ptr<void> hold(Leave leave) {
  return {nullptr, [leave = std::move(leave)](void*) { leave(); }};
}

}  // namespace

Connection::Connection(Service& service, Transport& transport) : service_{service}, transport_{transport} {}

Connection::~Connection() = default;

void Connection::start() {
  use_ = service_.peers.find(transport_.peer(), Steady::now());
  counted_ = use_->enter_connection();
  expire_after(counted_ ? service_.options.idle_time : kOverLimit);
  transport_.read();
}

void Connection::expire_after(std::chrono::milliseconds time) { transport_.expire_at(Steady::now() + time); }

// ---- Reading a request ----

void Connection::on_bytes(ByteView bytes) {
  switch (state_) {
    case State::idle:
    case State::head:
    case State::body:
      if (inbox_.empty()) return take_in(bytes);
      inbox_ += as_text(bytes);
      return take_in(as_bytes(std::exchange(inbox_, {})));
    case State::serving:
    case State::answering:
      // The next request, too early. It waits, and nothing more is read: see next_request().
      inbox_ += as_text(bytes);
      return;
    case State::streaming:
      // Reading is how the end of the peer is noticed; a request in the middle of a stream has no place.
      return transport_.close();
    case State::lingering:
      return transport_.read();
    case State::closed:
      return;
  }
}

void Connection::take_in(ByteView bytes) {
  if (state_ == State::idle) {
    state_ = State::head;
    began_ = Steady::now();
    reader_.emplace(service_.options.head_limit, service_.largest_body);
    head_seen_ = false;
    expire_after(service_.options.head_time);
  }
  while (state_ == State::head || state_ == State::body) {
    const auto taken = reader_->feed(bytes);
    if (!taken) {
      auto reply = refusal(taken.error());
      reply.status = status_of_unreadable(taken.error());
      return answer(std::move(reply), false);
    }
    bytes = bytes.subspan(*taken);
    if (reader_->head_done() && !std::exchange(head_seen_, true)) on_head();
    if (state_ == State::answering) break;
    if (reader_->done()) {
      dispatch();
      break;
    }
    if (bytes.empty() || *taken == 0) {
      // A head or a chunk's line that does not end.
      if (bytes.size() > service_.options.head_limit) return answer(too_long_line(), false);
      inbox_ = as_text(bytes);
      return transport_.read();
    }
  }
  inbox_ = as_text(bytes);
  // While the call is served, reading tells whether the caller is still there.
  if ((state_ == State::serving || state_ == State::streaming) && inbox_.empty()) transport_.read();
}

void Connection::on_head() {
  state_ = State::body;
  expire_after(service_.options.body_time);
  const auto& head = reader_->head();
  // What follows a HEAD has no body, and ours always have one.
  keep_alive_ = head.keep_alive && head.method != "HEAD" && counted_ && !service_.stopping;
  auto planned = plan(head, service_.router);
  if (auto* const reply = std::get_if<Reply>(&planned)) return refuse_at_head(std::move(*reply));
  plan_ = std::get<Plan>(std::move(planned));
  if (const auto admitted = admit(*plan_); !admitted) {
    return refuse_at_head(refusal(*plan_, admitted.error()));
  }
  if (head.expects_continue && has_body(head)) transport_.write(std::string{kContinue});
}

Status Connection::admit(const Plan& plan) {
  if (auto trusted = transport_.check_peer(); !trusted) {
    keep_alive_ = false;
    auto error = std::move(trusted).error();
    error.code = ErrorCode::unauthenticated;
    return tl::unexpected(std::move(error));
  }
  if (!counted_) return tl::unexpected(too_much("connections of this peer"));
  if (service_.stopping) return fail(ErrorCode::unavailable, "the server stops");
  if (!plan.method->allow.permits(transport_.peer())) {
    return fail(ErrorCode::permission_denied,
                fmt::format("a {} may not call {}", role_name(transport_.peer().role), plan.method->name));
  }
  if (!use_->take_token(Steady::now())) return tl::unexpected(too_much("calls per second"));
  const bool streams = static_cast<bool>(plan.method->stream);
  if (!(streams ? use_->enter_stream() : use_->enter_call())) {
    return tl::unexpected(too_much(streams ? "open streams" : "calls at once"));
  }
  call_hold_ = hold([use = use_, streams] { streams ? use->leave_stream() : use->leave_call(); });
  return hold_body(plan);
}

Status Connection::hold_body(const Plan& plan) {
  const auto limit = plan.method->body_limit == 0 ? service_.options.body_limit : plan.method->body_limit;
  if (plan.message && plan.message->size() > limit) {
    return fail(ErrorCode::too_large, fmt::format("the message exceeds {} bytes", limit), "body");
  }
  SEALIFT_CHECK(reader_->limit_body(limit));
  const auto& head = reader_->head();
  const std::size_t size = head.chunked ? limit : head.content_length.value_or(0);
  auto& used = service_.body_memory;
  if (used.fetch_add(size) + size > service_.options.body_memory) {
    used -= size;
    return tl::unexpected(too_much("large requests at once"));
  }
  body_hold_ = hold([&used, size] { used -= size; });
  return {};
}

void Connection::refuse_at_head(Reply reply) {
  const auto& head = reader_->head();
  const bool forgettable =
      !head.expects_continue && (head.chunked || head.content_length.value_or(0) <= kForgettable);
  if (!forgettable || !keep_alive_ || !reader_->limit_body(kForgettable))
    return answer(std::move(reply), false);
  refusal_ = std::move(reply);
}

// ---- Serving it ----

void Connection::dispatch() {
  if (refusal_) return answer(*std::exchange(refusal_, {}));
  auto body = reader_->take_body();
  if (plan_->method->stream) {
    stream(std::move(body));
  } else {
    serve(std::move(body));
  }
}

std::shared_ptr<Call::State> Connection::make_call(Time deadline) {
  transport_.expire_at(deadline);
  return std::make_shared<Call::State>(transport_.peer(), deadline, plan_->trace);
}

void Connection::serve(std::string body) {
  state_ = State::serving;
  const auto& options = service_.options;
  const auto time = std::min(plan_->timeout.value_or(options.call_time), options.call_time);
  call_ = make_call(began_ + time);
  const bool taken = service_.workers.submit(
      [this, self = transport_.shared_from_this(), plan = *plan_, call = call_, body = std::move(body),
       of_call = std::move(call_hold_), of_body = std::move(body_hold_)]() mutable {
        auto reply = serve_unary(plan, Call{call}, body);
        of_call.reset();
        of_body.reset();
        self->post([this, call = std::move(call), reply = std::move(reply)]() mutable {
          // A call that was given up has its answer already.
          if (call == call_ && state_ == State::serving) answer(std::move(reply));
        });
      });
  if (!taken) answer(refusal(*plan_, too_much("calls waiting")));
}

void Connection::stream(std::string body) {
  state_ = State::streaming;
  call_ = make_call(plan_->timeout ? began_ + *plan_->timeout : Time::max());
  stream_status_ = {};
  stream_writing_ = true;  // the head
  stream_ended_ = false;
  write_deadline_ = Steady::now() + service_.options.write_time;
  transport_.expire_at(std::min(call_->deadline, write_deadline_));
  std::weak_ptr<Transport> weak = transport_.weak_from_this();
  stream_ = std::make_shared<StreamQueue>(plan_->encoding, service_.options.stream_queue, [this, weak] {
    const auto self = weak.lock();
    if (self) self->post([this] { write_stream(); });
  });
  const bool taken =
      service_.workers.submit([plan = *plan_, call = call_, body = std::move(body),
                               of_body = std::move(body_hold_), sink = finishing_handle(stream_)] {
        if (auto opened = open_stream(plan, Call{call}, body, sink); !opened) sink->finish(std::move(opened));
      });
  if (!taken) {
    stream_.reset();
    return answer(refusal(*plan_, too_much("calls waiting")));
  }
  transport_.write(to_http_chunked_head(content_type(*plan_), keep_alive_));
}

void Connection::write_stream() {
  if (state_ != State::streaming || stream_writing_ || stream_ended_) return;
  auto batch = stream_->take();
  if (batch.envelopes.empty() && !batch.last) return transport_.expire_at(call_->deadline);
  std::string out;
  if (auto trusted = transport_.check_peer(); !trusted) {
    batch = {{}, fail(ErrorCode::unauthenticated, std::move(trusted).error().message)};
    keep_alive_ = false;
  }
  if (!batch.envelopes.empty()) out += to_chunk(batch.envelopes);
  if (batch.last) {
    out += to_chunk(to_envelope(end_of_stream_json(*batch.last), true));
    out += kLastChunk;
    stream_ended_ = true;
    stream_status_ = *std::move(batch.last);
  }
  stream_writing_ = true;
  write_deadline_ = Steady::now() + service_.options.write_time;
  transport_.expire_at(std::min(call_->deadline, write_deadline_));
  transport_.write(std::move(out));
}

// ---- Answering ----

void Connection::answer(Reply reply, bool keep_alive) {
  state_ = State::answering;
  keep_alive_ = keep_alive_ && keep_alive && !service_.stopping;
  release();
  expire_after(service_.options.write_time);
  transport_.write(to_http(reply, keep_alive_));
  report(reply.error ? Status{tl::unexpected(*std::move(reply.error))} : Status{});
}

void Connection::on_written() {
  if (state_ == State::streaming) {
    stream_writing_ = false;
    if (!stream_ended_) return write_stream();
    stream_->close();
    stream_.reset();
    release();
    report(std::exchange(stream_status_, {}));
    return next_request();
  }
  if (state_ == State::answering) next_request();
}

void Connection::release() {
  call_hold_.reset();
  body_hold_.reset();
}

void Connection::next_request() {
  call_.reset();
  plan_.reset();
  reader_.reset();
  if (!keep_alive_) {
    state_ = State::lingering;
    expire_after(kLinger);
    transport_.finish_writing();
    return transport_.read();
  }
  state_ = State::idle;
  expire_after(service_.options.idle_time);
  if (inbox_.empty()) return transport_.read();
  take_in(as_bytes(std::exchange(inbox_, {})));
}

void Connection::on_expired() {
  switch (state_) {
    case State::serving:
      call_->cancelled = true;
      return answer(refusal(*plan_, {ErrorCode::timeout, "the call was not answered in time", {}, {}}));
    case State::streaming:
      if (stream_writing_ && Steady::now() >= write_deadline_) return transport_.close();
      call_->cancelled = true;
      stream_->finish(fail(ErrorCode::timeout, "the stream's time is over"));
      return transport_.expire_at(write_deadline_ + service_.options.write_time);
    default:
      return transport_.close();
  }
}

void Connection::on_closed() {
  const auto before = std::exchange(state_, State::closed);
  if (call_) call_->cancelled = true;
  if (stream_) stream_->close();
  release();
  if (before == State::serving || before == State::streaming) {
    report(fail(ErrorCode::canceled, "the caller went away"));
  }
  if (std::exchange(counted_, false)) use_->leave_connection();
}

void Connection::on_stop() {
  switch (state_) {
    case State::idle:
    case State::lingering:
      return transport_.close();
    case State::streaming:
      keep_alive_ = false;
      return stream_->finish(fail(ErrorCode::unavailable, "the server stops"));
    default:
      keep_alive_ = false;
  }
}

void Connection::report(Status status) {
  if (!service_.options.on_call) return;
  service_.options.on_call({plan_ ? plan_->method->name : "", transport_.peer(),
                            plan_ ? plan_->trace : Trace{}, std::move(status),
                            std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - began_)});
}

}  // namespace sealift::rpc
