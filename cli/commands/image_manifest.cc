// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "cli/commands/image.h"

namespace sealift::cli {
namespace {

Json component_json(const char* file, const image::Component& component) {
  return {{"file", file}, {"size", component.size}, {"sha512", to_hex(component.sha512.view())}};
}

}  // namespace

Json manifest_json(const image::Manifest& manifest) {
  return {
      {"image_id", manifest.image_id.hex()},
      {"arch", manifest.arch},
      {"tee", manifest.tee},
      {"luks_uuid", manifest.luks_uuid},
      {"memory_mib", manifest.memory_mib},
      {"components",
       {component_json("kernel", manifest.kernel), component_json("initramfs", manifest.initramfs),
        component_json("cmdline", manifest.cmdline), component_json("rootdisk.luks", manifest.root_disk)}}};
}

}  // namespace sealift::cli
