// SPDX-License-Identifier: Apache-2.0
// A whole call by an authenticated but hostile peer: head, query and body, in both encodings. Whatever comes
// is answered by one well-formed HTTP response.
#include <cstdlib>

#include "rpc/protocol.h"
#include "sealift/v1/launches.pb.h"

namespace {

using namespace sealift;

constexpr std::size_t kLimit = 64U * 1024;

const rpc::Router& router() {
  static const auto kRouter = [] {
    rpc::Router made;
    made.unary<v1::Launch, v1::CreateLaunchRequest>(
        "sealift.v1.LaunchService.CreateLaunch", rpc::Allow::every_authenticated_peer(),
        [](const rpc::Call&, const v1::CreateLaunchRequest& request) -> Result<v1::Launch> {
          v1::Launch launch;
          launch.set_image_id(request.quote_id());
          launch.set_zone(request.zone());
          return launch;
        });
    made.unary<v1::Launch, v1::GetLaunchRequest>(
        "sealift.v1.LaunchService.GetLaunch", rpc::Allow::every_authenticated_peer(),
        [](const rpc::Call&, const v1::GetLaunchRequest& request) -> Result<v1::Launch> {
          return fail(ErrorCode::not_found, request.launch_id(), "launch_id");
        });
    return made;
  }();
  return kRouter;
}

/// The input as it came, or as the body or query of a call that would be right.
std::string request_of(std::uint8_t form, std::string_view rest) {
  const auto post = [&](std::string_view type) {
    return std::string{"POST /sealift.v1.LaunchService/CreateLaunch HTTP/1.1\r\nHost: x\r\nContent-Type: "} +
           std::string{type} + "\r\nContent-Length: " + std::to_string(rest.size()) + "\r\n\r\n" +
           std::string{rest};
  };
  switch (form % 4) {
    case 0:
      return std::string{rest};
    case 1:
      return post("application/json");
    case 2:
      return post("application/proto");
    default:
      return "GET /sealift.v1.LaunchService/GetLaunch?connect=v1&" + std::string{rest} +
             " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
}

rpc::Reply answer(rpc::RequestReader& reader) {
  const auto planned = rpc::plan(reader.head(), router());
  if (const auto* const refused = std::get_if<rpc::Reply>(&planned)) return *refused;
  const auto& plan = std::get<rpc::Plan>(planned);
  const auto body = reader.take_body();
  return rpc::serve_unary(plan, rpc::Call::for_test({"cloud", rpc::Role::tenant, "acme"}), body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = request_of(data[0], as_text({data + 1, size - 1}));
  rpc::RequestReader reader{kLimit, kLimit};
  ByteView left = as_bytes(text);
  while (!reader.done()) {
    const auto taken = reader.feed(left);
    if (!taken || *taken == 0) return 0;
    left = left.subspan(*taken);
  }
  const auto reply = answer(reader);
  if (reply.status < 200 || reply.status > 599) std::abort();
  const auto written = rpc::to_http(reply, false);
  rpc::ResponseReader client{kLimit, std::size_t{8} * kLimit};
  ByteView sent = as_bytes(written);
  while (!client.done()) {
    const auto taken = client.feed(sent);
    if (!taken || *taken == 0) std::abort();
    sent = sent.subspan(*taken);
  }
  if (!sent.empty() || client.head().status != reply.status || client.take_body() != reply.body) std::abort();
  return 0;
}
