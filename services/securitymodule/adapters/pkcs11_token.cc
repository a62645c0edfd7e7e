// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/pkcs11_token.h"

#include <fmt/core.h>
#include <p11-kit/p11-kit.h>

#include <array>

#include "crypto/random.h"
#include "services/securitymodule/adapters/key_file.h"

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kIdSize = 8;
constexpr CK_ULONG kKeySize = 32;
constexpr std::size_t kPinLimit = 256;
constexpr std::string_view kFilePrefix = "file:";
constexpr CK_ULONG kMaxSlots = 64;
/// id-prime256v1 (RFC 5480, 2.1.1.1), as CKA_EC_PARAMS has it.
constexpr std::array<std::uint8_t, 10> kP256{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
/// CKA_EC_POINT: an OCTET STRING of the uncompressed point.
constexpr std::array<std::uint8_t, 3> kPointHead{0x04, 0x41, 0x04};
constexpr std::size_t kCoordinate = 32;

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), "protector");
}

/// In a new session the same call may succeed.
bool lost_session(CK_RV code) {
  constexpr std::array kLost{CKR_SESSION_HANDLE_INVALID,   CKR_SESSION_CLOSED,     CKR_USER_NOT_LOGGED_IN,
                             CKR_OBJECT_HANDLE_INVALID,    CKR_KEY_HANDLE_INVALID, CKR_DEVICE_REMOVED,
                             CKR_CRYPTOKI_NOT_INITIALIZED, CKR_TOKEN_NOT_PRESENT};
  return std::ranges::find(kLost, code) != kLost.end();
}

template <typename T>
CK_ATTRIBUTE attribute_of(CK_ATTRIBUTE_TYPE type, T& value) {
  return {type, &value, sizeof value};
}

CK_ATTRIBUTE attribute_of(CK_ATTRIBUTE_TYPE type, Bytes& value) { return {type, value.data(), value.size()}; }

/// Without the blanks that fill it up.
std::string text_of(ByteView padded) {
  auto text = as_text(padded);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  return std::string{text};
}

Result<SecretBytes> read_pin(const char* source) {
  const std::filesystem::path path{std::string_view{source}.substr(kFilePrefix.size())};
  auto pin = read_owners_file(path, kPinLimit, "pin-source");
  if (!pin) return pin;
  auto size = pin->size();
  while (size > 0 && (pin->expose()[size - 1] == '\n' || pin->expose()[size - 1] == '\r')) --size;
  pin->shrink(size);
  return pin;
}

}  // namespace

tl::unexpected<Error> fail_pkcs11(std::string_view doing, CK_RV code) {
  return fail(ErrorCode::unavailable,
              fmt::format("{}: {} ({:#x})", doing, p11_kit_strerror(code), static_cast<unsigned long>(code)),
              "protector");
}

Result<std::unique_ptr<Pkcs11Token>> Pkcs11Token::open(const std::string& uri, MissingKey missing,
                                                       TokenKey use) {
  Uri parsed{p11_kit_uri_new(), p11_kit_uri_free};
  if (p11_kit_uri_parse(uri.c_str(), P11_KIT_URI_FOR_ANY, parsed.get()) != P11_KIT_URI_OK ||
      p11_kit_uri_any_unrecognized(parsed.get()) != 0)
    return refuse("the protector is no PKCS#11 URI as RFC 7512 has it");
  if (p11_kit_uri_get_pin_value(parsed.get()) != nullptr)
    return refuse(
        "the PIN of a token belongs into a file: others see command lines. Use pin-source=file:PATH");
  const char* const pin_source = p11_kit_uri_get_pin_source(parsed.get());
  if (pin_source == nullptr || !std::string_view{pin_source}.starts_with(kFilePrefix))
    return refuse("the PKCS#11 URI needs pin-source=file:PATH");
  const char* const module_path = p11_kit_uri_get_module_path(parsed.get());
  if (module_path == nullptr || module_path[0] != '/')
    return refuse("the PKCS#11 URI needs module-path=PATH, from the root");
  std::unique_ptr<Pkcs11Token> token{new Pkcs11Token{std::move(parsed), use}};
  if (token->wanted(CKA_ID).empty() && token->wanted(CKA_LABEL).empty())
    return refuse("the PKCS#11 URI needs object=LABEL or id=ID: which key");
  SEALIFT_CHECK(token->load());
  SEALIFT_CHECK(token->connect(missing));
  SEALIFT_CHECK(token->check_key());
  return token;
}

Pkcs11Token::~Pkcs11Token() {
  if (initialized_) static_cast<void>(p11_kit_module_finalize(module_));
  if (module_ != nullptr) p11_kit_module_release(module_);
}

Status Pkcs11Token::load() {
  const std::string path = p11_kit_uri_get_module_path(uri_.get());
  module_ = p11_kit_module_load(path.c_str(), 0);
  if (module_ == nullptr)
    return fail(ErrorCode::dependency_missing, fmt::format("the PKCS#11 module {} cannot be loaded", path),
                "protector");
  const auto code = p11_kit_module_initialize(module_);
  if (code != CKR_OK) return fail_pkcs11("C_Initialize", code);
  initialized_ = true;
  return {};
}

Status Pkcs11Token::connect(MissingKey missing) {
  SEALIFT_TRY(const auto slot, find_slot());
  constexpr CK_FLAGS kFlags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
  const auto code = module_->C_OpenSession(slot, kFlags, nullptr, nullptr, &session_);
  if (code != CKR_OK) return fail_pkcs11("C_OpenSession", code);
  SEALIFT_CHECK(log_in());
  auto key = find_key();
  if (!key && key.error().code == ErrorCode::not_found && missing == MissingKey::make) {
    SEALIFT_CHECK(generate_key());
    key = find_key();
  }
  SEALIFT_TRY(key_, std::move(key));
  return {};
}

Result<CK_SLOT_ID> Pkcs11Token::find_slot() {
  std::array<CK_SLOT_ID, kMaxSlots> slots{};
  CK_ULONG count = slots.size();
  const auto code = module_->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (code != CKR_OK) return fail_pkcs11("C_GetSlotList", code);
  for (const auto slot : std::span{slots}.first(count)) {
    CK_TOKEN_INFO info{};
    if (module_->C_GetTokenInfo(slot, &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    if (p11_kit_uri_match_token_info(uri_.get(), &info) == 0) continue;
    serial_ = text_of(info.serialNumber);
    return slot;
  }
  return fail(ErrorCode::not_found, fmt::format("no token is there for {}", words()), "protector");
}

Status Pkcs11Token::log_in() {
  SEALIFT_TRY(auto pin, read_pin(p11_kit_uri_get_pin_source(uri_.get())));
  const auto bytes = pin.expose_for_writing();
  const auto code = module_->C_Login(session_, CKU_USER, bytes.data(), bytes.size());
  if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) return {};
  if (code == CKR_PIN_INCORRECT || code == CKR_PIN_LEN_RANGE || code == CKR_PIN_INVALID ||
      code == CKR_PIN_LOCKED)
    return fail(ErrorCode::permission_denied, "the token does not take the PIN that pin-source holds",
                "protector", p11_kit_strerror(code));
  return fail_pkcs11("C_Login", code);
}

Bytes Pkcs11Token::wanted(CK_ATTRIBUTE_TYPE type) const {
  const auto* const found = p11_kit_uri_get_attribute(uri_.get(), type);
  if (found == nullptr || found->pValue == nullptr) return {};
  const auto* const bytes = static_cast<const std::uint8_t*>(found->pValue);
  return {bytes, bytes + found->ulValueLen};
}

std::string Pkcs11Token::words() const {
  const auto label = wanted(CKA_LABEL);
  const auto name = label.empty() ? to_hex(wanted(CKA_ID)) : std::string{as_text(label)};
  return fmt::format("the key {} in {}", name, p11_kit_uri_get_module_path(uri_.get()));
}

Result<CK_OBJECT_HANDLE> Pkcs11Token::find_key() {
  CK_OBJECT_CLASS kind = use_ == TokenKey::wrapping ? CKO_SECRET_KEY : CKO_PRIVATE_KEY;
  auto id = wanted(CKA_ID);
  auto label = wanted(CKA_LABEL);
  std::vector<CK_ATTRIBUTE> sought{attribute_of(CKA_CLASS, kind)};
  if (!id.empty()) sought.push_back(attribute_of(CKA_ID, id));
  if (!label.empty()) sought.push_back(attribute_of(CKA_LABEL, label));
  return find_one(sought);
}

Result<CK_OBJECT_HANDLE> Pkcs11Token::find_one(std::span<CK_ATTRIBUTE> sought) {
  auto code = module_->C_FindObjectsInit(session_, sought.data(), sought.size());
  if (code != CKR_OK) return fail_pkcs11("C_FindObjectsInit", code);
  std::array<CK_OBJECT_HANDLE, 2> found{};
  CK_ULONG count = 0;
  code = module_->C_FindObjects(session_, found.data(), found.size(), &count);
  static_cast<void>(module_->C_FindObjectsFinal(session_));
  if (code != CKR_OK) return fail_pkcs11("C_FindObjects", code);
  if (count == 0) return fail(ErrorCode::not_found, fmt::format("{} is not there", words()), "protector");
  if (count > 1)
    return fail(ErrorCode::failed_precondition,
                fmt::format("{} is there more than once: say which by id=", words()), "protector");
  return found[0];
}

Status Pkcs11Token::generate_key() {
  auto id = wanted(CKA_ID);
  if (id.empty()) {
    const auto random = crypto::random_array<kIdSize>();
    id.assign(random.begin(), random.end());
  }
  auto label = wanted(CKA_LABEL);
  return use_ == TokenKey::wrapping ? generate_secret_key(id, label) : generate_key_pair(id, label);
}

Status Pkcs11Token::generate_secret_key(Bytes& id, Bytes& label) {
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ULONG size = kKeySize;
  std::array attributes{attribute_of(CKA_TOKEN, yes),     attribute_of(CKA_PRIVATE, yes),
                        attribute_of(CKA_SENSITIVE, yes), attribute_of(CKA_EXTRACTABLE, no),
                        attribute_of(CKA_MODIFIABLE, no), attribute_of(CKA_ENCRYPT, yes),
                        attribute_of(CKA_DECRYPT, yes),   attribute_of(CKA_VALUE_LEN, size),
                        attribute_of(CKA_ID, id),         attribute_of(CKA_LABEL, label)};
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
  const auto code = module_->C_GenerateKey(session_, &mechanism, attributes.data(), attributes.size(), &made);
  if (code != CKR_OK) return fail_pkcs11("C_GenerateKey", code);
  return {};
}

Status Pkcs11Token::generate_key_pair(Bytes& id, Bytes& label) {
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  const bool agrees = use_ == TokenKey::agreement;
  Bytes curve{kP256.begin(), kP256.end()};
  std::array shown{attribute_of(CKA_TOKEN, yes),       attribute_of(CKA_PRIVATE, no),
                   attribute_of(CKA_EC_PARAMS, curve), attribute_of(CKA_VERIFY, agrees ? no : yes),
                   attribute_of(CKA_ID, id),           attribute_of(CKA_LABEL, label)};
  std::array kept{attribute_of(CKA_TOKEN, yes),
                  attribute_of(CKA_PRIVATE, yes),
                  attribute_of(CKA_SENSITIVE, yes),
                  attribute_of(CKA_EXTRACTABLE, no),
                  attribute_of(CKA_MODIFIABLE, no),
                  attribute_of(CKA_DERIVE, agrees ? yes : no),
                  attribute_of(CKA_SIGN, agrees ? no : yes),
                  attribute_of(CKA_ID, id),
                  attribute_of(CKA_LABEL, label)};
  CK_MECHANISM mechanism{CKM_EC_KEY_PAIR_GEN, nullptr, 0};
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
  const auto code = module_->C_GenerateKeyPair(session_, &mechanism, shown.data(), shown.size(), kept.data(),
                                               kept.size(), &public_key, &private_key);
  if (code != CKR_OK) return fail_pkcs11("C_GenerateKeyPair", code);
  return {};
}

Result<crypto::PublicKey> Pkcs11Token::public_key() {
  CK_OBJECT_CLASS kind = CKO_PUBLIC_KEY;
  SEALIFT_TRY(auto id, attribute(key_, CKA_ID));
  std::array sought{attribute_of(CKA_CLASS, kind), attribute_of(CKA_ID, id)};
  SEALIFT_TRY(const auto object, find_one(sought));
  SEALIFT_TRY(const auto curve, attribute(object, CKA_EC_PARAMS));
  SEALIFT_TRY(const auto point, attribute(object, CKA_EC_POINT));
  const ByteView whole{point};
  if (!same_bytes(curve, kP256) || whole.size() != kPointHead.size() + 2 * kCoordinate ||
      !same_bytes(whole.first(kPointHead.size()), kPointHead))
    return fail(ErrorCode::key_unsupported, fmt::format("{} is not on P-256", words()), "protector");
  const auto numbers = whole.subspan(kPointHead.size());
  return crypto::PublicKey::from_ec(
      {crypto::Curve::p256, to_bytes(numbers.first(kCoordinate)), to_bytes(numbers.subspan(kCoordinate))});
}

Result<Bytes> Pkcs11Token::attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  Bytes value(kPinLimit);
  CK_ATTRIBUTE asked{type, value.data(), value.size()};
  const auto code = module_->C_GetAttributeValue(session_, object, &asked, 1);
  if (code != CKR_OK) return fail_pkcs11("C_GetAttributeValue", code);
  value.resize(asked.ulValueLen);
  return value;
}

Status Pkcs11Token::check_key() {
  SEALIFT_TRY(const auto sensitive, attribute(key_, CKA_SENSITIVE));
  SEALIFT_TRY(const auto extractable, attribute(key_, CKA_EXTRACTABLE));
  if (sensitive != Bytes{CK_TRUE} || extractable != Bytes{CK_FALSE})
    return fail(ErrorCode::failed_precondition,
                fmt::format("{} can leave its token: use one that is sensitive and not extractable", words()),
                "protector");
  SEALIFT_TRY(auto name, attribute(key_, CKA_ID));
  if (name.empty()) name = wanted(CKA_LABEL);
  key_id_ = fmt::format("pkcs11:{}:{}", serial_,
                        to_hex(ByteView{name}.first(std::min<std::size_t>(name.size(), 64))));
  return {};
}

Result<CK_RV> Pkcs11Token::run(const Call& call) {
  const auto code = call(*module_, session_, key_);
  if (!lost_session(code)) return code;
  SEALIFT_CHECK(connect(MissingKey::refuse));
  return call(*module_, session_, key_);
}

}  // namespace sealift::securitymodule
