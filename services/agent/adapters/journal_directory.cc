// SPDX-License-Identifier: Apache-2.0
#include "services/agent/adapters/journal_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

namespace sealift::agent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "journal";

/// What was made, renamed or removed in it stays so.
Status sync_directory(const fs::path& directory) {
  SEALIFT_TRY(const auto fd, open_file(directory, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return fail_errno("sync " + directory.string());
  return {};
}

}  // namespace

Status make_private_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory.parent_path(), error);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("make " + directory.string());
  return {};
}

Result<std::vector<Bytes>> JournalDirectory::load() {
  SEALIFT_CHECK(make_private_directory(directory_));
  std::vector<Bytes> documents;
  for (const auto& entry : fs::directory_iterator{directory_}) {
    auto document = read_file(entry.path() / kFile, kMaxDocument);
    if (document) {
      documents.push_back(*std::move(document));
      continue;
    }
    if (document.error().code != ErrorCode::not_found) return tl::unexpected(document.error());
    std::error_code ignored;  // made just before we were killed, and nothing in it
    fs::remove_all(entry.path(), ignored);
  }
  return documents;
}

Status JournalDirectory::save(const InstanceName& name, ByteView document) {
  const auto place = directory(name);
  if (!fs::exists(place)) {
    SEALIFT_CHECK(make_private_directory(place));
    SEALIFT_CHECK(sync_directory(directory_));
  }
  SEALIFT_CHECK(write_file(place / kFile, document, 0600));
  return sync_directory(place);
}

void JournalDirectory::remove(const InstanceName& name) {
  std::error_code ignored;
  fs::remove_all(directory(name), ignored);
}

}  // namespace sealift::agent
