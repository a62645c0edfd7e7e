// SPDX-License-Identifier: Apache-2.0
#include "guest/image/kernel.h"

#include <elf.h>
#include <fcntl.h>

#include <algorithm>
#include <optional>

#include "base/file.h"
#include "guest/image/debian_package.h"
#include "guest/image/kernel_module.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

/// What opening and mounting the root disk takes: the bus, the disk, the port, encryption, the file system.
const std::vector<std::string> kRequired{"virtio_pci", "virtio_blk", "virtio_console", "dm_mod", "dm_crypt",
                                         "xts",        "ext4"};
/// Built in, or called otherwise, in many kernels; and faster ways that not every processor has.
const std::vector<std::string> kOptional{"aes_generic", "sha256_generic", "crc32c_generic", "ecb"};
const std::vector<std::string> kOptionalOnX86{"aesni_intel", "crc32c_intel", "efi_secret"};
const std::vector<std::string> kOptionalOnPower{"vmx_crypto", "crc32c_vpmsum"};

// Linux: Documentation/arch/x86/boot.rst. Offsets into the file, little-endian.
constexpr std::size_t kBootFlagOffset = 0x1fe;
constexpr std::size_t kHeaderMagicOffset = 0x202;
constexpr std::size_t kVersionPointerOffset = 0x20e;
constexpr std::size_t kLoadFlagsOffset = 0x236;
constexpr std::uint16_t kBootFlag = 0xaa55;
constexpr std::uint32_t kHeaderMagic = 0x53726448;  // "HdrS"
constexpr std::uint16_t kRuns64Bit = 1;
constexpr std::size_t kSetupSize = 64 << 10;  // all of the header, and the version, are in here

std::uint16_t le16_at(ByteView bytes, std::size_t offset) {
  return ByteReader{bytes.subspan(offset)}.le16().value();
}

/// The architecture that a kernel file is for, by its own header; nothing where it is none that we know.
std::optional<std::string> arch_of(ByteView kernel) {
  if (kernel.size() < kSetupSize) return std::nullopt;
  const auto magic = ByteReader{kernel.subspan(kHeaderMagicOffset)}.le32().value();
  if (magic == kHeaderMagic && le16_at(kernel, kBootFlagOffset) == kBootFlag)
    return (le16_at(kernel, kLoadFlagsOffset) & kRuns64Bit) != 0 ? std::optional<std::string>{"x86_64"}
                                                                 : std::nullopt;
  const bool is_elf = std::ranges::equal(kernel.first(4), as_bytes(ELFMAG));
  const bool little = kernel[EI_DATA] == ELFDATA2LSB;
  if (is_elf && little && le16_at(kernel, offsetof(Elf64_Ehdr, e_machine)) == EM_PPC64) return "ppc64le";
  return std::nullopt;
}

/// The version that a bzImage says it has; "" where it says none.
std::string version_of(ByteView kernel) {
  if (arch_of(kernel) != "x86_64") return "";
  const std::size_t start = le16_at(kernel, kVersionPointerOffset) + std::size_t{0x200};
  if (start >= kernel.size()) return "";
  const auto text = as_text(kernel.subspan(start, std::min<std::size_t>(128, kernel.size() - start)));
  return std::string{text.substr(0, text.find_first_of(std::string_view{" \0", 2}))};
}

/// The first bytes of a kernel file.
Result<Bytes> read_setup(const fs::path& kernel) {
  SEALIFT_TRY(const auto file, open_file(kernel, O_RDONLY));
  SEALIFT_TRY(const auto size, file_size(file.get()));
  Bytes setup(static_cast<std::size_t>(std::min<std::uint64_t>(size, kSetupSize)));
  SEALIFT_CHECK(pread_exact(file.get(), setup, 0));
  return setup;
}

struct Files {
  fs::path image;
  fs::path modules;
};

/// The one directory in DIR/lib/modules or DIR/usr/lib/modules.
Result<fs::path> only_modules_directory(const fs::path& root) {
  std::vector<fs::path> found;
  for (const auto* parent : {"lib/modules", "usr/lib/modules"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator{root / parent, error})
      if (entry.is_directory(error)) found.push_back(entry.path());
    if (!found.empty()) break;  // on a merged /usr they are the same
  }
  if (found.empty())
    return fail(ErrorCode::not_found, "there are no kernel modules in " + root.string(), "kernel");
  if (found.size() > 1)
    return fail(ErrorCode::invalid_argument, "there are several kernels in " + root.string() + ": name one",
                "kernel");
  return found.front();
}

Result<Files> files_in(const fs::path& root) {
  SEALIFT_TRY(const auto modules, only_modules_directory(root));
  const auto version = modules.filename().string();
  for (const auto* prefix : {"vmlinuz-", "vmlinux-"}) {
    const auto image = root / "boot" / (prefix + version);
    if (std::error_code error; fs::is_regular_file(image, error)) return Files{image, modules};
  }
  return fail(ErrorCode::not_found, "there is no boot/vmlinuz-" + version + " in " + root.string(), "kernel");
}

bool is_kernel_file(std::string_view path) {
  return path.starts_with("boot/vmlinu") || path.starts_with("lib/modules/") ||
         path.starts_with("usr/lib/modules/");
}

Result<Files> locate(const KernelSource& source, const fs::path& scratch, const Job& job) {
  if (source.package.empty() && (source.image.empty() || source.modules.empty()))
    return fail(ErrorCode::invalid_argument, "name a kernel package, or a kernel and its modules", "kernel");
  if (source.package.empty()) return Files{source.image, source.modules};
  if (std::error_code error; fs::is_directory(source.package, error)) return files_in(source.package);
  SEALIFT_CHECK(unpack_debian_package(source.package, is_kernel_file, scratch, job));
  return files_in(scratch);
}

}  // namespace

Result<Kernel> load_kernel(const KernelSource& source, const fs::path& scratch, const Job& job) {
  SEALIFT_TRY(const auto files, locate(source, scratch, job));
  Kernel kernel;
  kernel.image = files.image;
  SEALIFT_TRY(const auto setup, read_setup(files.image));
  const auto arch = arch_of(setup);
  if (!arch)
    return fail(ErrorCode::unsupported, files.image.string() + " is no kernel that Sealift can start",
                "kernel");
  kernel.arch = *arch;
  const auto modules_path = fs::absolute(files.modules).lexically_normal();
  kernel.version =
      modules_path.has_filename() ? modules_path.filename() : modules_path.parent_path().filename();
  if (const auto own = version_of(setup); !own.empty() && own != kernel.version)
    return fail(ErrorCode::invalid_argument,
                "the kernel is version " + own + ", its modules are version " + kernel.version, "modules");
  SEALIFT_TRY(const auto modules, ModuleDirectory::open(files.modules));
  auto optional = kOptional;
  const auto& more = kernel.arch == "x86_64" ? kOptionalOnX86 : kOptionalOnPower;
  optional.insert(optional.end(), more.begin(), more.end());
  SEALIFT_TRY(kernel.modules, modules.load(kRequired, optional));
  return kernel;
}

}  // namespace sealift::image
