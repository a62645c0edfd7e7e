// SPDX-License-Identifier: Apache-2.0
// Sealed data into an image that lies in a directory store (adr/0011): read the image's head, insert a
// target, put the launch's head object, durably. For images of 10 MB and of 1 GB in turns, and against one
// write of the same bytes with one fdatasync into a file that is there. Wall time, median of the rounds.
// Goals: the two within 1.2x of each other, 20 ms at most.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "base/file.h"
#include "bench/measure.h"
#include "formats/cpio/head.h"
#include "formats/esm/insertion.h"
#include "formats/esm/samples_for_test.h"
#include "objects/object_store.h"

namespace sealift {
namespace {

using namespace objects;
using namespace bench;

constexpr int kRounds = 101;
constexpr std::uint64_t kSmall = 10ULL * 1000 * 1000;
constexpr std::uint64_t kLarge = 1000ULL * 1000 * 1000;

template <typename Work>
double milliseconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// An image as the store has it: head and root disk.
struct StoredImage {
  ObjectKey head;
  ObjectKey root_disk;
  std::size_t head_size;
};

/// A root disk of `size` bytes, uploaded as a front end does.
ObjectKey upload(ObjectStore& store, std::uint64_t size) {
  Bytes part(kPartSize, static_cast<std::uint8_t>(size >> 20U));
  const auto part_at = [&](std::uint64_t offset) {
    return ByteView{part}.first(static_cast<std::size_t>(std::min<std::uint64_t>(kPartSize, size - offset)));
  };
  crypto::Hasher hasher{crypto::HashAlgorithm::sha512};
  for (std::uint64_t at = 0; at < size; at += kPartSize) hasher.update(part_at(at));
  auto state = must(store.begin(hasher.finish(), size));
  while (!state.complete()) state = must(store.append(state, state.offset, part_at(state.offset)));
  must(store.finish(state));
  return state.key;
}

StoredImage make_image(ObjectStore& store, std::uint64_t size) {
  namespace samples = esm::samples;
  const auto operand =
      must(esm::make(samples::seed(), samples::image_id(), samples::integrity(), samples::customer_data()));
  const auto head = must(cpio::make_head(operand.serialise()));
  const auto key = ObjectKey::content(crypto::digest(crypto::HashAlgorithm::sha512, head));
  must(store.put(key, head));
  return {key, upload(store, size), head.size()};
}

/// Steps 342 of the design for one launch; the bytes of the head object.
Bytes insert(ObjectStore& store, const StoredImage& image, const ObjectKey& launch) {
  const auto bytes = must(store.read(image.head, 0, image.head_size));
  const auto head = must(cpio::read_head([&](std::size_t) -> Result<Bytes> { return bytes; }));
  auto sealed = must(esm::insert_targets(head, std::vector{esm::samples::target(1)}));
  must(store.put(launch, sealed));
  return sealed;
}

void overwrite(int fd, ByteView bytes) {
  must(pwrite_all(fd, bytes, 0));
  if (::fdatasync(fd) != 0) std::abort();
}

void run() {
  const auto directory = must(TemporaryDirectory::create("objects"));
  const auto store = must(open_store("dir:" + directory.path().string()));
  const auto small = make_image(*store, kSmall);
  const auto large = make_image(*store, kLarge);
  const auto floor_file = must(open_file(directory.path() / "floor", O_RDWR | O_CREAT));
  const auto sample = insert(*store, small, must(ObjectKey::head("warm")));
  overwrite(floor_file.get(), sample);
  ::sync();
  std::vector<double> small_times;
  std::vector<double> large_times;
  std::vector<double> floor_times;
  for (int round = 0; round < kRounds; ++round) {
    const auto launch = [round](std::string_view size) {
      return must(ObjectKey::head(fmt::format("{}-{}", size, round)));
    };
    small_times.push_back(milliseconds([&] { insert(*store, small, launch("small")); }));
    large_times.push_back(milliseconds([&] { insert(*store, large, launch("large")); }));
    floor_times.push_back(milliseconds([&] { overwrite(floor_file.get(), sample); }));
  }
  const auto slower = std::max(median(small_times), median(large_times));
  const auto quicker = std::min(median(small_times), median(large_times));
  report("insert sealed data into a stored image of 1 GB, ms", median(large_times), Goal::at_most, 20);
  report("insert sealed data: 10 MB and 1 GB apart, times", slower / quicker, Goal::at_most, 1.2);
  note(fmt::format("over one fdatasync of its {} bytes, times", sample.size()),
       median(large_times) / median(floor_times));
}

}  // namespace
}  // namespace sealift

int main() { sealift::run(); }
