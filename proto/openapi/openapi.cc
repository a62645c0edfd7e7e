// SPDX-License-Identifier: Apache-2.0
#include "proto/openapi/openapi.h"

#include <fmt/core.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <nlohmann/json.hpp>
#include <set>

namespace sealift::openapi {
namespace {

namespace pb = google::protobuf;
using Json = nlohmann::ordered_json;
using Type = pb::FieldDescriptor::Type;

constexpr const char* kAbout =
    "Every method is a POST with a message as its body, by the Connect protocol "
    "(connectrpc.com/docs/protocol): "
    "application/json here, application/proto for the same in protobuf. The caller is who its TLS "
    "certificate says "
    "(one SPIFFE ID in the URI subjectAltName). Unknown members are refused. Streams are "
    "application/connect+json: "
    "each message behind one byte of flags and four of length; the last, with flag 2, is {} or has the "
    "error.";

/// What the .proto says about it: the comment above, then the one behind, as one paragraph.
template <class Descriptor>
std::string comment(const Descriptor& descriptor) {
  pb::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) return {};
  std::string text;
  for (const char c : location.leading_comments + location.trailing_comments) {
    const bool space = c == ' ' || c == '\n';
    if (space && (text.empty() || text.back() == ' ')) continue;
    text += space ? ' ' : c;
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

void describe(Json& schema, const std::string& text) {
  if (!text.empty()) schema["description"] = text;
}

class Document {
 public:
  void add(const pb::ServiceDescriptor& service) {
    Json tag{{"name", service.full_name()}};
    describe(tag, comment(service));
    tags_.push_back(tag);
    for (int i = 0; i < service.method_count(); ++i) add(*service.method(i));
  }

  std::string text() {
    add_error();
    Json schemas = Json::object();
    for (auto& [name, schema] : schemas_) schemas[name] = schema;
    const Json all{{"openapi", "3.1.0"},
                   {"info", {{"title", "Sealift"}, {"version", "v1"}, {"description", kAbout}}},
                   {"security", Json::array({{{"certificate", Json::array()}}})},
                   {"tags", tags_},
                   {"paths", paths_},
                   {"components",
                    {{"securitySchemes", {{"certificate", {{"type", "mutualTLS"}}}}},
                     {"parameters",
                      {{"Timeout",
                        {{"name", "Connect-Timeout-Ms"},
                         {"in", "header"},
                         {"description", "The call ends with deadline_exceeded after so many milliseconds."},
                         {"schema", {{"type", "string"}, {"pattern", "^[0-9]{1,10}$"}}}}}}},
                     {"responses",
                      {{"Error",
                        {{"description", "A refusal; the HTTP status follows from its code."},
                         {"content", {{"application/json", {{"schema", reference("ConnectError")}}}}}}}}},
                     {"schemas", schemas}}}};
    return all.dump(1) + "\n";
  }

 private:
  static Json reference(const std::string& name) { return {{"$ref", "#/components/schemas/" + name}}; }

  void add(const pb::MethodDescriptor& method) {
    const bool stream = method.server_streaming();
    const auto* const type = stream ? "application/connect+json" : "application/json";
    Json operation{{"operationId", method.service()->name() + "." + method.name()},
                   {"tags", {method.service()->full_name()}}};
    describe(operation, comment(method));
    operation["parameters"] = Json::array({{{"$ref", "#/components/parameters/Timeout"}}});
    const auto content = [&](const pb::Descriptor& message) {
      return Json{{type, {{"schema", use(message)}}}};
    };
    auto post = operation;
    post["requestBody"] = {{"required", true}, {"content", content(*method.input_type())}};
    post["responses"] = {{"200",
                          {{"description", stream ? "Messages, each in an envelope." : "The answer."},
                           {"content", content(*method.output_type())}}},
                         {"default", {{"$ref", "#/components/responses/Error"}}}};
    auto& path = paths_[fmt::format("/{}/{}", method.service()->full_name(), method.name())];
    path["post"] = post;
    const bool safe = method.options().idempotency_level() == pb::MethodOptions::NO_SIDE_EFFECTS;
    if (safe && !stream) path["get"] = get(method, operation, post["responses"]);
  }

  /// The same call without a body, for caches and browsers.
  Json get(const pb::MethodDescriptor& method, Json operation, const Json& responses) {
    operation["operationId"] = method.service()->name() + "." + method.name() + ".get";
    const auto one_of = [](const char* value) { return Json{{"type", "string"}, {"enum", {value}}}; };
    operation["parameters"].push_back(
        {{"name", "connect"}, {"in", "query"}, {"required", true}, {"schema", one_of("v1")}});
    operation["parameters"].push_back(
        {{"name", "encoding"}, {"in", "query"}, {"required", true}, {"schema", one_of("json")}});
    operation["parameters"].push_back(
        {{"name", "message"},
         {"in", "query"},
         {"required", true},
         {"content", {{"application/json", {{"schema", use(*method.input_type())}}}}}});
    operation["responses"] = responses;
    return operation;
  }

  /// A reference; what it refers to is there at the end.
  Json use(const pb::Descriptor& message) {
    if (!schemas_.contains(message.full_name())) {
      schemas_[message.full_name()];  // a message may contain itself
      schemas_[message.full_name()] = schema(message);
    }
    return reference(message.full_name());
  }

  Json schema(const pb::Descriptor& message) {
    Json schema{{"type", "object"}};
    describe(schema, comment(message));
    Json properties = Json::object();
    for (int i = 0; i < message.field_count(); ++i) {
      const auto& field = *message.field(i);
      auto property = field.is_map()
                          ? Json{{"type", "object"},
                                 {"additionalProperties", element(*field.message_type()->map_value())}}
                      : field.is_repeated() ? Json{{"type", "array"}, {"items", element(field)}}
                                            : element(field);
      auto text = comment(field);
      if (const auto* const choice = field.real_containing_oneof()) {
        text += fmt::format("{}At most one of {}.", text.empty() ? "" : " ", choice->name());
      }
      describe(property, text);
      properties[field.json_name()] = property;
    }
    schema["properties"] = properties;
    schema["additionalProperties"] = false;
    return schema;
  }

  Json schema(const pb::EnumDescriptor& enumeration) {
    Json schema{{"type", "string"}};
    auto text = comment(enumeration);
    schema["enum"] = Json::array();
    for (int i = 0; i < enumeration.value_count(); ++i) {
      const auto& value = *enumeration.value(i);
      schema["enum"].push_back(value.name());
      if (const auto about = comment(value); !about.empty()) {
        text += fmt::format("{}{}: {}.", text.empty() ? "" : " ", value.name(), about);
      }
    }
    describe(schema, text);
    return schema;
  }

  /// The protobuf JSON mapping (protobuf.dev/programming-guides/json).
  Json element(const pb::FieldDescriptor& field) {
    switch (field.type()) {
      case Type::TYPE_MESSAGE:
        return use(*field.message_type());
      case Type::TYPE_ENUM: {
        const auto& name = field.enum_type()->full_name();
        if (!schemas_.contains(name)) schemas_[name] = schema(*field.enum_type());
        return reference(name);
      }
      case Type::TYPE_BOOL:
        return {{"type", "boolean"}};
      case Type::TYPE_STRING:
        return {{"type", "string"}};
      case Type::TYPE_BYTES:
        return {{"type", "string"}, {"contentEncoding", "base64"}};
      case Type::TYPE_DOUBLE:
      case Type::TYPE_FLOAT:
        return {{"type", "number"}};
      case Type::TYPE_INT32:
      case Type::TYPE_SINT32:
      case Type::TYPE_SFIXED32:
        return {{"type", "integer"}, {"format", "int32"}};
      case Type::TYPE_UINT32:
      case Type::TYPE_FIXED32:
        return {{"type", "integer"}, {"minimum", 0}, {"maximum", 4294967295U}};
      case Type::TYPE_INT64:
      case Type::TYPE_SINT64:
      case Type::TYPE_SFIXED64:
        return {{"type", "string"}, {"pattern", "^-?[0-9]+$"}};
      default:
        return {{"type", "string"}, {"pattern", "^[0-9]+$"}};
    }
  }

  void add_error() {
    schemas_["ConnectError"] = {
        {"type", "object"},
        {"properties",
         {{"code", {{"type", "string"}, {"description", "Connect's code, such as not_found."}}},
          {"message", {{"type", "string"}}},
          {"details",
           {{"type", "array"},
            {"items",
             {{"type", "object"},
              {"properties",
               {{"type", {{"type", "string"}, {"description", "sealift.v1.ErrorDetail for ours."}}},
                {"value",
                 {{"type", "string"},
                  {"contentEncoding", "base64"},
                  {"description", "That message in protobuf, without padding."}}}}}}}}}}},
        {"required", {"code"}}};
  }

  Json tags_ = Json::array();
  Json paths_ = Json::object();
  std::map<std::string, Json> schemas_;
};

}  // namespace

std::string document(const std::string& descriptor_set) {
  pb::FileDescriptorSet files;
  if (!files.ParseFromString(descriptor_set)) return {};
  pb::DescriptorPool pool;
  Document document;
  for (const auto& file : files.file()) {
    const auto* const built = pool.BuildFile(file);
    if (built == nullptr) return {};
    for (int i = 0; i < built->service_count(); ++i) document.add(*built->service(i));
  }
  return document.text();
}

}  // namespace sealift::openapi
