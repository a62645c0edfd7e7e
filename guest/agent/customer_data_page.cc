// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/customer_data_page.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "guest/agent/console.h"
#include "guest/agent/customer_data_wire.h"

namespace sealift::guest {
namespace {

constexpr const char* kProperty = "/proc/device-tree/chosen/sealift,customer-data";
constexpr std::uint64_t kMaxPage = kMessageHeaderSize + kMaxBodySize + 65536;

std::uint64_t be64(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

/// The message's place in this machine's memory.
class CustomerDataPage {
 public:
  /// Whether this machine has one; gives up where its place makes no sense.
  static bool find(CustomerDataPage& page);
  CustomerDataPage() = default;
  CustomerDataPage(const CustomerDataPage&) = delete;
  CustomerDataPage& operator=(const CustomerDataPage&) = delete;
  ~CustomerDataPage();

  /// The next bytes, all of `bytes`; gives up where the page ends before.
  void read(std::span<std::uint8_t> bytes);
  /// Zeros over all of it: nobody reads them again.
  void wipe();

 private:
  int memory_ = -1;
  std::uint64_t address_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t read_ = 0;
};

bool CustomerDataPage::find(CustomerDataPage& page) {
  const int property = open(kProperty, O_RDONLY | O_CLOEXEC);
  if (property < 0) return false;
  std::array<std::uint8_t, 17> place{};
  const auto size = ::read(property, place.data(), place.size());
  close(property);
  page.address_ = be64(place.data());
  page.size_ = be64(place.data() + 8);
  if (size != 16 || page.address_ > INT64_MAX / 2 || page.size_ > kMaxPage)
    give_up("the device tree's place of the customer data makes no sense");
  page.memory_ = open("/dev/mem", O_RDWR | O_CLOEXEC);
  if (page.memory_ < 0) give_up("cannot open ", "/dev/mem", errno);
  return true;
}

CustomerDataPage::~CustomerDataPage() {
  if (memory_ >= 0) close(memory_);
}

void CustomerDataPage::read(std::span<std::uint8_t> bytes) {
  if (bytes.size() > size_ - read_) give_up("the customer data end early");
  while (!bytes.empty()) {
    const auto got = pread(memory_, bytes.data(), bytes.size(), static_cast<off_t>(address_ + read_));
    if (got <= 0) give_up("cannot read the customer data", "", errno);
    read_ += static_cast<std::uint64_t>(got);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

void CustomerDataPage::wipe() {
  static constexpr std::array<std::uint8_t, 4096> kZeros{};
  for (std::uint64_t done = 0; done < size_;) {
    const auto count = std::min<std::uint64_t>(kZeros.size(), size_ - done);
    const auto written = pwrite(memory_, kZeros.data(), count, static_cast<off_t>(address_ + done));
    if (written <= 0) give_up("cannot wipe the customer data", "", errno);
    done += static_cast<std::uint64_t>(written);
  }
}

}  // namespace

bool receive_from_page(ReceivedData& data) {
  CustomerDataPage page;
  if (!CustomerDataPage::find(page)) return false;
  std::array<std::uint8_t, kMessageHeaderSize> header{};
  page.read(header);
  WireReader reader;
  if (!reader.read_header(header)) give_up("the page for customer data holds something else");
  const auto body = data.allocate(reader.body_size());
  page.read(body);
  if (!data.add_message(reader, body)) give_up("the customer data are malformed");
  page.wipe();
  return true;
}

}  // namespace sealift::guest
