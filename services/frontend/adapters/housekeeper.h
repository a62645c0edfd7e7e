// SPDX-License-Identifier: Apache-2.0
/// Does the housekeeping now and then, on a thread of its own.
#pragma once

#include <chrono>
#include <thread>

#include "services/frontend/domain/housekeeping.h"

namespace sealift::frontend {

class Housekeeper {
 public:
  /// Failures go to standard error.
  Housekeeper(Housekeeping& housekeeping, std::chrono::seconds interval);

 private:
  std::jthread thread_;
};

}  // namespace sealift::frontend
