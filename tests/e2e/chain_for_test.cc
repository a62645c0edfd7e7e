// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/chain_for_test.h"

#include "formats/esm/insertion.h"

namespace sealift::e2e {
namespace {

constexpr std::size_t kMaxFile = 256U << 20U;

std::string cached(const char* name) {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  const auto base = cache != nullptr && *cache != '\0' ? std::string{cache} : std::string{home} + "/.cache";
  return base + "/sealift/debian/" + name;
}

}  // namespace

Chain& Chain::get() {
  static Chain chain;
  return chain;
}

Chain::Chain() : directory_{TemporaryDirectory::create("sealift-e2e").value()} {
  std::filesystem::create_directory(path("machines"));
  cli::sealift_json({"image", "build", "--root", cached("rootfs.tar"), "--kernel", cached("linux-image.deb"),
                     "--out", image(), "--seed", path("seed"), "--customer-data",
                     "token=" + file(as_bytes("a second secret"))});
  const auto vendor = host({"firmware", "default"});
  const auto& inputs = vendor.at("inputs");
  cli::sealift_json({"policy", "predict", "--hardware-key-hash", inputs.at("hardware_key_hash"),
                     "--verification-code-hash", inputs.at("verification_code_hash"), "--secure-boot-jumper",
                     "on", "--pef", "on", "--out", path("approved.log")});
}

Json Chain::host(Words words) const {
  words.insert(words.begin(), {"dev", "host"});
  words.insert(words.end(), {"--dir", path("machines")});
  return cli::sealift_json(std::move(words));
}

Json Chain::host_error(Words words, int exit_status) const {
  words.insert(words.begin(), {"dev", "host"});
  words.insert(words.end(), {"--dir", path("machines")});
  return cli::sealift_error(std::move(words), exit_status);
}

Words Chain::challenge(const std::string& evidence, const std::string& name) const {
  return {"enrol",          "challenge",
          "--evidence",     evidence,
          "--root",         path("machines/ca/root.pem"),
          "--intermediate", path("machines/ca/intermediate.pem"),
          "--reference",    path("approved.log"),
          "--state",        path(name + ".state"),
          "--out",          path(name + ".challenge")};
}

void Chain::enrol(const std::string& name) const {
  host({"evidence", name, "--out", path(name + ".evidence")});
  cli::sealift_json(challenge(path(name + ".evidence"), name));
  host({"activate", name, "--challenge", path(name + ".challenge"), "--out", path(name + ".response")});
  cli::sealift_json({"enrol", "finish", "--state", path(name + ".state"), "--response",
                     path(name + ".response"), "--out", path(name + ".host")});
}

std::string Chain::sealed_machine() {
  auto name = "m" + std::to_string(++machines_);
  host({"create", name, "--ek", "p256", "--storage-key", "p256"});
  host({"boot", name});
  enrol(name);
  cli::sealift_json({"image", "seal", image(), "--seed", path("seed"), "--host", path(name + ".host"),
                     "--reference", path("approved.log")});
  return name;
}

Words Chain::launch(const std::string& machine, const Words& changes) {
  Words words{"run", machine, get().image(), "--timeout", "120"};
  words.insert(words.end(), changes.begin(), changes.end());
  return words;
}

std::string Chain::file(ByteView content) const {
  auto name = path("file" + std::to_string(++files_));
  EXPECT_TRUE(write_file(name, content));
  return name;
}

std::string Chain::with_head(const std::function<void(Bytes&)>& change) const {
  auto initramfs = read_file(image("initramfs"), kMaxFile).value();
  change(initramfs);
  return file(initramfs);
}

std::string Chain::with_operand(const esm::Operand& other) const {
  return with_head([&](Bytes& initramfs) {
    const auto place = cpio::find_operand(ByteView{initramfs}.first(cpio::kUsualHeadSize)).value();
    const auto blob = other.serialise();
    ASSERT_EQ(blob.size(), place.size);
    std::ranges::copy(blob, initramfs.begin() + static_cast<std::ptrdiff_t>(place.offset));
  });
}

esm::Operand Chain::operand() const {
  const auto head = read_file(image("initramfs"), kMaxFile).value();
  const auto place = cpio::find_operand(ByteView{head}.first(cpio::kUsualHeadSize)).value();
  return esm::Operand::parse(ByteView{head}.subspan(place.offset, place.size)).value();
}

}  // namespace sealift::e2e
