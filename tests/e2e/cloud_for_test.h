// SPDX-License-Identifier: Apache-2.0
/// `sealift dev up` for one test program: the whole cloud as real processes, ended with it.
#pragma once

#include <memory>
#include <optional>

#include "tests/e2e/chain_for_test.h"

namespace sealift::e2e {

class CloudForTest {
 public:
  explicit CloudForTest(const Words& options = {});
  CloudForTest(const CloudForTest&) = delete;
  CloudForTest& operator=(const CloudForTest&) = delete;
  ~CloudForTest();

  /// What `dev up --json` printed.
  const Json& description() const { return description_; }
  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  std::string reference() const { return description_.value("reference", ""); }
  /// --cloud for the tenant.
  Words as(const std::string& tenant) const { return {"--cloud", path(tenant + ".json")}; }
  Words as_operator() const { return {"--cloud", path("operator.json")}; }
  /// --root, --intermediate and --reference of the emulated hosts' maker.
  Words approval() const;

  /// The words of a command, as `tenant`.
  Words words(Words command, const std::string& tenant = "acme") const;
  /// `sealift launch … --yes --json` to its end: its documents, line by line.
  struct Launched {
    std::vector<Json> lines;
    int exit_status = 0;
    Json error;
    std::string id() const;
    std::string state() const;
    /// "325 target_selected", …
    std::vector<std::string> events() const;
  };
  Launched launch(Words options, const std::string& tenant = "acme") const;
  /// Waits until the guest's console has `text`; false where it never comes.
  bool console_shows(const std::string& launch_id, const std::string& text,
                     const std::string& tenant = "acme") const;
  /// `sealift ps --all`'s entry.
  Json state_of(const std::string& launch_id, const std::string& tenant = "acme") const;
  Json stop(const std::string& launch_id, const std::string& tenant = "acme") const;
  /// The process of that name under dev up: "orchestrator", "host-1"; -1 where there is none.
  pid_t process(const std::string& name) const;

 private:
  TemporaryDirectory directory_;
  UniqueFd output_;
  std::optional<Child> child_;
  Json description_;
};

}  // namespace sealift::e2e
