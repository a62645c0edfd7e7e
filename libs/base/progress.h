// SPDX-License-Identifier: Apache-2.0
/// How far a long piece of work has come. The library reports, the CLI draws.
#pragma once

#include <cstdint>
#include <string_view>

namespace sealift {

class Progress {
 public:
  virtual ~Progress() = default;
  /// A step begins; `total` is in bytes, 0 where it is not known.
  virtual void start(std::string_view step, std::uint64_t total) = 0;
  virtual void advance(std::uint64_t bytes) = 0;
  virtual void finish() = 0;
};

class NoProgress final : public Progress {
 public:
  void start(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {}
  void finish() override {}
};

}  // namespace sealift
