// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/field_changes_for_test.h"

#include <google/protobuf/descriptor.h>

#include <limits>

namespace sealift::e2e {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Cpp = FieldDescriptor::CppType;

constexpr int kDepth = 8;

bool is_message(const FieldDescriptor& field) { return field.cpp_type() == Cpp::CPPTYPE_MESSAGE; }

/// The message in `field`: itself, or the first of a list; null where there is none.
Message* inner(Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  if (!is_message(field)) return nullptr;
  if (field.is_repeated())
    return reflection.FieldSize(message, &field) == 0
               ? nullptr
               : reflection.MutableRepeatedMessage(&message, &field, 0);
  return reflection.HasField(message, &field) ? reflection.MutableMessage(&message, &field) : nullptr;
}

std::string other_text(std::string text, bool is_binary) {
  if (text.empty()) return "x";
  auto& at = text[is_binary ? text.size() / 2 : text.size() - 1];
  at = static_cast<char>(at ^ 1);
  return text;
}

/// One with another value, in place of a scalar.
void change_scalar(Message& message, const FieldDescriptor& field) {
  const auto& r = *message.GetReflection();
  switch (field.cpp_type()) {
    case Cpp::CPPTYPE_INT32:
      return r.SetInt32(&message, &field, r.GetInt32(message, &field) + 1);
    case Cpp::CPPTYPE_INT64:
      return r.SetInt64(&message, &field, r.GetInt64(message, &field) + 1);
    case Cpp::CPPTYPE_UINT32:
      return r.SetUInt32(&message, &field, r.GetUInt32(message, &field) + 1);
    case Cpp::CPPTYPE_UINT64:
      return r.SetUInt64(&message, &field, r.GetUInt64(message, &field) + 1);
    case Cpp::CPPTYPE_BOOL:
      return r.SetBool(&message, &field, !r.GetBool(message, &field));
    case Cpp::CPPTYPE_ENUM: {
      const auto& type = *field.enum_type();
      const auto index = r.GetEnum(message, &field)->index();
      return r.SetEnum(&message, &field, type.value((index + 1) % type.value_count()));
    }
    default:
      return r.SetString(
          &message, &field,
          other_text(r.GetString(message, &field), field.type() == FieldDescriptor::TYPE_BYTES));
  }
}

void add_default(Message& message, const FieldDescriptor& field) {
  const auto& r = *message.GetReflection();
  if (is_message(field)) {
    r.AddMessage(&message, &field);
  } else if (field.cpp_type() == Cpp::CPPTYPE_STRING) {
    r.AddString(&message, &field, "x");
  }
}

void change_here(Message& message, const FieldDescriptor& field) {
  const auto& r = *message.GetReflection();
  if (field.is_repeated()) {
    if (r.FieldSize(message, &field) > 0) return r.RemoveLast(&message, &field);
    return add_default(message, field);
  }
  if (!is_message(field)) return change_scalar(message, field);
  if (r.HasField(message, &field)) return r.ClearField(&message, &field);
  r.MutableMessage(&message, &field);
}

void collect(Message& message, const std::string& before, int depth, std::vector<std::string>& fields) {
  const auto& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const auto& field = *type.field(i);
    fields.push_back(before + field.name());
    auto* const below = depth < kDepth ? inner(message, field) : nullptr;
    if (below != nullptr) collect(*below, fields.back() + ".", depth + 1, fields);
  }
}

std::uint64_t number(std::minstd_rand& random) {
  constexpr std::array<std::uint64_t, 8> kNotable{
      0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff};
  return random() % 2 == 0 ? kNotable.at(random() % kNotable.size()) : random();
}

std::string text(std::minstd_rand& random, bool is_binary) {
  constexpr std::array<std::string_view, 10> kNotable{
      "", "/", "../../etc/passwd", "a\0b", "%s%n", "' OR 1=1 --", "\x7f\x1b[2J", "0", "-1", "ÿ€😀"};
  if (!is_binary && random() % 2 == 0) return std::string{kNotable.at(random() % kNotable.size())};
  std::string bytes(random() % 8 == 0 ? 70'000 : random() % 100, 'a');
  for (auto& byte : bytes) byte = static_cast<char>(is_binary ? random() : ' ' + random() % 95);
  return bytes;
}

void scramble_scalar(Message& message, const FieldDescriptor& field, std::minstd_rand& random) {
  const auto& r = *message.GetReflection();
  switch (field.cpp_type()) {
    case Cpp::CPPTYPE_INT32:
      return r.SetInt32(&message, &field, static_cast<std::int32_t>(number(random)));
    case Cpp::CPPTYPE_INT64:
      return r.SetInt64(&message, &field, static_cast<std::int64_t>(number(random)));
    case Cpp::CPPTYPE_UINT32:
      return r.SetUInt32(&message, &field, static_cast<std::uint32_t>(number(random)));
    case Cpp::CPPTYPE_UINT64:
      return r.SetUInt64(&message, &field, number(random));
    case Cpp::CPPTYPE_BOOL:
      return r.SetBool(&message, &field, random() % 2 == 0);
    case Cpp::CPPTYPE_ENUM:
      return r.SetEnumValue(&message, &field, static_cast<int>(number(random)));
    default:
      return r.SetString(&message, &field, text(random, field.type() == FieldDescriptor::TYPE_BYTES));
  }
}

}  // namespace

std::vector<std::string> fields_of(const Message& message) {
  const std::unique_ptr<Message> copy{message.New()};
  copy->CopyFrom(message);
  std::vector<std::string> fields;
  collect(*copy, "", 0, fields);
  return fields;
}

bool change_field(Message& message, const std::string& field) {
  auto* at = &message;
  auto rest = field;
  for (auto dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.')) {
    const auto* const found = at->GetDescriptor()->FindFieldByName(rest.substr(0, dot));
    at = found == nullptr ? nullptr : inner(*at, *found);
    if (at == nullptr) return false;
    rest.erase(0, dot + 1);
  }
  const auto* const found = at->GetDescriptor()->FindFieldByName(rest);
  if (found == nullptr) return false;
  change_here(*at, *found);
  return true;
}

void scramble(Message& message, std::minstd_rand& random) {
  const auto& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const auto& field = *type.field(i);
    if (auto* const below = inner(message, field); below != nullptr && random() % 4 != 0) {
      scramble(*below, random);
    } else if (random() % 3 == 0) {
      if (field.is_repeated() || is_message(field)) {
        change_here(message, field);
      } else {
        scramble_scalar(message, field, random);
      }
    }
  }
}

}  // namespace sealift::e2e
