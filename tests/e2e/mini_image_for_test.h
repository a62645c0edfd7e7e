// SPDX-License-Identifier: Apache-2.0
/// An image whose guest is a hundred bytes: it says a line on its console and then waits. A launch of it
/// takes all the steps that a launch takes, without the seconds of a Linux boot.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "formats/esm/image_id.h"

namespace sealift::e2e {

class MiniImage {
 public:
  /// Writes DIRECTORY/image and DIRECTORY/seed, with a seed, a passphrase and an id of its own.
  explicit MiniImage(const std::filesystem::path& directory, std::string_view says = "hello\n");

  std::string directory() const { return (directory_ / "image").string(); }
  std::string seed_file() const { return (directory_ / "seed").string(); }
  const std::string& id() const { return id_; }
  const std::string& cmdline() const { return cmdline_; }
  const Bytes& kernel() const { return kernel_; }
  /// What follows the head archive.
  const Bytes& initramfs_body() const { return body_; }
  const Bytes& seed() const { return seed_; }
  /// Seed and passphrase: what nobody in between may ever see.
  const std::vector<Bytes>& secrets() const { return secrets_; }

 private:
  std::filesystem::path directory_;
  std::string id_;
  std::string cmdline_;
  Bytes kernel_;
  Bytes body_;
  Bytes seed_;
  std::vector<Bytes> secrets_;
};

}  // namespace sealift::e2e
