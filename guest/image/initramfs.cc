// SPDX-License-Identifier: Apache-2.0
#include "guest/image/initramfs.h"

#include <sys/stat.h>

#include <set>

#include "base/file.h"
#include "formats/cpio/writer.h"
#include "guest/image/cryptsetup_files.h"
#include "guest/image/elf_file.h"
#include "guest/image/manifest.h"

namespace sealift::image {
namespace {

constexpr std::size_t kMaxAgentSize = 32 << 20;

/// One file to be: its bytes, or where they are in the root file system.
struct Item {
  std::uint32_t permissions;
  ByteView bytes;
  std::string from_root;
};
using Items = std::map<std::string, Item>;  // by path, so in an order that does not depend on anything else

class ArchiveFile {
 public:
  ArchiveFile(int fd, std::uint64_t offset) : fd_{fd}, start_{offset} {}

  Status directory(const std::string& path) {
    SEALIFT_TRY(const auto bytes, writer_.whole({.name = path, .mode = S_IFDIR | 0755}));
    return append(bytes);
  }
  Status file(const std::string& path, std::uint32_t permissions, ByteView content) {
    SEALIFT_TRY(const auto head,
                writer_.begin({.name = path, .mode = S_IFREG | permissions, .size = content.size()}));
    SEALIFT_CHECK(append(head));
    SEALIFT_CHECK(append(content));
    return append(writer_.end());
  }
  Result<WrittenArchive> finish() {
    SEALIFT_CHECK(append(writer_.finish()));
    return WrittenArchive{size_, hasher_.finish()};
  }

 private:
  Status append(ByteView bytes) {
    hasher_.update(bytes);
    SEALIFT_CHECK(pwrite_all(fd_, bytes, start_ + size_));
    size_ += bytes.size();
    return {};
  }

  int fd_;
  std::uint64_t start_;
  std::uint64_t size_ = 0;
  cpio::Writer writer_;
  crypto::Hasher hasher_{crypto::HashAlgorithm::sha512};
};

Result<Bytes> read_agent(const std::filesystem::path& path, const std::string& arch) {
  SEALIFT_TRY(auto agent, read_file(path, kMaxAgentSize));
  SEALIFT_TRY(const auto elf, read_elf(agent, path.string()));
  if (elf.arch != arch || !elf.interpreter.empty())
    return fail(ErrorCode::invalid_argument, path.string() + " is no static unlock agent for " + arch,
                "agent");
  return agent;
}

std::string module_path(const KernelModule& module) { return "modules/" + module.name + ".ko"; }

/// What the agent reads: guest/agent/modules.h.
std::string module_list(const Kernel& kernel) {
  std::string list;
  for (const auto& module : kernel.modules)
    list += (module.required ? "/" : "?/") + module_path(module) + "\n";
  return list;
}

Status write_items(const Items& items, const RootFilesystem& root, ArchiveFile& archive) {
  std::set<std::string> directories;
  for (const auto& [path, item] : items) {
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
      if (directories.insert(path.substr(0, slash)).second)
        SEALIFT_CHECK(archive.directory(path.substr(0, slash)));
    if (item.from_root.empty()) {
      SEALIFT_CHECK(archive.file(path, item.permissions, item.bytes));
    } else {
      SEALIFT_TRY(const auto content, root.read_file(item.from_root, kMaxProgramSize));
      SEALIFT_CHECK(archive.file(path, item.permissions, content));
    }
  }
  return {};
}

}  // namespace

Result<InitramfsPlan> InitramfsPlan::make(const RootFilesystem& root, const Kernel& kernel,
                                          const std::filesystem::path& agent, std::string_view tee) {
  InitramfsPlan plan{root, kernel};
  plan.for_sev_ = tee == kSev;
  SEALIFT_TRY(plan.agent_, read_agent(agent, kernel.arch));
  SEALIFT_TRY(plan.cryptsetup_, find_cryptsetup(root, kernel.arch));
  return plan;
}

Result<WrittenArchive> InitramfsPlan::write(ByteView luks_header, int fd, std::uint64_t offset) const {
  const auto list = module_list(*kernel_);
  Items items;
  for (const auto& [path, from_root] : cryptsetup_) items[path] = {0755, {}, from_root};
  for (const auto& module : kernel_->modules) items[module_path(module)] = {0644, module.object, ""};
  items["init"] = {0755, agent_, ""};
  items["sealift/luks-header"] = {0600, luks_header, ""};
  if (for_sev_) items["sealift/sev"] = {0644, {}, ""};  // guest/agent/launch_secret.h: kSevMark
  items["sealift/modules"] = {0644, as_bytes(list), ""};
  ArchiveFile archive{fd, offset};
  SEALIFT_CHECK(write_items(items, *root_, archive));
  return archive.finish();
}

}  // namespace sealift::image
