// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "tpm/channels.h"

namespace sealift::tpm {
namespace {

/// The longest that a command, and the turns of others before it, may take.
constexpr timeval kPatience{.tv_sec = 60, .tv_usec = 0};
constexpr std::size_t kHeaderSize = 10;

class SwtpmChannel final : public Channel {
 public:
  explicit SwtpmChannel(std::string path) : path_{std::move(path)}, buffer_{kMaxFrame} {}

  Status send(ByteView command) override {
    if (!socket_) SEALIFT_CHECK(connect());
    while (!command.empty()) {
      const auto sent = ::send(socket_.get(), command.data(), command.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return fail_here("the TPM does not take commands");
      command = command.subspan(static_cast<std::size_t>(sent));
    }
    return {};
  }

  Result<SecretBytes> receive() override {
    const auto buffer = buffer_.expose_for_writing();
    std::size_t have = 0;
    for (std::size_t want = kHeaderSize; have < want;) {
      const auto got = ::recv(socket_.get(), buffer.data() + have, buffer.size() - have, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return fail_here("the TPM gave no whole response");
      have += static_cast<std::size_t>(got);
      if (have < kHeaderSize) continue;
      ByteReader size_field{ByteView{buffer}.subspan(2)};
      want = std::max<std::size_t>(size_field.be32().value(), kHeaderSize);
      if (want > buffer.size()) return fail_here("the TPM's response is larger than a TPM's may be");
    }
    return SecretBytes{buffer.first(have)};
  }

  Status reopen() override {
    release();
    return connect();
  }

  void release() noexcept override { socket_ = UniqueFd{}; }

 private:
  tl::unexpected<Error> fail_here(std::string_view what) const {
    return fail(ErrorCode::tpm_unavailable, fmt::format("swtpm:path={}: {}", path_, what), "",
                std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): glibc's is safe
  }

  Status connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return fail_here("the path is too long for a socket");
    std::ranges::copy(path_, address.sun_path);
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket) return fail_here("no socket could be made");
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
      ::setsockopt(socket.get(), SOL_SOCKET, option, &kPatience, sizeof kPatience);
    }
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return fail_here("no TPM answers");
    }
    socket_ = std::move(socket);
    return {};
  }

  std::string path_;
  UniqueFd socket_;
  SecretBytes buffer_;  // of each response, until it is copied out and wiped
};

}  // namespace

Result<std::unique_ptr<Channel>> open_swtpm_socket(const std::string& path) {
  auto channel = std::make_unique<SwtpmChannel>(path);
  SEALIFT_CHECK(channel->reopen());
  channel->release();
  return channel;
}

}  // namespace sealift::tpm
