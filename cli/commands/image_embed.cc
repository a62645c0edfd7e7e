// SPDX-License-Identifier: Apache-2.0
/// sealift image embed.
#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands/image.h"
#include "cli/inputs.h"
#include "cli/operand_file.h"
#include "guest/image/wrapped_kernel.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kMaxWrapper = 256U << 20U;
constexpr std::size_t kMaxInitramfs = 1U << 30U;

struct EmbedOptions {
  Path kernel;
  Path operand;
  Path out;
  Path rest;
};

/// What follows the head archive: the kernel has the operand now.
Status write_rest(const EmbedOptions& options) {
  SEALIFT_TRY(const auto fd, open_file(options.operand, O_RDONLY));
  SEALIFT_TRY(const auto start, initramfs_rest(fd.get()));
  SEALIFT_TRY(const auto whole, read_file(options.operand, kMaxInitramfs));
  return write_file(options.rest, ByteView{whole}.subspan(std::min<std::uint64_t>(start, whole.size())));
}

Status embed(const EmbedOptions& options, Context& context) {
  SEALIFT_TRY(const auto operand, OperandFile::read(options.operand));
  if (!options.rest.empty() && !operand.in_initramfs()) {
    return fail(ErrorCode::invalid_argument, "--initramfs-out goes with an operand that is in an initramfs",
                "--initramfs-out");
  }
  SEALIFT_TRY(const auto wrapper, read_file(options.kernel, kMaxWrapper));
  SEALIFT_TRY(const auto changed, in_file(options.kernel, image::with_operand(wrapper, operand.operand())));
  SEALIFT_CHECK(write_file(options.out, changed));
  if (!options.rest.empty()) SEALIFT_CHECK(write_rest(options));
  Json document{{"kernel", options.out.string()}, {"operand_size", operand.operand().size()}};
  if (!options.rest.empty()) document["initramfs"] = options.rest.string();
  return context.report(document, fmt::format("The operand is in {}\n", printable(options.out.string())));
}

}  // namespace

void declare_image_embed(Command& group) {
  auto options = std::make_shared<EmbedOptions>();
  group
      .command("embed", kImageEmbedHelp,
               "sealift image embed --kernel zImage --operand image/initramfs --out zImage.esm \\\n"
               "  --initramfs-out initramfs",
               [options](Context& context) { return embed(*options, context); })
      .path("--kernel", options->kernel, kFile, "a zImage with a section .kernel:esm_blob", Need::required)
      .path("--operand", options->operand, kFile, "an operand, or an initramfs that starts with one",
            Need::required)
      .path("--out", options->out, kFile, "the zImage with the operand", Need::required)
      .path("--initramfs-out", options->rest, kFile, "the initramfs without it");
}

}  // namespace sealift::cli
