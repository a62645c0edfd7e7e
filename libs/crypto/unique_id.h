// SPDX-License-Identifier: Apache-2.0
/// Names for new records: UUIDs of version 7 (RFC 9562 5.7), which sort by the time they were made.
#pragma once

#include <string>

#include "base/clock.h"

namespace sealift::crypto {

/// 36 characters; 48 bits of `now` in milliseconds and 74 random bits.
std::string time_ordered_id(TimePoint now);

}  // namespace sealift::crypto
