// SPDX-License-Identifier: Apache-2.0
/// A guest in QEMU for tests, with the host's side of its customer data port in the test's hands.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/process.h"
#include "base/secret.h"

namespace sealift::image {

class GuestMachineForTest {
 public:
  /// Starts the kernel, initramfs and command line of an image directory, with `disk` as the root disk
  /// (changes are thrown away).
  static Result<GuestMachineForTest> start(const std::filesystem::path& image,
                                           const std::filesystem::path& disk);

  /// Waits for the guest's hello, sends `message`, and gives its answer, one byte.
  Result<std::uint8_t> hand_over(ByteView message);
  /// Reads the console until `text` is on it. timeout after 100 seconds, guest_failed where the guest ended
  /// without it.
  Status await_console(const std::string& text);
  /// Reads the console until the guest switches itself off.
  Status await_end();
  const std::string& console() const noexcept { return console_text_; }

 private:
  GuestMachineForTest(Child child, UniqueFd port, UniqueFd console)
      : child_{std::move(child)}, port_{std::move(port)}, console_{std::move(console)} {}
  /// False at the end.
  Result<bool> read_console();
  Result<std::uint8_t> read_port();

  Child child_;
  UniqueFd port_;
  UniqueFd console_;
  std::string console_text_;
  std::chrono::steady_clock::time_point deadline_ =
      std::chrono::steady_clock::now() + std::chrono::seconds{100};
};

}  // namespace sealift::image
