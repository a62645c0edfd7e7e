// SPDX-License-Identifier: Apache-2.0
/// sealift-image-build: what `sealift image build` and `sealift image embed` become.
#include "cli/commands/image.h"

int main(int argc, char** argv) {
  using namespace sealift::cli;
  CommandLine line{"sealift", "Part of sealift.", "sealift image build --help", "sealift " SEALIFT_VERSION};
  auto group = line.root().group("image", "Build images", "sealift image build --help");
  declare_image_build(group);
  declare_image_embed(group);
  return line.run(argc, argv);
}
