// SPDX-License-Identifier: Apache-2.0
/// Room on hosts, within the transaction that changes a launch. What is free stands in the host's row, so
/// that candidates are found by an index.
#pragma once

#include <string>

#include "store/launches.h"
#include "store/sql/database.h"

namespace sealift::store {

/// Gives back what the launch has (where `release` says so), then takes what is wanted. Harmless where there
/// is nothing to give back, or where it has room on that host already. conflict (it has room on another
/// host), resource_exhausted.
Status change_reservation(sql::Transaction& transaction, const std::string& launch_id, bool release,
                          const std::optional<Reservation>& wanted);

}  // namespace sealift::store
