// SPDX-License-Identifier: Apache-2.0
/// Keys and upload states: what is taken is written the same, and no key leads out of the store.
#include <cstdlib>
#include <filesystem>

#include "objects/upload_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift::objects;
  const auto text = sealift::as_text({data, size});
  if (const auto key = ObjectKey::parse(text)) {
    const std::filesystem::path path{key->text()};
    if (key->text() != text || path.is_absolute() || path.lexically_normal() != path) std::abort();
  }
  if (const auto state = UploadState::parse(text); state && state->to_text() != text) std::abort();
  return 0;
}
