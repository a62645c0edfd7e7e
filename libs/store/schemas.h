// SPDX-License-Identifier: Apache-2.0
/// Which tables belong together. A service opens its database with the one schema that it needs; several may
/// share a database.
#pragma once

#include <memory>
#include <string>

#include "store/sql/database.h"

namespace sealift::store {

enum class Schema {
  images,    ///< images.h, object_uses.h, quotes.h
  launches,  ///< hosts.h, commands.h, launches.h
  keys,      ///< seeds.h, enrolments.h, audit.h, revocations.h
};

/// Opens `url` (sql/database.h) and brings the schema up to date. unsupported where a newer program did so
/// already.
Result<std::unique_ptr<sql::Database>> open(const std::string& url, Schema schema);

}  // namespace sealift::store
