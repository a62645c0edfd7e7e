// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/launch_secret.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "guest/agent/console.h"
#include "guest/agent/launch_secret_wire.h"

namespace sealift::guest {
namespace {

// Linux: drivers/virt/coco/efi_secret. A file per entry, named by its GUID; removing it wipes the entry.
constexpr const char* kSecurityFs = "/sys/kernel/security";
constexpr const char* kDiskKeyFile = "/sys/kernel/security/secrets/coco/736869e5-84f0-4973-92ec-06879ce3da0b";
constexpr const char* kDataFile = "/sys/kernel/security/secrets/coco/40dbf8ec-a6a0-431c-b67b-c1253b583b46";

constexpr std::size_t kPage = 4096;
/// The last page below 4 GiB: the firmware's end, with its table.
constexpr off_t kFirmwareEnd = 0xFFFFF000;

/// What is at a physical address, as long as this object lives.
class PhysicalMemory {
 public:
  PhysicalMemory(int memory, off_t address, std::size_t size, int protection)
      : into_page_{static_cast<std::size_t>(address) % kPage}, size_{size} {
    const auto page = address - static_cast<off_t>(into_page_);
    map_ = mmap(nullptr, into_page_ + size, protection, MAP_SHARED, memory, page);
    if (map_ == MAP_FAILED) give_up("cannot map the firmware's memory", "", errno);
  }
  PhysicalMemory(const PhysicalMemory&) = delete;
  PhysicalMemory& operator=(const PhysicalMemory&) = delete;
  PhysicalMemory(PhysicalMemory&&) = delete;
  PhysicalMemory& operator=(PhysicalMemory&&) = delete;
  ~PhysicalMemory() { munmap(map_, into_page_ + size_); }
  std::span<std::uint8_t> bytes() const { return {static_cast<std::uint8_t*>(map_) + into_page_, size_}; }

 private:
  std::size_t into_page_;
  std::size_t size_;
  void* map_;
};

SecretArea area_of_firmware(int memory) {
  const PhysicalMemory end{memory, kFirmwareEnd, kPage, PROT_READ};
  std::uint8_t copy[kPage];
  std::memcpy(copy, end.bytes().data(), kPage);
  SecretArea area;
  if (!find_secret_area(copy, area)) give_up("this machine's firmware keeps no room for a launch secret");
  return area;
}

/// Moves the area into `data`: nothing of it stays where it was.
std::span<const std::uint8_t> take_area(ReceivedData& data) {
  const int memory = open("/dev/mem", O_RDWR | O_CLOEXEC);
  if (memory < 0) give_up("cannot open /dev/mem", "", errno);
  const auto area = area_of_firmware(memory);
  const PhysicalMemory reserved{memory, area.base, area.size, PROT_READ | PROT_WRITE};
  close(memory);
  const auto copy = data.allocate(area.size);
  std::memcpy(copy.data(), reserved.bytes().data(), copy.size());
  explicit_bzero(reserved.bytes().data(), reserved.bytes().size());
  return copy;
}

/// The file's bytes into `room`, and the file away; none where there is no such file.
std::span<const std::uint8_t> take_file(const char* path, std::span<std::uint8_t> room) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const auto size = read(fd, room.data(), room.size());
  close(fd);
  unlink(path);
  if (size < 0) give_up("cannot read ", path, errno);
  return room.first(static_cast<std::size_t>(size));
}

void add_all(ReceivedData& data, std::span<const std::uint8_t> disk_key,
             std::span<const std::uint8_t> message) {
  if (disk_key.empty()) give_up("the launch secret holds no key for the root disk");
  if (!message.empty()) {
    WireReader reader;
    if (message.size() < kMessageHeaderSize || !reader.read_header(message.first(kMessageHeaderSize)) ||
        !data.add_message(reader, message.subspan(kMessageHeaderSize)))
      give_up("the launch secret's customer data are malformed");
  }
  if (!data.add({kRootPassphraseName, disk_key})) give_up("the launch secret holds too many customer data");
}

}  // namespace

void receive_launch_secret(ReceivedData& data) {
  // A kernel without it says so by having no such files.
  mount("securityfs", kSecurityFs, "securityfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  if (access(kDiskKeyFile, F_OK) == 0) {
    const auto room = data.allocate(2 * kMaxSecretAreaSize);
    const auto key = take_file(kDiskKeyFile, room.first(kMaxSecretAreaSize));
    add_all(data, key, take_file(kDataFile, room.subspan(kMaxSecretAreaSize)));
    return;
  }
  const auto area = take_area(data);
  add_all(data, find_secret(area, kDiskKeyGuid), find_secret(area, kCustomerDataGuid));
}

}  // namespace sealift::guest
