// SPDX-License-Identifier: Apache-2.0
/// sealift esm make: an operand for components that are there already.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands/esm.h"
#include "cli/inputs.h"
#include "cli/measuring.h"
#include "cli/seed_file.h"
#include "formats/cpio/head.h"
#include "formats/esm/operand.h"
#include "formats/ibm_esm/opened.h"

namespace sealift::cli {
namespace {

using formats::Format;

constexpr std::size_t kPublicKeyLimit = 64UL * 1024;
constexpr std::size_t kAttachmentLimit = 1024UL * 1024;

struct MakeOptions {
  std::string format = "sealift";
  ComponentFiles components;
  Path out;
  bool head = false;
  Path seed;                               // sealift
  std::string image_id;                    // sealift
  std::vector<std::string> customer_data;  // sealift
  std::uint64_t reserve = esm::kDefaultReservedSize;
  Path recipient;                        // ibm
  std::string comment;                   // ibm
  std::vector<std::string> attachments;  // ibm
};

Status refuse_foreign_options(const MakeOptions& options, Format format) {
  const bool sealift_only = !options.seed.empty() || !options.image_id.empty() ||
                            !options.customer_data.empty() || options.reserve != esm::kDefaultReservedSize;
  const bool ibm_only =
      !options.recipient.empty() || !options.comment.empty() || !options.attachments.empty();
  if (format == Format::ibm_esm && sealift_only) {
    return fail(ErrorCode::invalid_argument,
                "--seed, --image-id, --customer-data and --reserve are for --format sealift", "--format");
  }
  if (format == Format::sealift_esm_v1 && ibm_only) {
    return fail(ErrorCode::invalid_argument, "--recipient, --comment and --file are for --format ibm",
                "--format");
  }
  return {};
}

Status write_operand(const MakeOptions& options, ByteView operand) {
  if (!options.head) return write_file(options.out, operand);
  SEALIFT_TRY(const auto head, cpio::make_head(operand));
  return write_file(options.out, head);
}

Status make_sealift(const MakeOptions& options, Context& context) {
  if (options.seed.empty()) {
    return fail(ErrorCode::invalid_argument, "--seed is required for --format sealift", "--seed");
  }
  auto image_id = esm::ImageId::random();
  if (!options.image_id.empty()) {
    SEALIFT_TRY(image_id, esm::ImageId::from_hex(options.image_id));
  }
  SEALIFT_TRY(const auto customer_data, read_customer_data(options.customer_data));
  SEALIFT_TRY(const auto integrity, measure(options.components, Format::sealift_esm_v1, context.progress()));
  SEALIFT_TRY(auto seed, SeedFile::read_or_create(options.seed));
  SEALIFT_TRY(const auto operand,
              esm::make(seed.seed(), image_id, integrity, customer_data, options.reserve));
  SEALIFT_CHECK(write_operand(options, operand.serialise()));
  seed.keep();
  return context.report(
      Json{{"format", formats::name(Format::sealift_esm_v1)},
           {"image_id", image_id.hex()},
           {"file", options.out.string()},
           {"seed_file", options.seed.string()}},
      fmt::format("Operand of image {} in {}\nits seed in {}: keep it secret\n", image_id.hex(),
                  printable(options.out.string()), printable(options.seed.string())));
}

Status attach_all(ibm_esm::OpenedBlob& blob, const std::vector<std::string>& attachments) {
  for (const auto& attachment : attachments) {
    SEALIFT_TRY(const auto assignment, split_assignment(attachment, "--file"));
    SEALIFT_TRY(const auto content, read_secret_file(assignment.second, kAttachmentLimit));
    SEALIFT_CHECK(blob.attach(assignment.first, content.expose()));
  }
  return {};
}

Status make_ibm(const MakeOptions& options, Context& context) {
  if (options.recipient.empty()) {
    return fail(ErrorCode::invalid_argument, "--recipient is required for --format ibm", "--recipient");
  }
  SEALIFT_TRY(const auto pem, read_file(options.recipient, kPublicKeyLimit));
  SEALIFT_TRY(const auto origin,
              in_file(options.recipient, ibm_esm::Recipient::from_pem(pem, options.comment)));
  SEALIFT_TRY(auto integrity, measure(options.components, Format::ibm_esm, context.progress()));
  if (!integrity.rtas) {
    integrity.rtas = crypto::digest(crypto::HashAlgorithm::sha512, esm::slof_rtas());
  }
  SEALIFT_TRY(auto blob, ibm_esm::OpenedBlob::make(origin));
  SEALIFT_CHECK(blob.set_integrity(integrity));
  SEALIFT_CHECK(attach_all(blob, options.attachments));
  SEALIFT_TRY(const auto bytes, blob.serialise());
  SEALIFT_CHECK(write_operand(options, bytes));
  return context.report(Json{{"format", formats::name(Format::ibm_esm)},
                             {"file", options.out.string()},
                             {"fingerprint", to_hex(origin.fingerprint())}},
                        fmt::format("Operand for the key {} in {}\n", to_hex(origin.fingerprint()),
                                    printable(options.out.string())));
}

Status make(const MakeOptions& options, Context& context) {
  const auto format = options.format == "ibm" ? Format::ibm_esm : Format::sealift_esm_v1;
  SEALIFT_CHECK(refuse_foreign_options(options, format));
  return format == Format::ibm_esm ? make_ibm(options, context) : make_sealift(options, context);
}

}  // namespace

void declare_esm_make(Command& group) {
  auto options = std::make_shared<MakeOptions>();
  group
      .command("make", "Make an operand for a kernel, an initramfs and a command line",
               "sealift esm make --kernel vmlinuz --initramfs initrd.img --cmdline console=ttyS0 \\\n"
               "  --customer-data passphrase=secret.txt --seed image.seed --head --out head.cpio\n"
               "sealift esm make --format ibm --kernel vmlinux --initramfs initrd.img --cmdline svm=on \\\n"
               "  --recipient owner-public.pem --out vm.esm",
               [options](Context& context) { return make(*options, context); })
      .choice("--format", options->format, {"sealift", "ibm"}, "sealift,esm-v1 (default) or ibm,esm")
      .path("--kernel", options->components.kernel, kFile, "the kernel (ibm: of an ELF its flat binary)",
            Need::required)
      .path("--initramfs", options->components.initramfs, kFile,
            "the initramfs; a head archive with an operand does not count", Need::required)
      .text("--cmdline", options->components.cmdline, kText, "the kernel command line", Need::required)
      .path("--rtas", options->components.rtas, kFile, "the RTAS code (ibm: QEMU's where not given)")
      .path("--out", options->out, kFile, "the operand", Need::required)
      .flag("--head", options->head, "write it as the archive that goes in front of an initramfs")
      .path("--seed", options->seed, kFile, "sealift: the image's seed, 32 bytes; made where it is missing")
      .text("--image-id", options->image_id, kHex, "sealift: 16 bytes (default: random)")
      .texts("--customer-data", options->customer_data, "NAME=FILE",
             "sealift: a secret for the guest; the first is the root disk's passphrase; may be repeated")
      .size("--reserve", options->reserve, "sealift: size of the operand, room for targets (default: 32K)")
      .path("--recipient", options->recipient, "PEM", "ibm: public key of the owner")
      .text("--comment", options->comment, kText, "ibm: shown with the owner's lockbox, not authenticated")
      .texts("--file", options->attachments, "NAME=FILE", "ibm: attach an encrypted file; may be repeated");
}

}  // namespace sealift::cli
