// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/api/messages.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "json/object.h"

namespace sealift::ultravisor {
namespace {

using Json = nlohmann::json;

constexpr std::uint32_t kMaxMemoryMib = 1U << 20U;
constexpr std::uint32_t kMaxCpus = 256;

struct NamedFile {
  std::string_view name;
  UniqueFd LaunchFiles::* file;
  bool required;
};
constexpr std::array<NamedFile, kMaxFiles> kFiles{{{"kernel", &LaunchFiles::kernel, true},
                                                   {"initramfs_head", &LaunchFiles::initramfs_head, false},
                                                   {"initramfs", &LaunchFiles::initramfs, true},
                                                   {"root_disk", &LaunchFiles::root_disk, true},
                                                   {"overlay", &LaunchFiles::overlay, true},
                                                   {"console", &LaunchFiles::console, true},
                                                   {"reference", &LaunchFiles::reference, false}}};

/// A message, what it asks for, the list in that, and one more, so that a refusal can name the member.
constexpr json::Limits kLimits{.size = kMaxMessage, .depth = 4};

Result<std::string> take_bounded_text(json::Object& members, const char* name, std::size_t limit) {
  SEALIFT_TRY(auto text, members.take_text(name));
  if (text.size() > limit) return members.refuse(name, fmt::format("is longer than {} bytes", limit));
  return text;
}

Result<std::string> take_id(json::Object& members) {
  SEALIFT_TRY(auto id, take_bounded_text(members, "id", 64));
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (id.empty() || !std::ranges::all_of(id, allowed))
    return members.refuse("id", "is not made of a-z A-Z 0-9 - _ .");
  return id;
}

Result<LaunchFiles> take_files(json::Object& members, std::vector<UniqueFd> fds) {
  constexpr auto* kMember = "files";
  SEALIFT_TRY(const auto names, members.take_texts(kMember, 0, kMaxFiles));
  if (names.size() != fds.size()) return members.refuse(kMember, "does not name the files that came");
  LaunchFiles files;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const auto* const known = std::ranges::find(kFiles, names[i], &NamedFile::name);
    if (known == kFiles.end()) return members.refuse(kMember, "names an unknown file");
    if (files.*(known->file)) return members.refuse(kMember, "names a file twice");
    files.*(known->file) = std::move(fds[i]);
  }
  for (const auto& file : kFiles) {
    if (file.required && !(files.*(file.file)))
      return fail(ErrorCode::malformed, fmt::format("the launch comes without its file {}", file.name),
                  std::string{file.name});
  }
  return files;
}

Result<Request> take_launch(json::Object& message, std::vector<UniqueFd> fds) {
  SEALIFT_TRY(auto members, message.take_object("launch", "the launch"));
  LaunchRequest request;
  SEALIFT_TRY(request.id, take_id(members));
  SEALIFT_TRY(request.cmdline, take_bounded_text(members, "cmdline", kMaxCmdline));
  if (request.cmdline.find('\0') != std::string::npos) return members.refuse("cmdline", "has a NUL");
  SEALIFT_TRY(const auto memory, members.take_number("memory_mib", 64, kMaxMemoryMib));
  request.memory_mib = static_cast<std::uint32_t>(memory);
  SEALIFT_TRY(const auto cpus, members.take_number("cpus", 1, kMaxCpus));
  request.cpus = static_cast<std::uint32_t>(cpus);
  SEALIFT_TRY(request.files, take_files(members, std::move(fds)));
  SEALIFT_CHECK(members.expect_end());
  return request;
}

/// A request that holds an id and nothing else.
template <typename Asked>
Result<Request> take_id_request(json::Object& message, const char* name) {
  SEALIFT_TRY(auto members, message.take_object(name, "the request"));
  Asked request;
  SEALIFT_TRY(request.id, take_id(members));
  SEALIFT_CHECK(members.expect_end());
  return request;
}

Result<Request> take_list(json::Object& message) {
  SEALIFT_TRY(const auto members, message.take_object("list"));
  if (!members.expect_end()) return message.refuse("list", "is not empty");
  return ListRequest{};
}

Result<Request> take_request(json::Object& message, std::vector<UniqueFd> files) {
  if (message.has("launch")) return take_launch(message, std::move(files));
  if (!files.empty()) return message.refuse("files", "came with a request that takes none");
  if (message.has("watch")) return take_id_request<WatchRequest>(message, "watch");
  if (message.has("stop")) return take_id_request<StopRequest>(message, "stop");
  return take_list(message);
}

Result<Reply> take_refusal(json::Object& message) {
  SEALIFT_TRY(auto members, message.take_object("refused", "the refusal"));
  SEALIFT_TRY(const auto code, take_bounded_text(members, "code", 64));
  Error error{error_code_from_name(code), {}, {}, {}};
  SEALIFT_TRY(error.message, take_bounded_text(members, "message", 4096));
  SEALIFT_TRY(error.field, take_bounded_text(members, "field", 256));
  if (members.has("expected")) {
    SEALIFT_TRY(error.expected, take_bounded_text(members, "expected", 4096));
    SEALIFT_TRY(error.found, take_bounded_text(members, "found", 4096));
  }
  SEALIFT_CHECK(members.expect_end());
  return error;
}

Result<Reply> take_event(json::Object& message) {
  Event event;
  SEALIFT_TRY(event.name, take_bounded_text(message, "event", 64));
  if (message.has("exit_status")) {
    SEALIFT_TRY(const auto status, message.take_number("exit_status", 0, 255));
    event.exit_status = static_cast<int>(status);
  }
  return event;
}

Result<Reply> take_guests(json::Object& message) {
  Guests guests;
  SEALIFT_TRY(guests.ids, message.take_texts("guests", 0, kMaxMessage));
  return guests;
}

Result<Reply> take_stopped(json::Object& message) {
  SEALIFT_TRY(const auto members, message.take_object("stopped"));
  if (!members.expect_end()) return message.refuse("stopped", "is not empty");
  return Stopped{};
}

Result<Reply> take_reply(json::Object& message) {
  if (message.has("event")) return take_event(message);
  if (message.has("guests")) return take_guests(message);
  if (message.has("stopped")) return take_stopped(message);
  return take_refusal(message);
}

struct RequestWriter {
  Message message;
  void operator()(LaunchRequest& request) {
    auto names = Json::array();
    for (const auto& file : kFiles) {
      if (!(request.files.*(file.file))) continue;
      names.push_back(file.name);
      message.files.push_back(std::move(request.files.*(file.file)));
    }
    const Json launch{{"id", request.id},
                      {"cmdline", request.cmdline},
                      {"memory_mib", request.memory_mib},
                      {"cpus", request.cpus},
                      {"files", names}};
    // A command line that is no UTF-8 is none of a sealed image: the ultravisor refuses what it becomes.
    message.text = Json{{"launch", launch}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  void operator()(WatchRequest& request) { message.text = Json{{"watch", {{"id", request.id}}}}.dump(); }
  void operator()(StopRequest& request) { message.text = Json{{"stop", {{"id", request.id}}}}.dump(); }
  void operator()(ListRequest&) { message.text = Json{{"list", Json::object()}}.dump(); }
};

struct ReplyWriter {
  Json operator()(const Event& event) const {
    Json json{{"event", event.name}};
    if (event.exit_status) json["exit_status"] = *event.exit_status;
    return json;
  }
  Json operator()(const Error& error) const {
    Json refused{{"code", name(error.code)}, {"message", error.message}, {"field", error.field}};
    if (!error.expected.empty()) {
      refused["expected"] = error.expected;
      refused["found"] = error.found;
    }
    return {{"refused", std::move(refused)}};
  }
  Json operator()(const Guests& guests) const { return {{"guests", guests.ids}}; }
  Json operator()(const Stopped&) const { return {{"stopped", Json::object()}}; }
};

}  // namespace

Message write_request(Request request) {
  RequestWriter writer;
  std::visit(writer, request);
  return std::move(writer.message);
}

Result<Request> read_request(Message message) {
  SEALIFT_TRY(auto members, json::Object::parse(as_bytes(message.text), "the message", kLimits));
  SEALIFT_TRY(auto request, take_request(members, std::move(message.files)));
  SEALIFT_CHECK(members.expect_end());
  return request;
}

std::string write_reply(const Reply& reply) {
  return std::visit(ReplyWriter{}, reply).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Reply> read_reply(const std::string& text) {
  SEALIFT_TRY(auto members, json::Object::parse(as_bytes(text), "the message", kLimits));
  SEALIFT_TRY(auto reply, take_reply(members));
  SEALIFT_CHECK(members.expect_end());
  return reply;
}

}  // namespace sealift::ultravisor
