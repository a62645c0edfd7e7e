// SPDX-License-Identifier: Apache-2.0
/// What the ultravisor is asked and what it answers: JSON objects, one per message of a SOCK_SEQPACKET unix
/// socket, with open files beside them (SCM_RIGHTS). The asker is the host agent and is not trusted.
///
///   {"launch": {"id": …, "cmdline": …, "memory_mib": …, "cpus": …, "files": ["kernel", "initramfs", …]}}
///   {"watch": {"id": …}}      {"stop": {"id": …}}      {"list": {}}
///
/// A launch is answered by events until the guest has ended: {"event": "operand_found"} …, then
/// {"event": "guest_ended", "exit_status": 0} or {"refused": {"code": …, "message": …, "field": …}}. The
/// guest lives on when its asker goes away; who watches it then gets the same answer again, from its first
/// event on, also for some time after the end. A refusal of a value also has "expected" and "found".
/// not_found at 'id' for a launch that is not known (any more).
///
/// An id names one launch. Stopping an unknown one is answered by not_found, and no launch takes that id
/// from then on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace sealift::ultravisor {

inline constexpr std::size_t kMaxMessage = 64U * 1024;
inline constexpr std::size_t kMaxCmdline = 2048;
inline constexpr std::size_t kMaxFiles = 7;

/// The files of a launch. `reference` is optional: the event log of an approved machine, only to explain a
/// refusal.
struct LaunchFiles {
  UniqueFd kernel;
  UniqueFd initramfs_head;  ///< optional: the initramfs is this, followed by `initramfs`
  UniqueFd initramfs;
  UniqueFd root_disk;  ///< the image's encrypted disk, open for reading
  UniqueFd overlay;    ///< a qcow2 file that takes what the guest writes, open for reading and writing
  UniqueFd console;    ///< gets what the guest prints; a regular file the first 16 MiB of it
  UniqueFd reference;
};

struct LaunchRequest {
  std::string id;  ///< 1 to 64 of a-z A-Z 0-9 - _ .
  std::string cmdline;
  std::uint32_t memory_mib = 0;
  std::uint32_t cpus = 0;
  LaunchFiles files;
};
struct WatchRequest {
  std::string id;
};
struct StopRequest {
  std::string id;
};
struct ListRequest {};
using Request = std::variant<LaunchRequest, WatchRequest, StopRequest, ListRequest>;

struct Event {
  std::string name;
  std::optional<int> exit_status;  ///< of "guest_ended"
};
struct Guests {
  std::vector<std::string> ids;
};
struct Stopped {};
using Reply = std::variant<Event, Error, Guests, Stopped>;

/// One message as it crosses the socket.
struct Message {
  std::string text;
  std::vector<UniqueFd> files;
};

Message write_request(Request request);
/// Strict: malformed, naming the field, for anything unknown, missing or out of range.
Result<Request> read_request(Message message);
std::string write_reply(const Reply& reply);
Result<Reply> read_reply(const std::string& text);

/// Sends and receives on a connected SOCK_SEQPACKET socket. unavailable at its end.
Status send_message(int socket, const Message& message);
Result<Message> receive_message(int socket);

/// Connects to the ultravisor's socket. unavailable where nobody listens.
Result<UniqueFd> connect_to(const std::filesystem::path& socket);

}  // namespace sealift::ultravisor
