// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/start_order.h"

#include <fmt/core.h>

#include <algorithm>

#include "services/agent/domain/limits.h"

namespace sealift::agent {
namespace {

// The ultravisor's own limits, and what an object store can hold.
constexpr std::uint64_t kMaxKernel = 256ULL << 20U;
constexpr std::uint64_t kMaxHead = 16ULL << 20U;
constexpr std::uint64_t kMaxBody = (8ULL << 30U) - kMaxHead;
constexpr std::uint64_t kMaxDisk = 1ULL << 40U;
constexpr std::size_t kMaxCmdline = 2048;
constexpr std::size_t kMaxReference = 64U * 1024;
constexpr std::size_t kMaxUrl = 8192;
constexpr std::size_t kDigestSize = 64;
constexpr std::size_t kImageIdSize = 32;
constexpr std::uint32_t kMaxCpus = 256;
constexpr std::uint32_t kMinMemoryMib = 64;
constexpr std::uint32_t kMaxMemoryMib = 1U << 20U;

tl::unexpected<Error> bad(const char* field, std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("the order's {} {}", field, why), field);
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_visible(char c) { return c > ' ' && c <= '~'; }

Result<ObjectOrder> check_object(const v1::ObjectLocation& object, std::uint64_t limit, const char* field) {
  if (object.sha512().size() != kDigestSize) return bad(field, "has no SHA-512");
  if (object.size() == 0) return bad(field, "is empty");
  if (object.size() > limit)
    return fail(ErrorCode::too_large, fmt::format("the {} exceeds {} bytes", field, limit), field);
  if (object.url().empty() || object.url().size() > kMaxUrl || !std::ranges::all_of(object.url(), is_visible))
    return bad(field, "has no location that can be read");
  return ObjectOrder{object.url(), crypto::Digest{as_bytes(object.sha512())}, object.size()};
}

}  // namespace

Result<StartOrder> check_start(const InstanceName& name, const v1::StartInstance& start) {
  if (start.image_id().size() != kImageIdSize || !std::ranges::all_of(start.image_id(), is_hex))
    return bad("image_id", "is not 32 hexadecimal digits");
  if (start.cmdline().size() > kMaxCmdline || start.cmdline().find('\0') != std::string::npos)
    return bad("cmdline", "is too long or has a NUL");
  if (start.cpus() == 0 || start.cpus() > kMaxCpus) return bad("cpus", "are out of range");
  if (start.memory_mib() < kMinMemoryMib || start.memory_mib() > kMaxMemoryMib)
    return bad("memory_mib", "is out of range");
  if (start.reference_event_log().size() > kMaxReference) return bad("reference_event_log", "is too large");
  SEALIFT_TRY(auto kernel, check_object(start.kernel(), kMaxKernel, "kernel"));
  if (start.question().size() > kMaxQuestion) return bad("question", "is too large");
  ObjectOrder head{{}, {}, 0};
  if (start.question().empty()) {
    SEALIFT_TRY(head, check_object(start.head(), kMaxHead, "head"));
  } else if (start.has_head()) {
    return bad("head", "is there beside a question");
  }
  SEALIFT_TRY(auto body, check_object(start.initramfs_body(), kMaxBody, "initramfs_body"));
  SEALIFT_TRY(auto disk, check_object(start.root_disk(), kMaxDisk, "root_disk"));
  return StartOrder{name,
                    start.cmdline(),
                    start.cpus(),
                    start.memory_mib(),
                    std::move(kernel),
                    std::move(head),
                    std::move(body),
                    std::move(disk),
                    to_bytes(as_bytes(start.reference_event_log())),
                    to_bytes(as_bytes(start.question()))};
}

}  // namespace sealift::agent
