// SPDX-License-Identifier: Apache-2.0
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "tests/certificates/test_pki.h"

namespace sealift::test_pki {
namespace {

struct ListFault {
  bool next_update = true;
  std::string extension = {};  ///< name or OID
  std::string value = {};
  const EVP_MD* hash = EVP_sha256();
};

Crl faulty_list(const ListFault& fault) {
  using Owner = std::unique_ptr<X509_CRL, decltype([](X509_CRL* crl) { X509_CRL_free(crl); })>;
  const Owner crl{X509_CRL_new()};
  const auto& ca = pki().intermediate;
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(ca.certificate().get()));
  ASN1_TIME* const from = ASN1_TIME_set(nullptr, kCurrent.not_before);
  ASN1_TIME* const until = ASN1_TIME_set(nullptr, kCurrent.not_after);
  X509_CRL_set1_lastUpdate(crl.get(), from);
  if (fault.next_update) X509_CRL_set1_nextUpdate(crl.get(), until);
  ASN1_TIME_free(from);
  ASN1_TIME_free(until);
  if (!fault.extension.empty()) {
    X509_EXTENSION* const extension =
        X509V3_EXT_nconf(nullptr, nullptr, fault.extension.c_str(), fault.value.c_str());
    X509_CRL_add_ext(crl.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_CRL_sign(crl.get(), ca.key().get(), fault.hash);
  return Crl::wrap(crl.get()).value();
}

Exhibit with(std::string name, ErrorCode code, const ListFault& fault) {
  Exhibit exhibit{std::move(name), code, "crl", pki().ek_certificate.der(), pki().trust()};
  exhibit.trust.crls = {pki().root_crl, faulty_list(fault)};
  exhibit.message_has = {"Test TPM Intermediate CA"};
  return exhibit;
}

}  // namespace

std::vector<Exhibit> bad_crls() {
  std::vector<Exhibit> out;
  out.push_back(with("ListWithoutNextUpdate", ErrorCode::crl_invalid, {.next_update = false}));
  // deltaCRLIndicator: INTEGER 1.
  out.push_back(
      with("DeltaList", ErrorCode::crl_invalid, {.extension = "2.5.29.27", .value = "critical,DER:020101"}));
  // IssuingDistributionPoint { indirectCRL [4] TRUE }, { onlySomeReasons [3] keyCompromise }, and nonsense.
  out.push_back(with("IndirectList", ErrorCode::crl_invalid,
                     {.extension = "2.5.29.28", .value = "critical,DER:30038401ff"}));
  out.push_back(with("ListForSomeReasons", ErrorCode::crl_invalid,
                     {.extension = "2.5.29.28", .value = "critical,DER:300483020640"}));
  out.push_back(with("ListWithUnreadableScope", ErrorCode::crl_invalid,
                     {.extension = "2.5.29.28", .value = "critical,DER:020101"}));
  out.push_back(with("ListSignedWithSha1", ErrorCode::certificate_algorithm_refused, {.hash = EVP_sha1()}));
  return out;
}

}  // namespace sealift::test_pki
