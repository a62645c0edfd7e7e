// SPDX-License-Identifier: Apache-2.0
#include "guest/image/expected_components.h"

#include <fcntl.h>

#include <array>

#include "base/file.h"
#include "guest/image/flat_kernel.h"

namespace sealift::image {
namespace {

constexpr std::array<TeeKind, 3> kKinds{
    {{kMeasured, "x86_64", ""}, {kPef, "ppc64le", "svm=on"}, {kSev, "x86_64", ""}}};

bool has_word(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (text.substr(0, end) == word) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

/// As the guest's memory holds them when it asks for secure mode.
Status measure_for_pef(const std::filesystem::path& kernel, esm::IntegrityInformation& integrity) {
  SEALIFT_TRY(const auto fd, open_file(kernel, O_RDONLY));
  SEALIFT_TRY(const auto flat, flat_kernel_digest(fd.get()));
  if (!flat) return fail(ErrorCode::unsupported, "a pef guest starts from a kernel in ELF", "kernel");
  integrity.kernel = flat->digest;
  integrity.kernel_size = flat->size;
  integrity.rtas = crypto::digest(crypto::HashAlgorithm::sha512, esm::slof_rtas());
  return {};
}

}  // namespace

Result<TeeKind> tee_kind(std::string_view name) {
  for (const auto& kind : kKinds)
    if (kind.name == name) return kind;
  return fail(ErrorCode::invalid_argument, "there is no TEE of that name to build images for", "tee");
}

Status check_tee_cmdline(const TeeKind& tee, std::string_view cmdline) {
  if (tee.kernel_option.empty() || has_word(cmdline, tee.kernel_option)) return {};
  return fail(
      ErrorCode::invalid_argument,
      "without the word \"" + std::string{tee.kernel_option} + "\" the guest does not ask for its TEE",
      "cmdline");
}

Result<esm::IntegrityInformation> expected_components(const Manifest& manifest,
                                                      const std::filesystem::path& kernel) {
  esm::IntegrityInformation integrity{.kernel = manifest.kernel.sha512,
                                      .initrd = manifest.initramfs.sha512,
                                      .bootargs = manifest.cmdline.sha512,
                                      .rtas = std::nullopt,
                                      .kernel_size = std::nullopt};
  if (manifest.tee == kPef) SEALIFT_CHECK(measure_for_pef(kernel, integrity));
  return integrity;
}

}  // namespace sealift::image
