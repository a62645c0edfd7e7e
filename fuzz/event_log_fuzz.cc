// SPDX-License-Identifier: Apache-2.0
// Refusing a log is a right answer. Crashing is not, nor is accepting one that is written back as another.
#include <cstdlib>

#include "tpm/event_log.h"
#include "tpm/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto log = sealift::tpm::EventLog::parse({data, size});
  if (!log) return 0;
  const auto bytes = log->bytes();
  const auto again = sealift::tpm::EventLog::parse(bytes);
  if (!again || bytes.size() != size || again->events() != log->events() || again->bytes() != bytes)
    std::abort();
  if (again->replay() != log->replay()) std::abort();
  const auto reference = sealift::tpm::firmware_events({});
  (void)sealift::tpm::first_difference(*log, reference, sealift::crypto::HashAlgorithm::sha256);
  return 0;
}
