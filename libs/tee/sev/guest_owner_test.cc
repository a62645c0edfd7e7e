// SPDX-License-Identifier: Apache-2.0
/// Judged by programs of others: libvirt's guest-owner validator (libvirt-clients-qemu), and python's own
/// hmac, hashlib and cryptography.
#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"
#include "crypto/base64.h"
#include "crypto/random.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/ovmf_for_test.h"
#include "tee/sev/platform_for_test.h"
#include "tee/sev/secret_packet.h"
#include "tee/sev/secret_table.h"
#include "tee/sev/vmsa.h"

namespace sealift::sev {
namespace {

constexpr const char* kValidator = "/usr/bin/virt-qemu-sev-validate";

class GuestOwner : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  std::string write(const std::string& name, ByteView content) const {
    EXPECT_THAT(write_file(path(name), content), Succeeds());
    return path(name);
  }
  Bytes read(const std::string& name) const { return read_file(path(name), 1U << 20U).value(); }
  static Output python(std::vector<std::string> arguments) {
    Command command;
    command.argv = {"/usr/bin/python3"};  // Debian's, which has Debian's modules
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    return run(command).value();
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
};

/// A launch in files, as the validator takes it.
class LibvirtsValidator : public GuestOwner {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kValidator) ||
        python({"-c", "import libvirt, lxml, cryptography"}).exit_status != 0) {
      GTEST_SKIP() << "libvirt-clients-qemu, python3-lxml or python3-cryptography is not installed";
    }
    write("firmware", firmware_);
    write("kernel", kernel_);
    write("initrd", initrd_);
    write("tik", keys_.tik.expose());
    write("tek", keys_.tek.expose());
  }

  Measurement measured(const crypto::Digest& digest) const {
    return measure(keys_.tik, version_, policy_, digest, crypto::random_array<kMeasureNonceSize>());
  }
  Output validate(const Measurement& measurement, std::vector<std::string> more) const {
    std::vector<std::string> arguments{kValidator,
                                       "--measurement",
                                       crypto::to_base64(measurement.bytes()),
                                       "--api-major",
                                       "0",
                                       "--api-minor",
                                       "24",
                                       "--build-id",
                                       "13",
                                       "--policy",
                                       std::to_string(policy_.value()),
                                       "--firmware",
                                       path("firmware"),
                                       "--tik",
                                       path("tik"),
                                       "--tek",
                                       path("tek")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return python(arguments);
  }
  std::vector<std::string> kernel_options() const {
    return {"--kernel", path("kernel"), "--initrd", path("initrd"), "--cmdline", "console=ttyS0 quiet"};
  }

  const Bytes firmware_ = amd_sev_firmware_for_test();
  const Bytes kernel_ = Bytes(3000, 'k');
  const Bytes initrd_ = Bytes(500, 'i');
  const KernelHashes hashes_ = hash_kernel(kernel_, initrd_, "console=ttyS0 quiet");
  const TransportKeys keys_{crypto::random_secret<16>(), crypto::random_secret<16>()};
  const FirmwareVersion version_{{0, 24}, 13};
  Policy policy_{3};
};

TEST_F(LibvirtsValidator, AgreesOnALaunchWithoutKernel) {
  const auto output = validate(measured(launch_digest(firmware_, std::nullopt)), {});
  EXPECT_EQ(output.exit_status, 0) << output.err;
}

TEST_F(LibvirtsValidator, AgreesOnALaunchWithKernelInitrdAndCommandLine) {
  const auto output = validate(measured(launch_digest(firmware_, hashes_)), kernel_options());
  EXPECT_EQ(output.exit_status, 0) << output.err;
}

TEST_F(LibvirtsValidator, AgreesOnALaunchWithAKernelAlone) {
  const auto output = validate(measured(launch_digest(firmware_, hash_kernel(kernel_, {}, ""))),
                               {"--kernel", path("kernel")});
  EXPECT_EQ(output.exit_status, 0) << output.err;
}

TEST_F(LibvirtsValidator, AgreesOnCommandLinesAsTheyAre) {
  for (const std::string cmdline :
       {"", " ", "a", "root=/dev/vda\n", "\n", "a\tb ", "x=\"a b\"", "\u00fc", "--cmdline", "a=b,c=d"}) {
    const auto output =
        validate(measured(launch_digest(firmware_, hash_kernel(kernel_, initrd_, cmdline))),
                 {"--kernel", path("kernel"), "--initrd", path("initrd"), "--cmdline=" + cmdline});
    EXPECT_EQ(output.exit_status, 0) << '"' << cmdline << "\": " << output.err;
  }
  const auto empty = write("empty", {});
  const auto output = validate(measured(launch_digest(firmware_, hash_kernel(kernel_, {}, "a"))),
                               {"--kernel", path("kernel"), "--initrd", empty, "--cmdline", "a"});
  EXPECT_EQ(output.exit_status, 0) << output.err;
}

TEST_F(LibvirtsValidator, AgreesOnAnyNumberOfVcpusUnderEs) {
  policy_ = Policy{7};
  const Bytes first(kVmsaSize, 1);
  const Bytes other(kVmsaSize, 2);
  const auto pages = [&](std::uint32_t vcpus) {
    return measured(launch_digest(firmware_, std::nullopt, {first, other, vcpus}));
  };
  write("vmsa0", first);
  write("vmsa1", other);
  for (const std::uint32_t vcpus : {1U, 2U, 64U}) {
    const auto output = validate(pages(vcpus), {"--num-cpus", std::to_string(vcpus), "--vmsa-cpu0",
                                                path("vmsa0"), "--vmsa-cpu1", path("vmsa1")});
    EXPECT_EQ(output.exit_status, 0) << vcpus << ": " << output.err;
  }
}

TEST_F(LibvirtsValidator, AgreesOnVmsaPagesInFiles) {
  policy_ = Policy{7};
  const Bytes first(kVmsaSize, 1);
  const Bytes other(kVmsaSize, 2);
  const auto output = validate(measured(launch_digest(firmware_, hashes_, {first, other, 3})), [&] {
    auto options = kernel_options();
    options.insert(options.end(), {"--num-cpus", "3", "--vmsa-cpu0", write("vmsa0", first), "--vmsa-cpu1",
                                   write("vmsa1", other)});
    return options;
  }());
  EXPECT_EQ(output.exit_status, 0) << output.err;
}

TEST_F(LibvirtsValidator, AgreesOnVmsaPagesThatItMakesItself) {
  policy_ = Policy{7};
  const auto& shape = vmsa_templates().front();
  for (const CpuModel cpu : {CpuModel{23, 49, 0}, CpuModel{25, 1, 1}}) {
    const auto first = first_vmsa(shape, cpu);
    const auto reset = OvmfFooter::parse(firmware_)->need_reset_address().value();
    const auto other = other_vmsa(shape, cpu, reset);
    const auto output =
        validate(measured(launch_digest(firmware_, std::nullopt, {first, other, 4})),
                 {"--num-cpus", "4", "--cpu-family", std::to_string(cpu.family), "--cpu-model",
                  std::to_string(cpu.model), "--cpu-stepping", std::to_string(cpu.stepping)});
    EXPECT_EQ(output.exit_status, 0) << output.err;
  }
}

TEST_F(LibvirtsValidator, DisagreesOnAnotherLaunch) {
  EXPECT_EQ(validate(measured(launch_digest(firmware_, std::nullopt)), kernel_options()).exit_status, 1);
}

TEST_F(LibvirtsValidator, MakesPacketsThatWeOpen) {
  const auto measurement = measured(launch_digest(firmware_, std::nullopt));
  const auto packet_of = [&](std::size_t size) {
    write("secret", Bytes(size, 's'));
    const auto output =
        validate(measurement, {"--inject-secret", "luks-key:" + path("secret"), "--secret-header",
                               path("header"), "--secret-payload", path("payload")});
    EXPECT_EQ(output.exit_status, 0) << output.err;
    return open_packet(keys_, measurement, crypto::from_base64(as_text(read("header"))).value(),
                       crypto::from_base64(as_text(read("payload"))).value());
  };
  // 40 + 24 needs no padding; libvirt pads it all the same.
  for (const std::size_t size : {1U, 23U, 24U, 25U}) {
    const auto table = packet_of(size);
    ASSERT_THAT(table, Succeeds()) << size;
    const auto entries = read_secret_table(table->expose());
    ASSERT_THAT(entries, Succeeds()) << size;
    ASSERT_EQ(entries->size(), 1U);
    EXPECT_EQ(entries->front().guid.text(), kDiskKeyGuid);
    EXPECT_TRUE(entries->front().value.equals(Bytes(size, 's')));
  }
}

TEST_F(LibvirtsValidator, FillsSecretTablesAsWeDo) {
  const auto measurement = measured(launch_digest(firmware_, std::nullopt));
  write("secret", Bytes(30, 's'));
  const auto output =
      validate(measurement, {"--inject-secret", "luks-key:" + path("secret"), "--secret-header",
                             path("header"), "--secret-payload", path("payload")});
  ASSERT_EQ(output.exit_status, 0) << output.err;
  const auto header = crypto::from_base64(as_text(read("header"))).value();
  std::vector<SecretEntry> entries;
  entries.push_back({Guid::parse(kDiskKeyGuid).value(), SecretBytes::copy_of(Bytes(30, 's'))});
  const auto table = write_secret_table(entries).value();
  PacketIv iv{};
  std::ranges::copy(ByteView{header}.subspan(4, 16), iv.begin());
  const auto packet = seal_packet_insecure_iv(keys_, measurement, table.expose(), iv);
  EXPECT_EQ(to_hex(packet.header), to_hex(header));
  EXPECT_EQ(packet.payload, crypto::from_base64(as_text(read("payload"))).value());
}

/// A PSP in python: ECDH, key derivation, unwrapping.
constexpr const char* kPsp = R"(
import hashlib, hmac, struct, sys
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
pdh = load_pem_private_key(open(sys.argv[1], 'rb').read(), None)
godh = open(sys.argv[2], 'rb').read()
session = open(sys.argv[3], 'rb').read()
policy = int(sys.argv[4])
x = int.from_bytes(godh[0x14:0x14 + 72], 'little')
y = int.from_bytes(godh[0x5c:0x5c + 72], 'little')
peer = ec.EllipticCurvePublicNumbers(x, y, ec.SECP384R1()).public_key()
z = pdh.exchange(ec.ECDH(), peer)[::-1]
def kdf(key, label, context):
    data = struct.pack('<I', 1) + label + b'\0' + context + struct.pack('<I', 128)
    return hmac.new(key, data, 'sha256').digest()[:16]
master = kdf(z, b'sev-master-secret', session[:16])
kek, kik = kdf(master, b'sev-kek', b''), kdf(master, b'sev-kik', b'')
wrapped, iv = session[16:48], session[48:64]
assert hmac.new(kik, wrapped, 'sha256').digest() == session[64:96]
keys = Cipher(algorithms.AES(kek), modes.CTR(iv)).encryptor().update(wrapped)
assert hmac.new(keys[16:], struct.pack('<I', policy), 'sha256').digest() == session[96:]
print(keys.hex())
)";

TEST_F(GuestOwner, MakesSessionsThatAnIndependentPspOpens) {
  if (python({"-c", "import cryptography"}).exit_status != 0)
    GTEST_SKIP() << "python3-cryptography is not installed";
  const auto platform = PlatformForTest::make();
  const auto pem = platform.pdh_key.pem();
  write("pdh", pem.expose());
  const auto session = make_session_unverified(platform.pdh, Policy{7}).value();
  const auto output = python(
      {"-c", kPsp, path("pdh"), write("godh", session.godh.bytes()), write("session", session.blob), "7"});
  ASSERT_EQ(output.exit_status, 0) << output.err;
  EXPECT_EQ(output.out, to_hex(session.keys.tek.expose()) + to_hex(session.keys.tik.expose()) + "\n");
}

}  // namespace
}  // namespace sealift::sev
