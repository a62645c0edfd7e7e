// SPDX-License-Identifier: Apache-2.0
#include "services/agent/adapters/journal_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"

namespace sealift::agent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "journal";

/// As write_file() does, without its syncing, which takes longer than all the rest of an order.
Status replace_file(const fs::path& path, ByteView bytes) {
  const auto beside = path.string() + ".new";
  SEALIFT_TRY(const auto file, open_file(beside, O_WRONLY | O_CREAT | O_TRUNC));
  SEALIFT_CHECK(write_all(file.get(), bytes));
  if (::rename(beside.c_str(), path.c_str()) != 0) return fail_errno("write " + path.string());
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
    if (!document && document.error().code != ErrorCode::not_found) return tl::unexpected(document.error());
    if (document && !document->empty()) {
      documents.push_back(*std::move(document));
    } else {
      std::error_code ignored;  // nothing was in it yet that had to survive
      fs::remove_all(entry.path(), ignored);
    }
  }
  return documents;
}

Status JournalDirectory::save(const InstanceName& name, ByteView document, Survives survives) {
  const auto place = directory(name);
  SEALIFT_CHECK(make_private_directory(place));
  if (survives == Survives::our_death) return replace_file(place / kFile, document);
  SEALIFT_CHECK(write_file(place / kFile, document, 0600));
  SEALIFT_CHECK(sync_directory(place));
  return keep_folder(name);
}

Status JournalDirectory::keep_folder(const InstanceName& name) {
  {
    const std::lock_guard lock{mutex_};
    if (kept_.contains(name)) return {};
  }
  SEALIFT_CHECK(sync_directory(directory_));
  const std::lock_guard lock{mutex_};
  kept_.insert(name);
  return {};
}

void JournalDirectory::remove(const InstanceName& name) {
  {
    const std::lock_guard lock{mutex_};
    kept_.erase(name);
  }
  std::error_code ignored;
  fs::remove_all(directory(name), ignored);
}

}  // namespace sealift::agent
