// SPDX-License-Identifier: Apache-2.0
#include "emulator/psp/platform.h"

namespace sealift::emulator {

using sev::Certificate;
using sev::Usage;

PspStatus Platform::init() {
  if (is_on()) return PspStatus::invalid_platform_state;
  state_ = PlatformState::init;
  return PspStatus::success;
}

PspStatus Platform::shutdown() {
  state_ = PlatformState::uninit;
  token_ = std::make_shared<int>(0);
  return PspStatus::success;
}

Result<PspStatus> Platform::reset() {
  if (is_on()) return PspStatus::invalid_platform_state;
  SEALIFT_TRY(auto owned, identity_.new_owner());
  SEALIFT_CHECK(identity_.replace(std::move(owned)));
  return PspStatus::success;
}

PlatformStatus Platform::status() const {
  const auto state = is_on() && guests() > 0 ? PlatformState::working : state_;
  return {kPspApi, state, !identity_.owned().oca_key, kPspBuild, guests()};
}

PspAnswer<PdhExport> Platform::pdh_cert_export() const {
  if (!is_on()) return refused(PspStatus::invalid_platform_state);
  const auto& owned = identity_.owned();
  PdhExport out{to_bytes(owned.pdh.certificate.bytes()), {}};
  for (const auto* certificate : {&owned.pek.certificate, &owned.oca, &identity_.cek()}) {
    out.chain.insert(out.chain.end(), certificate->bytes().begin(), certificate->bytes().end());
  }
  return out;
}

Result<PspStatus> Platform::pek_gen() {
  if (status().state != PlatformState::init) return PspStatus::invalid_platform_state;
  SEALIFT_TRY(auto owned, identity_.new_owner());
  SEALIFT_CHECK(identity_.replace(std::move(owned)));
  return PspStatus::success;
}

Result<PspStatus> Platform::pdh_gen() {
  if (!is_on()) return PspStatus::invalid_platform_state;
  SEALIFT_TRY(auto pdh, identity_.new_pdh(identity_.owned().pek.key));
  SEALIFT_CHECK(identity_.replace_pdh(std::move(pdh)));
  return PspStatus::success;
}

PspAnswer<Bytes> Platform::pek_csr() const {
  if (!is_on()) return refused(PspStatus::invalid_platform_state);
  const auto& pek = identity_.owned().pek.certificate;
  return to_bytes(Certificate::make(Usage::pek, pek.algorithm(), pek.api(), pek.key()).bytes());
}

Result<PspStatus> Platform::pek_cert_import(ByteView pek_bytes, ByteView oca_bytes) {
  if (status().state != PlatformState::init) return PspStatus::invalid_platform_state;
  const auto& now = identity_.owned();
  if (!now.oca_key) return PspStatus::already_owned;
  const auto pek = Certificate::parse(pek_bytes, "pek");
  auto oca = Certificate::parse(oca_bytes, "oca");
  if (!pek || !oca || pek->usage() != Usage::pek || oca->usage() != Usage::oca ||
      !(pek->key() == now.pek.certificate.key()) || pek->api() != now.pek.certificate.api()) {
    return PspStatus::invalid_certificate;
  }
  if (!oca->verify_signature(Usage::oca, oca->key(), "oca") ||
      !pek->verify_signature(Usage::oca, oca->key(), "pek")) {
    return PspStatus::bad_signature;
  }
  SEALIFT_TRY(auto endorsed, identity_.endorse(*pek));
  SEALIFT_TRY(auto pdh, identity_.new_pdh(now.pek.key));
  SEALIFT_CHECK(identity_.replace_owner(std::move(*oca), std::move(endorsed), std::move(pdh)));
  return PspStatus::success;
}

}  // namespace sealift::emulator
