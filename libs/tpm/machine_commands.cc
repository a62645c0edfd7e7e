// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <bit>
#include <map>

#include "tpm/commands.h"
#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

constexpr std::uint32_t kBankLimit = 16;
constexpr std::uint8_t kSelectLimit = 4;
constexpr std::uint32_t kDigestsPerRead = 8;  // TPML_DIGEST
constexpr std::uint32_t kHandlesPerRead = 64;

Status run(Tpm& tpm, TpmCommand& command) {
  SEALIFT_TRY(const auto response, command.run(tpm));
  return {};
}

tl::unexpected<Error> fail_pcr_read(const std::string& why) {
  return fail(ErrorCode::malformed, "TPM2_PCR_Read: " + why, "response");
}

Result<std::vector<PcrBank>> read_selection(ByteReader& reader) {
  SEALIFT_TRY(const auto count, reader.be32());
  if (count > kBankLimit) return fail_pcr_read("too many banks");
  std::vector<PcrBank> banks;
  for (std::uint32_t i = 0; i < count; ++i) {
    SEALIFT_TRY(const auto algorithm, reader.be16());
    SEALIFT_TRY(const auto hash, hash_from_id(algorithm));
    SEALIFT_TRY(const auto size, reader.u8());
    if (size > kSelectLimit) return fail_pcr_read("a selection is too long");
    SEALIFT_TRY(const auto bits, reader.take(size));
    std::uint32_t pcrs = 0;
    for (std::size_t byte = 0; byte < bits.size(); ++byte) pcrs |= std::uint32_t{bits[byte]} << (8 * byte);
    banks.push_back({hash, pcrs});
  }
  return banks;
}

using ValueMap = std::map<std::pair<HashAlgorithm, unsigned>, Digest>;

/// Takes the values of one response; they are those of `banks`, in that order.
Result<ValueMap> read_values(ByteReader& reader, const std::vector<PcrBank>& banks) {
  SEALIFT_TRY(auto left, reader.be32());
  if (left > kDigestsPerRead) return fail_pcr_read("too many values");
  ValueMap values;
  for (const auto& bank : banks) {
    for (unsigned index = 0; index < kPcrCount; ++index) {
      if ((bank.pcrs >> index & 1U) == 0) continue;
      if (left-- == 0) return fail_pcr_read("fewer values than selected");
      SEALIFT_TRY(const auto value, reader.sized16(crypto::digest_size(bank.hash)));
      if (value.size() != crypto::digest_size(bank.hash)) return fail_pcr_read("a value is too short");
      values[{bank.hash, index}] = Digest{value};
    }
  }
  if (left != 0) return fail_pcr_read("more values than selected");
  return values;
}

std::vector<PcrBank> without(std::vector<PcrBank> banks, const ValueMap& have) {
  for (auto& bank : banks) {
    for (unsigned index = 0; index < kPcrCount; ++index) {
      if (have.contains({bank.hash, index})) bank.pcrs &= ~(1U << index);
    }
  }
  std::erase_if(banks, [](const PcrBank& bank) { return bank.pcrs == 0; });
  return banks;
}

Status change_seed(Tpm& tpm, std::string_view name, std::uint32_t code, const Entity& platform,
                   Session& session) {
  TpmCommand command{name, code};
  return run(tpm, command.authorize(platform, session));
}

}  // namespace

Result<PcrValues> read_pcrs(Tpm& tpm, const PcrSelection& selection) {
  ValueMap values;
  std::optional<std::uint32_t> counter;
  for (auto missing = selection.banks(); !missing.empty(); missing = without(selection.banks(), values)) {
    SEALIFT_TRY(const auto wanted, PcrSelection::from_banks(missing));
    TpmCommand command{"TPM2_PCR_Read", TPM2_CC_PCR_Read};
    SEALIFT_TRY(const auto response, command.bytes(wanted.marshalled()).only_reads().run(tpm));
    auto reader = response.reader();
    SEALIFT_TRY(const auto update, reader.be32());
    if (counter.value_or(update) != update) return fail_rc("TPM2_PCR_Read", TPM2_RC_PCR_CHANGED);
    counter = update;
    SEALIFT_TRY(const auto banks, read_selection(reader));
    SEALIFT_TRY(const auto more, read_values(reader, banks));
    SEALIFT_CHECK(reader.expect_end());
    const auto before = values.size();
    values.insert(more.begin(), more.end());
    if (values.size() == before) {
      return fail(ErrorCode::unsupported, "the TPM has no PCR values for " + wanted.text(), wanted.text());
    }
  }
  std::vector<PcrValue> list;
  for (const auto& bank : selection.banks()) {
    for (unsigned index = 0; index < kPcrCount; ++index) {
      if ((bank.pcrs >> index & 1U) != 0) list.push_back({bank.hash, index, values.at({bank.hash, index})});
    }
  }
  return PcrValues::from_values(std::move(list));
}

Status extend_pcr(Tpm& tpm, unsigned index, const std::vector<std::pair<HashAlgorithm, Digest>>& digests) {
  auto session = Session::empty_auth();
  TpmCommand command{"TPM2_PCR_Extend", TPM2_CC_PCR_Extend};
  command.authorize(Entity::permanent(index), session).be32(static_cast<std::uint32_t>(digests.size()));
  for (const auto& [hash, digest] : digests) {
    if (digest.size() != crypto::digest_size(hash)) {
      return fail(ErrorCode::invalid_argument, "the digest is not as long as its bank's", "digest");
    }
    command.be16(algorithm_id(hash)).bytes(digest.view());
  }
  return run(tpm, command);
}

Status startup(Tpm& tpm, StartupType type) {
  TpmCommand command{"TPM2_Startup", TPM2_CC_Startup};
  return run(tpm, command.be16(static_cast<std::uint16_t>(type)));
}

Status shutdown(Tpm& tpm, StartupType type) {
  TpmCommand command{"TPM2_Shutdown", TPM2_CC_Shutdown};
  return run(tpm, command.be16(static_cast<std::uint16_t>(type)));
}

Result<Bytes> get_random(Tpm& tpm, std::uint16_t size) {
  TpmCommand command{"TPM2_GetRandom", TPM2_CC_GetRandom};
  SEALIFT_TRY(const auto response, command.be16(size).only_reads().run(tpm));
  auto reader = response.reader();
  SEALIFT_TRY(const auto random, reader.sized16(size));
  SEALIFT_CHECK(reader.expect_end());
  return to_bytes(random);
}

Result<std::vector<Handle>> handles_in_use(Tpm& tpm, Handle first) {
  std::vector<Handle> handles;
  for (bool more = true; more;) {
    TpmCommand command{"TPM2_GetCapability", TPM2_CC_GetCapability};
    command.be32(TPM2_CAP_HANDLES).be32(handles.empty() ? first : handles.back() + 1).be32(kHandlesPerRead);
    SEALIFT_TRY(const auto response, command.only_reads().run(tpm));
    auto reader = response.reader();
    SEALIFT_TRY(const auto more_data, reader.u8());
    SEALIFT_TRY(const auto capability, reader.be32());
    SEALIFT_TRY(const auto count, reader.be32());
    if (capability != TPM2_CAP_HANDLES || count > kHandlesPerRead) {
      return fail(ErrorCode::malformed, "TPM2_GetCapability: not the handles asked for", "response");
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      SEALIFT_TRY(const auto handle, reader.be32());
      if (!handles.empty() && handle <= handles.back()) {
        return fail(ErrorCode::malformed, "TPM2_GetCapability: the handles do not ascend", "response");
      }
      handles.push_back(handle);
    }
    more = more_data != 0 && count != 0;
  }
  return handles;
}

Status change_hierarchy_auth(Tpm& tpm, const Entity& hierarchy, Session& session, ByteView auth) {
  TpmCommand command{"TPM2_HierarchyChangeAuth", TPM2_CC_HierarchyChangeAuth};
  return run(tpm, command.authorize(hierarchy, session).sized(auth).changes_auth(auth));
}

Status change_platform_seed(Tpm& tpm, const Entity& platform, Session& session) {
  return change_seed(tpm, "TPM2_ChangePPS", TPM2_CC_ChangePPS, platform, session);
}

Status change_endorsement_seed(Tpm& tpm, const Entity& platform, Session& session) {
  return change_seed(tpm, "TPM2_ChangeEPS", TPM2_CC_ChangeEPS, platform, session);
}

Status clear(Tpm& tpm, const Entity& platform, Session& session) {
  return change_seed(tpm, "TPM2_Clear", TPM2_CC_Clear, platform, session);
}

}  // namespace sealift::tpm
