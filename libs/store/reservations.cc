// SPDX-License-Identifier: Apache-2.0
#include "store/reservations.h"

#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<Reservation> read_reservation(sql::Row& row) {
  Reservation reservation;
  reservation.host_id = row.text();
  reservation.cpus = row.integer();
  reservation.memory_mib = row.integer();
  return reservation;
}

Result<std::optional<Reservation>> remove(sql::Transaction& transaction, const std::string& launch_id) {
  return sql::maybe(
      transaction.run("DELETE FROM reservations WHERE launch_id = $1 RETURNING host_id, cpus, memory_mib",
                      {launch_id}),
      read_reservation);
}

/// False where it is there already.
Result<bool> add(sql::Transaction& transaction, const std::string& launch_id, const Reservation& wanted) {
  SEALIFT_TRY(
      const auto added,
      transaction.run("INSERT INTO reservations(launch_id, host_id, cpus, memory_mib) VALUES($1, $2, $3, $4) "
                      "ON CONFLICT(launch_id) DO NOTHING RETURNING cpus",
                      {launch_id, wanted.host_id, wanted.cpus, wanted.memory_mib}));
  if (!added.empty()) return true;
  SEALIFT_TRY(
      const auto present,
      sql::only(transaction.run("SELECT host_id, cpus, memory_mib FROM reservations WHERE launch_id = $1",
                                {launch_id}),
                read_reservation, "reservation"));
  if (present.host_id == wanted.host_id) return false;
  return fail(ErrorCode::conflict, "the launch has room on another host", "host_id");
}

Status give_back(sql::Transaction& transaction, const Reservation& room) {
  return sql::done(
      transaction.run("UPDATE hosts SET free_cpus = free_cpus + $2, free_memory_mib = free_memory_mib + $3 "
                      "WHERE host_id = $1",
                      {room.host_id, room.cpus, room.memory_mib}));
}

Status take(sql::Transaction& transaction, const Reservation& room) {
  SEALIFT_TRY(
      const auto taken,
      transaction.run("UPDATE hosts SET free_cpus = free_cpus - $2, free_memory_mib = free_memory_mib - $3 "
                      "WHERE host_id = $1 AND draining = 0 AND free_cpus >= $2 AND free_memory_mib >= $3 "
                      "RETURNING cpus",
                      {room.host_id, room.cpus, room.memory_mib}));
  if (!taken.empty()) return {};
  return fail(ErrorCode::resource_exhausted, "the host has no such room, or takes no new instances",
              "host_id");
}

}  // namespace

Status change_reservation(sql::Transaction& transaction, const std::string& launch_id, bool release,
                          const std::optional<Reservation>& wanted) {
  std::optional<Reservation> given_up;
  if (release) {
    SEALIFT_TRY(given_up, remove(transaction, launch_id));
  }
  bool takes = false;
  if (wanted) {
    SEALIFT_TRY(takes, add(transaction, launch_id, *wanted));
  }
  // Hosts are locked in the order of their ids: launches that move in opposite directions must not wait for
  // each other.
  const bool take_first = takes && given_up && wanted->host_id < given_up->host_id;
  if (take_first) SEALIFT_CHECK(take(transaction, *wanted));
  if (given_up) SEALIFT_CHECK(give_back(transaction, *given_up));
  if (takes && !take_first) SEALIFT_CHECK(take(transaction, *wanted));
  return {};
}

}  // namespace sealift::store
