// SPDX-License-Identifier: Apache-2.0
#include "store/commands.h"

#include <limits>

#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

constexpr const char* kCommand = "command";

Result<HostCommand> read_command(sql::Row& row) {
  HostCommand command;
  command.command_id = row.text();
  command.host_id = row.text();
  command.launch_id = row.text();
  command.kind = row.text();
  command.payload = row.bytes();
  command.done = row.flag();
  command.result = row.bytes();
  command.created_at_ms = row.integer();
  return command;
}

Result<std::string> read_text(sql::Row& row) { return row.text(); }

class SqlCommandStore final : public CommandStore {
 public:
  explicit SqlCommandStore(sql::Database& database) : database_{database} {}

  Result<std::vector<HostCommand>> pending(const std::string& host_id, const std::string& after,
                                           int limit) override {
    SEALIFT_TRY(const auto last, maybe_get(after));
    const bool found = last && last->host_id == host_id;
    return sql::all(
        database_.read(
            R"(SELECT command_id, host_id, launch_id, kind, payload, done, result, created_at_ms FROM commands
               WHERE host_id = $1 AND done = 0 AND (created_at_ms, command_id) > ($2, $3)
               ORDER BY created_at_ms, command_id LIMIT $4)",
            {host_id, found ? last->created_at_ms : std::numeric_limits<std::int64_t>::min(),
             found ? last->command_id : std::string{}, sql::page(limit)}),
        read_command);
  }

  Status complete(const std::string& command_id, const std::string& host_id, const Bytes& result,
                  std::int64_t now_ms, bool soon) override {
    const sql::Work work = [&](sql::Transaction& transaction) -> Status {
      SEALIFT_TRY(
          const auto launch_id,
          sql::maybe(transaction.run("UPDATE commands SET done = 1, result = $3 WHERE command_id = $1 "
                                     "AND host_id = $2 AND done = 0 RETURNING launch_id",
                                     {command_id, host_id, result}),
                     read_text));
      if (!launch_id) {
        SEALIFT_CHECK(sql::only(transaction.run("SELECT launch_id FROM commands WHERE command_id = $1 "
                                                "AND host_id = $2",
                                                {command_id, host_id}),
                                read_text, kCommand));
        return {};
      }
      return sql::done(
          transaction.run("UPDATE launches SET due_at_ms = $2, version = version + 1 "
                          "WHERE launch_id = $1 AND ended_at_ms = 0",
                          {*launch_id, now_ms}));
    };
    return soon ? database_.transact_soon(work) : database_.transact(work);
  }

  Result<HostCommand> get(const std::string& command_id) override {
    SEALIFT_TRY(auto found, maybe_get(command_id));
    if (!found) return fail(ErrorCode::not_found, "there is no such command", kCommand);
    return std::move(*found);
  }

  Status add(const HostCommand& command) override {
    return sql::done(database_.write(
        "INSERT INTO commands (command_id, host_id, launch_id, kind, payload, done, result, created_at_ms) "
        "VALUES ($1, $2, $3, $4, $5, 0, $6, $7)",
        {command.command_id, command.host_id, command.launch_id, command.kind, command.payload, Bytes{},
         command.created_at_ms}));
  }

  Status remove(const std::string& command_id) override {
    return sql::done(database_.write("DELETE FROM commands WHERE command_id = $1", {command_id}));
  }

  Status remove_of(const std::string& launch_id) override {
    return sql::done(database_.write("DELETE FROM commands WHERE launch_id = $1", {launch_id}));
  }

 private:
  Result<std::optional<HostCommand>> maybe_get(const std::string& command_id) {
    return sql::maybe(database_.read("SELECT command_id, host_id, launch_id, kind, payload, done, result, "
                                     "created_at_ms FROM commands WHERE command_id = $1",
                                     {command_id}),
                      read_command);
  }

  sql::Database& database_;
};

}  // namespace

std::unique_ptr<CommandStore> make_command_store(sql::Database& database) {
  return std::make_unique<SqlCommandStore>(database);
}

}  // namespace sealift::store
