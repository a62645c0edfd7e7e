// SPDX-License-Identifier: Apache-2.0
/// Room on hosts, within the transaction that changes a launch. What is free stands in the host's row, so
/// that candidates are found by an index.
#pragma once

#include <string>

#include "store/launches.h"
#include "store/sql/database.h"

namespace sealift::store {

/// Harmless where the launch has it already. conflict (it has one on another host), resource_exhausted.
Status reserve(sql::Transaction& transaction, const std::string& launch_id, const Reservation& wanted);
/// Harmless where there is none.
Status release(sql::Transaction& transaction, const std::string& launch_id);

}  // namespace sealift::store
