// SPDX-License-Identifier: Apache-2.0
/// For tests: every test of a port runs on SQLite and on a real PostgreSQL. On SQLite, each statement that
/// the test caused is checked for a plan that does not grow with its table.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/matchers.h"
#include "store/schemas.h"

namespace sealift::store {

enum class Backend { sqlite, postgres };

class Conformance : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// The test's own database, empty at first. Opened anew with each call.
  std::unique_ptr<sql::Database> open(Schema schema) const;
  const std::string& url() const { return url_; }

 private:
  std::unique_ptr<TemporaryDirectory> directory_;
  std::string url_;
};

/// A suite of tests of one schema: `database()` is open before each.
template <Schema schema>
class ConformanceOf : public Conformance {
 protected:
  void SetUp() override {
    Conformance::SetUp();
    database_ = open(schema);
  }
  void TearDown() override {
    database_.reset();
    Conformance::TearDown();
  }
  sql::Database& database() { return *database_; }

 private:
  std::unique_ptr<sql::Database> database_;
};

std::string name_of_backend(const ::testing::TestParamInfo<Backend>& info);

/// Runs `work(0)` … `work(count - 1)` at the same time, each in its thread.
void in_threads(int count, const std::function<void(int)>& work);

Bytes bytes(std::string_view text);

}  // namespace sealift::store

#define SEALIFT_CONFORMANCE(suite)                                                             \
  INSTANTIATE_TEST_SUITE_P(Both, suite, ::testing::Values(Backend::sqlite, Backend::postgres), \
                           name_of_backend)
