// SPDX-License-Identifier: Apache-2.0
#include "store/sql/postgres_connection.h"

#include <fmt/core.h>
#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <cstring>

#include "store/sql/dialect.h"

namespace sealift::sql {
namespace {

// pg_type.dat
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;

/// Unless the operator's URL says otherwise: nothing waits for ever, also where a machine vanished.
constexpr std::array<std::pair<const char*, const char*>, 6> kDefaults{{
    {"connect_timeout", "5"},
    {"tcp_user_timeout", "15000"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "2"},
    {"application_name", "sealift"},
}};

/// An acknowledged commit is on disk whatever the server's default is.
constexpr const char* kSession =
    "SET client_encoding = 'UTF8';"
    "SET default_transaction_isolation = 'read committed';"
    "SET statement_timeout = '30s';"
    "SET idle_in_transaction_session_timeout = '60s';"
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = "
    "'off'";

ErrorCode code_for(std::string_view state) {
  constexpr std::array<std::pair<std::string_view, ErrorCode>, 16> kCodes{{
      {"23505", ErrorCode::already_exists},     // unique_violation
      {"22021", ErrorCode::invalid_argument},   // character_not_in_repertoire
      {"25006", ErrorCode::unavailable},        // read_only_sql_transaction: a standby
      {"25P03", ErrorCode::timeout},            // idle_in_transaction_session_timeout
      {"42501", ErrorCode::permission_denied},  // insufficient_privilege
      {"53100", ErrorCode::no_space},           // disk_full
      {"53", ErrorCode::unavailable},           // insufficient_resources
      {"54", ErrorCode::too_large},             // program_limit_exceeded
      {"55P03", ErrorCode::timeout},            // lock_not_available
      {"57014", ErrorCode::timeout},            // query_canceled: statement_timeout
      {"57", ErrorCode::unavailable},           // operator_intervention
      {"58", ErrorCode::io_error},              // system_error
      {"28", ErrorCode::permission_denied},     // invalid_authorization_specification
      {"40", ErrorCode::unavailable},           // transaction_rollback, again and again
      {"08P01", ErrorCode::internal},           // protocol_violation: another number of arguments
      {"08", ErrorCode::unavailable},           // connection_exception
  }};
  for (const auto& [prefix, code] : kCodes) {
    if (state.starts_with(prefix)) return code;
  }
  return ErrorCode::internal;
}

const char* message_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::already_exists:
      return "there is one with this key already";
    case ErrorCode::invalid_argument:
      return "a text is not UTF-8, or holds a NUL character";
    case ErrorCode::no_space:
      return "the database cannot grow: its disk or quota is full";
    case ErrorCode::unavailable:
      return "the database does not answer";
    case ErrorCode::timeout:
      return "the database took too long";
    case ErrorCode::permission_denied:
      return "the database does not let this user in";
    case ErrorCode::io_error:
      return "the database cannot be read or written: its disk is broken";
    case ErrorCode::too_large:
      return "a value is too large for the database";
    default:
      return "the database refused a statement";
  }
}

/// The keywords and values of `conninfo`, completed.
class Parameters {
 public:
  explicit Parameters(const std::string& conninfo) {
    char* problem = nullptr;
    options_.reset(PQconninfoParse(conninfo.c_str(), &problem));
    PQfreemem(problem);  // it may quote a password
    for (const auto* option = options_.get(); option != nullptr && option->keyword != nullptr; ++option) {
      if (option->val != nullptr) add(option->keyword, option->val);
    }
    for (const auto& [keyword, value] : kDefaults) add(keyword, value);
    keywords_.push_back(nullptr);
    values_.push_back(nullptr);
  }
  bool readable() const { return options_ != nullptr; }
  const char* const* keywords() const { return keywords_.data(); }
  const char* const* values() const { return values_.data(); }

 private:
  struct Free {
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
  };
  void add(const char* keyword, const char* value) {
    for (const auto* known : keywords_) {
      if (std::strcmp(known, keyword) == 0) return;
    }
    keywords_.push_back(keyword);
    values_.push_back(value);
  }

  std::unique_ptr<PQconninfoOption, Free> options_;
  std::vector<const char*> keywords_;
  std::vector<const char*> values_;
};

/// The arguments as libpq takes them: numbers in digits, so that the server may take them for any integer
/// type.
struct Arguments {
  explicit Arguments(const Args& args) {
    digits.reserve(args.size());
    for (const auto& value : args) add(value);
  }
  void add(const Value& value) {
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
      digits.push_back(std::to_string(*number));
      return add(digits.back().c_str(), digits.back().size(), 0);
    }
    if (const auto* const text = std::get_if<std::string>(&value)) return add(text->data(), text->size(), 1);
    const auto& bytes = std::get<Bytes>(value);
    add(as_text(bytes).data(), bytes.size(), 1);
  }
  void add(const char* data, std::size_t size, int format) {
    values.push_back(data == nullptr ? "" : data);  // null would be NULL
    lengths.push_back(static_cast<int>(size));
    formats.push_back(format);
  }

  std::vector<std::string> digits;
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
};

Result<Value> column(const PGresult* answer, int row, int index) {
  const auto* const data = reinterpret_cast<const std::uint8_t*>(PQgetvalue(answer, row, index));
  ByteReader reader{ByteView{data, static_cast<std::size_t>(PQgetlength(answer, row, index))}};
  switch (PQftype(answer, index)) {
    case kInt8: {
      SEALIFT_TRY(const auto number, reader.be64());
      return static_cast<std::int64_t>(number);
    }
    case kInt4: {
      SEALIFT_TRY(const auto number, reader.be32());
      return static_cast<std::int64_t>(static_cast<std::int32_t>(number));
    }
    case kText:
      return std::string{as_text(reader.rest())};
    case kBytea:
      return to_bytes(reader.rest());
    default:
      return fail(ErrorCode::internal, "the database gives a column of a type that nobody asked for",
                  "database");
  }
}

Result<Rows> rows_of(const PGresult* answer) {
  Rows rows;
  const int count = PQnfields(answer);
  for (int row = 0; row < PQntuples(answer); ++row) {
    std::vector<Value> columns;
    columns.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      SEALIFT_TRY(auto value, column(answer, row, i));
      columns.push_back(std::move(value));
    }
    rows.emplace_back(std::move(columns));
  }
  return rows;
}

bool succeeded(const PGresult* answer) {
  const auto status = PQresultStatus(answer);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

}  // namespace

void PostgresConnection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }
void PostgresConnection::Clear::operator()(pg_result* result) const { PQclear(result); }

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const std::string& conninfo) {
  const Parameters parameters{conninfo};
  if (!parameters.readable())
    return fail(ErrorCode::invalid_argument, "the database's URL is not one that PostgreSQL knows",
                "database");
  std::unique_ptr<pg_conn, Finish> connection{
      PQconnectdbParams(parameters.keywords(), parameters.values(), /*expand_dbname=*/0)};
  if (!connection || PQstatus(connection.get()) != CONNECTION_OK) {
    return fail(ErrorCode::unavailable, "the database does not answer, or does not let this user in",
                "database", connection ? PQerrorMessage(connection.get()) : "out of memory");
  }
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  std::unique_ptr<PostgresConnection> made{new PostgresConnection{std::move(connection)}};
  SEALIFT_CHECK(made->command(kSession));
  return made;
}

Status PostgresConnection::check(const pg_result* answer, std::string_view sql) {
  worth_retrying_ = false;
  if (succeeded(answer)) return {};
  const auto* const found = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
  const std::string_view state = found == nullptr ? "" : found;
  // A server that stops says so in an orderly way first; a standby never becomes writable under a session.
  lost_ =
      lost_ || PQstatus(connection_.get()) != CONNECTION_OK || state.starts_with("57P") || state == "25006";
  // serialization_failure, deadlock_detected
  worth_retrying_ = state == "40001" || state == "40P01";
  const auto code = lost_ ? ErrorCode::unavailable : code_for(state);
  return fail(code, message_for(code), "database",
              fmt::format("PostgreSQL {}: {}: {}", state, PQerrorMessage(connection_.get()), sql));
}

Result<std::string> PostgresConnection::prepared(std::string_view sql) {
  std::string key{sql};
  if (const auto known = statements_.find(key); known != statements_.end()) return known->second;
  const auto name = fmt::format("s{}", statements_.size());
  const auto text = in_dialect(sql, kPostgres);
  const Answer answer{PQprepare(connection_.get(), name.c_str(), text.c_str(), 0, nullptr)};
  SEALIFT_CHECK(check(answer.get(), sql));
  statements_.emplace(std::move(key), name);
  return name;
}

Result<Rows> PostgresConnection::run(std::string_view sql, const Args& args) {
  SEALIFT_CHECK(check_texts(args));
  SEALIFT_TRY(const auto name, prepared(sql));
  const Arguments sent{args};
  const Answer answer{PQexecPrepared(connection_.get(), name.c_str(), static_cast<int>(args.size()),
                                     sent.values.data(), sent.lengths.data(), sent.formats.data(),
                                     /*resultFormat=*/1)};
  SEALIFT_CHECK(check(answer.get(), sql));
  return rows_of(answer.get());
}

Status PostgresConnection::command(const char* text) {
  const Answer answer{PQexec(connection_.get(), text)};
  SEALIFT_CHECK(check(answer.get(), text));
  // COMMIT of a transaction that failed before says ROLLBACK and calls that a success.
  if (std::strcmp(text, "COMMIT") == 0 && std::strcmp(PQcmdStatus(answer.get()), "COMMIT") != 0)
    return fail(ErrorCode::internal, "the database rolled back", "database");
  return {};
}

void PostgresConnection::roll_back() {
  const bool before = worth_retrying_;
  static_cast<void>(command("ROLLBACK"));
  worth_retrying_ = before;
}

bool PostgresConnection::usable() {
  if (lost_ || PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) return false;
  // Between transactions a server speaks only to say farewell.
  pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
  return ::poll(&socket, 1, 0) == 0;
}

}  // namespace sealift::sql
