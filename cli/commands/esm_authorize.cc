// SPDX-License-Identifier: Apache-2.0
/// sealift esm authorize: who else may open an operand.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands/esm.h"
#include "cli/inputs.h"
#include "cli/operand_file.h"
#include "cli/sealing.h"
#include "formats/describe.h"
#include "formats/ibm_esm/opened.h"
#include "guest/image/image.h"

namespace sealift::cli {
namespace {

using formats::Format;

constexpr std::size_t kPublicKeyLimit = 64UL * 1024;

struct AuthorizeOptions {
  Path file;
  Path out;
  Path seed;                     // sealift
  Path sealed;                   // sealift
  SealingOptions sealing;        // sealift
  Path key;                      // ibm
  std::vector<Path> recipients;  // ibm
  std::string comment;           // ibm

  const Path& destination() const { return out.empty() ? file : out; }
};

Status refuse_foreign_options(const AuthorizeOptions& options, Format format) {
  const auto& sealing = options.sealing;
  const bool sealift_only = !options.seed.empty() || !options.sealed.empty() || !sealing.hosts.empty() ||
                            !sealing.storage_key.empty() || !sealing.pcr.empty() ||
                            !sealing.reference.empty();
  const bool ibm_only = !options.key.empty() || !options.recipients.empty() || !options.comment.empty();
  if (format == Format::ibm_esm && sealift_only) {
    return fail(ErrorCode::invalid_argument, "an ibm,esm operand takes --key and --recipient", "--recipient");
  }
  if (format == Format::sealift_esm_v1 && ibm_only) {
    return fail(ErrorCode::invalid_argument,
                "a sealift,esm-v1 operand takes --seed, and --host or --storage-key", "--seed");
  }
  return {};
}

/// Either what `tpm seal` made, or sealed here.
Result<std::vector<NewTarget>> targets_for(const AuthorizeOptions& options, const esm::Operand& operand) {
  if (!options.sealed.empty()) {
    const auto& sealing = options.sealing;
    if (!options.seed.empty() || !sealing.hosts.empty() || !sealing.pcr.empty() ||
        !sealing.reference.empty() || sealing.storage_key.empty()) {
      return fail(ErrorCode::invalid_argument, "--sealed goes with --storage-key alone", "--sealed");
    }
    SEALIFT_TRY(auto target, read_target(options.sealed, sealing.storage_key));
    std::vector<NewTarget> targets;
    targets.push_back(std::move(target));
    return targets;
  }
  if (options.seed.empty()) {
    return fail(ErrorCode::invalid_argument, "--seed is required, or --sealed", "--seed");
  }
  SEALIFT_TRY(const auto seed, read_seed(options.seed));
  SEALIFT_CHECK(check_seed(operand, seed));
  return make_targets(options.sealing, seed);
}

Status store(const AuthorizeOptions& options, const OperandFile& file, const esm::Operand& operand,
             const std::vector<esm::Target>& targets) {
  if (file.in_initramfs() && options.out.empty()) {  // a few kilobytes of it, in place
    SEALIFT_CHECK(image::seal_initramfs(options.file, targets));
    return {};
  }
  return file.write_with(operand.serialise(), options.destination());
}

Status authorize_hosts(const AuthorizeOptions& options, const OperandFile& file, Context& context) {
  SEALIFT_TRY(auto operand, in_file(options.file, esm::Operand::parse(file.operand())));
  SEALIFT_TRY(const auto made, targets_for(options, operand));
  std::vector<esm::Target> targets;
  for (const auto& target : made) {
    targets.push_back(target.target);
    SEALIFT_CHECK(operand.put_target(target.target));
  }
  SEALIFT_CHECK(store(options, file, operand, targets));
  return context.report(
      Json{{"format", formats::name(Format::sealift_esm_v1)},
           {"file", options.destination().string()},
           {"authorized", targets_json(made)},
           {"targets", operand.targets().size()}},
      fmt::format("Authorised {} host(s); {} may open it now\n", made.size(), operand.targets().size()));
}

Result<std::vector<ibm_esm::Recipient>> read_recipients(const AuthorizeOptions& options) {
  std::vector<ibm_esm::Recipient> recipients;
  for (const auto& path : options.recipients) {
    SEALIFT_TRY(const auto pem, read_file(path, kPublicKeyLimit));
    SEALIFT_TRY(auto recipient, in_file(path, ibm_esm::Recipient::from_pem(pem, options.comment)));
    recipients.push_back(std::move(recipient));
  }
  return recipients;
}

Status authorize_recipients(const AuthorizeOptions& options, const OperandFile& file, Context& context) {
  if (options.key.empty() || options.recipients.empty()) {
    return fail(ErrorCode::invalid_argument, "--key and --recipient are required for an ibm,esm operand",
                "--recipient");
  }
  SEALIFT_TRY(const auto recipients, read_recipients(options));
  SEALIFT_TRY(const auto key, read_private_key(options.key));
  SEALIFT_TRY(auto blob, in_file(options.file, ibm_esm::parse(file.operand())));
  SEALIFT_TRY(auto opened, ibm_esm::OpenedBlob::open(std::move(blob), key));
  auto authorized = Json::array();
  for (const auto& recipient : recipients) {
    SEALIFT_CHECK(opened.authorise(recipient));
    authorized.push_back({{"fingerprint", to_hex(recipient.fingerprint())}});
  }
  const auto lockboxes = opened.blob().lockboxes.size();
  SEALIFT_TRY(const auto bytes, opened.serialise());
  SEALIFT_CHECK(file.write_with(bytes, options.destination()));
  return context.report(
      Json{{"format", formats::name(Format::ibm_esm)},
           {"file", options.destination().string()},
           {"authorized", authorized},
           {"lockboxes", lockboxes}},
      fmt::format("Authorised {} key(s); {} may open it now\n", recipients.size(), lockboxes));
}

Status authorize(const AuthorizeOptions& options, Context& context) {
  SEALIFT_TRY(const auto file, OperandFile::read(options.file));
  SEALIFT_TRY(const auto format, in_file(options.file, formats::format_of(file.operand())));
  SEALIFT_CHECK(refuse_foreign_options(options, format));
  return format == Format::ibm_esm ? authorize_recipients(options, file, context)
                                   : authorize_hosts(options, file, context);
}

}  // namespace

void declare_esm_authorize(Command& group) {
  auto options = std::make_shared<AuthorizeOptions>();
  auto command = group.command(
      "authorize", "Let one more host, or one more key, open an operand",
      "sealift esm authorize vm.esm --seed image.seed --storage-key parent.pub --pcr sha256:6=5e…c1\n"
      "sealift esm authorize vm.esm --storage-key parent.pub --sealed DIR-of-tpm-seal\n"
      "sealift esm authorize vm.esm --key owner.pem --recipient other-public.pem",
      [options](Context& context) { return authorize(*options, context); });
  command
      .path("FILE", options->file, kFile, "an operand, or an initramfs that starts with one", Need::required)
      .path("--out", options->out, kFile, "write there instead of changing FILE")
      .path("--seed", options->seed, kFile, "sealift,esm-v1: the image's seed")
      .path("--sealed", options->sealed, kDirectory,
            "sealift,esm-v1: instead of --seed, what tpm seal made for --storage-key");
  declare_sealing(command, options->sealing);
  command.path("--key", options->key, "PEM", "ibm,esm: private key of one who may open it")
      .paths("--recipient", options->recipients, "PEM",
             "ibm,esm: public key to be authorised; may be repeated")
      .text("--comment", options->comment, kText, "ibm,esm: shown with the lockbox, not authenticated");
}

}  // namespace sealift::cli
