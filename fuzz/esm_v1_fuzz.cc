// SPDX-License-Identifier: Apache-2.0
// An accepted operand writes back to the same values at the same size, takes a target or says that it is
// full, and is verified only if it is the sample's own payload.
#include <cstdlib>

#include "formats/describe.h"
#include "formats/esm/samples_for_test.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift;
  auto operand = esm::Operand::parse({data, size});
  if (!operand) return 0;
  const auto written = operand->serialise();
  const auto again = esm::Operand::parse(written);
  if (written.size() != size || !again || again->targets() != operand->targets() ||
      again->hmac_input() != operand->hmac_input()) {
    std::abort();
  }
  if (formats::describe(written).value().targets.size() != operand->targets().size()) std::abort();
  const auto before = operand->hmac_input();
  const auto put = operand->put_target(esm::samples::target(0x77));
  if (!put && put.error().code != ErrorCode::operand_full) std::abort();
  if (operand->hmac_input() != before || operand->serialise().size() != size) std::abort();
  static_cast<void>(esm::VerifiedOperand::verify(*operand, esm::samples::seed()));
  return 0;
}
