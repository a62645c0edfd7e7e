// SPDX-License-Identifier: Apache-2.0
#include "tee/conformance_test_suite.h"

namespace sealift::tee {

TEST_P(TeeBackendConformance, ProvesAGenuineTarget) {
  const auto examination = examine();
  EXPECT_THAT(examination->conclude(hosts.answer(examination->question()), hosts.now), Succeeds());
}

TEST_P(TeeBackendConformance, NamesAMachineTheSameEachTime) {
  const auto a = examine();
  const auto b = examine();
  EXPECT_EQ(a->conclude(hosts.answer(a->question()), hosts.now).value()->hardware_key_hash(),
            b->conclude(hosts.answer(b->question()), hosts.now).value()->hardware_key_hash());
}

TEST_P(TeeBackendConformance, NeverAsksTheSameTwice) {
  EXPECT_NE(to_bytes(examine()->question()), to_bytes(examine()->question()));
}

TEST_P(TeeBackendConformance, RefusesAnAnswerToAnotherQuestion) {
  const auto asked = examine();
  const auto other = examine();
  EXPECT_THAT(asked->conclude(hosts.answer(other->question()), hosts.now), FailsWith(hosts.wrong_answer));
}

TEST_P(TeeBackendConformance, RefusesTheAnswerOfAnotherHost) {
  const auto mine = examine();
  auto other = hosts.backend->examine(hosts.other_evidence, hosts.now);
  ASSERT_THAT(other, Succeeds());
  EXPECT_THAT((*other)->conclude(hosts.answer(mine->question()), hosts.now), FailsWith(hosts.wrong_answer));
}

TEST_P(TeeBackendConformance, CountsAnAnswerOnce) {
  const auto examination = examine();
  const auto answer = hosts.answer(examination->question());
  EXPECT_THAT(examination->conclude(answer, hosts.now), Succeeds());
  EXPECT_THAT(examination->conclude(answer, hosts.now), FailsWith(ErrorCode::challenge_used));
}

TEST_P(TeeBackendConformance, CountsAWrongAnswerToo) {
  const auto examination = examine();
  EXPECT_FALSE(examination->conclude({}, hosts.now));
  EXPECT_THAT(examination->conclude(hosts.answer(examination->question()), hosts.now),
              FailsWith(ErrorCode::challenge_used));
}

TEST_P(TeeBackendConformance, RefusesAnAnswerThatComesTooLate) {
  const auto examination = examine();
  EXPECT_THAT(examination->conclude(hosts.answer(examination->question()), hosts.now + hosts.lifetime),
              FailsWith(ErrorCode::challenge_expired));
}

TEST_P(TeeBackendConformance, RefusesEvidenceThatEndsAnywhere) {
  // The last byte may be white space.
  for (std::size_t size = 0; size + 1 < hosts.evidence.size(); ++size) {
    EXPECT_FALSE(hosts.backend->examine(ByteView{hosts.evidence}.first(size), hosts.now)) << size;
  }
}

TEST_P(TeeBackendConformance, NamesEachFault) {
  for (const auto& fault : hosts.faults) {
    EXPECT_THAT(hosts.backend->examine(fault.evidence, hosts.now), FailsAt(fault.code, fault.field))
        << fault.name;
  }
}

}  // namespace sealift::tee
