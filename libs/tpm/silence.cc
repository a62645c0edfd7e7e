// SPDX-License-Identifier: Apache-2.0
#include "tpm/silence.h"

#include <cstdlib>
#include <mutex>

namespace sealift::tpm {

void silence_tss() {
  static std::once_flag once;
  std::call_once(once, [] { setenv("TSS2_LOG", "all+none", 0); });
}

}  // namespace sealift::tpm
