// SPDX-License-Identifier: Apache-2.0
/// The world of docs/operate.md on one computer: an office, the machines one, two and host-1, a network
/// between them, a PostgreSQL server and an S3 service. Each machine is systemd in namespaces of its own, so
/// that units are started, and kept in their sandboxes, by what starts them in earnest. Nothing of it
/// outlives the process.
///
/// This process becomes the office: it goes to a network and a mount namespace of its own, for good.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/process.h"
#include "objects/swift_for_test.h"
#include "store/sql/postgres_for_test.h"

namespace sealift::operate {

class Machine {
 public:
  Machine(std::string name, std::filesystem::path folder)
      : name_{std::move(name)}, folder_{std::move(folder)} {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  Status boot();
  /// With `address` on the office's bridge.
  Status connect(const std::string& address);
  /// A wire that is not plugged in any more, and again.
  Status plug(bool in) const;
  /// The command's words in front of what is run there.
  std::vector<std::string> prefix() const;
  const std::string& name() const { return name_; }

 private:
  Status wait_until_it_runs() const;
  std::string name_;
  std::filesystem::path folder_;
  std::string pid_;
  std::optional<Child> child_;
};

class Installation {
 public:
  /// Why there can be none here; "" where there can.
  static std::string obstacle();
  static Result<std::unique_ptr<Installation>> start();
  Installation(const Installation&) = delete;
  Installation& operator=(const Installation&) = delete;
  ~Installation();

  /// A block of the page, typed on `machine`: "office", "one", "two" or "host-1".
  Result<Output> type(const std::string& machine, const std::string& text) const;
  /// The same in the office, while it runs.
  Result<Child> begin(const std::string& text, int stdout_fd) const;
  const Machine& machine(const std::string& name) const { return machines_.at(name); }
  std::filesystem::path office() const { return directory_.path() / "office"; }

 private:
  explicit Installation(TemporaryDirectory directory) : directory_{std::move(directory)} {}
  Status move_into_the_office() const;
  Status start_machines();
  Status start_providers();
  Status furnish_the_office() const;
  Command command_for(const std::string& machine, const std::string& text) const;

  TemporaryDirectory directory_;
  std::map<std::string, Machine> machines_;
  std::unique_ptr<sql::PostgresForTest> postgres_;
  std::optional<objects::SwiftForTest> s3_;
};

}  // namespace sealift::operate
