// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509_draft.h"

#include <fmt/core.h>
#include <openssl/bn.h>

#include "crypto/random.h"

namespace sealift::crypto {

tl::unexpected<Error> refuse_draft(std::string message, std::string field) {
  return fail(ErrorCode::invalid_argument, std::move(message), std::move(field), openssl_errors());
}

Bytes random_serial() {
  auto serial = random_array<16>();
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3fU) | 0x40U);
  return {serial.begin(), serial.end()};
}

Asn1IntegerPtr integer(ByteView big_endian) {
  const std::unique_ptr<BIGNUM, FreeWith<BN_free>> number{
      must(BN_bin2bn(big_endian.data(), static_cast<int>(big_endian.size()), nullptr), "BN")};
  return Asn1IntegerPtr{must(BN_to_ASN1_INTEGER(number.get(), nullptr), "ASN1_INTEGER")};
}

Result<X509NamePtr> make_name(const std::vector<NameAttribute>& attributes) {
  X509NamePtr name{must(X509_NAME_new(), "X509_NAME")};
  for (const auto& [type, value] : attributes) {
    if (X509_NAME_add_entry_by_txt(name.get(), type.c_str(), MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(value.data()),
                                   static_cast<int>(value.size()), -1, 0) != 1) {
      return refuse_draft(fmt::format("a name cannot have {} = {}", type, value), "subject");
    }
  }
  return name;
}

Result<std::string> directory_alt_name(const std::vector<NameAttribute>& attributes) {
  SEALIFT_TRY(auto directory, make_name(attributes));
  const GeneralNamesPtr names{must(GENERAL_NAMES_new(), "GENERAL_NAMES")};
  auto* const name = must(GENERAL_NAME_new(), "GENERAL_NAME");
  GENERAL_NAME_set0_value(name, GEN_DIRNAME, directory.release());
  must(sk_GENERAL_NAME_push(names.get(), name), "GENERAL_NAMES");
  return "DER:" + to_hex(der_of(names.get(), i2d_GENERAL_NAMES));
}

}  // namespace sealift::crypto
