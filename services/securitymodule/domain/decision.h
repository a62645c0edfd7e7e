// SPDX-License-Identifier: Apache-2.0
/// What was decided, about whom, and why: one record for each request, without a secret in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace sealift::securitymodule {

/// Who asks, and for which tenant.
struct Asker {
  std::string tenant;
  std::string identity;  ///< as its certificate has it
  std::string trace_id;
};

struct Decision {
  std::string_view action;  ///< "put_seed"
  Asker asker;
  std::string image_id;
  /// Hexadecimal, of an SEV machine its hardware key hash; "": no host is concerned, or its evidence does not
  /// hold.
  std::string storage_key_name;
  /// "accepted", "listed", "removed", "asked", "made", "released", "returned", "sealed".
  std::string_view outcome = {};
  std::string subject = {};  ///< of a revocation: "host:000b…"; of a set: "set:NAME"
};

/// As one JSON object:
/// {"time":"2026-06-01T00:00:00Z","action":"put_seed","asker":"spiffe://…","tenant":"acme",
/// "image":"…","host":"…","verdict":"accepted","trace":"…"}; a refusal has the verdict "refused", and "code",
/// "field" and "message". Its texts may come from anybody: none is longer than the others by much, none ends
/// the object early, none moves a terminal. `more` is a name and a value to put behind it.
std::string text_of(const Decision& decision, const Error* refusal, TimePoint time,
                    std::string_view more = {}, std::string_view value = {});

/// And what came of it.
struct Decided {
  Decision decision;
  std::optional<Error> refusal = {};
};

class DecisionLog {
 public:
  virtual ~DecisionLog() = default;
  /// `refusal` is null where it went well. A receipt for what is written down for good (merkle/log.h), or
  /// nothing was: then nothing must come of the decision either.
  virtual Result<Bytes> record(const Decision& decision, const Error* refusal) = 0;
  /// Many at once: their receipts in this order, or none was written down as far as anybody may rely on it.
  virtual Result<std::vector<Bytes>> record_all(const std::vector<Decided>& decided) = 0;
};

}  // namespace sealift::securitymodule
