// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <signal.h>  // pthread_sigmask
#include <tss2/tss2_tctildr.h>

#include "tpm/channels.h"
#include "tpm/silence.h"

namespace sealift::tpm {
namespace {

/// A TCTI writes to sockets with write(2): without this, a TPM that went away would end the process.
class SigpipeBlocked {
 public:
  SigpipeBlocked() noexcept {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;
  SigpipeBlocked(SigpipeBlocked&&) = delete;
  SigpipeBlocked& operator=(SigpipeBlocked&&) = delete;
  /// Takes back the one that a failed write raised.
  void consume() noexcept {
    const timespec at_once{};
    sigtimedwait(&sigpipe_, nullptr, &at_once);
  }
  ~SigpipeBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t sigpipe_{};
  sigset_t before_{};
};

tl::unexpected<Error> fail_tcti(const std::string& tcti, std::string_view doing, TSS2_RC rc) {
  return fail(ErrorCode::tpm_unavailable, fmt::format("{}: {}", tcti, doing), "",
              fmt::format("TSS2_RC {:#x}", rc));
}

class TctiChannel final : public Channel {
 public:
  explicit TctiChannel(std::string tcti) : tcti_{std::move(tcti)}, buffer_{kMaxFrame} {}
  TctiChannel(const TctiChannel&) = delete;
  TctiChannel& operator=(const TctiChannel&) = delete;
  TctiChannel(TctiChannel&&) = delete;
  TctiChannel& operator=(TctiChannel&&) = delete;
  ~TctiChannel() override { close(); }

  Status send(ByteView command) override {
    SigpipeBlocked sigpipe;
    const auto rc = functions().transmit(context_, command.size(), command.data());
    if (rc == TSS2_RC_SUCCESS) return {};
    sigpipe.consume();
    return fail_tcti(tcti_, "the TPM does not take commands", rc);
  }

  Result<SecretBytes> receive() override {
    const auto buffer = buffer_.expose_for_writing();
    auto size = buffer.size();
    const auto rc = functions().receive(context_, &size, buffer.data(), TSS2_TCTI_TIMEOUT_BLOCK);
    if (rc != TSS2_RC_SUCCESS || size > buffer.size()) {
      return fail_tcti(tcti_, "the TPM gave no whole response", rc);
    }
    return SecretBytes{buffer.first(size)};
  }

  Status reopen() override {
    close();
    SigpipeBlocked sigpipe;
    const auto rc = Tss2_TctiLdr_Initialize(tcti_.c_str(), &context_);
    if (rc == TSS2_RC_SUCCESS) return {};
    sigpipe.consume();
    context_ = nullptr;
    return fail_tcti(tcti_, "no TPM answers", rc);
  }

 private:
  /// The loader gives contexts whose first two functions are there. (Its own macros are old-style casts.)
  const TSS2_TCTI_CONTEXT_COMMON_V1& functions() const noexcept {
    return *reinterpret_cast<const TSS2_TCTI_CONTEXT_COMMON_V1*>(context_);
  }
  void close() noexcept {
    if (context_ != nullptr) Tss2_TctiLdr_Finalize(&context_);
    context_ = nullptr;
  }
  std::string tcti_;
  SecretBytes buffer_;  // of each response, until it is copied out and wiped
  TSS2_TCTI_CONTEXT* context_ = nullptr;
};

constexpr std::string_view kSwtpmSocket = "swtpm:path=";

}  // namespace

Result<std::unique_ptr<Channel>> open_tcti(const std::string& tcti) {
  silence_tss();
  auto channel = std::make_unique<TctiChannel>(tcti);
  SEALIFT_CHECK(channel->reopen());
  return channel;
}

Result<std::unique_ptr<Channel>> open_channel(const std::string& tcti) {
  if (tcti.empty()) {
    return fail(ErrorCode::invalid_argument, "no TPM named: give \"device:/dev/tpmrm0\", for example",
                "tcti");
  }
  if (tcti.starts_with(kSwtpmSocket) && tcti.find(',') == std::string::npos) {
    return open_swtpm_socket(tcti.substr(kSwtpmSocket.size()));
  }
  return open_tcti(tcti);
}

}  // namespace sealift::tpm
