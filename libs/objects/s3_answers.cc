// SPDX-License-Identifier: Apache-2.0
#include "objects/s3_answers.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "objects/xml.h"

namespace sealift::objects {
namespace {

constexpr std::size_t kMaxId = 1024;
constexpr std::size_t kMaxETag = 128;
constexpr std::size_t kMaxCode = 64;
constexpr std::uint32_t kMaxParts = 10'000;

tl::unexpected<Error> fail_answer(std::string_view what) {
  return fail(ErrorCode::malformed, fmt::format("the store's answer has no valid {}", what),
              std::string{what});
}

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

/// The one leaf at `path`.
Result<std::string> only(const std::vector<XmlLeaf>& leaves, std::string_view path) {
  const auto is_it = [&](const XmlLeaf& leaf) { return leaf.path == path; };
  const auto found = std::ranges::find_if(leaves, is_it);
  if (found == leaves.end() || std::ranges::count_if(leaves, is_it) != 1)
    return fail_answer(path.substr(path.rfind('/') + 1));
  return found->text;
}

Result<std::uint64_t> number(std::string_view text, std::string_view what) {
  std::uint64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc{} || result.ptr != end) return fail_answer(what);
  return value;
}

Result<bool> truth(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return fail_answer("IsTruncated");
}

/// `leaves` are those of one Part.
Result<UploadedPart> part_of(const std::vector<XmlLeaf>& leaves) {
  SEALIFT_TRY(const auto number_text, only(leaves, "ListPartsResult/Part/PartNumber"));
  SEALIFT_TRY(const auto size_text, only(leaves, "ListPartsResult/Part/Size"));
  SEALIFT_TRY(const auto etag_text, only(leaves, "ListPartsResult/Part/ETag"));
  SEALIFT_TRY(const auto part_number, number(number_text, "PartNumber"));
  SEALIFT_TRY(const auto size, number(size_text, "Size"));
  SEALIFT_TRY(auto etag, parse_etag(etag_text));
  if (part_number < 1 || part_number > kMaxParts) return fail_answer("PartNumber");
  return UploadedPart{static_cast<std::uint32_t>(part_number), size, std::move(etag)};
}

/// Each Part's leaves.
std::map<std::size_t, std::vector<XmlLeaf>> leaves_of_parts(const std::vector<XmlLeaf>& leaves) {
  std::map<std::size_t, std::vector<XmlLeaf>> parts;
  for (const auto& leaf : leaves) {
    if (leaf.path.substr(0, leaf.path.rfind('/')) == "ListPartsResult/Part")
      parts[leaf.parent].push_back(leaf);
  }
  return parts;
}

}  // namespace

Result<std::string> parse_upload_id(ByteView xml) {
  SEALIFT_TRY(const auto leaves, parse_xml(xml));
  SEALIFT_TRY(auto id, only(leaves, "InitiateMultipartUploadResult/UploadId"));
  if (id.empty() || id.size() > kMaxId || !printable(id)) return fail_answer("UploadId");
  return id;
}

Result<PartsPage> parse_parts(ByteView xml) {
  SEALIFT_TRY(const auto leaves, parse_xml(xml));
  SEALIFT_TRY(const auto more_text, only(leaves, "ListPartsResult/IsTruncated"));
  SEALIFT_TRY(const auto more, truth(more_text));
  PartsPage page{{}, more};
  for (const auto& [parent, part_leaves] : leaves_of_parts(leaves)) {
    SEALIFT_TRY(auto part, part_of(part_leaves));
    if (!page.parts.empty() && part.number <= page.parts.back().number) return fail_answer("PartNumber");
    page.parts.push_back(std::move(part));
  }
  return page;
}

bool is_completed(ByteView xml) {
  const auto leaves = parse_xml(xml);
  return leaves && !leaves->empty() && leaves->front().path.starts_with("CompleteMultipartUploadResult/");
}

std::string parse_error_code(ByteView xml) {
  const auto leaves = parse_xml(xml);
  if (!leaves) return {};
  const auto code = only(*leaves, "Error/Code");
  const auto letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  if (!code || code->size() > kMaxCode || !std::ranges::all_of(*code, letter)) return {};
  return *code;
}

Result<std::string> parse_etag(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  // These would have to be quoted in XML; no service uses them.
  if (text.empty() || text.size() > kMaxETag || !printable(text) ||
      text.find_first_of("\"<>&") != std::string_view::npos)
    return fail_answer("ETag");
  return std::string{text};
}

std::string complete_request(const std::vector<UploadedPart>& parts) {
  std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const auto& part : parts) {
    body +=
        fmt::format("<Part><PartNumber>{}</PartNumber><ETag>\"{}\"</ETag></Part>", part.number, part.etag);
  }
  return body + "</CompleteMultipartUpload>";
}

}  // namespace sealift::objects
