// SPDX-License-Identifier: Apache-2.0
/// For tests: what every object store does, whatever it is made of. A store's test says how to open one and
/// instantiates the suite:
///
///   INSTANTIATE_TEST_SUITE_P(Directory, StoreConformance, testing::Values(directory_under_test()));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "objects/fetch.h"
#include "objects/object_store.h"

namespace sealift::objects {

struct StoreUnderTest {
  std::string name;
  /// Opens the same store each time, as replicas do.
  std::function<Result<std::unique_ptr<ObjectStore>>()> open;
  /// How a host reaches it.
  std::function<FetchOptions()> host;
};

inline std::ostream& operator<<(std::ostream& out, const StoreUnderTest& store) { return out << store.name; }

class StoreConformance : public testing::TestWithParam<StoreUnderTest> {
 protected:
  std::unique_ptr<ObjectStore> open() const;
  /// Uploads all of it, through a state that is written down after each call.
  Result<UploadState> upload(const crypto::Digest& announced, ByteView bytes) const;
  /// The whole object as a host gets it.
  Result<Bytes> fetched(const ObjectKey& key, ByteView expected) const;

  std::unique_ptr<ObjectStore> store = open();
};

/// Other bytes each time: tests share a store.
Bytes random_content(std::size_t size);
crypto::Digest sha512(ByteView bytes);
ObjectKey random_head();

}  // namespace sealift::objects
