// SPDX-License-Identifier: Apache-2.0
/// The zone's orchestrator over the wire: one or several replicas, any of which can answer. One that does not
/// is passed over, and the others are asked.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "rpc/call.h"
#include "rpc/client.h"
#include "services/frontend/domain/zone.h"

namespace sealift::frontend {

class ZoneChannels {
 public:
  /// `addresses`: "host:port" of each replica, at least one. invalid_argument.
  static Result<std::unique_ptr<ZoneChannels>> create(const std::vector<std::string>& addresses,
                                                      const std::shared_ptr<rpc::Credentials>& credentials);

  /// `method` of ZoneService: "GetLaunch". For as long as `call` has time, and never longer than kPatience.
  template <class Response, class Request>
  Result<Response> ask(const rpc::Call& call, std::string_view method, const Request& request) {
    return in_turn(call, [&](rpc::Channel& channel, const rpc::CallOptions& options) {
      return channel.call<Response>(full_name(method), request, options);
    });
  }
  std::size_t replicas() const { return channels_.size(); }
  /// The one that is asked first.
  std::size_t preferred() const { return chosen_; }
  /// The stream of `replica`; rpc::Channel::stream() says how it ends. unavailable: take another, any number.
  template <class Response, class Request>
  Status stream(std::size_t replica, const rpc::Call& call, std::string_view method, const Request& request,
                std::function<Status(const Response&)> on_message, const std::stop_token& stop) {
    rpc::CallOptions options;
    options.trace = call.trace;
    options.once = true;
    return channel(replica).stream<Response>(full_name(method), request, std::move(on_message), stop,
                                             options);
  }

 private:
  static constexpr std::chrono::seconds kPatience{25};
  static std::string full_name(std::string_view method);
  using Time = std::chrono::steady_clock::time_point;

  template <class Ask>
  auto in_turn(const rpc::Call& call, Ask ask) -> decltype(ask(std::declval<rpc::Channel&>(), {})) {
    const auto until = std::min(call.deadline, std::chrono::steady_clock::now() + kPatience);
    for (std::size_t asked = 1;; ++asked) {
      const auto chosen = chosen_.load();
      auto answer = ask(channel(chosen), options_of(call, until));
      if (answer || !is_silence(answer.error())) return answer;
      pass_over(chosen);
      if (!pause(call, asked, until)) return answer;
    }
  }
  static bool is_silence(const Error& error) {
    return error.code == ErrorCode::unavailable || error.code == ErrorCode::timeout;
  }
  static rpc::CallOptions options_of(const rpc::Call& call, Time until);
  /// False where there is no time left for another try, or nobody waits for it.
  bool pause(const rpc::Call& call, std::size_t asked, Time until) const;
  rpc::Channel& channel(std::size_t chosen) { return *channels_[chosen % channels_.size()]; }
  void pass_over(std::size_t chosen) { chosen_.compare_exchange_strong(chosen, chosen + 1); }

  std::vector<std::unique_ptr<rpc::Channel>> channels_;
  std::atomic<std::size_t> chosen_ = 0;
};

/// The domain's view of the zone during one call.
class ZoneDuringCall final : public Zone {
 public:
  ZoneDuringCall(ZoneChannels& channels, const rpc::Call& call) : channels_{channels}, call_{call} {}
  Result<v1::Launch> create_launch(const v1::ZoneCreateLaunchRequest& request) override;
  Result<v1::Launch> get_launch(const std::string& tenant, const std::string& launch_id) override;
  Result<v1::ListLaunchesResponse> list_launches(const std::string& tenant,
                                                 const std::string& after) override;

 private:
  ZoneChannels& channels_;
  const rpc::Call& call_;
};

}  // namespace sealift::frontend
