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

Status expect_same_host(sql::Transaction& transaction, const std::string& launch_id,
                        const std::string& host_id) {
  SEALIFT_TRY(
      const auto present,
      sql::only(transaction.run("SELECT host_id, cpus, memory_mib FROM reservations WHERE launch_id = $1",
                                {launch_id}),
                read_reservation, "reservation"));
  if (present.host_id == host_id) return {};
  return fail(ErrorCode::conflict, "the launch has room on another host", "host_id");
}

}  // namespace

Status reserve(sql::Transaction& transaction, const std::string& launch_id, const Reservation& wanted) {
  SEALIFT_TRY(
      const auto added,
      transaction.run("INSERT INTO reservations(launch_id, host_id, cpus, memory_mib) VALUES($1, $2, $3, $4) "
                      "ON CONFLICT(launch_id) DO NOTHING RETURNING cpus",
                      {launch_id, wanted.host_id, wanted.cpus, wanted.memory_mib}));
  if (added.empty()) return expect_same_host(transaction, launch_id, wanted.host_id);
  SEALIFT_TRY(
      const auto taken,
      transaction.run("UPDATE hosts SET free_cpus = free_cpus - $2, free_memory_mib = free_memory_mib - $3 "
                      "WHERE host_id = $1 AND draining = 0 AND free_cpus >= $2 AND free_memory_mib >= $3 "
                      "RETURNING cpus",
                      {wanted.host_id, wanted.cpus, wanted.memory_mib}));
  if (!taken.empty()) return {};
  return fail(ErrorCode::resource_exhausted, "the host has no such room, or takes no new instances",
              "host_id");
}

Status release(sql::Transaction& transaction, const std::string& launch_id) {
  SEALIFT_TRY(const auto given_up, sql::maybe(transaction.run("DELETE FROM reservations WHERE launch_id = $1 "
                                                              "RETURNING host_id, cpus, memory_mib",
                                                              {launch_id}),
                                              read_reservation));
  if (!given_up) return {};
  return sql::done(
      transaction.run("UPDATE hosts SET free_cpus = free_cpus + $2, free_memory_mib = free_memory_mib + $3 "
                      "WHERE host_id = $1",
                      {given_up->host_id, given_up->cpus, given_up->memory_mib}));
}

}  // namespace sealift::store
