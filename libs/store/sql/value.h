// SPDX-License-Identifier: Apache-2.0
/// What goes into a statement and what comes out: whole numbers, text (UTF-8 without NUL), bytes. Nothing is
/// NULL: "not there" is 0 or empty, and the header of each record says so.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::sql {

using Value = std::variant<std::int64_t, std::string, Bytes>;
/// $1, $2, … in this order.
using Args = std::vector<Value>;

/// invalid_argument where a text is not UTF-8 or holds NUL: one database would refuse it, the other would cut
/// it.
Status check_texts(const Args& args);

/// One row of a result, read column by column from the left. A column of another type gives an empty value
/// and spoils the row: finish() tells.
class Row {
 public:
  explicit Row(std::vector<Value> columns) : columns_{std::move(columns)} {}

  std::int64_t integer() { return next<std::int64_t>(); }
  bool flag() { return integer() != 0; }
  std::string text() { return next<std::string>(); }
  Bytes bytes() { return next<Bytes>(); }
  /// internal where statement and reader do not belong together.
  Status finish() const;

 private:
  template <typename T>
  T next() {
    T* const found = next_ < columns_.size() ? std::get_if<T>(&columns_[next_]) : nullptr;
    ++next_;
    if (found == nullptr) spoilt_ = true;
    return found == nullptr ? T{} : std::move(*found);
  }

  std::vector<Value> columns_;
  std::size_t next_ = 0;
  bool spoilt_ = false;
};

using Rows = std::vector<Row>;

}  // namespace sealift::sql
