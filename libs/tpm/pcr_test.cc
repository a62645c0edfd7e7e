// SPDX-License-Identifier: Apache-2.0
#include <tss2/tss2_mu.h>

#include "base/matchers.h"
#include "tpm/types.h"

namespace sealift::tpm {
namespace {

const std::string kA(64, 'a');
const std::string kB(64, 'b');

TEST(PcrSelection, ReadsAndWritesTheNotationOfTpm2Tools) {
  for (const auto* const text : {"sha256:6", "sha256:6,7", "sha1:0+sha256:0,1,23", "sha512:3+sha384:4"}) {
    const auto selection = PcrSelection::parse(text);
    ASSERT_THAT(selection, Succeeds()) << text;
    EXPECT_EQ(selection->text(), text);
  }
}

TEST(PcrSelection, PutsPcrsOfABankInOrder) {
  EXPECT_EQ(PcrSelection::parse("sha256:7,6").value(), PcrSelection::parse("sha256:6,7").value());
}

TEST(PcrSelection, RefusesWhatNamesNoPcrOnce) {
  for (const auto* const text :
       {"", "6", "sha256", "sha256:", "sha256:24", "sha256:-1", "sha256:6,6", "sha256:6,", "md5:6",
        "sha256:6+sha256:7", "sha256:6+", "sha256: 6", "sha256:0x6", "sha256:4294967296"}) {
    EXPECT_THAT(PcrSelection::parse(text), FailsAt(ErrorCode::invalid_argument, "pcr")) << text;
  }
}

TEST(PcrSelection, MarshalsAsTheTpmDoes) {
  const auto selection = PcrSelection::parse("sha1:0,9+sha256:6,23").value();
  const auto list = selection.to_tpm();
  Bytes expected(64);
  std::size_t size = 0;
  ASSERT_EQ(Tss2_MU_TPML_PCR_SELECTION_Marshal(&list, expected.data(), expected.size(), &size),
            TSS2_RC_SUCCESS);
  expected.resize(size);
  EXPECT_EQ(to_hex(selection.marshalled()), to_hex(expected));
}

TEST(PcrValues, ReadsAndWritesOneNotation) {
  for (const auto& text : {"sha256:6=" + kA, "sha256:6=" + kA + ",7=" + kB,
                           "sha1:0=" + std::string(40, '1') + "+sha256:6=" + kA}) {
    const auto values = PcrValues::parse(text);
    ASSERT_THAT(values, Succeeds()) << text;
    EXPECT_EQ(values->text(), text);
  }
}

TEST(PcrValues, KnowsItsSelectionAndEachValue) {
  const auto values = PcrValues::parse("sha256:7=" + kB + ",6=" + kA).value();
  EXPECT_EQ(values.selection(), PcrSelection::parse("sha256:6,7").value());
  ASSERT_NE(values.find(HashAlgorithm::sha256, 7), nullptr);
  EXPECT_EQ(to_hex(values.find(HashAlgorithm::sha256, 7)->view()), kB);
  EXPECT_EQ(values.find(HashAlgorithm::sha1, 7), nullptr);
}

TEST(PcrValues, RefusesWhatGivesNoPcrAValueOnce) {
  for (const auto& text :
       {std::string{}, std::string{"sha256:6"}, std::string{"sha256:6="}, "sha256:6=" + kA + "00",
        "sha256:6=" + kA.substr(2), "sha256:6=" + kA + ",6=" + kA, "sha256:6=" + kA + "+sha256:7=" + kA,
        "sha1:6=" + kA, "sha256:24=" + kA, "sha256:6=0x" + kA.substr(2)}) {
    EXPECT_THAT(PcrValues::parse(text), FailsAt(ErrorCode::invalid_argument, "pcr")) << text;
  }
}

}  // namespace
}  // namespace sealift::tpm
