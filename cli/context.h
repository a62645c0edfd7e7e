// SPDX-License-Identifier: Apache-2.0
/// What every command is given: whom it talks to, and how.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/progress.h"
#include "cli/output.h"

namespace sealift::cli {

class Context {
 public:
  Context() = default;

  /// One JSON document instead of text: set by --json.
  bool json = false;

  /// Draws on standard error; nothing with --json.
  Progress& progress();

  /// For people "✓ text", green on a terminal; nothing with --json.
  Status tick(std::string_view text) const;
  /// The document with --json, else the text.
  Status report(const Json& document, std::string_view text) const;

 private:
  std::unique_ptr<Progress> progress_;
};

/// Whether to colour what goes to `fd`: a terminal, and neither NO_COLOR nor TERM=dumb.
bool is_colourful(int fd);

}  // namespace sealift::cli
