// SPDX-License-Identifier: Apache-2.0
// From a customer's consent to the guest's first instruction, through every service of a real cloud (sealift
// dev up: image cached on the host, host enrolled, sealed data made before), against QEMU started by itself
// with the same arguments and files. The guest's first instruction prints a byte. In turns, wall time, the
// median of the differences; and what the cloud's processes spend on one launch.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "base/process.h"
#include "bench/measure.h"
#include "crypto/random.h"
#include "guest/image/build.h"
#include "guest/image/samples_for_test.h"
#include "rpc/client.h"
#include "rpc/pki.h"
#include "sealift/v1/launches.pb.h"
#include "services/ultravisor/adapters/qemu.h"

namespace sealift {
namespace {

namespace fs = std::filesystem;
using namespace bench;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

constexpr int kPairs = 15;
constexpr std::size_t kKernelSize = 14U << 20U;  // as Debian's kernel for clouds has
constexpr std::size_t kAgentSize = 13U << 20U;   // the initramfs is little more, as with Debian's modules
constexpr std::uint32_t kMemoryMib = 128;
constexpr auto kPatience = std::chrono::seconds{60};

[[noreturn]] void give_up(const std::string& what) { bench::give_up({ErrorCode::internal, what, {}, {}}); }

/// A bzImage whose first instructions write one byte to the serial port and halt.
Bytes make_kernel() {
  auto kernel = image::make_kernel_image("6.1.0-1-bench");
  const auto put = [&](std::size_t at, std::initializer_list<std::uint8_t> bytes) {
    std::ranges::copy(bytes, kernel.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(0x1f1, {4});                           // setup sectors
  put(0x200, {0xeb, 0x66});                  // jmp 0x268
  put(0x206, {0x0c, 0x02});                  // boot protocol 2.12
  put(0x211, {0x01});                        // the kernel proper goes above 1 MiB
  put(0x22c, {0xff, 0xff, 0xff, 0x7f});      // so may the initramfs
  put(0x268, {0xba, 0xf8, 0x03, 0xb0, 0x21,  // mov dx, 0x3f8; mov al, '!'
              0xee, 0xf4, 0xeb, 0xfd});      // out dx, al; hlt; jmp -1
  const auto used = kernel.size();
  kernel.resize(kKernelSize);
  crypto::fill_random(std::span{kernel}.subspan(used));
  return kernel;
}

void make_image(const fs::path& directory) {
  image::make_kernel_tree(directory / "kernel", "6.1.0-1-bench");
  image::put(directory / "kernel/boot/vmlinuz-6.1.0-1-bench", make_kernel());
  auto agent = image::make_elf({.interpreter = "", .needed = {}, .modinfo = {}});
  agent.resize(kAgentSize);
  image::put(directory / "agent", agent);
  image::put(directory / "root.tar", image::make_tar(image::root_tree()));
  image::BuildRequest request;
  request.root = directory / "root.tar";
  request.kernel.package = directory / "kernel";
  request.agent = directory / "agent";
  request.output = directory / "image";
  request.seed_file = directory / "seed";
  request.memory_mib = kMemoryMib;
  image::QuietJob quiet;
  must(image::build_image(std::move(request), quiet.job()));
}

std::string program(const char* name) { return fs::read_symlink("/proc/self/exe").parent_path() / name; }

/// The whole cloud, as long as this lives.
class Cloud {
 public:
  explicit Cloud(const fs::path& directory) : directory_{directory} {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe");
    const UniqueFd reading{ends[0]};
    UniqueFd writing{ends[1]};
    Command command;
    command.argv = {program("sealift"), "dev", "up", "--dir", directory_, "--hosts", "1", "--json"};
    command.stdout_fd = writing.get();
    child_ = must(spawn(command));
    writing.reset();
    std::string line;
    for (char c = 0; ::read(reading.get(), &c, 1) == 1 && c != '\n';) line += c;
    description_ = Json::parse(line, nullptr, false);
    if (!description_.is_object()) give_up("the cloud does not come up");
  }
  Cloud(const Cloud&) = delete;
  Cloud& operator=(const Cloud&) = delete;
  ~Cloud() {
    child_->signal(SIGTERM);
    (void)child_->wait(kPatience);
  }

  const Json& description() const { return description_; }
  std::string text(const char* key) const { return description_.value(key, ""); }

  std::unique_ptr<rpc::Channel> as_tenant() const {
    const auto credentials =
        must(rpc::Credentials::load(must(rpc::credential_files(directory_ / "credentials/tenant-acme"))));
    return must(
        rpc::Channel::create({.address = text("frontend"),
                              .credentials = credentials,
                              .server = {credentials->identity().trust_domain, rpc::Role::frontend, {}}}));
  }
  /// CPU seconds of its services so far.
  double cpu_seconds() const {
    double sum = 0;
    for (const auto& entry : fs::directory_iterator{"/proc"}) {
      const auto id = entry.path().filename().string();
      if (id.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream file{entry.path() / "cmdline"};
      const std::string cmdline{std::istreambuf_iterator<char>{file}, {}};
      const bool is_service = cmdline.find("sealift-") < cmdline.find('\0') || cmdline.starts_with("swtpm");
      if (is_service && cmdline.find(directory_.string()) != std::string::npos)
        sum += cpu_seconds_of(static_cast<pid_t>(std::stol(id)));
    }
    return sum;
  }
  fs::path console(const std::string& launch_id) const {
    return directory_ / "agents/host-1/instances" / (launch_id + ".1") / "console";
  }

 private:
  fs::path directory_;
  std::optional<Child> child_;
  Json description_;
};

bool has_bytes(const fs::path& file) {
  struct stat status{};
  return ::stat(file.c_str(), &status) == 0 && status.st_size > 0;
}

/// Looks every so often until `holds`.
template <typename Holds>
void await(const char* what, Holds holds) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) give_up(fmt::format("waited too long for {}", what));
    std::this_thread::sleep_for(std::chrono::microseconds{500});
  }
}

class Customer {
 public:
  Customer(const Cloud& cloud, std::string image_id)
      : cloud_{cloud}, frontend_{cloud.as_tenant()}, image_id_{std::move(image_id)} {}

  /// Seconds from the consent to the guest's first instruction.
  double launch() {
    v1::GetQuoteRequest asked;
    asked.set_image_id(image_id_);
    const auto quote = must(call<v1::Quote>("GetQuote", asked));
    v1::CreateLaunchRequest request;
    request.set_quote_id(quote.quote_id());
    request.set_idempotency_key(quote.quote_id());
    request.set_key_model(v1::KEY_MODEL_BRING);
    const auto start = wall_seconds();
    const auto launch = must(call<v1::Launch>("CreateLaunch", request));
    await("a guest", [&] { return has_bytes(cloud_.console(launch.launch_id())); });
    const auto took = wall_seconds() - start;
    launch_id_ = launch.launch_id();
    return took;
  }
  /// Ends what launch() started.
  void stop() {
    v1::StopLaunchRequest stop;
    stop.set_launch_id(launch_id_);
    must(call<v1::Launch>("StopLaunch", stop));
    v1::GetLaunchRequest get;
    get.set_launch_id(launch_id_);
    await("a guest's end",
          [&] { return must(call<v1::Launch>("GetLaunch", get)).state() == v1::Launch::STATE_ENDED; });
  }

 private:
  template <typename Response, typename Request>
  Result<Response> call(const char* method, const Request& request) {
    return frontend_->call<Response>(std::string{"sealift.v1.LaunchService."} + method, request);
  }

  const Cloud& cloud_;
  std::unique_ptr<rpc::Channel> frontend_;
  std::string image_id_;
  std::string launch_id_;
};

/// Uploads the image, gives the security module its seed and lets it meet the host: all that comes once.
void first_launch(const Cloud& cloud, const fs::path& directory, const fs::path& cloud_directory) {
  Command command;
  command.argv = {program("sealift"),
                  "launch",
                  (directory / "image").string(),
                  "--seed",
                  directory / "seed",
                  "--root",
                  cloud.text("root"),
                  "--intermediate",
                  cloud.text("intermediate"),
                  "--reference",
                  cloud.text("reference"),
                  "--yes",
                  "--json",
                  "--cloud",
                  cloud_directory / "acme.json"};
  const auto output = must(run_checked(command)).out;
  const auto at = output.find("\"launch_id\":");
  if (at == std::string::npos) give_up("the first launch fails");
}

/// Seconds to the first instruction of QEMU with the image's own files.
double bare_start(const fs::path& image, const fs::path& overlay) {
  int port[2];
  int console[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port) != 0 || ::pipe2(console, O_CLOEXEC) != 0)
    give_up("cannot make a console");
  const UniqueFd ends[] = {UniqueFd{port[0]}, UniqueFd{port[1]}, UniqueFd{console[0]}, UniqueFd{console[1]}};
  const auto kernel = must(open_file(image / "kernel", O_RDONLY));
  const auto initramfs = must(open_file(image / "initramfs", O_RDONLY));
  const auto root_disk = must(open_file(image / "rootdisk.luks", O_RDONLY));
  const auto disk = must(open_file(overlay, O_RDWR));
  const auto none = must(ultravisor::PinnedFile::pin({}, 0, "nothing"));
  Command command;
  command.argv =
      ultravisor::qemu_arguments({}, {"bare", none, none, "console=ttyS0", kMemoryMib, 1, -1, -1, -1});
  command.fds = {
      {kernel.get(), 3}, {initramfs.get(), 4}, {root_disk.get(), 5}, {disk.get(), 6}, {port[1], 7}};
  command.stdout_fd = console[1];
  command.stderr_fd = STDERR_FILENO;
  const auto start = wall_seconds();
  const auto child = must(spawn(command));
  pollfd ready{console[0], POLLIN, 0};
  if (::poll(&ready, 1, 60'000) != 1) give_up("QEMU by itself runs no guest");
  return wall_seconds() - start;
}

void bench_launches() {
  const auto directory = must(TemporaryDirectory::create("sealift-bench"));
  const auto& here = directory.path();
  make_image(here);
  const auto overlay = here / "overlay.qcow2";
  must(run_checked({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", overlay, "512M"}}));
  const auto cloud_directory = here / "cloud";
  const Cloud cloud{cloud_directory};
  first_launch(cloud, here, cloud_directory);
  const auto manifest = Json::parse(image::text_of(here / "image/manifest.json"));
  Customer customer{cloud, manifest.value("image_id", "")};
  std::vector<double> bare;
  std::vector<double> through;
  std::vector<double> more;
  std::vector<double> cpu;
  for (int pair = 0; pair < kPairs; ++pair) {
    bare.push_back(bare_start(here / "image", overlay) * 1e3);
    const auto before = cloud.cpu_seconds();
    through.push_back(customer.launch() * 1e3);
    cpu.push_back((cloud.cpu_seconds() - before) * 1e3);
    customer.stop();
    more.push_back(through.back() - bare.back());
  }
  report("launch: request to first instruction over bare QEMU, wall ms more", median(more), Goal::at_most,
         25);
  note("the worst of ten", quantile(more, 0.9));
  note("QEMU by itself, wall ms", median(bare));
  note("through the cloud, wall ms", median(through));
  note("CPU of all services for one launch, ms", median(cpu));
}

}  // namespace
}  // namespace sealift

int main() { sealift::bench_launches(); }
