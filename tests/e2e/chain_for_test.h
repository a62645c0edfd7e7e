// SPDX-License-Identifier: Apache-2.0
/// The whole chain with real processes: an image of a Debian root file system, emulated machines, enrolment,
/// sealing, launching. Made once per test program, as the commands that a user types.
#pragma once

#include <functional>
#include <set>

#include "cli/tool_for_test.h"
#include "formats/cpio/head.h"
#include "formats/esm/operand.h"

namespace sealift::e2e {

using cli::Json;
using Words = std::vector<std::string>;

class Chain {
 public:
  /// The one of this process.
  static Chain& get();

  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  std::string image(const std::string& name = {}) const {
    return name.empty() ? path("image") : path("image/" + name);
  }
  const std::filesystem::path& directory() const { return directory_.path(); }

  /// `sealift dev host WORDS --dir …`, which must succeed.
  Json host(Words words) const;
  /// The same, which must be refused: the error.
  Json host_error(Words words, int exit_status = 1) const;

  /// Evidence shown, challenged, answered: PATH/NAME.host.
  void enrol(const std::string& name) const;
  /// The words of `enrol challenge` for an evidence file.
  Words challenge(const std::string& evidence, const std::string& name) const;
  /// A new machine with approved firmware, on, enrolled, with the image sealed to it.
  std::string sealed_machine();

  /// The words of `dev host run`, with the image's files replaced as `changes` say.
  static Words launch(const std::string& machine, const Words& changes = {});

  /// The image's initramfs with its head archive changed, as a new file.
  std::string with_head(const std::function<void(Bytes&)>& change) const;
  /// The same, where the operand is another one.
  std::string with_operand(const esm::Operand& operand) const;
  esm::Operand operand() const;
  /// A new file that holds `content`.
  std::string file(ByteView content) const;

 private:
  Chain();
  TemporaryDirectory directory_;
  int machines_ = 0;
  mutable int files_ = 0;
};

}  // namespace sealift::e2e
