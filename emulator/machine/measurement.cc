// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/measurement.h"

#include <tss2/tss2_tpm2_types.h>

#include "tpm/commands.h"

namespace sealift::emulator {
namespace {

constexpr std::uint32_t kBankLimit = 16;

/// One TPMS_PCR_SELECTION: its hash, and whether `pcr` is in it.
Result<std::pair<std::uint16_t, bool>> read_bank(ByteReader& reader, unsigned pcr) {
  SEALIFT_TRY(const auto hash, reader.be16());
  SEALIFT_TRY(const auto size, reader.u8());
  SEALIFT_TRY(const auto bits, reader.take(size));
  const bool selected = pcr / 8 < bits.size() && ((bits[pcr / 8] >> (pcr % 8)) & 1) != 0;
  return std::pair{hash, selected};
}

}  // namespace

Result<std::vector<crypto::HashAlgorithm>> active_banks(tpm::Tpm& tpm, unsigned pcr) {
  tpm::TpmCommand command{"TPM2_GetCapability", TPM2_CC_GetCapability};
  SEALIFT_TRY(const auto response, command.be32(TPM2_CAP_PCRS).be32(0).be32(1).only_reads().run(tpm));
  auto reader = response.reader();
  SEALIFT_CHECK(reader.u8());    // moreData
  SEALIFT_CHECK(reader.be32());  // the capability
  SEALIFT_TRY(const auto count, reader.be32());
  if (count > kBankLimit) return fail(ErrorCode::malformed, "the TPM names too many PCR banks", "banks");
  std::vector<crypto::HashAlgorithm> banks;
  for (std::uint32_t i = 0; i < count; ++i) {
    SEALIFT_TRY(const auto bank, read_bank(reader, pcr));
    if (const auto hash = tpm::hash_from_id(bank.first); hash && bank.second) banks.push_back(*hash);
  }
  if (banks.empty())
    return fail(ErrorCode::unsupported, "the TPM has no PCR bank that Sealift knows", "banks");
  return banks;
}

Measurement::Measurement(tpm::Tpm& tpm, std::vector<crypto::HashAlgorithm> banks)
    : tpm_{&tpm}, banks_{std::move(banks)}, log_{tpm::EventLog::create(banks_)} {}

Result<Measurement> Measurement::start(tpm::Tpm& tpm) {
  SEALIFT_TRY(auto banks, active_banks(tpm, tpm::kFirmwarePcr));
  return Measurement{tpm, std::move(banks)};
}

Status Measurement::measure(const tpm::MeasuredEvent& event) {
  const auto& noted = log_.append(event.pcr, event.type, event.data, event.data);
  std::vector<std::pair<crypto::HashAlgorithm, crypto::Digest>> digests;
  for (std::size_t i = 0; i < banks_.size(); ++i) digests.emplace_back(banks_.at(i), noted.digests.at(i));
  return tpm::extend_pcr(*tpm_, event.pcr, digests);
}

Result<tpm::PcrValues> Measurement::firmware_pcr() const {
  std::vector<tpm::PcrBank> selected;
  for (const auto bank : banks_) selected.push_back({bank, 1U << tpm::kFirmwarePcr});
  SEALIFT_TRY(const auto selection, tpm::PcrSelection::from_banks(std::move(selected)));
  return tpm::read_pcrs(*tpm_, selection);
}

}  // namespace sealift::emulator
