// SPDX-License-Identifier: Apache-2.0
/// sealift audit, on bundles and receipts in files: nothing of it needs the security module.
#include "cli/tool_for_test.h"
#include "merkle/log.h"

namespace sealift::cli {
namespace {

class Audit : public ToolTest {
 protected:
  void SetUp() override {
    write("log.pem", signer_.public_key().pem());
    write("log.bundle", bundle(12).written());
  }
  /// Of a log whose even entries are another tenant's.
  merkle::Bundle bundle(int size, const std::string& text = "decision") const {
    merkle::Bundle made;
    merkle::Frontier tree;
    for (int i = 0; i < size; ++i) {
      const auto entry = "{\"action\":\"" + text + std::to_string(i) + "\"}";
      const auto leaf = merkle::leaf_hash(as_bytes(entry));
      tree.append(leaf);
      if (i % 2 == 0) {
        made.entries.emplace_back(leaf);
      } else {
        made.entries.emplace_back(to_bytes(as_bytes(entry)));
      }
    }
    made.head = merkle::sign_head(signer_, tree, 1780272000000).value();
    return made;
  }
  std::vector<std::string> verify(const std::string& file, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"audit", "verify", path(file), "--key", path("log.pem")});
    return more;
  }

 private:
  merkle::PrivateKeySigner signer_{crypto::PrivateKey::generate_ec(crypto::Curve::p256).value()};
};

TEST_F(Audit, VerifiesABundleAgainstWhatWasKnown) {
  write("earlier.bundle", bundle(5).written());
  const auto document = sealift_json(verify("log.bundle", {"--known", path("earlier.bundle")}));
  EXPECT_EQ(document["verdict"], "holds");
  EXPECT_EQ(document["head"]["size"], 12);
  EXPECT_EQ(document["head"]["time"], "2026-06-01T00:00:00Z");
  EXPECT_EQ(document["compared"], 1);
}

TEST_F(Audit, ProvesOneEntryToWhoeverHasTheKey) {
  const auto made =
      sealift_json({"audit", "prove", path("log.bundle"), "--entry", "7", "--out", path("7.receipt")});
  EXPECT_EQ(made["entry"], 7);
  EXPECT_EQ(sealift_json(verify("7.receipt", {"--known", path("log.bundle")}))["entry"], 7);
  EXPECT_EQ(
      sealift_error({"audit", "prove", path("log.bundle"), "--entry", "12", "--out", path("x")}, 2)["code"],
      "invalid_argument");
}

TEST_F(Audit, ShowsTheTenantsLastEntries) {
  const auto entries = sealift_json({"audit", "tail", path("log.bundle"), "--lines", "2"})["entries"];
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0]["entry"], 9);
  EXPECT_EQ(entries[1]["text"], "{\"action\":\"decision11\"}");
}

TEST_F(Audit, RefusesAnEditAForkAndAnotherLog) {
  auto bytes = bundle(12).written();
  bytes[bytes.size() / 2] ^= 1;
  write("edited.bundle", bytes);
  EXPECT_EQ(sealift_error(verify("edited.bundle"), 1)["code"], "authentication_failed");
  write("fork.bundle", bundle(12, "lie").written());
  EXPECT_EQ(sealift_error(verify("fork.bundle", {"--known", path("log.bundle")}), 1)["field"], "head");
  write("log.pem", crypto::PrivateKey::generate_ec(crypto::Curve::p256)->public_key().pem());
  EXPECT_EQ(sealift_error(verify("log.bundle"), 1)["code"], "signature_invalid");
  write("nothing", "nothing");
  EXPECT_EQ(sealift_error(verify("nothing"), 1)["code"], "truncated");
}

}  // namespace
}  // namespace sealift::cli
