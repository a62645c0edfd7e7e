// SPDX-License-Identifier: Apache-2.0
/// sealift esm: operands of both formats, from the command line.
#include "base/matchers.h"
#include "cli/tool_for_test.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::cli {
namespace {

std::string sha512(std::string_view text) {
  return to_hex(crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(text)).view());
}

class Esm : public ToolTest {
 protected:
  void SetUp() override {
    write("kernel", "a kernel");
    write("initramfs", "an initramfs, compressed somehow");
    write("passphrase", "correct horse");
  }
  Json make(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"esm",
                                       "make",
                                       "--kernel",
                                       path("kernel"),
                                       "--initramfs",
                                       path("initramfs"),
                                       "--cmdline",
                                       "quiet",
                                       "--customer-data",
                                       "passphrase=" + path("passphrase"),
                                       "--seed",
                                       path("seed"),
                                       "--out",
                                       path("operand")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return sealift_json(arguments);
  }
  std::vector<std::string> verify(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"esm",          "verify",      path(file),        "--kernel",
                                       path("kernel"), "--initramfs", path("initramfs"), "--cmdline",
                                       "quiet",        "--seed",      path("seed")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  /// The image's initramfs: head archive and what it protects.
  void prepend_head() {
    make({"--head"});
    auto whole = read("operand");
    const auto rest = read("initramfs");
    whole.insert(whole.end(), rest.begin(), rest.end());
    write("sealed", whole);
  }
  std::string storage_key() {
    auto tpm = tpm::SwtpmForTest::start().value();
    EXPECT_THAT(tpm.tool_checked({"tpm2_createprimary", "-C", "o", "-G", "ecc256", "-c", path("ctx")}),
                Succeeds());
    EXPECT_THAT(tpm.tool_checked({"tpm2_readpublic", "-c", path("ctx"), "-o", path("parent.pub")}),
                Succeeds());
    return path("parent.pub");
  }
};

TEST_F(Esm, ShowsWithoutAKeyWhatTheOperandSays) {
  const auto made = make();
  const auto shown = sealift_json({"esm", "show", path("operand")});
  EXPECT_EQ(shown["format"], "sealift,esm-v1");
  EXPECT_EQ(shown["image_id"], made["image_id"]);
  EXPECT_EQ(shown["targets"], Json::array());
  ASSERT_EQ(shown["payload"].size(), 2U);
  EXPECT_EQ(shown["payload"][0]["name"], "integrity");
  EXPECT_EQ(shown["payload"][1], (Json{{"name", "passphrase"}, {"size", 13}}));
  EXPECT_FALSE(shown.contains("digests"));
}

TEST_F(Esm, ShowsTheDigestsToWhoHasTheSeed) {
  make();
  const auto shown = sealift_json({"esm", "show", path("operand"), "--seed", path("seed")});
  EXPECT_EQ(shown["verdict"], "valid");
  EXPECT_EQ(shown["hmac"]["verdict"], "valid");
  EXPECT_EQ(shown["digests"]["kernel"], sha512("a kernel"));
  EXPECT_EQ(shown["digests"]["initramfs"], sha512("an initramfs, compressed somehow"));
  EXPECT_EQ(shown["digests"]["cmdline"], sha512("quiet"));
}

TEST_F(Esm, ShowSaysThatTheSeedIsAnother) {
  make();
  write("seed", std::string(32, 'x'));
  const auto output = sealift({"esm", "show", path("operand"), "--seed", path("seed"), "--json"});
  EXPECT_EQ(output.exit_status, 1);
  EXPECT_EQ(Json::parse(output.out)["hmac"]["verdict"], "hmac_differs");
  EXPECT_EQ(Json::parse(output.err)["error"]["code"], "hmac_differs");
}

TEST_F(Esm, VerifiesAnOperandAloneAndInFrontOfAnInitramfs) {
  prepend_head();
  EXPECT_EQ(sealift_json(verify("sealed"))["verdict"], "matches");
  EXPECT_EQ(sealift_json(verify("sealed", {}))["components"].size(), 3U);
  const auto whole = sealift_json({"esm", "verify", path("sealed"), "--kernel", path("kernel"), "--initramfs",
                                   path("sealed"), "--cmdline", "quiet", "--seed", path("seed")});
  EXPECT_EQ(whole["verdict"], "matches");
}

TEST_F(Esm, VerifyNamesEveryComponentThatDiffers) {
  make();
  write("kernel", "another kernel");
  write("initramfs", "another initramfs");
  const auto output = sealift([&] {
    auto arguments = verify("operand");
    arguments.emplace_back("--json");
    return arguments;
  }());
  EXPECT_EQ(output.exit_status, 1);
  const auto error = Json::parse(output.err)["error"];
  EXPECT_EQ(error["code"], "kernel_differs");
  EXPECT_EQ(error["field"], "kernel");
  const auto message = error["message"].get<std::string>();
  EXPECT_NE(message.find("kernel, initramfs"), std::string::npos) << message;
  const auto components = Json::parse(output.out)["components"];
  EXPECT_EQ(components[0]["verdict"], "differs");
  EXPECT_EQ(components[0]["expected"], sha512("a kernel"));
  EXPECT_EQ(components[0]["found"], sha512("another kernel"));
  EXPECT_EQ(components[1]["verdict"], "differs");
  EXPECT_EQ(components[2]["verdict"], "matches");
}

TEST_F(Esm, VerifyRefusesAnEditedPayload) {
  make();
  auto bytes = read("operand");
  const auto at =
      std::search(bytes.begin(), bytes.end(), std::begin("passphrase"), std::end("passphrase") - 1);
  ASSERT_NE(at, bytes.end());
  *at = 'P';
  write("operand", bytes);
  EXPECT_EQ(sealift_error(verify("operand"), 1)["code"], "hmac_differs");
}

TEST_F(Esm, AuthorizesAHostFromTheSeedAndFromWhatTpmSealMade) {
  prepend_head();
  const auto key = storage_key();
  const auto pcr = std::string{"sha256:6="} + kOnes;
  const auto first = sealift_json(
      {"esm", "authorize", path("sealed"), "--seed", path("seed"), "--storage-key", key, "--pcr", pcr});
  EXPECT_EQ(first["targets"], 1);
  const auto shown = sealift_json({"esm", "show", path("sealed"), "--seed", path("seed")});
  EXPECT_EQ(shown["hmac"]["verdict"], "valid");
  EXPECT_EQ(shown["targets"][0]["storage_key_name"], first["authorized"][0]["storage_key_name"]);

  sealift_json(
      {"tpm", "seal", "--storage-key", key, "--secret", path("seed"), "--pcr", pcr, "--out", path("dir")});
  const auto second = sealift_json({"esm", "authorize", path("sealed"), "--storage-key", key, "--sealed",
                                    path("dir"), "--out", path("other")});
  EXPECT_EQ(second["targets"], 1) << "the same host twice is one target";
  EXPECT_EQ(sealift_json({"esm", "show", path("other")})["targets"], shown["targets"]);
  EXPECT_EQ(sealift_json(verify("other"))["verdict"], "matches");
}

TEST_F(Esm, AuthorizeRefusesTheSeedOfAnotherImageAndChangesNothing) {
  make();
  const auto before = read("operand");
  write("seed", std::string(32, 'x'));
  const auto error =
      sealift_error({"esm", "authorize", path("operand"), "--seed", path("seed"), "--storage-key",
                     storage_key(), "--pcr", std::string{"sha256:6="} + kOnes},
                    1);
  EXPECT_EQ(error["code"], "hmac_differs");
  EXPECT_EQ(read("operand"), before);
}

TEST_F(Esm, AFailedMakeLeavesNeitherOperandNorSeed) {
  const auto before = files();
  sealift_error({"esm", "make", "--kernel", path("kernel"), "--initramfs", path("initramfs"), "--cmdline",
                 "quiet", "--seed", path("seed"), "--out", path("no/such/directory")},
                3);
  EXPECT_EQ(files(), before);
}

TEST_F(Esm, MakeKeepsASeedThatIsThere) {
  write("seed", std::string(32, 's'));
  make();
  EXPECT_EQ(as_text(read("seed")), std::string(32, 's'));
  EXPECT_EQ(sealift_json(verify("operand"))["verdict"], "matches");
}

class IbmEsm : public Esm {
 protected:
  void SetUp() override {
    Esm::SetUp();
    for (const std::string who : {"owner", "other"}) {
      const auto key = crypto::PrivateKey::generate_rsa(2048).value();
      const auto pem = key.pem();
      write(who + ".key", pem.expose());
      write(who + ".pub", key.public_key().pem());
    }
    std::vector<std::string> arguments{"esm",       "make",         "--format",    "ibm",
                                       "--kernel",  path("kernel"), "--initramfs", path("initramfs"),
                                       "--cmdline", "quiet",        "--recipient", path("owner.pub"),
                                       "--comment", "the owner",    "--out",       path("blob")};
    made_ = sealift_json(arguments);
  }
  Output verify_with(const std::string& key) {
    return sealift({"esm", "verify", path("blob"), "--kernel", path("kernel"), "--initramfs",
                    path("initramfs"), "--cmdline", "quiet", "--rtas", write("rtas", rtas()), "--key",
                    path(key), "--json"});
  }
  static Bytes rtas() { return from_hex("7c641b783c6000006063f000440000224e800020").value(); }
  Json made_;
};

TEST_F(IbmEsm, ShowsLockboxesAndDigests) {
  const auto shown = sealift_json({"esm", "show", path("blob"), "--key", path("owner.key")});
  EXPECT_EQ(shown["format"], "ibm,esm");
  ASSERT_EQ(shown["lockboxes"].size(), 1U);
  EXPECT_EQ(shown["lockboxes"][0]["name"], "origin-lockbox");
  EXPECT_EQ(shown["lockboxes"][0]["fingerprint"], made_["fingerprint"]);
  EXPECT_EQ(shown["lockboxes"][0]["comment"], "the owner");
  EXPECT_EQ(shown["digests"]["kernel"], sha512("a kernel"));
  EXPECT_EQ(shown["digests"]["rtas"].get<std::string>().substr(0, 16), "189698638580422e");
}

TEST_F(IbmEsm, OneMoreRecipientMayOpenIt) {
  EXPECT_EQ(Json::parse(verify_with("other.key").err)["error"]["code"], "no_lockbox_for_key");
  const auto document = sealift_json({"esm", "authorize", path("blob"), "--key", path("owner.key"),
                                      "--recipient", path("other.pub"), "--comment", "the other"});
  EXPECT_EQ(document["lockboxes"], 2);
  EXPECT_EQ(verify_with("other.key").exit_status, 0);
  EXPECT_EQ(verify_with("owner.key").exit_status, 0);
}

TEST_F(IbmEsm, AuthorizesInFrontOfAnInitramfsByANewFile) {
  sealift_json({"esm", "make", "--format", "ibm", "--head", "--kernel", path("kernel"), "--initramfs",
                path("initramfs"), "--cmdline", "quiet", "--recipient", path("owner.pub"), "--out",
                path("head")});
  auto whole = read("head");
  const auto rest = read("initramfs");
  whole.insert(whole.end(), rest.begin(), rest.end());
  write("sealed", whole);
  sealift_json(
      {"esm", "authorize", path("sealed"), "--key", path("owner.key"), "--recipient", path("other.pub")});
  EXPECT_EQ(sealift_json({"esm", "show", path("sealed")})["lockboxes"].size(), 2U);
  const auto output =
      sealift({"esm", "verify", path("sealed"), "--kernel", path("kernel"), "--initramfs", path("sealed"),
               "--cmdline", "quiet", "--rtas", write("rtas", rtas()), "--key", path("other.key")});
  EXPECT_EQ(output.exit_status, 0) << output.err;
}

TEST_F(IbmEsm, VerifyWithoutRtasNamesRtas) {
  const auto error = sealift_error({"esm", "verify", path("blob"), "--kernel", path("kernel"), "--initramfs",
                                    path("initramfs"), "--cmdline", "quiet", "--key", path("owner.key")},
                                   1);
  EXPECT_EQ(error["code"], "rtas_differs");
}

TEST_F(IbmEsm, OptionsOfTheOtherFormatAreUsageErrors) {
  EXPECT_EQ(sealift_error({"esm", "show", path("blob"), "--seed", path("kernel")}, 2)["code"],
            "invalid_argument");
  EXPECT_EQ(sealift_error({"esm", "authorize", path("blob"), "--seed", path("kernel")}, 2)["code"],
            "invalid_argument");
}

}  // namespace
}  // namespace sealift::cli
