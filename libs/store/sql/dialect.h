// SPDX-License-Identifier: Apache-2.0
/// The words in which SQLite and PostgreSQL differ. Statements write the word on the left, each connection
/// runs what its database calls it. Text sorts by its bytes in both.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace sealift::sql {

using Dialect = std::array<std::pair<std::string_view, std::string_view>, 6>;

inline constexpr Dialect kSqlite{{
    {"@INT", "INTEGER"},
    {"@TEXT", "TEXT"},
    {"@BYTES", "BLOB"},
    {"@STRICT", "STRICT"},
    {"@SKIP_LOCKED", ""},
    {"@LOCK_SCHEMA", "SELECT 1"},  // a transaction that writes is alone already
}};

inline constexpr Dialect kPostgres{{
    {"@INT", "BIGINT"},
    {"@TEXT", "TEXT COLLATE \"C\""},
    {"@BYTES", "BYTEA"},
    {"@STRICT", ""},
    {"@SKIP_LOCKED", "FOR UPDATE SKIP LOCKED"},
    {"@LOCK_SCHEMA", "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7310868735422001512)) AS held"},
}};

std::string in_dialect(std::string_view sql, const Dialect& dialect);

}  // namespace sealift::sql
