// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509_verify.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <limits>

#include "crypto/x509_openssl.h"

namespace sealift::crypto {

struct TrustedRoots::Store {
  std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>> store;
  TrustInput input;
};

namespace {

using StoreContext = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;
// The stack borrows its certificates.
using BorrowedStack =
    std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * stack) { sk_X509_free(stack); })>;
using OwnedStack =
    std::unique_ptr<STACK_OF(X509),
                    decltype([](STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); })>;

bool is_strong_hash(int nid) { return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512; }

std::string who(const Certificate& certificate) {
  const auto subject = certificate.subject();
  return subject.empty()
             ? fmt::format("the certificate with serial {} of {}", certificate.serial(), certificate.issuer())
             : fmt::format("the certificate of {}", subject);
}

// ---- What roots and revocation lists must be ----

Status check_root(const Certificate& root) {
  if (root.is_ca()) return {};
  return fail(ErrorCode::certificate_usage_refused, who(root) + " is not a CA's, so it cannot be a root",
              "basicConstraints");
}

/// Lists that OpenSSL would quietly leave aside are refused here: a list that was given must count.
Status check_crl(const Crl& crl) {
  const auto refuse = [&](ErrorCode code, std::string_view what) {
    return fail(code, fmt::format("the revocation list of {} {}", crl.issuer(), what), "crl",
                openssl_errors());
  };
  if (crl.next_update() == 0) return refuse(ErrorCode::crl_invalid, "does not say when the next one comes");
  if (X509_CRL_get_ext_by_NID(crl.get(), NID_delta_crl, -1) >= 0) {
    return refuse(ErrorCode::crl_invalid, "is a delta list; a whole one is needed");
  }
  int critical = -1;
  const IssuingPointPtr scope{static_cast<ISSUING_DIST_POINT*>(
      X509_CRL_get_ext_d2i(crl.get(), NID_issuing_distribution_point, &critical, nullptr))};
  if (!scope && critical != -1) return refuse(ErrorCode::crl_invalid, "has a scope that cannot be read");
  if (scope && (scope->indirectCRL > 0 || scope->onlysomereasons != nullptr)) {
    return refuse(ErrorCode::crl_invalid, "is indirect or for some reasons only; a whole one is needed");
  }
  int hash = NID_undef;
  if (OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl.get()), &hash, nullptr) != 1 ||
      !is_strong_hash(hash)) {
    return refuse(ErrorCode::certificate_algorithm_refused, "is not signed with SHA-256 or better");
  }
  return {};
}

// ---- Explaining a refusal ----

struct Refusal {
  int reason;  ///< X509_V_ERR_…
  ErrorCode code;
  std::string_view field;  ///< "" for the place in the chain
};

constexpr std::array kRefusals{
    Refusal{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, ErrorCode::issuer_missing, ""},
    Refusal{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, ErrorCode::issuer_missing, ""},
    Refusal{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, ErrorCode::issuer_missing, ""},
    Refusal{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, ErrorCode::issuer_untrusted, ""},
    Refusal{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, ErrorCode::issuer_untrusted, ""},
    Refusal{X509_V_ERR_CERT_UNTRUSTED, ErrorCode::issuer_untrusted, ""},
    Refusal{X509_V_ERR_CERT_REJECTED, ErrorCode::issuer_untrusted, ""},
    Refusal{X509_V_ERR_CERT_HAS_EXPIRED, ErrorCode::certificate_expired, ""},
    Refusal{X509_V_ERR_CERT_NOT_YET_VALID, ErrorCode::certificate_not_yet_valid, ""},
    Refusal{X509_V_ERR_CERT_REVOKED, ErrorCode::certificate_revoked, ""},
    Refusal{X509_V_ERR_CERT_SIGNATURE_FAILURE, ErrorCode::certificate_signature_invalid, ""},
    Refusal{X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, ErrorCode::certificate_signature_invalid, ""},
    Refusal{X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, ErrorCode::certificate_signature_invalid, ""},
    Refusal{X509_V_ERR_UNABLE_TO_GET_CRL, ErrorCode::crl_missing, ""},
    Refusal{X509_V_ERR_CRL_HAS_EXPIRED, ErrorCode::crl_expired, ""},
    Refusal{X509_V_ERR_CRL_NOT_YET_VALID, ErrorCode::crl_invalid, "thisUpdate"},
    Refusal{X509_V_ERR_CRL_SIGNATURE_FAILURE, ErrorCode::crl_invalid, "signature"},
    Refusal{X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, ErrorCode::crl_invalid, "signature"},
    Refusal{X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, ErrorCode::crl_invalid, "issuer"},
    Refusal{X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, ErrorCode::crl_invalid, "keyUsage"},
    Refusal{X509_V_ERR_DIFFERENT_CRL_SCOPE, ErrorCode::crl_invalid, "issuingDistributionPoint"},
    Refusal{X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, ErrorCode::crl_invalid, "extensions"},
    Refusal{X509_V_ERR_CRL_PATH_VALIDATION_ERROR, ErrorCode::crl_invalid, "issuer"},
    Refusal{X509_V_ERR_INVALID_CA, ErrorCode::certificate_usage_refused, "basicConstraints"},
    Refusal{X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, ErrorCode::key_unsupported, "publicKey"},
    Refusal{X509_V_ERR_PATH_LENGTH_EXCEEDED, ErrorCode::certificate_usage_refused, "pathLenConstraint"},
    Refusal{X509_V_ERR_CERT_CHAIN_TOO_LONG, ErrorCode::certificate_usage_refused, "chain"},
    Refusal{X509_V_ERR_KEYUSAGE_NO_CERTSIGN, ErrorCode::certificate_usage_refused, "keyUsage"},
    Refusal{X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, ErrorCode::certificate_usage_refused, "extensions"},
    Refusal{X509_V_ERR_PERMITTED_VIOLATION, ErrorCode::certificate_usage_refused, "nameConstraints"},
    Refusal{X509_V_ERR_EXCLUDED_VIOLATION, ErrorCode::certificate_usage_refused, "nameConstraints"},
};

const Refusal& refusal_for(int reason) {
  static constexpr Refusal kOther{0, ErrorCode::certificate_usage_refused, "extensions"};
  const auto* const found = std::find_if(kRefusals.begin(), kRefusals.end(),
                                         [reason](const Refusal& r) { return r.reason == reason; });
  return found == kRefusals.end() ? kOther : *found;
}

/// The first critical extension that OpenSSL does not enforce; "" where there is none.
std::string unknown_critical_extension(const X509* certificate) {
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    auto* const extension = X509_get_ext(certificate, i);
    if (X509_EXTENSION_get_critical(extension) != 0 && X509_supported_extension(extension) == 0) {
      return text_of(X509_EXTENSION_get_object(extension));
    }
  }
  return {};
}

bool any_is_called(std::span<const Certificate> certificates, const X509_NAME* name) {
  return std::any_of(certificates.begin(), certificates.end(), [name](const Certificate& certificate) {
    return X509_NAME_cmp(X509_get_subject_name(certificate.get()), name) == 0;
  });
}

std::string missing_issuer(const Certificate& certificate, const TrustInput& input,
                           std::span<const Certificate> extra) {
  const auto* const name = X509_get_issuer_name(certificate.get());
  auto text =
      fmt::format("{} is issued by {}, whose certificate is missing", who(certificate), certificate.issuer());
  if (any_is_called(input.roots, name) || any_is_called(input.intermediates, name) ||
      any_is_called(extra, name)) {
    text += " (one of that name is there, but with another key)";
  }
  const auto urls = certificate.issuer_urls();
  return urls.empty() ? text + "; it does not say where to fetch it"
                      : fmt::format("{}; fetch it from {}", text, fmt::join(urls, " or "));
}

std::string explain(const Refusal& refusal, int reason, const Certificate& certificate,
                    const TrustInput& input, std::span<const Certificate> extra) {
  switch (refusal.code) {
    case ErrorCode::issuer_missing:
      return missing_issuer(certificate, input, extra);
    case ErrorCode::issuer_untrusted:
      return fmt::format("the chain ends in {}, which is not among the {} trusted roots",
                         certificate.subject(), input.roots.size());
    case ErrorCode::certificate_expired:
      return fmt::format("{} expired at {}", who(certificate), utc_text(certificate.not_after()));
    case ErrorCode::certificate_not_yet_valid:
      return fmt::format("{} is not valid before {}", who(certificate), utc_text(certificate.not_before()));
    case ErrorCode::crl_missing: {
      const auto urls = certificate.crl_urls();
      return fmt::format("no revocation list of {} is given{}", certificate.issuer(),
                         urls.empty() ? "" : fmt::format("; fetch it from {}", fmt::join(urls, " or ")));
    }
    case ErrorCode::crl_expired:
    case ErrorCode::crl_invalid:
      return fmt::format("the revocation list of {}: {}", certificate.issuer(),
                         X509_verify_cert_error_string(reason));
    default:
      return fmt::format("{}: {}", who(certificate), X509_verify_cert_error_string(reason));
  }
}

/// What the certificate says and what is the case, where both are plain values.
void add_values(Error& error, const Certificate& certificate, const TrustInput& input, std::int64_t time) {
  switch (error.code) {
    case ErrorCode::issuer_untrusted: {
      std::vector<std::string> roots;
      for (const auto& root : input.roots) roots.push_back(root.subject());
      error.expected = roots.empty() ? "no root is trusted" : fmt::format("{}", fmt::join(roots, " or "));
      error.found = certificate.subject();
      break;
    }
    case ErrorCode::certificate_expired:
      error.expected = "valid until " + utc_text(certificate.not_after());
      error.found = utc_text(time);
      break;
    case ErrorCode::certificate_not_yet_valid:
      error.expected = "valid from " + utc_text(certificate.not_before());
      error.found = utc_text(time);
      break;
    default:
      break;
  }
}

/// OpenSSL's first objection as our error.
tl::unexpected<Error> refuse(X509_STORE_CTX* context, const Certificate& asked, const TrustInput& input,
                             std::span<const Certificate> extra) {
  const int reason = X509_STORE_CTX_get_error(context);
  const auto& refusal = refusal_for(reason);
  auto* const current = X509_STORE_CTX_get_current_cert(context);
  auto at = asked;
  if (current != nullptr) {
    SEALIFT_TRY(at, Certificate::wrap(current));
  }
  auto field = refusal.field.empty() ? fmt::format("chain[{}]", X509_STORE_CTX_get_error_depth(context))
                                     : std::string{refusal.field};
  auto message = explain(refusal, reason, at, input, extra);
  // OpenSSL says the same of a CA that has the flag but may not sign certificates.
  if (reason == X509_V_ERR_INVALID_CA && at.is_ca()) field = "keyUsage";
  if (reason == X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION) {
    field = unknown_critical_extension(at.get());
    message += fmt::format(" ({})", field);
  }
  Error error{refusal.code, std::move(message), std::move(field),
              fmt::format("X509_V_ERR {} {}", reason, openssl_errors())};
  add_values(error, at, input, X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(context)));
  return tl::unexpected(std::move(error));
}

// ---- What OpenSSL does not check, or not without settings that real chains fail ----

Status check_key(const Certificate& certificate) {
  SEALIFT_TRY(const auto key, certificate.public_key());
  const bool strong =
      (key.type() == KeyType::rsa && key.bits() >= 2048) || (key.type() == KeyType::ec && key.bits() >= 256);
  if (strong) return {};
  return differs(ErrorCode::certificate_algorithm_refused,
                 fmt::format("{} has a key of {} bits; RSA of 2048 or EC of 256 are the least",
                             who(certificate), key.bits()),
                 "publicKey", "RSA of 2048 bits, EC of 256, or more",
                 fmt::format("{} of {} bits", EVP_PKEY_get0_type_name(key.get()), key.bits()));
}

Status check_signature_algorithm(const Certificate& certificate) {
  int hash = NID_undef;
  const bool known = X509_get_signature_info(certificate.get(), &hash, nullptr, nullptr, nullptr) == 1;
  if (known && is_strong_hash(hash)) return {};
  const std::string algorithm = hash == NID_undef ? "an unknown algorithm" : OBJ_nid2ln(hash);
  auto refusal =
      differs(ErrorCode::certificate_algorithm_refused,
              fmt::format("{} is signed with {}; SHA-256 is the least", who(certificate), algorithm),
              "signatureAlgorithm", "SHA-256 or stronger", algorithm);
  refusal.value().detail = openssl_errors();
  return refusal;
}

Status check_extensions(const Certificate& certificate) {
  if ((X509_get_extension_flags(certificate.get()) & EXFLAG_INVALID) == 0) return {};
  return fail(ErrorCode::certificate_usage_refused,
              who(certificate) + " has an extension that cannot be read", "extensions", openssl_errors());
}

Status check_links(std::span<const Certificate> chain) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    SEALIFT_CHECK(check_key(chain[i]));
    // What is in `roots` is believed because it is there, not because of its signature.
    if (i + 1 < chain.size()) SEALIFT_CHECK(check_signature_algorithm(chain[i]));
    if (i > 0 && !chain[i].is_ca()) {
      return fail(ErrorCode::certificate_usage_refused, who(chain[i]) + " is not a CA's", "basicConstraints");
    }
  }
  return {};
}

bool has_oaep_key(const X509* certificate) {
  ASN1_OBJECT* algorithm = nullptr;
  X509_PUBKEY_get0_param(&algorithm, nullptr, nullptr, nullptr, X509_get_X509_PUBKEY(certificate));
  return OBJ_obj2nid(algorithm) == NID_rsaesOaep;
}

/// OpenSSL has no key type for id-RSAES-OAEP and gives up on such a certificate. It gets a copy with the same
/// key in the form it knows; the signature is still checked over the original bytes, which OpenSSL keeps
/// beside the parsed form. Were it ever to re-encode them, the signature would not match, and the certificate
/// be refused.
Result<X509Ptr> with_readable_key(const Certificate& certificate) {
  if (!has_oaep_key(certificate.get())) {
    must(X509_up_ref(certificate.get()), "X509_up_ref");
    return X509Ptr{certificate.get()};
  }
  SEALIFT_TRY(const auto key, certificate.public_key());
  const auto* cursor = certificate.der().data();
  X509Ptr copy{must(d2i_X509(nullptr, &cursor, static_cast<long>(certificate.der().size())), "X509")};
  must(X509_set_pubkey(copy.get(), key.get()), "X509_set_pubkey");
  return copy;
}

/// A missing list is no objection where lists are optional, and never for the root: it is trusted by decree.
int judge(int ok, X509_STORE_CTX* context) {
  if (ok == 1 || X509_STORE_CTX_get_error(context) != X509_V_ERR_UNABLE_TO_GET_CRL) return ok;
  const auto policy = *static_cast<const CrlPolicy*>(X509_STORE_CTX_get_app_data(context));
  const int last = sk_X509_num(X509_STORE_CTX_get0_chain(context)) - 1;
  return policy == CrlPolicy::where_given || X509_STORE_CTX_get_error_depth(context) == last ? 1 : 0;
}

StoreContext make_context(X509* certificate, const TrustedRoots::Store& store, STACK_OF(X509) * untrusted,
                          TimePoint time, CrlPolicy& policy) {
  StoreContext context{must(X509_STORE_CTX_new(), "X509_STORE_CTX")};
  must(X509_STORE_CTX_init(context.get(), store.store.get(), certificate, untrusted), "X509_STORE_CTX");
  auto* const param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<std::time_t>(unix_seconds(time)));
  X509_VERIFY_PARAM_set_depth(param, kChainDepth);
  must(X509_VERIFY_PARAM_set_flags(
           param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL),
       "X509_VERIFY_PARAM");
  must(X509_STORE_CTX_set_app_data(context.get(), &policy), "X509_STORE_CTX");
  X509_STORE_CTX_set_verify_cb(context.get(), judge);
  return context;
}

}  // namespace

Result<TrustedRoots> TrustedRoots::create(TrustInput input) {
  if (input.roots.empty()) return fail(ErrorCode::invalid_argument, "no trusted root is given", "roots");
  auto store = std::make_shared<Store>();
  store->store.reset(must(X509_STORE_new(), "X509_STORE"));
  for (const auto& root : input.roots) {
    SEALIFT_CHECK(check_extensions(root));
    SEALIFT_CHECK(check_root(root));
    must(X509_STORE_add_cert(store->store.get(), root.get()), "X509_STORE");
  }
  for (const auto& each : input.intermediates) SEALIFT_CHECK(check_extensions(each));
  for (const auto& crl : input.crls) {
    SEALIFT_CHECK(check_crl(crl));
    must(X509_STORE_add_crl(store->store.get(), crl.get()), "X509_STORE");
  }
  store->input = std::move(input);
  return TrustedRoots{std::move(store)};
}

const TrustInput& TrustedRoots::input() const noexcept { return store_->input; }

std::int64_t next_change(const Validity& validity, TimePoint time) {
  auto next = std::numeric_limits<std::int64_t>::max();
  // Whether the last second counts differs from kind to kind: it is a change of its own.
  for (const auto change : {validity.not_before, validity.not_after, validity.not_after + 1})
    if (change > unix_seconds(time)) next = std::min(next, change);
  return next;
}

std::int64_t next_change(const TrustedRoots& roots, std::span<const Certificate> shown, TimePoint time) {
  const auto& input = roots.input();
  auto next = std::numeric_limits<std::int64_t>::max();
  for (const auto certificates :
       {std::span<const Certificate>{input.roots}, std::span<const Certificate>{input.intermediates}, shown})
    for (const auto& each : certificates)
      next = std::min(next, next_change({each.not_before(), each.not_after()}, time));
  for (const auto& crl : input.crls)
    next = std::min(next, next_change({crl.this_update(), crl.next_update()}, time));
  return next;
}

Result<std::vector<Certificate>> verify_chain(const Certificate& certificate, const TrustedRoots& roots,
                                              TimePoint time,
                                              std::span<const Certificate> extra_intermediates) {
  if (extra_intermediates.size() > kExtraIntermediates) {
    return fail(ErrorCode::too_large,
                fmt::format("more than {} intermediate certificates", kExtraIntermediates));
  }
  // OpenSSL would leave such a one aside and call its issuer missing.
  SEALIFT_CHECK(check_extensions(certificate));
  for (const auto& each : extra_intermediates) SEALIFT_CHECK(check_extensions(each));
  const auto& store = roots.store();
  const BorrowedStack untrusted{must(sk_X509_new_null(), "stack")};
  for (const auto& each : store.input.intermediates) must(sk_X509_push(untrusted.get(), each.get()), "stack");
  for (const auto& each : extra_intermediates) must(sk_X509_push(untrusted.get(), each.get()), "stack");
  auto policy = store.input.crl_policy;
  SEALIFT_TRY(const auto asked, with_readable_key(certificate));
  const auto context = make_context(asked.get(), store, untrusted.get(), time, policy);
  if (X509_verify_cert(context.get()) != 1) {
    return refuse(context.get(), certificate, store.input, extra_intermediates);
  }
  const OwnedStack found{must(X509_STORE_CTX_get1_chain(context.get()), "chain")};
  std::vector<Certificate> chain{certificate};
  for (int i = 1; i < sk_X509_num(found.get()); ++i) {
    SEALIFT_TRY(auto link, Certificate::wrap(sk_X509_value(found.get(), i)));
    chain.push_back(std::move(link));
  }
  SEALIFT_CHECK(check_links(chain));
  return chain;
}

}  // namespace sealift::crypto
