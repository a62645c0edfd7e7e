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
#include "guest/image/expected_components.h"
#include "guest/image/initramfs.h"
#include "guest/image/luks.h"
#include "guest/image/owner.h"

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
                  "customer data need a name of their own: letters, digits, '-', '_', '.', ',', '+'",
                  entry.name);
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

Status check_arch(const std::string& wanted, const std::string& kernel) {
  if (wanted.empty() || wanted == kernel) return {};
  return fail(ErrorCode::invalid_argument, "the kernel is for " + kernel + ", not for " + wanted, "kernel");
}

Status check_output(const fs::path& output) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(output, error))) return {};
  return fail(ErrorCode::already_exists, output.string() + " is there already", "output");
}

const fs::path& secret_of(const BuildRequest& request) {
  return request.tee == kSev ? request.owner : request.seed_file;
}

/// The seed must never travel with the image, nor what the owner of one for SEV keeps.
Status check_secret(const BuildRequest& request) {
  const std::string what = request.tee == kSev ? "owner" : "seed";
  if (secret_of(request).empty())
    return fail(ErrorCode::invalid_argument, "an image for " + request.tee + " needs a place for its " + what,
                what);
  std::error_code error;
  const auto seed = fs::weakly_canonical(fs::absolute(secret_of(request)), error);
  const auto output = fs::weakly_canonical(fs::absolute(request.output / "."), error).lexically_normal();
  const auto inside = seed.lexically_relative(output).string();
  if (!inside.starts_with(".."))
    return fail(ErrorCode::invalid_argument, "the " + what + " must lie outside of the image directory",
                what);
  if (fs::exists(fs::symlink_status(secret_of(request), error)))
    return fail(ErrorCode::already_exists, secret_of(request).string() + " is there already", what);
  if (!fs::is_directory(seed.parent_path(), error))
    return fail(ErrorCode::not_found, "there is no directory " + seed.parent_path().string(), what);
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
    SEALIFT_TRY(const auto plan, InitramfsPlan::make(root, kernel, request_.agent, request_.tee));
    SEALIFT_CHECK(check_arch(request_.arch, kernel.arch));
    manifest_.arch = kernel.arch;
    manifest_.tee = request_.tee;
    manifest_.memory_mib = request_.memory_mib;
    SEALIFT_TRY(manifest_.kernel, copy_kernel(kernel.image, file(kKernelFile), job_));
    SEALIFT_CHECK(write_cmdline());
    SEALIFT_TRY(const auto luks_header, write_root_disk(root));
    if (request_.tee == kSev) {
      SEALIFT_CHECK(write_initramfs(plan, luks_header));
    } else {
      SEALIFT_CHECK(write_initramfs_and_operand(plan, luks_header));
    }
    std::error_code ignored;
    fs::remove_all(scratch, ignored);
    SEALIFT_CHECK(write_file(file(kManifestFile), as_bytes(format_manifest(manifest_))));
    return manifest_;
  }
  const esm::Seed& seed() const noexcept { return seed_; }

  /// After build(), for kSev.
  Status write_owners_files(const fs::path& directory) const {
    SEALIFT_TRY(const auto kernel, sha256_of(file(kKernelFile)));
    SEALIFT_TRY(const auto initramfs, sha256_of(file(kInitramfsFile)));
    SEALIFT_TRY(const auto cmdline, read_file(file(kCmdlineFile), kMaxCmdlineSize));
    const LaunchInputs inputs{manifest_.image_id, kernel, initramfs, std::string{as_text(cmdline)}};
    std::vector<guest::CustomerData> entries;
    for (const auto& entry : request_.customer_data)
      entries.push_back({entry.name, SecretBytes::copy_of(entry.value.expose())});
    return write_owner(directory, inputs, entries);
  }

 private:
  fs::path file(std::string_view name) const { return directory_.path() / name; }

  static Result<crypto::Digest> sha256_of(const fs::path& file) {
    SEALIFT_TRY(const auto fd, open_file(file, O_RDONLY));
    return crypto::digest_file(crypto::HashAlgorithm::sha256, fd.get());
  }

  Status write_cmdline() {
    const auto& own = request_.cmdline;
    const auto cmdline = own.empty() ? default_cmdline(manifest_.tee, manifest_.arch) : own;
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

  Status write_initramfs(const InitramfsPlan& plan, ByteView luks_header) {
    job_.progress().start("write the initramfs", 0);
    SEALIFT_TRY(const auto fd, open_file(file(kInitramfsFile), O_RDWR | O_CREAT | O_EXCL, 0644));
    SEALIFT_TRY(const auto written, plan.write(luks_header, fd.get(), 0));
    if (fsync(fd.get()) != 0) return fail_errno("sync the initramfs");
    manifest_.initramfs = {written.size, written.sha512};
    job_.progress().finish();
    return {};
  }

  /// The head archive's size is known before its content, so the rest is written first, behind it.
  Status write_initramfs_and_operand(const InitramfsPlan& plan, ByteView luks_header) {
    job_.progress().start("write the initramfs", 0);
    SEALIFT_TRY(const auto fd, open_file(file(kInitramfsFile), O_RDWR | O_CREAT | O_EXCL, 0644));
    const auto reserved = reserved_size(request_.customer_data);
    SEALIFT_TRY(const auto placeholder, cpio::make_head(Bytes(reserved)));
    SEALIFT_TRY(const auto rest, plan.write(luks_header, fd.get(), placeholder.size()));
    manifest_.initramfs.sha512 = rest.sha512;
    SEALIFT_TRY(const auto integrity, expected_components(manifest_, file(kKernelFile)));
    SEALIFT_TRY(const auto operand,
                esm::make(seed_, manifest_.image_id, integrity, request_.customer_data, reserved));
    SEALIFT_TRY(const auto head, cpio::make_head(operand.serialise()));
    SEALIFT_CHECK(pwrite_all(fd.get(), head, 0));
    if (fsync(fd.get()) != 0) return fail_errno("sync the initramfs");
    manifest_.initramfs.size = head.size() + rest.size;
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

Status check_tee(const BuildRequest& request) {
  SEALIFT_TRY(const auto kind, tee_kind(request.tee));
  if (!request.cmdline.empty()) SEALIFT_CHECK(check_tee_cmdline(kind, request.cmdline));
  if (request.tee != kSev) return {};
  // Known before the long work begins: what the firmware keeps for the secret is little.
  std::vector<guest::CustomerData> entries;
  entries.push_back({std::string{guest::kRootPassphraseName}, SecretBytes{kPassphraseSize}});
  for (const auto& entry : request.customer_data)
    entries.push_back({entry.name, SecretBytes::copy_of(entry.value.expose())});
  SEALIFT_TRY(const auto fits, guest::launch_secrets(entries));
  return {};
}

/// The secret first: one without its image does no harm, an image without its secret is lost.
Status publish(NewDirectory& directory, const Builder& builder, const fs::path& seed_file) {
  SEALIFT_CHECK(write_new_secret_file(seed_file, builder.seed().expose()));
  auto published = directory.publish_synced(0755);
  if (!published) unlink(seed_file.c_str());
  return published;
}

Status publish_with_owner(NewDirectory& directory, const Builder& builder, const fs::path& owner) {
  SEALIFT_TRY(auto kept, NewDirectory::create(owner));
  SEALIFT_CHECK(builder.write_owners_files(kept.path()));
  SEALIFT_CHECK(kept.publish_synced(0700));
  auto published = directory.publish_synced(0755);
  std::error_code ignored;
  if (!published) fs::remove_all(owner, ignored);
  return published;
}

}  // namespace

std::string default_cmdline(std::string_view tee, std::string_view arch) {
  // Under emulation on a busy host the timer's ticks come late, and x86 kernels take that for a broken
  // IO-APIC.
  const std::string machine = arch == "ppc64le" ? "console=hvc0" : "console=ttyS0 no_timer_check";
  const auto cmdline = machine + " root=/dev/mapper/root rw quiet panic=-1";
  const auto kind = tee_kind(tee);
  if (!kind || kind->kernel_option.empty()) return cmdline;
  return cmdline + " " + std::string{kind->kernel_option};
}

Result<Manifest> build_image(BuildRequest request, const Job& job) {
  SEALIFT_CHECK(check_customer_data(request.customer_data));
  SEALIFT_CHECK(check_cmdline(request.cmdline));
  SEALIFT_CHECK(check_tee(request));
  SEALIFT_CHECK(check_secret(request));
  SEALIFT_CHECK(check_output(request.output));
  if (request.memory_mib == 0) return fail(ErrorCode::invalid_argument, "a guest needs memory", "memory");
  SEALIFT_TRY(auto directory, NewDirectory::create(request.output));
  const auto secret = secret_of(request);
  const bool for_sev = request.tee == kSev;
  Builder builder{std::move(request), directory, job};
  SEALIFT_TRY(auto manifest, builder.build());
  SEALIFT_CHECK(job.check());
  SEALIFT_CHECK(for_sev ? publish_with_owner(directory, builder, secret)
                        : publish(directory, builder, secret));
  return manifest;
}

}  // namespace sealift::image
