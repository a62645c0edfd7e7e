// SPDX-License-Identifier: Apache-2.0
#include "tpm/machine_for_test.h"

#include "tpm/commands.h"

namespace sealift::tpm {

Result<MachineForTest> MachineForTest::start(const Profile& profile, KeyKind kind) {
  SEALIFT_TRY(auto swtpm, SwtpmForTest::start());
  SEALIFT_TRY(auto tpm, Tpm::open(swtpm.tcti()));
  SEALIFT_TRY(const auto selection, PcrSelection::parse(profile.pcrs));
  SEALIFT_TRY(auto approved, read_pcrs(tpm, selection));
  SEALIFT_TRY(const auto machine, provision(tpm, {&profile, kind, std::move(approved)}, {}));
  SEALIFT_TRY(auto password, rotate_boot_password(tpm, profile, {}));
  SEALIFT_TRY(auto parent, read_storage_parent(tpm, profile));
  SEALIFT_TRY(const auto six, PcrSelection::parse("sha256:6"));
  SEALIFT_TRY(auto expected, read_pcrs(tpm, six));
  return MachineForTest{std::make_unique<SwtpmForTest>(std::move(swtpm)),
                        std::make_unique<Tpm>(std::move(tpm)), std::move(parent), std::move(password),
                        std::move(expected)};
}

Result<SealedData> MachineForTest::seal(std::uint8_t fill) const {
  SEALIFT_TRY(const auto key, StorageKey::prepare(parent.key));
  return tpm::seal(key, Bytes(32, fill), expected);
}

Result<SecretBytes> MachineForTest::unseal(const SealedData& data) {
  return tpm::unseal(*tpm, parent, boot_password, data, PcrObjectPolicy{expected.selection()});
}

Status MachineForTest::change_state() {
  const auto digest = crypto::digest(HashAlgorithm::sha256, as_bytes("other firmware"));
  return extend_pcr(*tpm, 6, {{HashAlgorithm::sha256, digest}});
}

Result<std::size_t> MachineForTest::slots_in_use() {
  SEALIFT_TRY(const auto transient, handles_in_use(*tpm, kFirstTransient));
  SEALIFT_TRY(const auto sessions, handles_in_use(*tpm, kFirstLoadedSession));
  return transient.size() + sessions.size();
}

}  // namespace sealift::tpm
