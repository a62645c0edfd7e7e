// SPDX-License-Identifier: Apache-2.0
/// sealift image build.
#include "guest/image/build.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/cancellation.h"
#include "cli/commands/image.h"
#include "cli/inputs.h"
#include "cli/programs.h"
#include "guest/image/expected_components.h"

namespace sealift::cli {
namespace {

struct BuildOptions {
  Path root;
  Path kernel;
  Path modules;
  Path agent;
  std::string arch;
  std::string cmdline;
  std::vector<std::string> customer_data;
  Path out;
  Path seed;
  std::string tee = "measured";
  Path owner;
  std::uint32_t memory_mib = 512;
  std::uint64_t size = 0;
};

bool is_debian_package(const Path& path) {
  constexpr std::string_view kArchive = "!<arch>\n";
  const auto fd = open_file(path, O_RDONLY);
  std::array<std::uint8_t, kArchive.size()> start{};
  return fd && pread_exact(fd->get(), start, 0) && as_text(start) == kArchive;
}

Result<image::KernelSource> kernel_source(const BuildOptions& options) {
  std::error_code error;
  const bool is_package =
      std::filesystem::is_directory(options.kernel, error) || is_debian_package(options.kernel);
  if (is_package == !options.modules.empty()) {
    return fail(ErrorCode::invalid_argument,
                is_package ? "--modules goes with a kernel file; a package brings its own"
                           : "--modules is required for a kernel that is a file, not a package",
                "--modules");
  }
  if (is_package) return image::KernelSource{.package = options.kernel, .image = {}, .modules = {}};
  return image::KernelSource{.package = {}, .image = options.kernel, .modules = options.modules};
}

std::string agent_for(const std::string& arch) {
  return arch == "x86_64" ? "sealift-unlock" : "sealift-unlock-" + arch;
}

Result<image::BuildRequest> build_request(const BuildOptions& options) {
  image::BuildRequest request;
  request.root = options.root;
  if (options.size != 0) request.root_options.size = options.size;
  SEALIFT_TRY(request.kernel, kernel_source(options));
  SEALIFT_TRY(const auto tee, image::tee_kind(options.tee));
  request.arch = options.arch.empty() ? std::string{tee.arch} : options.arch;
  request.agent = options.agent;
  if (request.agent.empty()) {
    SEALIFT_TRY(request.agent, find_program(agent_for(request.arch)));
  }
  request.cmdline = options.cmdline;
  request.memory_mib = options.memory_mib;
  SEALIFT_TRY(request.customer_data, read_customer_data(options.customer_data));
  request.output = options.out;
  request.tee = options.tee;
  request.seed_file = options.seed;
  request.owner = options.owner;
  return request;
}

/// Where the customer's secret of it is, and what to call that.
std::pair<const char*, const Path*> secret_of(const BuildOptions& options) {
  if (options.tee == image::kSev) return {"owner", &options.owner};
  return {"seed", &options.seed};
}

Status check_secret(const BuildOptions& options) {
  const auto [wanted, path] = secret_of(options);
  const bool both = !options.seed.empty() && !options.owner.empty();
  if (!path->empty() && !both) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("an image for {} takes --{}{}", options.tee, wanted, both ? " alone" : ""),
              fmt::format("--{}", wanted));
}

Status build(const BuildOptions& options, Context& context) {
  SEALIFT_CHECK(check_secret(options));
  SEALIFT_TRY(auto request, build_request(options));
  SEALIFT_TRY(const auto manifest,
              image::build_image(std::move(request), image::Job{context.progress(), cancelled()}));
  auto document = manifest_json(manifest);
  document["image"] = options.out.string();
  const auto [what, secret] = secret_of(options);
  document[options.tee == image::kSev ? "owner" : "seed_file"] = secret->string();
  return context.report(document,
                        fmt::format("Image {} in {}\nits {} in {}: keep it secret\n", manifest.image_id.hex(),
                                    printable(options.out.string()), what, printable(secret->string())));
}

}  // namespace

void declare_image_build(Command& group) {
  auto options = std::make_shared<BuildOptions>();
  group
      .command(
          "build", kImageBuildHelp,
          "sealift image build --root debian.tar --kernel linux-image-cloud-amd64.deb \\\n"
          "  --out image --seed image.seed\n"
          "sealift image build --tee sev --root debian.tar --kernel linux-image-cloud-amd64.deb \\\n"
          "  --out image --owner image.owner\n"
          "sealift image build --tee pef --root ppc64le.tar --kernel kernel --out image --seed image.seed",
          [options](Context& context) { return build(*options, context); })
      .path("--root", options->root, "DIR|TAR|IMG",
            "root file system: a tarball, a directory or an ext4 image", Need::required)
      .path("--kernel", options->kernel, "DEB|FILE",
            "a Debian linux-image package, or a kernel file with --modules", Need::required)
      .choice("--tee", options->tee, {"measured", "pef", "sev"},
              "what protects the guest (default: measured)")
      .choice("--arch", options->arch, {"x86_64", "ppc64le"}, "the guest's processor (default: the TEE's)")
      .path("--modules", options->modules, kDirectory, "its /lib/modules/VERSION directory")
      .text("--cmdline", options->cmdline, kText, "kernel command line (default: one with a serial console)")
      .texts("--customer-data", options->customer_data, "NAME=FILE",
             "a secret file for the guest; may be repeated")
      .path("--out", options->out, kDirectory, "the image, to be made", Need::required)
      .path("--seed", options->seed, kFile, "the image's secret, to be made; not in the image")
      .path("--owner", options->owner, kDirectory,
            "with --tee sev, in place of --seed: what its owner keeps, to be made")
      .number("--memory", options->memory_mib, "MiB of memory for the guest (default: 512)")
      .size("--size", options->size, "size of the root file system (default: what it needs and 64M)")
      .path("--agent", options->agent, kFile,
            "the guest's unlock agent (default: sealift-unlock of this installation)");
}

}  // namespace sealift::cli
