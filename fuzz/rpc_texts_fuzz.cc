// SPDX-License-Identifier: Apache-2.0
// The small texts in heads and certificates: identities, traces, queries, base64, hexadecimal. What is taken
// has one spelling, or stays what it is when it is written.
#include <cstdlib>

#include "crypto/base64.h"
#include "rpc/identity.h"
#include "rpc/query.h"
#include "rpc/trace.h"

namespace {

void check(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift;
  const auto text = as_text({data, size});
  if (const auto identity = rpc::parse_identity(text)) {
    check(identity->text() == text && identity->name.find_first_of("/\\\0") == std::string::npos);
    check(identity->name != "." && identity->name != "..");
  }
  if (const auto role = rpc::parse_role(text)) check(rpc::role_name(*role) == text);
  if (const auto trace = rpc::parse_traceparent(text))
    check(rpc::parse_traceparent(trace->traceparent()) == trace);
  const auto target = rpc::split_target(text);
  check(target.path.size() + target.query.size() <= text.size());
  if (const auto query = rpc::parse_query(target.query)) {
    for (const auto& [name, value] : *query) check(name.size() + value.size() <= target.query.size());
  }
  static_cast<void>(rpc::from_base64url(text));
  if (const auto bytes = crypto::from_base64(text))
    check(*crypto::from_base64(crypto::to_base64(*bytes)) == *bytes);
  if (const auto bytes = from_hex(text)) check(*from_hex(to_hex(*bytes)) == *bytes);
  return 0;
}
