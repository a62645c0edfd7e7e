// SPDX-License-Identifier: Apache-2.0
/// Small stand-ins for what an image is built from: programs, modules, kernels, archives, and a root tree.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "guest/image/job.h"
#include "guest/image/tree/source.h"

namespace sealift::image {

struct ElfSample {
  std::uint16_t machine = 62;  ///< EM_X86_64
  std::string interpreter;
  std::vector<std::string> needed;
  std::vector<std::string> modinfo;  ///< "depends=a,b"
};
/// A 64-bit little-endian ELF file with these parts and nothing to run.
Bytes make_elf(const ElfSample& sample);

/// A file that looks like a bzImage of that version.
Bytes make_kernel_image(const std::string& version);

/// A pax archive of the entries, contents beside them; compressed by the filter that libarchive knows as
/// `filter`.
Bytes make_tar(const std::vector<std::pair<TreeEntry, std::string>>& entries,
               const std::string& filter = "none");
/// An entry for make_tar: `type` and permissions as stat(2) has them.
std::pair<TreeEntry, std::string> entry(const std::string& path, mode_t mode,
                                        const std::string& content = "");

/// A Debian binary package whose files are in `data`, a tar archive named "data.tar".
Bytes make_debian_package(ByteView data);

/// DIR/boot and DIR/lib/modules with the modules the agent needs.
void make_kernel_tree(const std::filesystem::path& directory, const std::string& version);
/// A root file system with a cryptsetup that needs two libraries.
std::vector<std::pair<TreeEntry, std::string>> root_tree();

void put(const std::filesystem::path& file, ByteView content);
std::string text_of(const std::filesystem::path& file);

/// A job nobody watches.
class QuietJob {
 public:
  Job job() { return Job{progress_, cancelled_}; }
  std::atomic<bool>& cancelled() { return cancelled_; }

 private:
  NoProgress progress_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace sealift::image
