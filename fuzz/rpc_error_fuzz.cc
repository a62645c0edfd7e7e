// SPDX-License-Identifier: Apache-2.0
// Errors as other servers send them: whatever came is an error of ours that is passed on as the same one.
#include <cstdlib>

#include "base/bytes.h"
#include "rpc/error_json.h"

namespace {

using namespace sealift;

void pass_on(const Error& error) {
  const auto again = rpc::error_from_json(rpc::to_json(error), 500);
  if (again.code != error.code) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = as_text({data + 1, size - 1});
  pass_on(rpc::error_from_json(text, 400U + data[0]));
  if (const auto status = rpc::end_of_stream_from_json(text); !status) pass_on(status.error());
  return 0;
}
