// SPDX-License-Identifier: Apache-2.0
/// What was decided, about whom, and why: one record for each request, without a secret in it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sealift::securitymodule {

/// Who asks, and for which tenant.
struct Asker {
  std::string tenant;
  std::string identity;  ///< as its certificate has it
  std::string trace_id;
};

struct Decision {
  std::string_view action;  ///< "put_seed"
  Asker asker;
  std::string image_id;
  std::string
      storage_key_name;  ///< hexadecimal; "" where no host is concerned, or its evidence does not hold
  std::string_view outcome = {};  ///< "accepted", "listed", "removed", "asked", "made", "returned"
};

class DecisionLog {
 public:
  virtual ~DecisionLog() = default;
  /// `refusal` is null where it went well.
  virtual void record(const Decision& decision, const Error* refusal) = 0;
};

}  // namespace sealift::securitymodule
