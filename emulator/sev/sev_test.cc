// SPDX-License-Identifier: Apache-2.0
/// The emulated SEV machine, with real QEMU, driven as a host agent drives hardware. Guests stay paused: the
/// firmware here is nothing but a footer. That they boot shows `make demo TEE=sev`.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/matchers.h"
#include "crypto/base64.h"
#include "emulator/psp/identity.h"
#include "emulator/sev/qmp_documents.h"
#include "emulator/sev/vm.h"
#include "services/agent/sev/machine.h"
#include "tee/sev/chain.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/ovmf_for_test.h"
#include "tee/sev/secret_packet.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> plain_vm() {
  return {"-S",
          "-machine",
          "q35,accel=kvm,confidential-guest-support=sev0",
          "-object",
          "sev-guest,id=sev0,cbitpos=51,reduced-phys-bits=1,policy=0x3,dh-cert-file=a,,b,"
          "session-file=s,kernel-hashes=on",
          "-bios",
          "fw",
          "-kernel",
          "kernel",
          "-append",
          "console=ttyS0",
          "-m",
          "512",
          "-cpu",
          "EPYC",
          "-qmp",
          "unix:/q,server=on,wait=off",
          "-device",
          "virtio-rng-pci"};
}

TEST(TheCommandLine, IsReadAsOneForHardwareAndBecomesOneForTcg) {
  const auto vm = parse_vm(plain_vm());
  ASSERT_THAT(vm, Succeeds());
  EXPECT_EQ(vm->sev->policy.value(), 3U);
  EXPECT_EQ(vm->sev->godh, "a,b");
  EXPECT_TRUE(vm->sev->kernel_hashes);
  EXPECT_EQ(vm->memory, 512ULL << 20U);
  EXPECT_EQ(vm->qmp, "/q");
  const auto arguments = tcg_arguments(*vm, "/own", 7);
  for (const auto& argument : arguments) {
    EXPECT_THAT(argument, Not(HasSubstr("sev")));
    EXPECT_THAT(argument, Not(HasSubstr("kvm")));
  }
  EXPECT_THAT(arguments, Contains("virtio-rng-pci"));
  EXPECT_THAT(arguments, Contains("-S"));
  EXPECT_THAT(arguments, Contains("unix:/own,server=on,wait=off"));
}

TEST(TheCommandLine, IsRefusedWhereTheLaunchWouldNotBeWhatItSeems) {
  const auto without = [](const std::string& option, bool with_value) {
    auto words = plain_vm();
    const auto at = std::ranges::find(words, option);
    words.erase(at, at + (with_value ? 2 : 1));
    return words;
  };
  EXPECT_THAT(parse_vm(without("-S", false)), FailsAt(ErrorCode::unsupported, "-S"));
  EXPECT_THAT(parse_vm(without("-bios", true)), FailsAt(ErrorCode::invalid_argument, "-bios"));
  EXPECT_THAT(parse_vm(without("-kernel", true)), FailsAt(ErrorCode::invalid_argument, "-kernel"));
  EXPECT_THAT(parse_vm(without("-qmp", true)), FailsAt(ErrorCode::invalid_argument, "-qmp"));
  const auto with_object = [](const std::string& object) {
    auto words = plain_vm();
    *(std::ranges::find(words, "-object") + 1) = object;
    return words;
  };
  EXPECT_THAT(parse_vm(with_object("sev-guest,dh-cert-file=a")),
              FailsAt(ErrorCode::unsupported, "sev-guest"));
  EXPECT_THAT(parse_vm(with_object("sev-guest,dh-cert-file=a,session-file=b")),
              FailsAt(ErrorCode::unsupported, "kernel-hashes"));
  EXPECT_THAT(parse_vm(with_object("sev-guest,dh-cert-file=a,session-file=b,secret=x")),
              FailsAt(ErrorCode::invalid_argument, "sev-guest"));
  EXPECT_THAT(parse_vm(with_object("sev-guest,dh-cert-file=a,session-file=b,policy=1x")),
              FailsAt(ErrorCode::invalid_argument, "policy"));
}

TEST(QmpDocuments, AreTakenApartWhateverSeparatesThem) {
  QmpDocuments documents;
  ASSERT_TRUE(documents.feed(R"( {"a": "}\"{"}{"b": {"c": 1}})"));
  EXPECT_EQ(documents.next(), R"({"a": "}\"{"})");
  EXPECT_EQ(documents.next(), R"({"b": {"c": 1}})");
  EXPECT_EQ(documents.next(), std::nullopt);
  ASSERT_TRUE(documents.feed("\r\nnonsense\n{\"d\""));
  EXPECT_EQ(documents.next(), "nonsense\n");
  EXPECT_EQ(documents.next(), std::nullopt);
  ASSERT_TRUE(documents.feed(": 2}"));
  EXPECT_EQ(documents.next(), R"({"d": 2})");
}

TEST(QmpDocuments, MayNotGrowWithoutEnd) {
  QmpDocuments documents;
  EXPECT_TRUE(documents.feed("{" + std::string(QmpDocuments::kLimit - 1, ' ')));
  EXPECT_FALSE(documents.feed(" "));
}

TEST(ThePspsRefusal, IsNamedAfterItsCommandAndCode) {
  const auto packet =
      agent::refusal_from("SEV: failed to inject secret ret=-5 fw_error=11 'Bad measurement'");
  EXPECT_EQ(packet.code, ErrorCode::authentication_failed);
  EXPECT_EQ(packet.field, "LAUNCH_SECRET");
  const auto policy =
      agent::refusal_from("sev_launch_start: LAUNCH_START ret=1 fw_error=7 'Policy is not allowed'");
  EXPECT_EQ(policy.code, ErrorCode::sev_policy_refused);
  EXPECT_EQ(policy.field, "LAUNCH_START");
  EXPECT_EQ(agent::refusal_from("LAUNCH_MEASURE ret=-5 fw_error=2 ''").code, ErrorCode::failed_precondition);
  EXPECT_EQ(agent::refusal_from("no such file").code, ErrorCode::guest_failed);
}

/// A boot sector and a header that QEMU takes for a kernel.
Bytes kernel() {
  Bytes bytes(64 * 1024);
  const auto put = [&](std::size_t at, std::string_view text) {
    std::ranges::copy(text, bytes.begin() + static_cast<std::ptrdiff_t>(at));
  };
  bytes[0x1f1] = 4;
  put(0x1fe, "\x55\xaa");
  put(0x202, "HdrS");
  put(0x206, "\x0f\x02");
  bytes[0x211] = 1;  // loaded high
  bytes[0x236] = 3;  // 64 bit, above 4 GiB
  put(0x22c, "\xff\xff\xff\x7f");
  return bytes;
}

class AnEmulatedSevMachine : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(Maker::create(path("maker"), {.bits = 2048, .claim_id = {}}), Succeeds());
    ASSERT_THAT(Identity::create(Maker::open(path("maker")).value(), path("chip")), Succeeds());
    host_.qemu = SEALIFT_EMULATED_SEV_QEMU;
    host_.environment = {"SEALIFT_EMULATED_PSP=" + path("chip").string(), "TMPDIR=" + path("tmp").string()};
    fs::create_directory(path("tmp"));
    firmware_ = sev::firmware_for_test({{sev::kHashTableGuidForTest, sev::area_for_test(0x80cc00, 0x400)},
                                        {sev::kSecretGuidForTest, sev::area_for_test(0x80c000, 0xc00)}},
                                       64 * 1024);
    write("fw", firmware_);
    write("kernel", kernel());
    write("initrd", Bytes(5000, 1));
    write("disk", Bytes(1 << 20));
    auto capabilities = agent::query_capabilities(host_);
    ASSERT_THAT(capabilities, Succeeds());
    capabilities_ = std::move(*capabilities);
  }
  /// What the emulator leaves nobody to wait for: it ends when QEMU does.
  void TearDown() override {
    for (int i = 0; i < 500 && !fs::is_empty(path("tmp")); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    EXPECT_TRUE(fs::is_empty(path("tmp"))) << "something was left behind";
  }

  fs::path path(const std::string& name) const { return directory_.path() / name; }
  void write(const std::string& name, ByteView bytes) const {
    ASSERT_THAT(write_file(path(name), bytes), Succeeds());
  }
  sev::LaunchSession session() const {
    return sev::make_session_unverified(sev::Certificate::parse(capabilities_.pdh, "pdh").value(), kPolicy)
        .value();
  }
  Result<agent::SevGuest> start(const sev::LaunchSession& session,
                                std::uint32_t policy = kPolicy.value()) const {
    agent::SevGuestSpec spec;
    spec.firmware = path("fw");
    spec.kernel = path("kernel");
    spec.initramfs = path("initrd");
    spec.root_disk = path("disk");
    spec.root_disk_serial = "root";
    spec.cmdline = "console=ttyS0";
    spec.memory_mib = 64;
    spec.policy = policy;
    spec.godh = to_bytes(session.godh.bytes());
    spec.session = to_bytes(session.blob);
    return agent::SevGuest::start_paused(host_, capabilities_, spec);
  }
  crypto::Digest expected() const {
    return sev::launch_digest(firmware_, sev::hash_kernel(kernel(), Bytes(5000, 1), "console=ttyS0"));
  }

  static constexpr sev::Policy kPolicy{3};
  TemporaryDirectory directory_ = TemporaryDirectory::create("sev").value();
  agent::SevHost host_;
  agent::SevCapabilities capabilities_;
  Bytes firmware_;
};

TEST_F(AnEmulatedSevMachine, ShowsAChainThatItsMakersRootVouchesFor) {
  const auto maker = Maker::open(path("maker")).value();
  const auto cek = read_file(path("maker/cek/" + to_hex(capabilities_.chip_id)), 4096).value();
  const ByteView chain{capabilities_.chain};
  const sev::PinnedRoot root{"Test", maker.ark().fingerprint()};
  EXPECT_THAT(sev::VerifiedPlatform::verify({.pdh = capabilities_.pdh,
                                             .pek = chain.first(2084),
                                             .oca = chain.subspan(2084, 2084),
                                             .cek = cek,
                                             .ask = maker.ask().bytes(),
                                             .ark = maker.ark().bytes()},
                                            {&root, 1}),
              Succeeds());
}

TEST_F(AnEmulatedSevMachine, MeasuresWhatQemuWasGivenAndTakesTheSecretOnce) {
  const auto session = this->session();
  const auto guest = start(session);
  ASSERT_THAT(guest, Succeeds());
  const auto shown = guest->measured();
  ASSERT_THAT(shown, Succeeds());
  EXPECT_EQ(shown->policy, kPolicy.value());
  const auto measured = sev::Measurement::parse(shown->measurement).value();
  const sev::FirmwareVersion version{{shown->api_major, shown->api_minor}, shown->build};
  EXPECT_THAT(sev::VerifiedMeasurement::verify(measured, session.keys.tik, version, kPolicy, expected()),
              Succeeds());
  EXPECT_EQ(guest->measured()->measurement, shown->measurement);

  auto packet = sev::seal_packet(session.keys, measured, Bytes(64, 3));
  packet.payload[0] ^= 1;
  EXPECT_THAT(guest->inject(packet.header, packet.payload),
              FailsAt(ErrorCode::authentication_failed, "LAUNCH_SECRET"));
  packet.payload[0] ^= 1;
  EXPECT_THAT(guest->inject(packet.header, packet.payload), Succeeds());
  const auto report = guest->report(Bytes(16, 1));
  ASSERT_THAT(report, Succeeds());
  EXPECT_EQ(to_hex(ByteView{*report}.subspan(16, 32)), to_hex(expected().view()));
  EXPECT_THAT(guest->resume(), Succeeds());
  EXPECT_THAT(guest->inject(packet.header, packet.payload), FailsWith(ErrorCode::guest_failed))
      << "a running guest takes none";
}

TEST_F(AnEmulatedSevMachine, DoesNotStartAGuestUnderAnotherPolicyThanAgreed) {
  EXPECT_THAT(start(session(), 2), FailsAt(ErrorCode::authentication_failed, "LAUNCH_START"));
  EXPECT_THAT(start(session(), 0xFF000003), FailsAt(ErrorCode::sev_policy_refused, "LAUNCH_START"));
}

TEST_F(AnEmulatedSevMachine, SaysWhatIsMissingWhereTheFirmwareHasNoRoom) {
  write("fw", sev::firmware_for_test({}, 64 * 1024));
  const auto refused = start(session());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("hash"));
}

}  // namespace
}  // namespace sealift::emulator
