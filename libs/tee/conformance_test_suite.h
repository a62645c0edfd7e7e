// SPDX-License-Identifier: Apache-2.0
/// For tests: what every TEE back end must do on its verifying side, whatever it is made of. A back end's
/// test says what its hosts are and instantiates the suite, whose tests conformance_test_suite.cc has:
///
///   INSTANTIATE_TEST_SUITE_P(Measured, TeeBackendConformance, testing::Values(measured_hosts()));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/matchers.h"
#include "tee/backend.h"

namespace sealift::tee {

/// Something that is wrong with the evidence, and what must be reported.
struct EvidenceFault {
  std::string name;
  Bytes evidence;
  ErrorCode code;
  std::string field;
};

/// Two genuine hosts of one kind, and who judges them.
struct ConformanceHosts {
  std::string name;
  std::shared_ptr<const TeeBackend> backend;
  Bytes evidence;
  Bytes other_evidence;
  std::function<Bytes(ByteView question)> answer;  ///< of the first host, honestly
  TimePoint now;
  std::chrono::seconds lifetime;  ///< of a question
  ErrorCode wrong_answer;
  std::vector<EvidenceFault> faults;
};

inline std::ostream& operator<<(std::ostream& out, const ConformanceHosts& hosts) {
  return out << hosts.name;
}

class TeeBackendConformance : public testing::TestWithParam<ConformanceHosts> {
 protected:
  std::unique_ptr<Examination> examine() const {
    auto examination = hosts.backend->examine(hosts.evidence, hosts.now);
    EXPECT_THAT(examination, Succeeds());
    return std::move(*examination);
  }
  const ConformanceHosts& hosts = GetParam();
};

}  // namespace sealift::tee
