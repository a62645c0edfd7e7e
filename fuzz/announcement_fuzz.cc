// SPDX-License-Identifier: Apache-2.0
// What a tenant announces of an image, raw and as edits of a genuine announcement; and what the front end
// kept of it. What is accepted keeps the bounds that uploads rely on.
#include <cstdlib>

#include "fuzz/patched.h"
#include "objects/object_store.h"
#include "services/frontend/domain/announcement.h"
#include "services/frontend/domain/image_for_test.h"

namespace {

using namespace sealift;

Bytes serialised(const google::protobuf::Message& message) {
  return to_bytes(as_bytes(message.SerializeAsString()));
}

const Bytes& genuine() {
  static const auto kBytes = serialised(frontend::ImageForTest{1}.announcement());
  return kBytes;
}

void announce(ByteView bytes) {
  v1::CreateImageRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const auto announced = frontend::read_announcement(request);
  if (!announced) return;
  for (const auto& file : announced->files) {
    if (file.sha512.size() != 64 || file.size == 0 || file.size > objects::kMaxObjectSize) std::abort();
  }
  const auto kept = frontend::read_document(serialised(frontend::to_document(request)));
  if (!kept || !frontend::is_same_image(*kept, request)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input{data + 1, size - 1};
  switch (data[0] % 3) {
    case 0:
      announce(input);
      break;
    case 1:
      static_cast<void>(frontend::read_document(input));
      break;
    default:
      announce(fuzz::patched(genuine(), input));
  }
  return 0;
}
