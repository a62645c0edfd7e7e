// SPDX-License-Identifier: Apache-2.0
/// Schemas that grow: numbered migrations, each applied once. Several schemas may live in one database.
#pragma once

#include <string_view>
#include <vector>

#include "store/sql/database.h"

namespace sealift::sql {

/// The statements that lead from one version to the next.
using Migration = std::vector<std::string_view>;

struct Schema {
  std::string_view name;
  std::vector<Migration> migrations;  ///< version n is what the first n made; add, never change
};

/// Applies what is missing, in one transaction; others that do the same wait. unsupported where the database
/// is newer than `schema`: this program would not understand it.
Status migrate(Database& database, const Schema& schema);

}  // namespace sealift::sql
