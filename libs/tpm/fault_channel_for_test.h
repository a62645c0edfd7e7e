// SPDX-License-Identifier: Apache-2.0
/// For tests: a channel between us and a TPM that listens, breaks or lies.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "tpm/transport.h"

namespace sealift::tpm {

class FaultChannel final : public Channel {
 public:
  /// What happens to the response of command `number` (from 0); empty: the connection breaks.
  using Fault = std::function<void(std::size_t number, Bytes& response)>;

  FaultChannel(std::unique_ptr<Channel> inner, Fault fault)
      : inner_{std::move(inner)}, fault_{std::move(fault)} {}

  Status send(ByteView command) override { return inner_->send(command); }
  Result<SecretBytes> receive() override {
    SEALIFT_TRY(const auto whole, inner_->receive());
    auto response = to_bytes(whole.expose());
    fault_(number_++, response);
    if (response.empty()) return fail(ErrorCode::tpm_unavailable, "the connection broke");
    return SecretBytes{std::span{response}};
  }
  Status reopen() override { return inner_->reopen(); }
  void release() noexcept override { inner_->release(); }

 private:
  std::unique_ptr<Channel> inner_;
  Fault fault_;
  std::size_t number_ = 0;
};

/// Everything that crosses the bus, both ways.
class ListeningChannel final : public Channel {
 public:
  ListeningChannel(std::unique_ptr<Channel> inner, Bytes& heard) : inner_{std::move(inner)}, heard_{heard} {}

  Status send(ByteView command) override {
    heard_.insert(heard_.end(), command.begin(), command.end());
    return inner_->send(command);
  }
  Result<SecretBytes> receive() override {
    SEALIFT_TRY(auto response, inner_->receive());
    const auto bytes = response.expose();
    heard_.insert(heard_.end(), bytes.begin(), bytes.end());
    return response;
  }
  Status reopen() override { return inner_->reopen(); }
  void release() noexcept override { inner_->release(); }

 private:
  std::unique_ptr<Channel> inner_;
  Bytes& heard_;
};

}  // namespace sealift::tpm
