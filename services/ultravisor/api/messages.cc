// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/api/messages.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

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

tl::unexpected<Error> bad(std::string_view field, std::string_view why) {
  return fail(ErrorCode::malformed, fmt::format("the message's '{}' {}", field, why), std::string{field});
}

/// The members of an object, taken one by one; what is left over at the end is refused.
class Members {
 public:
  static Result<Members> of(Json json, std::string_view what) {
    if (!json.is_object()) return bad(what, "is not an object");
    return Members{std::move(json)};
  }
  Result<Json> take(const char* name) {
    const auto found = json_.find(name);
    if (found == json_.end()) return bad(name, "is missing");
    Json value = std::move(*found);
    json_.erase(found);
    return value;
  }
  Result<std::string> text(const char* name, std::size_t limit) {
    SEALIFT_TRY(const auto value, take(name));
    if (!value.is_string()) return bad(name, "is not a string");
    auto text = value.get<std::string>();
    if (text.size() > limit) return bad(name, fmt::format("is longer than {} bytes", limit));
    return text;
  }
  Result<std::uint32_t> number(const char* name, std::uint32_t lowest, std::uint32_t highest) {
    SEALIFT_TRY(const auto value, take(name));
    if (!value.is_number_unsigned()) return bad(name, "is not a number");
    const auto number = value.get<std::uint64_t>();
    if (number < lowest || number > highest)
      return bad(name, fmt::format("is not {} to {}", lowest, highest));
    return static_cast<std::uint32_t>(number);
  }
  bool has(const char* name) const { return json_.contains(name); }
  Status expect_end() const {
    if (json_.empty()) return {};
    return bad(json_.begin().key(), "is unknown");
  }

 private:
  explicit Members(Json json) : json_(std::move(json)) {}  // braces would make a list of it
  Json json_;
};

Result<Members> parse_object(const std::string& text) {
  auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(ErrorCode::malformed, "the message is not JSON");
  return Members::of(std::move(json), "message");
}

Result<std::string> id_from(Members& members) {
  SEALIFT_TRY(auto id, members.text("id", 64));
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (id.empty() || !std::ranges::all_of(id, allowed)) return bad("id", "is not made of a-z A-Z 0-9 - _ .");
  return id;
}

Result<LaunchFiles> files_from(Members& members, std::vector<UniqueFd> fds) {
  SEALIFT_TRY(const auto names, members.take("files"));
  if (!names.is_array() || names.size() != fds.size())
    return bad("files", "does not name the files that came");
  LaunchFiles files;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const auto* const known = std::ranges::find_if(
        kFiles, [&](const NamedFile& file) { return names[i].is_string() && names[i] == file.name; });
    if (known == kFiles.end()) return bad("files", "names an unknown file");
    if (files.*(known->file)) return bad("files", "names a file twice");
    files.*(known->file) = std::move(fds[i]);
  }
  for (const auto& file : kFiles) {
    if (file.required && !(files.*(file.file))) return bad(file.name, "file is missing");
  }
  return files;
}

Result<Request> launch_from(Json json, std::vector<UniqueFd> fds) {
  SEALIFT_TRY(auto members, Members::of(std::move(json), "launch"));
  LaunchRequest request;
  SEALIFT_TRY(request.id, id_from(members));
  SEALIFT_TRY(request.cmdline, members.text("cmdline", kMaxCmdline));
  if (request.cmdline.find('\0') != std::string::npos) return bad("cmdline", "has a NUL");
  SEALIFT_TRY(request.memory_mib, members.number("memory_mib", 64, kMaxMemoryMib));
  SEALIFT_TRY(request.cpus, members.number("cpus", 1, kMaxCpus));
  SEALIFT_TRY(request.files, files_from(members, std::move(fds)));
  SEALIFT_CHECK(members.expect_end());
  return request;
}

/// A request that holds an id and nothing else.
template <typename Asked>
Result<Request> id_request_from(Json json, const char* what) {
  SEALIFT_TRY(auto members, Members::of(std::move(json), what));
  Asked request;
  SEALIFT_TRY(request.id, id_from(members));
  SEALIFT_CHECK(members.expect_end());
  return request;
}

Result<Error> error_from(Json json) {
  SEALIFT_TRY(auto members, Members::of(std::move(json), "refused"));
  SEALIFT_TRY(const auto code, members.text("code", 64));
  Error error{error_code_from_name(code), {}, {}, {}};
  SEALIFT_TRY(error.message, members.text("message", 4096));
  SEALIFT_TRY(error.field, members.text("field", 256));
  SEALIFT_CHECK(members.expect_end());
  return error;
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
    return {{"refused", {{"code", name(error.code)}, {"message", error.message}, {"field", error.field}}}};
  }
  Json operator()(const Guests& guests) const { return {{"guests", guests.ids}}; }
  Json operator()(const Stopped&) const { return {{"stopped", Json::object()}}; }
};

Result<Reply> event_from(Members members) {
  Event event;
  SEALIFT_TRY(event.name, members.text("event", 64));
  if (members.has("exit_status")) {
    SEALIFT_TRY(const auto status, members.number("exit_status", 0, 255));
    event.exit_status = static_cast<int>(status);
  }
  SEALIFT_CHECK(members.expect_end());
  return event;
}

Result<Reply> guests_from(Members members) {
  SEALIFT_TRY(const auto ids, members.take("guests"));
  if (!ids.is_array()) return bad("guests", "is not a list");
  Guests guests;
  for (const auto& id : ids) {
    if (!id.is_string()) return bad("guests", "is not a list of names");
    guests.ids.push_back(id.get<std::string>());
  }
  return guests;
}

}  // namespace

Message write_request(Request request) {
  RequestWriter writer;
  std::visit(writer, request);
  return std::move(writer.message);
}

Result<Request> read_request(Message message) {
  SEALIFT_TRY(auto members, parse_object(message.text));
  if (members.has("launch")) {
    SEALIFT_TRY(auto launch, members.take("launch"));
    SEALIFT_CHECK(members.expect_end());
    return launch_from(std::move(launch), std::move(message.files));
  }
  if (!message.files.empty()) return bad("files", "came with a request that takes none");
  if (members.has("watch")) {
    SEALIFT_TRY(auto watch, members.take("watch"));
    SEALIFT_CHECK(members.expect_end());
    return id_request_from<WatchRequest>(std::move(watch), "watch");
  }
  if (members.has("stop")) {
    SEALIFT_TRY(auto stop, members.take("stop"));
    SEALIFT_CHECK(members.expect_end());
    return id_request_from<StopRequest>(std::move(stop), "stop");
  }
  SEALIFT_TRY(const auto list, members.take("list"));
  SEALIFT_CHECK(members.expect_end());
  if (list != Json::object()) return bad("list", "is not empty");
  return ListRequest{};
}

std::string write_reply(const Reply& reply) {
  return std::visit(ReplyWriter{}, reply).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Reply> read_reply(const std::string& text) {
  SEALIFT_TRY(auto members, parse_object(text));
  if (members.has("event")) return event_from(std::move(members));
  if (members.has("guests")) return guests_from(std::move(members));
  if (members.has("stopped")) return Stopped{};
  SEALIFT_TRY(auto refused, members.take("refused"));
  SEALIFT_TRY(auto error, error_from(std::move(refused)));
  return error;
}

}  // namespace sealift::ultravisor
