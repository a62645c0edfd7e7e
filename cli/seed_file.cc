// SPDX-License-Identifier: Apache-2.0
#include "cli/seed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/inputs.h"
#include "crypto/random.h"

namespace sealift::cli {

Result<SeedFile> SeedFile::read_or_create(const std::filesystem::path& path) {
  auto fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!fd) {
    if (fd.error().code != ErrorCode::already_exists) return tl::unexpected(fd.error());
    SEALIFT_TRY(auto seed, read_seed(path));
    return SeedFile{std::move(seed), {}};
  }
  SeedFile made{crypto::random_secret<esm::kSeedSize>(), path};
  SEALIFT_CHECK(write_all(fd->get(), made.seed().expose()));
  if (::fsync(fd->get()) != 0) return fail_errno("sync " + path.string());
  return made;
}

SeedFile::~SeedFile() {
  if (!created_.empty()) ::unlink(created_.c_str());
}

}  // namespace sealift::cli
