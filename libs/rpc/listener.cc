// SPDX-License-Identifier: Apache-2.0
#include "rpc/listener.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <list>
#include <thread>

#include "rpc/connection.h"
#include "rpc/tls.h"

namespace sealift::rpc {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCodeOfBoost = boost::system::error_code;

constexpr auto kAlertTime = std::chrono::milliseconds{1000};
constexpr auto kAcceptPause = std::chrono::milliseconds{50};
/// One connection's bytes before others on the thread have their turn.
constexpr int kReadsInARow = 16;
constexpr std::size_t kReadSize = 16 * 1024;

struct Loop {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
};

class Link;

/// Every connection. Those whose peer is not known yet are kept in order of arrival: when there are too many,
/// the oldest goes, so idle ones cannot keep others out.
class Table {
 public:
  Table(std::size_t connections, std::size_t handshakes)
      : connections_{connections}, handshakes_{handshakes} {}
  /// Room for one more; false where there is none.
  bool make_room();
  void evict_oldest();
  void add(const std::shared_ptr<Link>& link);
  void authenticated(Link& link);
  void remove(Link& link);
  std::vector<std::shared_ptr<Link>> all();
  bool wait_until_empty(std::chrono::milliseconds limit);

 private:
  const std::size_t connections_;
  const std::size_t handshakes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<std::shared_ptr<Link>> unknown_;
  std::list<std::shared_ptr<Link>> known_;
};

class Link final : public Transport {
 public:
  Link(Service& service, Table& table, std::shared_ptr<Loop> loop, tcp::socket socket)
      : service_{service},
        table_{table},
        loop_{std::move(loop)},
        socket_{std::move(socket)},
        timer_{loop_->io},
        tls_{service.options.credentials->current(), Side::server, socket_.native_handle()} {}

  void start() {
    if (closed_) return;
    expire_at(std::chrono::steady_clock::now() + service_.options.handshake_time);
    shake_hands();
  }
  void stop() {
    if (connection_)
      connection_->on_stop();
    else
      close();
  }

  // Transport
  void read() override {
    want_read_ = true;
    if (!reading_) pump_reads();
  }
  void write(std::string bytes) override {
    out_.empty() ? out_ = std::move(bytes) : out_ += bytes;
    if (!waiting_to_write_) pump_writes();
  }
  void expire_at(Time time) override {
    if (closed_) return;
    expires_ = time;
    if (time < armed_for_) arm();
  }
  void finish_writing() override {
    if (closed_) return;
    tls_.close_notify();
    ErrorCodeOfBoost ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    if (std::exchange(closed_, true)) return;
    tls_.close_notify();
    ErrorCodeOfBoost ignored;
    socket_.close(ignored);
    timer_.cancel();
    table_.remove(*this);
    post([this] {
      if (connection_) connection_->on_closed();
    });
  }
  void post(std::function<void()> work) override {
    asio::post(loop_->io, [self = shared_from_this(), work = std::move(work)] { work(); });
  }
  const Identity& peer() override { return tls_.peer().identity(); }
  Status check_peer() override {
    return tls_.peer().check(service_.options.credentials->current(), SystemClock{}.now());
  }

  std::list<std::shared_ptr<Link>>::iterator place;  // Table's
  bool listed = false;                               // Table's
  bool known = false;                                // Table's

 private:
  /// Calls `then` on this thread when the socket is ready.
  template <typename Then>
  void wait_for(Want want, Then then) {
    const auto what = want == Want::read ? tcp::socket::wait_read : tcp::socket::wait_write;
    socket_.async_wait(what, [self = shared_from_this(), this, then](const ErrorCodeOfBoost& error) {
      if (!error && !closed_) then();
    });
  }

  void shake_hands() {
    const auto want = tls_.handshake();
    if (!want) return let_alert_arrive();
    if (*want == Want::closed) return close();
    if (*want != Want::nothing) return wait_for(*want, [this] { shake_hands(); });
    table_.authenticated(*this);
    connection_ = std::make_unique<Connection>(service_, *this);
    connection_->start();
  }

  /// Closing while the peer still sends would reset the connection, and it would not learn why it was
  /// refused.
  void let_alert_arrive() {
    ErrorCodeOfBoost ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    expire_at(std::chrono::steady_clock::now() + kAlertTime);
    discard();
  }
  void discard() {
    std::array<char, 1024> buffer;
    const auto size = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
    const bool waits = size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
    if (!waits) return close();
    wait_for(Want::read, [this] { discard(); });
  }

  void pump_reads() {
    thread_local std::array<std::uint8_t, kReadSize> buffer;
    reading_ = true;
    for (int i = 0; want_read_ && !closed_; ++i) {
      if (i == kReadsInARow) return post([this] { pump_reads(); });
      const auto step = tls_.read(buffer);
      if (!step || step->want == Want::closed) return close();
      if (step->want != Want::nothing) return wait_for(step->want, [this] { pump_reads(); });
      want_read_ = false;
      connection_->on_bytes({buffer.data(), step->size});
      wipe(std::span{buffer}.first(step->size));  // it may have been a secret
    }
    reading_ = false;
  }

  void pump_writes() {
    waiting_to_write_ = false;
    while (written_ < out_.size() && !closed_) {
      const auto step = tls_.write(as_bytes(out_).subspan(written_));
      if (!step || step->want == Want::closed) return close();
      written_ += step->size;
      if (step->want != Want::nothing) {
        waiting_to_write_ = true;
        return wait_for(step->want, [this] { pump_writes(); });
      }
    }
    out_.clear();
    written_ = 0;
    if (out_.capacity() > kReadSize) out_.shrink_to_fit();
    if (std::exchange(telling_, true)) return;
    post([this] {
      telling_ = false;
      // More may have been queued since; then its end is told.
      if (out_.empty() && !closed_) connection_->on_written();
    });
  }

  void arm() {
    armed_for_ = expires_;
    if (expires_ == Time::max()) return;
    timer_.expires_at(expires_);
    timer_.async_wait([self = shared_from_this(), this](const ErrorCodeOfBoost& error) {
      if (error || closed_) return;
      armed_for_ = Time::max();
      if (std::chrono::steady_clock::now() < expires_) return arm();
      expires_ = Time::max();
      if (connection_)
        connection_->on_expired();
      else
        close();
    });
  }

  Service& service_;
  Table& table_;
  std::shared_ptr<Loop> loop_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  Tls tls_;
  std::unique_ptr<Connection> connection_;
  Time expires_ = Time::max();
  Time armed_for_ = Time::max();
  std::string out_;
  std::size_t written_ = 0;
  bool want_read_ = false;
  bool reading_ = false;
  bool waiting_to_write_ = false;
  bool telling_ = false;
  bool closed_ = false;
};

bool Table::make_room() {
  bool full = false;
  {
    const std::lock_guard lock{mutex_};
    full = unknown_.size() >= handshakes_ || unknown_.size() + known_.size() >= connections_;
    if (full && unknown_.empty()) return false;
  }
  if (full) evict_oldest();
  return true;
}

void Table::evict_oldest() {
  std::shared_ptr<Link> oldest;
  {
    const std::lock_guard lock{mutex_};
    if (unknown_.empty()) return;
    oldest = unknown_.front();
    unknown_.pop_front();
    oldest->listed = false;
  }
  oldest->post([link = oldest.get()] { link->close(); });
}

void Table::add(const std::shared_ptr<Link>& link) {
  const std::lock_guard lock{mutex_};
  link->place = unknown_.insert(unknown_.end(), link);
  link->listed = true;
}

void Table::authenticated(Link& link) {
  const std::lock_guard lock{mutex_};
  if (link.listed) known_.splice(known_.end(), unknown_, link.place);
  link.known = true;
}

void Table::remove(Link& link) {
  std::shared_ptr<Link> last;  // freed without the lock
  const std::lock_guard lock{mutex_};
  if (!std::exchange(link.listed, false)) return;
  last = *link.place;
  (link.known ? known_ : unknown_).erase(link.place);
  if (unknown_.empty() && known_.empty()) changed_.notify_all();
}

std::vector<std::shared_ptr<Link>> Table::all() {
  const std::lock_guard lock{mutex_};
  std::vector<std::shared_ptr<Link>> links{unknown_.begin(), unknown_.end()};
  links.insert(links.end(), known_.begin(), known_.end());
  return links;
}

bool Table::wait_until_empty(std::chrono::milliseconds limit) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, limit, [this] { return unknown_.empty() && known_.empty(); });
}

/// Connections, so that descriptors remain for everything else of the process.
std::size_t affordable(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const auto descriptors = static_cast<std::size_t>(limit.rlim_cur);
  return std::min(wanted, descriptors - std::min<std::size_t>(descriptors / 4, 128));
}

/// Asio opens without close-on-exec: a program that we start would keep our port taken after our end.
void keep_from_children(int socket) { ::fcntl(socket, F_SETFD, FD_CLOEXEC); }

void set_options(tcp::socket& socket) {
  ErrorCodeOfBoost ignored;
  keep_from_children(socket.native_handle());
  socket.set_option(tcp::no_delay{true}, ignored);
  socket.native_non_blocking(true, ignored);
  // A stream may be silent for hours: this is how a peer that vanished is noticed.
  socket.set_option(asio::socket_base::keep_alive{true}, ignored);
  socket.set_option(asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>{30}, ignored);
  socket.set_option(asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>{10}, ignored);
  socket.set_option(asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>{3}, ignored);
}

}  // namespace

class Listener::Impl {
 public:
  explicit Impl(Service& service)
      : service_{service},
        connections_{affordable(service.options.connections)},
        table_{connections_,
               std::min(service.options.handshakes, std::max<std::size_t>(1, connections_ / 2))} {
    for (std::size_t i = 0; i < std::max<std::size_t>(1, service.options.io_threads); ++i) {
      loops_.push_back(std::make_shared<Loop>());
    }
    acceptor_ = std::make_unique<tcp::acceptor>(loops_.front()->io);
    pause_ = std::make_unique<asio::steady_timer>(loops_.front()->io);
  }
  ~Impl() { join(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status listen() {
    ErrorCodeOfBoost error;
    const auto address = asio::ip::make_address(service_.options.address, error);
    if (error) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} is not a numeric address", service_.options.address), "address");
    }
    const tcp::endpoint endpoint{address, service_.options.port};
    acceptor_->open(endpoint.protocol(), error);
    if (!error) keep_from_children(acceptor_->native_handle());
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor_->bind(endpoint, error);
    if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return fail(ErrorCode::unavailable,
                  fmt::format("cannot listen on {} port {}: {}", service_.options.address,
                              service_.options.port, error.message()),
                  "address");
    }
    port_ = acceptor_->local_endpoint().port();
    accept();
    for (const auto& loop : loops_) threads_.emplace_back([loop] { loop->io.run(); });
    return {};
  }

  bool drain(std::chrono::milliseconds limit) {
    asio::post(loops_.front()->io, [this] {
      ErrorCodeOfBoost ignored;
      acceptor_->close(ignored);
      pause_->cancel();
    });
    for (const auto& link : table_.all()) link->post([raw = link.get()] { raw->stop(); });
    return table_.wait_until_empty(limit);
  }

  void close_all() {
    for (const auto& link : table_.all()) link->post([raw = link.get()] { raw->close(); });
    table_.wait_until_empty(std::chrono::seconds{10});
  }

  void join() {
    // Ends when nothing is left to do, so that every on_closed() has run.
    for (const auto& loop : loops_) loop->work.reset();
    asio::post(loops_.front()->io, [this] {
      ErrorCodeOfBoost ignored;
      acceptor_->close(ignored);
    });
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  std::uint16_t port() const noexcept { return port_; }

 private:
  void accept() {
    const auto& loop = loops_[next_++ % loops_.size()];
    acceptor_->async_accept(loop->io, [this, loop](const ErrorCodeOfBoost& error, tcp::socket socket) {
      if (!acceptor_->is_open()) return;
      if (error) return try_later();
      if (table_.make_room()) welcome(loop, std::move(socket));
      accept();
    });
  }

  /// Out of descriptors or memory: one that says nothing makes room.
  void try_later() {
    table_.evict_oldest();
    pause_->expires_after(kAcceptPause);
    pause_->async_wait([this](const ErrorCodeOfBoost& error) {
      if (!error && acceptor_->is_open()) accept();
    });
  }

  void welcome(const std::shared_ptr<Loop>& loop, tcp::socket socket) {
    set_options(socket);
    const auto link = std::make_shared<Link>(service_, table_, loop, std::move(socket));
    table_.add(link);
    link->post([raw = link.get()] { raw->start(); });
  }

  Service& service_;
  const std::size_t connections_;
  Table table_;
  std::vector<std::shared_ptr<Loop>> loops_;
  std::unique_ptr<tcp::acceptor> acceptor_;
  std::unique_ptr<asio::steady_timer> pause_;
  std::uint16_t port_ = 0;
  std::size_t next_ = 0;
  std::vector<std::jthread> threads_;
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::open(Service& service) {
  auto impl = std::make_unique<Impl>(service);
  SEALIFT_CHECK(impl->listen());
  return std::unique_ptr<Listener>{new Listener{std::move(impl)}};
}

std::uint16_t Listener::port() const noexcept { return impl_->port(); }
bool Listener::drain(std::chrono::milliseconds limit) { return impl_->drain(limit); }
void Listener::close_all() { impl_->close_all(); }
void Listener::join() { impl_->join(); }

}  // namespace sealift::rpc
