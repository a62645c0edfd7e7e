// SPDX-License-Identifier: Apache-2.0
/// sealift sev, as the owner of a guest and a PSP see it.
#include <sys/stat.h>

#include "base/matchers.h"
#include "cli/tool_for_test.h"
#include "crypto/base64.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/ovmf_for_test.h"
#include "tee/sev/platform_for_test.h"
#include "tee/sev/secret_packet.h"
#include "tee/sev/secret_table.h"
#include "tee/sev/vmm_kernel.h"

namespace sealift::cli {
namespace {

constexpr const char* kGuid = "736869e5-84f0-4973-92ec-06879ce3da0b";

class SevCommands : public ToolTest {
 protected:
  SevCommands() {
    write("pdh", platform_.pdh.bytes());
    write("pek", platform_.pek.bytes());
    write("oca", platform_.oca.bytes());
    write("cek", platform_.cek.bytes());
    write("ask", platform_.root->ask.bytes());
    write("ark", platform_.root->ark.bytes());
    write("firmware", sev::amd_sev_firmware_for_test());
    write("kernel", Bytes(3000, 'k'));
    write("initrd", Bytes(500, 'i'));
  }
  std::vector<std::string> chain(const std::string& command, bool trusted = true) const {
    std::vector<std::string> arguments{"sev", command};
    for (const auto* name : {"pdh", "pek", "oca", "cek", "ask", "ark"}) {
      arguments.insert(arguments.end(), {std::string{"--"} + name, path(name)});
    }
    if (trusted) {
      arguments.insert(arguments.end(), {"--trust-ark", to_hex(platform_.root->pin().fingerprint.view())});
    }
    return arguments;
  }
  Json session(const std::string& policy = "0x7") {
    return sealift_json(
        {"sev", "session", "--pdh", path("pdh"), "--policy", policy, "--out", path("session")});
  }
  Bytes from_b64(const std::string& name) const { return crypto::from_base64(as_text(read(name))).value(); }
  mode_t mode(const std::string& name) const {
    struct stat status{};
    EXPECT_EQ(::stat(path(name).c_str(), &status), 0);
    return status.st_mode & 0777U;
  }
  Result<sev::TransportKeys> open_session(sev::Policy policy) const {
    return sev::open_session(platform_.pdh_key,
                             sev::Certificate::parse(from_b64("session/godh.b64"), "godh").value(),
                             from_b64("session/session.b64"), policy);
  }
  std::vector<std::string> kernel_options() const {
    return {"--firmware", path("firmware"), "--kernel",  path("kernel"),
            "--initrd",   path("initrd"),   "--cmdline", "quiet"};
  }
  sev::TransportKeys keys() {
    Bytes tek(16, 1);
    Bytes tik(16, 2);
    write("tek", tek);
    write("tik", tik);
    return {sev::TransportKey{std::span<std::uint8_t>{tek}.first<16>()},
            sev::TransportKey{std::span<std::uint8_t>{tik}.first<16>()}};
  }

  const sev::PlatformForTest platform_ = sev::PlatformForTest::make();
};

template <typename... More>
std::vector<std::string> with(std::vector<std::string> arguments, More... more) {
  (arguments.emplace_back(more), ...);
  return arguments;
}

TEST_F(SevCommands, VerifyChainProvesAMachineUnderATrustedRoot) {
  const auto document = sealift_json(chain("verify-chain"));
  EXPECT_EQ(document["verdict"], "valid");
  EXPECT_EQ(document["api_minor"], 24);
  EXPECT_EQ(document["hardware_key_hash"].get<std::string>().size(), 64U);
}

TEST_F(SevCommands, VerifyChainTrustsAmdAloneUnlessToldOtherwise) {
  const auto error = sealift_error(chain("verify-chain", false), 1);
  EXPECT_EQ(error["code"], "issuer_untrusted");
  EXPECT_EQ(error["field"], "ark.key");
}

TEST_F(SevCommands, VerifyChainSaysWhereTheSignedCekIs) {
  write("cek", platform_.exported_cek.bytes());
  const auto error = sealift_error(chain("verify-chain"), 1);
  EXPECT_EQ(error["code"], "sev_cek_unsigned");
  EXPECT_NE(error["remedy"].get<std::string>().find("key server"), std::string::npos);
}

TEST_F(SevCommands, VerifyChainTakesPekAndOcaFromTheMachinesExport) {
  write("export", ByteWriter{}
                      .bytes(platform_.pek.bytes())
                      .bytes(platform_.oca.bytes())
                      .bytes(platform_.exported_cek.bytes())
                      .view());
  auto arguments = chain("verify-chain");
  for (auto& argument : arguments) {
    if (argument == path("pek") || argument == path("oca")) argument = path("export");
  }
  EXPECT_EQ(sealift_json(arguments)["verdict"], "valid");
}

TEST_F(SevCommands, SessionGivesThePspTheKeysInTheFiles) {
  const auto document = session();
  EXPECT_EQ(document["verified"], false);
  EXPECT_EQ(document["policy_text"], "NODBG|NOKS|ES");
  const auto opened = open_session(sev::Policy{7});
  ASSERT_THAT(opened, Succeeds());
  EXPECT_TRUE(opened->tik.equals(read("session/tik.bin")));
  EXPECT_TRUE(opened->tek.equals(read("session/tek.bin")));
}

TEST_F(SevCommands, SessionKeepsItsSecretsForTheirOwner) {
  session();
  EXPECT_EQ(mode("session/tik.bin"), 0600U);
  EXPECT_EQ(mode("session/tek.bin"), 0600U);
}

TEST_F(SevCommands, SessionOverAnOldOneIsWhollyTheNewOne) {
  session("1");
  const auto before = read("session/tik.bin");
  session("0x3");
  EXPECT_NE(before, read("session/tik.bin"));
  EXPECT_THAT(open_session(sev::Policy{3}), Succeeds());
}

TEST_F(SevCommands, SessionVerifiesThePdhWhereTheChainIsGiven) {
  const auto document = sealift_json(with(chain("session"), "--policy", "7", "--out", path("session")));
  EXPECT_EQ(document["verified"], true);
  EXPECT_EQ(document["platform"]["api_minor"], 24);
  write("pdh", sev::PlatformForTest::make().pdh.bytes());
  EXPECT_EQ(sealift_error(with(chain("session"), "--policy", "7", "--out", path("other")), 1)["field"],
            "pdh.signature");
  EXPECT_FALSE(exists("other"));
}

TEST_F(SevCommands, SessionWithHalfAChainIsAUsageError) {
  sealift_error(
      {"sev", "session", "--pdh", path("pdh"), "--pek", path("pek"), "--policy", "7", "--out", path("s")}, 2);
}

TEST_F(SevCommands, SessionThatFailsLeavesNothing) {
  write("pdh", Bytes(100));
  EXPECT_EQ(sealift_error({"sev", "session", "--pdh", path("pdh"), "--policy", "7", "--out", path("session")},
                          1)["field"],
            "pdh.size");
  EXPECT_FALSE(exists("session"));
  write("pdh", platform_.oca.bytes());
  EXPECT_EQ(sealift_error({"sev", "session", "--pdh", path("pdh"), "--policy", "7", "--out", path("session")},
                          1)["code"],
            "sev_certificate_usage_differs");
  EXPECT_EQ(
      sealift_error({"sev", "session", "--pdh", path("pdh"), "--policy", "7x", "--out", path("session")},
                    2)["field"],
      "--policy");
}

TEST_F(SevCommands, DigestCoversFirmwareKernelAndVcpus) {
  const auto firmware = read("firmware");
  const auto hashes = sev::hash_kernel(read("kernel"), read("initrd"), "quiet");
  const auto digest = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"sev", "digest"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return sealift_json(arguments)["digest"].get<std::string>();
  };
  const auto expected = [&](const std::optional<sev::KernelHashes>& table, const sev::VmsaPages& vmsa) {
    return crypto::to_base64(sev::launch_digest(firmware, table, vmsa).view());
  };
  const Bytes first(4096, 1);
  const Bytes other(4096, 2);
  write("vmsa0", first);
  write("vmsa1", other);
  EXPECT_EQ(digest({"--firmware", path("firmware")}), expected(std::nullopt, {}));
  EXPECT_EQ(digest(kernel_options()), expected(hashes, {}));
  EXPECT_EQ(digest(with(kernel_options(), "--vcpus", "3")), expected(hashes, {}));
  EXPECT_EQ(digest(with(kernel_options(), "--vmsa0", path("vmsa0"))), expected(hashes, {first, {}, 1}));
  EXPECT_EQ(
      digest(with(kernel_options(), "--vcpus", "3", "--vmsa0", path("vmsa0"), "--vmsa1", path("vmsa1"))),
      expected(hashes, {first, other, 3}));
  EXPECT_EQ(digest({"--firmware", path("firmware"), "--kernel", path("kernel")}),
            expected(sev::hash_kernel(read("kernel"), {}, ""), {}));
}

TEST_F(SevCommands, DigestMakesVmsaPagesForACpu) {
  const auto document = sealift_json({"sev", "digest", "--firmware", path("firmware"), "--vcpus", "2",
                                      "--cpu-family", "25", "--cpu-model", "1", "--cpu-stepping", "1"});
  EXPECT_EQ(document["vmsa_pages"], 2);
}

TEST_F(SevCommands, DigestSaysWhatTheFirmwareCannotDo) {
  const auto usable = sealift_json({"sev", "digest", "--firmware", path("firmware")});
  EXPECT_EQ(usable["firmware"]["secret_area"]["base"], 0x80c000);
  write("firmware", sev::firmware_for_test({}));
  const auto document = sealift_json({"sev", "digest", "--firmware", path("firmware")});
  EXPECT_TRUE(document["firmware"]["secret_area"].is_null());
  write("firmware", Bytes(100));
  EXPECT_TRUE(sealift_json({"sev", "digest", "--firmware", path("firmware")})["firmware"].is_null());
}

TEST_F(SevCommands, DigestRefusesWhatDoesNotFitTogether) {
  write("vmsa0", Bytes(4096));
  write("short", Bytes(4095));
  const auto refused = [&](int status, auto... more) {
    return sealift_error(with({"sev", "digest", "--firmware", path("firmware")}, more...), status)["field"];
  };
  EXPECT_EQ(refused(2, "--initrd", path("initrd")), "--kernel");
  EXPECT_EQ(refused(2, "--cmdline", "quiet"), "--kernel");
  EXPECT_EQ(refused(2, "--vcpus", "0"), "--vcpus");
  EXPECT_EQ(refused(2, "--vcpus", "2", "--vmsa0", path("vmsa0")), "--vmsa1");
  EXPECT_EQ(refused(2, "--vmsa1", path("vmsa0")), "--vmsa0");
  EXPECT_EQ(refused(1, "--vmsa0", path("short")), "vmsa");
  EXPECT_EQ(refused(2, "--cpu-family", "25"), "--vcpus");
}

std::vector<std::string> version_options(const char* minor = "24") {
  return {"--api-major", "0", "--api-minor", minor, "--build", "13", "--policy", "0x7"};
}

TEST_F(SevCommands, MeasureGivesWhatThePspGives) {
  const auto keys = this->keys();
  const crypto::Digest digest{Bytes(32, 5)};
  const std::array<std::uint8_t, 16> nonce{1, 2, 3};
  for (const std::uint8_t minor : {std::uint8_t{24}, std::uint8_t{16}}) {
    auto arguments = version_options(minor == 24 ? "24" : "16");
    arguments.insert(arguments.begin(), {"sev", "measure"});
    const auto document =
        sealift_json(with(arguments, "--tik", path("tik"), "--mnonce", crypto::to_base64(nonce), "--digest",
                          crypto::to_base64(digest.view())));
    const auto expected = sev::measure(keys.tik, {{0, minor}, 13}, sev::Policy{7}, digest, nonce);
    EXPECT_EQ(document["measurement"], crypto::to_base64(expected.bytes()));
  }
}

TEST_F(SevCommands, MeasureRefusesValuesOfOtherSizes) {
  keys();
  auto arguments = version_options();
  arguments.insert(arguments.begin(), {"sev", "measure", "--tik", path("tik")});
  EXPECT_EQ(sealift_error(with(arguments, "--mnonce", "AAAA", "--digest", crypto::to_base64(Bytes(32))),
                          2)["field"],
            "--mnonce");
  EXPECT_EQ(sealift_error(with(arguments, "--mnonce", crypto::to_base64(Bytes(16)), "--digest", "AAAA"),
                          2)["field"],
            "--digest");
}

class SevSecrets : public SevCommands {
 protected:
  SevSecrets() {
    measured_.hmac.fill(7);
    write("passphrase", as_bytes("correct horse"));
  }
  std::vector<std::string> secret() const {
    return {"sev",           "secret",
            "--tik",         path("tik"),
            "--tek",         path("tek"),
            "--measurement", crypto::to_base64(measured_.bytes()),
            "--entry",       std::string{kGuid} + "=" + path("passphrase"),
            "--header",      path("header"),
            "--payload",     path("payload")};
  }
  sev::Measurement measured_{};
  const sev::TransportKeys keys_ = keys();
};

TEST_F(SevSecrets, OpenInThePspAndReadInTheGuest) {
  const auto document = sealift_json(secret());
  EXPECT_EQ(read("header").size(), 52U);
  EXPECT_EQ(document["size"], read("payload").size());
  EXPECT_EQ(document["packet_header"], crypto::to_base64(read("header")));
  const auto table = sev::open_packet(keys_, measured_, read("header"), read("payload"));
  ASSERT_THAT(table, Succeeds());
  const auto entries = sev::read_secret_table(table->expose());
  ASSERT_THAT(entries, Succeeds());
  EXPECT_EQ(entries->front().guid.text(), kGuid);
  EXPECT_TRUE(entries->front().value.equals(as_bytes("correct horse")));
}

TEST_F(SevSecrets, AreTheSameUnderOneIvForComparing) {
  const std::string iv = "000102030405060708090a0b0c0d0e0f";
  sealift_json(with(secret(), "--insecure-test-iv", iv));
  const auto header = read("header");
  EXPECT_EQ(to_hex(ByteView{header}.subspan(4, 16)), iv);
  sealift_json(with(secret(), "--insecure-test-iv", iv));
  EXPECT_EQ(read("header"), header);
  EXPECT_EQ(sealift_error(with(secret(), "--insecure-test-iv", "00"), 2)["field"], "--insecure-test-iv");
}

TEST_F(SevSecrets, ForOldFirmwareAreNotBoundToTheMeasurement) {
  sealift_json(with(secret(), "--api-major", "0", "--api-minor", "16"));
  EXPECT_THAT(sev::open_packet(keys_, {}, read("header"), read("payload"), {0, 16}), Succeeds());
}

TEST_F(SevSecrets, ThatCannotBeWrittenWhollyAreNotWritten) {
  auto arguments = secret();
  arguments.back() = path("missing/payload");
  sealift_error(arguments, 3);
  EXPECT_FALSE(exists("header"));
  ASSERT_TRUE(std::filesystem::create_directory(path("directory")));
  arguments.back() = path("directory");
  sealift_error(arguments, 3);
  EXPECT_FALSE(exists("header"));
}

TEST_F(SevSecrets, AreRefusedUnderNamesThatAreNoGuidOrTwice) {
  EXPECT_EQ(sealift_error(with(secret(), "--entry", "disk=" + path("passphrase")), 2)["field"], "--entry");
  EXPECT_EQ(
      sealift_error(with(secret(), "--entry", std::string{kGuid} + "=" + path("passphrase")), 2)["field"],
      "entry");
  write("large", Bytes(16 * 1024));
  EXPECT_EQ(sealift_error(with(secret(), "--entry", "00000000-0000-0000-0000-000000000001=" + path("large")),
                          1)["code"],
            "too_large");
  EXPECT_FALSE(exists("header"));
}

class SevExplain : public SevCommands {
 protected:
  Json explain(const crypto::Digest& launched) {
    const auto keys = this->keys();
    const auto measured = sev::measure(keys.tik, {{0, 24}, 13}, sev::Policy{7}, launched, {1});
    return sealift_json(arguments(crypto::to_base64(measured.bytes())));
  }
  std::vector<std::string> arguments(const std::string& measured) const {
    std::vector<std::string> all{"sev", "explain", "--measured", measured, "--tik", path("tik")};
    for (const auto& more : {version_options(), kernel_options()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  sev::KernelHashes hashes() const { return sev::hash_kernel(read("kernel"), read("initrd"), "quiet"); }
};

TEST_F(SevExplain, SaysThatTheInputsMatch) {
  const auto document = explain(sev::launch_digest(read("firmware"), hashes()));
  EXPECT_EQ(document["verdict"], "matches");
  EXPECT_TRUE(document["differences"].empty());
}

TEST_F(SevExplain, NamesTheInputThatDiffers) {
  const auto without = explain(sev::launch_digest(read("firmware"), std::nullopt));
  EXPECT_EQ(without["verdict"], "differs");
  EXPECT_EQ(without["differences"][0]["input"], "kernel_hashes");
  auto table = hashes();
  table.cmdline = crypto::digest(crypto::HashAlgorithm::sha256, as_bytes("quiet"));
  EXPECT_EQ(explain(sev::launch_digest(read("firmware"), table))["differences"][0]["input"], "cmdline");
}

TEST_F(SevExplain, ComparesDigestsToo) {
  const auto digest = crypto::to_base64(sev::launch_digest(read("firmware"), std::nullopt).view());
  const auto document = sealift_json({"sev", "explain", "--measured", digest, "--expected", digest,
                                      "--firmware", path("firmware"), "--kernel", path("kernel")});
  EXPECT_EQ(document["differences"][0]["input"], "kernel_hashes");
  EXPECT_EQ(document["expected_from_inputs"], false);
}

TEST_F(SevExplain, SaysSoWhereItCannot) {
  keys();
  EXPECT_EQ(sealift_error(arguments(crypto::to_base64(Bytes(48))), 1)["code"], "launch_measurement_differs");
  EXPECT_EQ(sealift_error(arguments("AAAA"), 2)["field"], "--measured");
}

}  // namespace
}  // namespace sealift::cli
