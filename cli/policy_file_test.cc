// SPDX-License-Identifier: Apache-2.0
/// Policy files, as `sealift policy check` sees them.
#include "base/process.h"
#include "cli/tool_for_test.h"
#include "tee/sev/ovmf_for_test.h"
#include "tests/certificates/test_pki.h"

namespace sealift::cli {
namespace {

const std::string kPcr(64, 'a');

class PolicyFile : public ToolTest {
 protected:
  void SetUp() override { write("root.pem", test_pki::pki().root.certificate().pem()); }
  /// A policy that holds, with these lines in front of its references.
  std::string policy(const std::string& lines = {}, const std::string& references = {}) const {
    return "format = \"sealift-policy-v1\"\ntees = [\"measured\"]\nroots = [\"root.pem\"]\n" + lines + "\n" +
           (references.empty() ? "[[reference]]\nname = \"fw 1\"\npcrs = \"sha256:6=" + kPcr + "\"\n"
                               : references);
  }
  Json check(const std::string& text) const {
    return sealift_json({"policy", "check", write("p.toml", text)});
  }
  void refuse(const std::string& text, const std::string& field, int status = 2) const {
    EXPECT_EQ(sealift_error({"policy", "check", write("p.toml", text)}, status)["field"], field) << text;
  }
};

TEST_F(PolicyFile, SaysWhatItAllows) {
  const auto document = check(policy(
      "models = [\"id:49465800/SLB9670\"]\nhardware_keys = [\"" + kPcr +
      "\"]\nnot_before = 2026-01-01T00:00:00Z\nnot_after = 2026-07-01T02:00:00+02:00\nmaximum_hosts = 8"));
  EXPECT_EQ(document["verdict"], "valid");
  EXPECT_EQ(document["profile"], "firmware");
  EXPECT_EQ(document["references"][0]["name"], "fw 1");
  EXPECT_EQ(document["references"][0]["pcrs"], "sha256:6=" + kPcr);
  EXPECT_EQ(document["not_before"], 1767225600);
  EXPECT_EQ(document["not_after"], 1782864000);
  EXPECT_EQ(document["maximum_hosts"], 8);
  EXPECT_EQ(document["hardware_keys"], 1);
}

TEST_F(PolicyFile, ForPefHostsNamesLogsOfFirmwareThatEnabledPef) {
  const auto log = [this](const std::string& pef) {
    const auto file = path("pef-" + pef + ".log");
    sealift_json({"policy", "predict", "--hardware-key-hash", kPcr, "--verification-code-hash", kPcr,
                  "--secure-boot-jumper", "on", "--pef", pef, "--out", file});
    return "[[reference]]\nname = \"fw 1\"\nlog = \"pef-" + pef + ".log\"\n";
  };
  const auto for_pef = [this](const std::string& lines, const std::string& references) {
    auto text = policy(lines, references);
    return text.replace(text.find("\"measured\""), 10, "\"pef\"");
  };
  EXPECT_EQ(check(for_pef({}, log("on")))["verdict"], "valid");
  refuse(for_pef({}, log("off")), "policy.reference[0].log");
  EXPECT_EQ(check(policy({}, log("off")))["verdict"], "valid");
  refuse(for_pef({}, {}), "policy.reference[0].pcrs");
  refuse(for_pef("approver = \"approver.pem\"", log("on")), "policy.approver");
  refuse(for_pef("profile = \"owner\"", log("on")), "policy.profile");
}

class SevPolicyFile : public PolicyFile {
 protected:
  void SetUp() override {
    PolicyFile::SetUp();
    ASSERT_TRUE(write_file(path("ovmf.fd"), sev::amd_sev_firmware_for_test()));
    ASSERT_TRUE(write_file(path("other.fd"), Bytes(4096)));
  }
  static std::string sev_policy(const std::string& terms, const std::string& lines = {}) {
    return "format = \"sealift-policy-v1\"\ntees = [\"sev\"]\n" + lines + "\n[sev]\n" + terms + "\n";
  }
  static std::string with_firmware(const std::string& terms) {
    return sev_policy("policy = [\"NODBG\", \"NOKS\"]\nfirmware = \"ovmf.fd\"\n" + terms);
  }
};

TEST_F(SevPolicyFile, SaysWhatItAllows) {
  const auto document = check(
      sev_policy("policy = [\"NODBG\", \"NOKS\", \"ES\"]\nminimum_api = \"1.51\"\nminimum_build = 3\ncpu = "
                 "\"EPYC-Milan\"\nfirmware = \"ovmf.fd\"\nother_firmware = [\"other.fd\"]\nroots = [\"" +
                     kPcr + "\"]",
                 "hardware_keys = [\"" + kPcr + "\"]\nnot_after = 2026-07-01T00:00:00Z"));
  EXPECT_EQ(document["verdict"], "valid");
  EXPECT_EQ(document["hardware_keys"], 1);
  EXPECT_EQ(document["not_after"], 1782864000);
  const auto& sev = document["sev"];
  EXPECT_EQ(sev["policy"], 7);
  EXPECT_EQ(sev["policy_text"], "NODBG|NOKS|ES");
  EXPECT_EQ(sev["minimum_api"], "1.51");
  EXPECT_EQ(sev["minimum_build"], 3);
  EXPECT_EQ(sev["cpu"], "EPYC-Milan");
  EXPECT_EQ(sev["roots"][0], kPcr);
  EXPECT_EQ(sev["other_firmware"], 1);
  EXPECT_EQ(sev["firmware_sha256"], run_checked({.argv = {"sha256sum", path("ovmf.fd")}})->out.substr(0, 64));
  EXPECT_EQ(check(with_firmware({}))["sev"]["roots"], "AMD's own");
  EXPECT_TRUE(check(with_firmware({}))["sev"]["minimum_api"].is_null());
}

TEST_F(SevPolicyFile, IsRefusedForAGuestThatItsHostCouldRead) {
  for (const auto* bits : {"[]", "[\"NODBG\"]", "[\"NOKS\", \"ES\"]"})
    refuse(sev_policy(std::string{"firmware = \"ovmf.fd\"\npolicy = "} + bits), "policy.sev.policy", 1);
}

TEST_F(SevPolicyFile, IsRefusedForFirmwareThatTakesNoSecretOrIsNotTheReviewedOne) {
  EXPECT_EQ(sealift_error({"policy", "check",
                           write("p.toml", sev_policy("policy = [\"NODBG\", \"NOKS\"]\nfirmware = "
                                                      "\"other.fd\""))},
                          1)["code"],
            "sev_firmware_unsuitable");
  refuse(with_firmware("firmware_sha256 = \"" + kPcr + "\""), "policy.sev.firmware_sha256");
  const auto sha256 = run_checked({.argv = {"sha256sum", path("ovmf.fd")}})->out.substr(0, 64);
  EXPECT_EQ(check(with_firmware("firmware_sha256 = \"" + sha256 + "\""))["verdict"], "valid");
}

TEST_F(SevPolicyFile, IsRefusedWithTheFieldThatIsWrong) {
  refuse("format = \"sealift-policy-v1\"\ntees = [\"sev\"]", "policy.sev");
  refuse(sev_policy("policy = [\"NODBG\", \"NOKS\"]"), "policy.sev.firmware");
  refuse(sev_policy("policy = [\"NODBG\", \"NOKS\", \"FOO\"]"), "policy.sev.policy");
  refuse(with_firmware("minimum_api = \"1\""), "policy.sev.minimum_api");
  refuse(with_firmware("minimum_api = \"1.256\""), "policy.sev.minimum_api");
  refuse(with_firmware("minimum_build = 256"), "policy.sev.minimum_build");
  refuse(with_firmware("cpu = \"486\""), "policy.sev.cpu");
  refuse(with_firmware("roots = [\"ab\"]"), "policy.sev.roots");
  refuse(with_firmware("surprise = 1"), "policy.sev.surprise");
  const auto terms = "policy = [\"NODBG\", \"NOKS\"]\nfirmware = \"ovmf.fd\"";
  for (const auto* member : {"models", "roots", "crls"})
    refuse(sev_policy(terms, std::string{member} + " = []"), std::string{"policy."} + member);
  refuse(sev_policy(terms, "release = \"once\""), "policy.release");
  refuse(policy("sev = 1"), "policy.sev");
}

TEST_F(PolicyFile, ReleasesOnceOrToMany) {
  EXPECT_EQ(check(policy("release = \"once\""))["maximum_hosts"], 1);
  EXPECT_EQ(check(policy("release = \"many\""))["maximum_hosts"], 0);
}

TEST_F(PolicyFile, NamesAnApproverInsteadOfReferences) {
  const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p256)->public_key();
  write("approver.pem", key.pem());
  const auto document = check(policy("approver = \"approver.pem\"", "# no references\n"));
  EXPECT_EQ(document["approver"], to_hex(key.der()));
  EXPECT_TRUE(document["references"].empty());
  EXPECT_EQ(check(policy("approver = \"approver.pem\""))["references"].size(), 1U);
  EXPECT_TRUE(check(policy())["approver"].is_null());
  EXPECT_EQ(sealift_error({"policy", "check", write("p.toml", policy("approver = \"root.pem\""))}, 1)["code"],
            "malformed");
}

TEST_F(PolicyFile, IsRefusedWithTheFieldThatIsWrong) {
  refuse("", "policy.format");
  refuse(policy("surprise = 1"), "policy.surprise");
  refuse(policy("models = 7"), "policy.models");
  refuse(policy("hardware_keys = [\"ab\"]"), "policy.hardware_keys");
  refuse(policy("not_before = 2026-01-01"), "policy.not_before");
  refuse(policy("not_before = 2026-02-01T00:00:00Z\nnot_after = 2026-01-01T00:00:00Z"), "policy.not_after");
  refuse(policy("release = \"twice\""), "policy.release");
  refuse(policy("release = \"once\"\nmaximum_hosts = 2"), "policy.maximum_hosts");
  refuse(policy("maximum_hosts = 0"), "policy.maximum_hosts");
  refuse(policy("require_crl = \"yes\""), "policy.require_crl");
  refuse(policy("profile = \"bios\""), "policy.profile");
  refuse(policy({}, "x = 1"), "policy.reference");
  refuse(policy({}, "[[reference]]\npcrs = \"sha256:6=" + kPcr + "\""), "policy.reference[0].name");
  refuse(policy({}, "[[reference]]\nname = \"a\""), "policy.reference[0].pcrs");
  refuse(policy({}, "[[reference]]\nname = \"a\"\npcrs = \"sha256:6=12\""), "policy.reference[0].pcrs");
  refuse(policy({}, "[[reference]]\nname = \"a\"\npcrs = \"sha256:6=" + kPcr + "\"\nfoo = 1"),
         "policy.reference[0].foo");
  refuse("format = \"sealift-policy-v1", "policy", 1);
}

}  // namespace
}  // namespace sealift::cli
