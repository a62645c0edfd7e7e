// SPDX-License-Identifier: Apache-2.0
// A host agent's journal after a crash, and the orders it gets: what is read can be gone on with and written
// again, and no name leads out of its directory.
#include <cstdlib>
#include <filesystem>

#include "fuzz/patched.h"
#include "services/agent/domain/record.h"
#include "services/agent/domain/start_order.h"

namespace {

using namespace sealift;

agent::InstanceName some_name() { return agent::InstanceName::make("launch-1", 2).value(); }

const Bytes& genuine() {
  static const auto kBytes = agent::Record::canceled(some_name(), 1'000).serialise();
  return kBytes;
}

void read_name(std::string_view text) {
  const auto name = agent::InstanceName::parse(text);
  if (!name) return;
  const std::filesystem::path path{name->text()};
  if (name->text() != text || path.filename() != path || text == "." || text == "..") std::abort();
}

void go_on(ByteView journal) {
  auto record = agent::Record::parse(journal);
  if (!record) return;
  static_cast<void>(record->objects());
  static_cast<void>(record->start_result());
  if (const auto* const untold = record->untold()) record->told(untold->sequence());
  if (!record->is_over()) {
    record->hand_over(1);
    record->hear(0, "operand_found", 2);
    record->end(Error{ErrorCode::guest_failed, "it is gone", "host", {}}, 3);
  }
  const auto written = record->serialise();
  const auto again = agent::Record::parse(written);
  if (!again || again->serialise() != written) std::abort();
}

void read_order(ByteView bytes) {
  v1::StartInstance start;
  if (!start.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const auto order = agent::check_start(some_name(), start);
  if (order && (order->kernel.size == 0 || order->cpus == 0 || order->memory_mib == 0)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input{data + 1, size - 1};
  switch (data[0] % 4) {
    case 0:
      read_name(as_text(input));
      break;
    case 1:
      go_on(input);
      break;
    case 2:
      go_on(fuzz::patched(genuine(), input));
      break;
    default:
      read_order(input);
  }
  return 0;
}
