// SPDX-License-Identifier: Apache-2.0
/// sealift demo: what Sealift is for, on one computer.
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/demo/demo.h"
#include "cli/demo/sev_demo.h"

namespace sealift::cli {
namespace {

std::filesystem::path cache_directory() {
  if (const char* const cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
    return cache;
  const char* const home = std::getenv("HOME");
  return std::filesystem::path{home == nullptr ? "/" : home} / ".cache";
}

/// `given`, or what the scripts of that folder made.
Result<std::filesystem::path> input(const std::filesystem::path& given, const char* folder,
                                    const char* name) {
  auto path = given.empty() ? cache_directory() / "sealift" / folder / name : given;
  if (std::filesystem::exists(path)) return path;
  return fail(ErrorCode::not_found, path.string() + " is not there: make demo makes it", name);
}

Status demonstrate(const DemoOptions& given, Context& context) {
  auto options = given;
  const bool pef = given.tee == "pef";
  const char* const folder = pef ? "ppc64le" : "debian";
  SEALIFT_TRY(options.root, input(given.root, folder, "rootfs.tar"));
  SEALIFT_TRY(options.kernel, input(given.kernel, folder, pef ? "kernel" : "linux-image.deb"));
  const bool for_sev = given.tee == "sev";
  if (for_sev) {
    SEALIFT_TRY(options.firmware, input(given.firmware, "firmware", "amdsev.fd"));
  }
  std::error_code error;
  options.program = std::filesystem::read_symlink("/proc/self/exe", error);
  options.colour = is_colourful(STDOUT_FILENO);
  options.json = context.json;
  return for_sev ? run_sev_demo(options) : run_demo(options);
}

}  // namespace

void declare_demo(Command root) {
  auto options = std::make_shared<DemoOptions>();
  root.command("demo", "Seal a VM to one machine, start it there, and see it refused everywhere else",
               "sealift demo\n"
               "sealift demo --tee sev\n"
               "sealift demo --tee pef\n"
               "sealift demo --root rootfs.tar --kernel linux-image-6.1.0-44-cloud-amd64.deb",
               [options](Context& context) { return demonstrate(*options, context); })
      .path("--root", options->root, kFile,
            "a Debian root file system (default: the one of guest/fetch-debian)")
      .path("--kernel", options->kernel, kFile,
            "Debian's kernel package (default: the one of guest/fetch-debian)")
      .choice("--tee", options->tee, {"measured", "pef", "sev"},
              "what protects the guest (default: measured)")
      .path("--firmware", options->firmware, kFile,
            "with --tee sev: OVMF (default: the one of guest/firmware/build-amdsev)");
}

}  // namespace sealift::cli
