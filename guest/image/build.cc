// SPDX-License-Identifier: Apache-2.0
#include "guest/image/build.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/new_directory.h"
#include "crypto/random.h"
#include "formats/cpio/head.h"
#include "guest/agent/customer_data_wire.h"
#include "guest/image/initramfs.h"
#include "guest/image/luks.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCopySize = 1 << 20;
/// What an entry of customer data takes in the operand besides its bytes.
constexpr std::size_t kEntryOverhead = 256;
constexpr std::size_t kReserveUnit = 4096;

Status check_customer_data(const std::vector<esm::CustomerData>& entries) {
  std::set<std::string_view> names{guest::kRootPassphraseName, esm::kIntegrityName};
  for (const auto& entry : entries) {
    if (!guest::is_entry_name(entry.name) || !names.insert(entry.name).second)
      return fail(ErrorCode::invalid_argument,
                  "customer data need a name of their own: letters, digits, '-', '_', '.'", entry.name);
    if (entry.value.size() > guest::kMaxEntrySize)
      return fail(ErrorCode::too_large, "customer data are larger than 64 KiB", entry.name);
  }
  if (entries.size() >= guest::kMaxEntries)
    return fail(ErrorCode::too_large,
                "an image holds at most 63 customer data besides the disk's passphrase");
  return {};
}

Status check_cmdline(std::string_view cmdline) {
  if (cmdline.size() > kMaxCmdlineSize)
    return fail(ErrorCode::too_large, "the kernel command line is longer than 2048 bytes", "cmdline");
  const auto printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
  if (!std::ranges::all_of(cmdline, printable))
    return fail(ErrorCode::invalid_argument, "the kernel command line is not printable ASCII", "cmdline");
  return {};
}

Status check_output(const fs::path& output) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(output, error))) return {};
  return fail(ErrorCode::already_exists, output.string() + " is there already", "output");
}

/// The seed must never travel with the image.
Status check_seed_file(const BuildRequest& request) {
  std::error_code error;
  const auto seed = fs::weakly_canonical(fs::absolute(request.seed_file), error);
  const auto output = fs::weakly_canonical(fs::absolute(request.output / "."), error).lexically_normal();
  const auto inside = seed.lexically_relative(output).string();
  if (!inside.starts_with(".."))
    return fail(ErrorCode::invalid_argument, "the seed must lie outside of the image directory", "seed");
  if (fs::exists(fs::symlink_status(request.seed_file, error)))
    return fail(ErrorCode::already_exists, request.seed_file.string() + " is there already", "seed");
  if (!fs::is_directory(seed.parent_path(), error))
    return fail(ErrorCode::not_found, "there is no directory " + seed.parent_path().string(), "seed");
  return {};
}

Result<Component> copy_kernel(const fs::path& from, const fs::path& to, const Job& job) {
  SEALIFT_TRY(const auto in, open_file(from, O_RDONLY));
  SEALIFT_TRY(const auto out, open_file(to, O_WRONLY | O_CREAT | O_EXCL, 0644));
  SEALIFT_TRY(const auto size, file_size(in.get()));
  crypto::Hasher hasher{crypto::HashAlgorithm::sha512};
  Bytes buffer(kCopySize);
  for (std::uint64_t done = 0; done < size;) {
    SEALIFT_CHECK(job.check());
    const auto piece =
        std::span{buffer}.first(static_cast<std::size_t>(std::min<std::uint64_t>(kCopySize, size - done)));
    SEALIFT_CHECK(pread_exact(in.get(), piece, done));
    hasher.update(piece);
    SEALIFT_CHECK(write_all(out.get(), piece));
    done += piece.size();
  }
  if (fsync(out.get()) != 0) return fail_errno("sync the kernel");
  return Component{size, hasher.finish()};
}

std::size_t reserved_size(const std::vector<esm::CustomerData>& entries) {
  std::size_t size = esm::kDefaultReservedSize;
  for (const auto& entry : entries) size += entry.value.size() + kEntryOverhead;
  return (size + kReserveUnit - 1) / kReserveUnit * kReserveUnit;
}

/// One image on its way.
class Builder {
 public:
  Builder(BuildRequest request, NewDirectory& directory, const Job& job)
      : request_{std::move(request)},
        directory_{directory},
        job_{job},
        manifest_{.image_id = esm::ImageId::random()} {}

  Result<Manifest> build() {
    const auto scratch = directory_.path() / ".scratch";
    SEALIFT_TRY(const auto kernel, load_kernel(request_.kernel, scratch, job_));
    SEALIFT_TRY(const auto root,
                RootFilesystem::create(request_.root, request_.root_options, directory_.path(), job_));
    SEALIFT_TRY(const auto plan, InitramfsPlan::make(root, kernel, request_.agent));
    manifest_.arch = kernel.arch;
    manifest_.tee = "measured";
    manifest_.memory_mib = request_.memory_mib;
    SEALIFT_TRY(manifest_.kernel, copy_kernel(kernel.image, file(kKernelFile), job_));
    SEALIFT_CHECK(write_cmdline());
    SEALIFT_TRY(const auto luks_header, write_root_disk(root));
    SEALIFT_CHECK(write_initramfs_and_operand(plan, luks_header));
    std::error_code ignored;
    fs::remove_all(scratch, ignored);
    SEALIFT_CHECK(write_file(file(kManifestFile), as_bytes(format_manifest(manifest_))));
    return manifest_;
  }
  const esm::Seed& seed() const noexcept { return seed_; }

 private:
  fs::path file(std::string_view name) const { return directory_.path() / name; }

  Status write_cmdline() {
    const auto cmdline = request_.cmdline.empty() ? default_cmdline(manifest_.arch) : request_.cmdline;
    manifest_.cmdline = {cmdline.size(), crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(cmdline))};
    return write_file(file(kCmdlineFile), as_bytes(cmdline));
  }

  /// Gives the LUKS2 header; the passphrase becomes CD1.
  Result<Bytes> write_root_disk(const RootFilesystem& root) {
    auto passphrase = make_passphrase();
    SEALIFT_TRY(auto disk, write_luks_disk(root.fd(), root.size(), root.block_size(), passphrase.expose(),
                                           file(kRootDiskFile), job_));
    manifest_.luks_uuid = disk.uuid;
    manifest_.root_disk = {disk.size, disk.sha512};
    auto& entries = request_.customer_data;
    entries.insert(entries.begin(), {std::string{guest::kRootPassphraseName}, std::move(passphrase)});
    return std::move(disk.header);
  }

  /// The head archive's size is known before its content, so the rest is written first, behind it.
  Status write_initramfs_and_operand(const InitramfsPlan& plan, ByteView luks_header) {
    job_.progress().start("write the initramfs", 0);
    SEALIFT_TRY(const auto fd, open_file(file(kInitramfsFile), O_RDWR | O_CREAT | O_EXCL, 0644));
    const auto reserved = reserved_size(request_.customer_data);
    SEALIFT_TRY(const auto placeholder, cpio::make_head(Bytes(reserved)));
    SEALIFT_TRY(const auto rest, plan.write(luks_header, fd.get(), placeholder.size()));
    const esm::IntegrityInformation integrity{.kernel = manifest_.kernel.sha512,
                                              .initrd = rest.sha512,
                                              .bootargs = manifest_.cmdline.sha512,
                                              .rtas = std::nullopt,
                                              .kernel_size = std::nullopt};
    SEALIFT_TRY(const auto operand,
                esm::make(seed_, manifest_.image_id, integrity, request_.customer_data, reserved));
    SEALIFT_TRY(const auto head, cpio::make_head(operand.serialise()));
    SEALIFT_CHECK(pwrite_all(fd.get(), head, 0));
    if (fsync(fd.get()) != 0) return fail_errno("sync the initramfs");
    manifest_.initramfs = {head.size() + rest.size, rest.sha512};
    manifest_.initramfs_head_size = head.size();
    job_.progress().finish();
    return {};
  }

  BuildRequest request_;
  NewDirectory& directory_;
  const Job& job_;
  Manifest manifest_;
  esm::Seed seed_ = crypto::random_secret<esm::kSeedSize>();
};

}  // namespace

std::string default_cmdline(std::string_view arch) {
  const std::string console = arch == "ppc64le" ? "hvc0" : "ttyS0";
  return "console=" + console + " root=/dev/mapper/root rw quiet panic=-1";
}

Result<Manifest> build_image(BuildRequest request, const Job& job) {
  SEALIFT_CHECK(check_customer_data(request.customer_data));
  SEALIFT_CHECK(check_cmdline(request.cmdline));
  SEALIFT_CHECK(check_seed_file(request));
  SEALIFT_CHECK(check_output(request.output));
  if (request.memory_mib == 0) return fail(ErrorCode::invalid_argument, "a guest needs memory", "memory");
  SEALIFT_TRY(auto directory, NewDirectory::create(request.output));
  const auto seed_file = request.seed_file;
  Builder builder{std::move(request), directory, job};
  SEALIFT_TRY(auto manifest, builder.build());
  SEALIFT_CHECK(job.check());
  // The seed first: one without its image does no harm, an image without its seed is lost.
  SEALIFT_CHECK(write_new_secret_file(seed_file, builder.seed().expose()));
  if (auto published = directory.publish_synced(0755); !published) {
    unlink(seed_file.c_str());
    return tl::unexpected(std::move(published).error());
  }
  return manifest;
}

}  // namespace sealift::image
