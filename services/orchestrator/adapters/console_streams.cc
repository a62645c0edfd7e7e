// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/adapters/console_streams.h"

namespace sealift::orchestrator {
namespace {

constexpr milliseconds kSlowReader{100};

}  // namespace

Status ConsoleStreams::add(const v1::ZoneWatchConsoleRequest& request, rpc::Stream<v1::ConsoleChunk> stream) {
  SEALIFT_CHECK(requests_.get(request.tenant(), request.request().launch_id()));
  const std::lock_guard lock{mutex_};
  std::erase_if(readers_, [](const Reader& reader) { return reader.done; });
  if (readers_.size() >= kMaxStreams)
    return fail(ErrorCode::resource_exhausted, "too many consoles are watched");
  auto& reader = readers_.emplace_back();
  reader.thread = std::jthread{[this, &reader, request, stream](const std::stop_token& stop) mutable {
    read(stop, request, stream);
    const std::lock_guard done{mutex_};
    reader.done = true;
  }};
  stream.on_closed([source = reader.thread.get_stop_source()]() mutable { source.request_stop(); });
  return {};
}

void ConsoleStreams::read(const std::stop_token& stop, v1::ZoneWatchConsoleRequest request,
                          rpc::Stream<v1::ConsoleChunk>& stream) {
  auto& place = *request.mutable_request();
  while (!stop.stop_requested() && !stream.closed()) {
    auto result = requests_.console(request, stop);
    if (!result) return stream.finish(tl::unexpected(std::move(result).error()));
    v1::ConsoleChunk chunk;
    chunk.set_offset(place.offset());
    chunk.set_data(std::move(*result->mutable_data()));
    place.set_offset(place.offset() + chunk.data().size());
    while (!chunk.data().empty() && !stop.stop_requested()) {
      const auto sent = stream.send(chunk);
      if (sent) break;
      if (sent.error().code != ErrorCode::resource_exhausted) return;
      std::this_thread::sleep_for(kSlowReader);
    }
    if (result->ended()) return stream.finish();
  }
}

}  // namespace sealift::orchestrator
