// SPDX-License-Identifier: Apache-2.0
/// From rows to records. A reader takes one row apart: `Result<Thing> read_thing(sql::Row& row)`.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "store/sql/value.h"

namespace sealift::sql {

template <typename T>
using Reader = Result<T> (*)(Row&);

/// The number of rows that one call may ask for, within bounds.
inline std::int64_t page(int limit) { return std::clamp(limit, 1, 1000); }

template <typename T>
Result<T> read_row(Row& row, Reader<T> read) {
  SEALIFT_TRY(auto record, read(row));
  SEALIFT_CHECK(row.finish());
  return record;
}

template <typename T>
Result<std::vector<T>> all(Result<Rows> rows, Reader<T> read) {
  if (!rows) return tl::unexpected(std::move(rows).error());
  std::vector<T> records;
  records.reserve(rows->size());
  for (auto& row : *rows) {
    SEALIFT_TRY(auto record, read_row(row, read));
    records.push_back(std::move(record));
  }
  return records;
}

/// The first row's record, if there is a row.
template <typename T>
Result<std::optional<T>> maybe(Result<Rows> rows, Reader<T> read) {
  if (!rows) return tl::unexpected(std::move(rows).error());
  if (rows->empty()) return std::optional<T>{};
  SEALIFT_TRY(auto record, read_row(rows->front(), read));
  return std::optional<T>{std::move(record)};
}

/// The first row's record; not_found, "there is no such <what>", where there is no row.
template <typename T>
Result<T> only(Result<Rows> rows, Reader<T> read, const char* what) {
  SEALIFT_TRY(auto found, maybe(std::move(rows), read));
  if (!found) return fail(ErrorCode::not_found, std::string{"there is no such "} + what, what);
  return std::move(*found);
}

inline Result<std::int64_t> read_integer(Row& row) { return row.integer(); }

/// Nothing but whether it succeeded.
inline Status done(const Result<Rows>& rows) {
  if (!rows) return tl::unexpected(rows.error());
  return {};
}

/// How many rows there were.
inline Result<std::int64_t> count(const Result<Rows>& rows) {
  if (!rows) return tl::unexpected(rows.error());
  return static_cast<std::int64_t>(rows->size());
}

/// The version that `UPDATE … WHERE … version = … RETURNING version` gave. Where it changed nothing: the
/// error of `get`, which looks for the record, or else conflict.
template <typename Get>
Result<std::int64_t> new_version(Result<Rows> rows, const char* what, Get get) {
  SEALIFT_TRY(const auto version, maybe<std::int64_t>(std::move(rows), read_integer));
  if (version) return *version;
  SEALIFT_CHECK(get());
  return fail(ErrorCode::conflict, std::string{"the "} + what + " was changed meanwhile", "version");
}

}  // namespace sealift::sql
