// SPDX-License-Identifier: Apache-2.0
/// A whole cloud on one computer: certificates, emulated machines, and every service as a process of its own,
/// with SQLite and a directory. What scales out is configuration only (docs/operators).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/dev/supervisor.h"
#include "cli/output.h"

namespace sealift::cli {

struct DevCloudOptions {
  std::filesystem::path directory;
  std::uint32_t hosts = 2;
  std::uint32_t pef_hosts = 0;      ///< beside the others, each an emulated POWER9
  std::uint32_t sev_hosts = 0;      ///< beside the others, each with an emulated PSP
  std::uint32_t orchestrators = 1;  ///< more than one take a PostgreSQL database
  std::vector<std::string> tenants{"acme"};
  std::string zone = "home";
  std::string database;                ///< "": SQLite files in the directory
  std::string objects;                 ///< "": a directory in the directory
  std::filesystem::path objects_ca;    ///< of an S3 service; "": the system's
  std::filesystem::path sev_firmware;  ///< "": the one that `make firmware` built
};

class DevCloud {
 public:
  explicit DevCloud(DevCloudOptions options);
  DevCloud(const DevCloud&) = delete;
  DevCloud& operator=(const DevCloud&) = delete;
  /// Machines are switched off; nothing that was kept is removed.
  ~DevCloud();

  /// Makes what is missing, and starts everything. What an earlier run kept is used again.
  Status start();
  Supervisor& processes() { return supervisor_; }

  /// {"directory", "tenants": [{"tenant", "cloud_file", "security_module"}], "operator_file", "frontend",
  /// "orchestrators", "roots", "intermediates", "reference", "hosts": […]}, and with SEV hosts
  /// "sev": {"ark", "firmware", "hosts"}, with pef hosts "pef": {"hosts"}
  Json description() const;
  /// What to type next.
  std::string hints() const;

 private:
  std::string launch_hints() const;
  Status make_certificates();
  /// Of each tenant's security module, certified by an authority of their own.
  Status make_insertion_keys() const;
  Status make_machine(const std::string& name, const std::string& tee);
  Status approve_firmware();
  Status start_orchestrators();
  Status start_security_modules();
  Status start_frontend();
  std::string objects() const;
  std::vector<std::string> orchestrator_arguments() const;
  Status start_tpm_host(const std::string& name, const std::string& tee, const std::string& arch);
  Status start_agent(const std::string& host, std::vector<std::string> prefix, std::vector<std::string> tee);
  /// PSPs with their maker, whose directory is their key server.
  Status start_sev_hosts();
  Status make_psp(const std::string& host);
  Status write_cloud_files() const;
  Status write_cloud_file(const std::string& name, const std::string& security_module,
                          bool for_operator) const;

  std::filesystem::path path(const std::string& name) const { return options_.directory / name; }
  std::filesystem::path credentials(const std::string& name) const { return path("credentials") / name; }
  std::string database(const std::string& service) const;
  std::vector<std::string> host_names() const;
  std::vector<std::string> pef_host_names() const;
  std::vector<std::string> sev_host_names() const;
  std::filesystem::path sev_firmware() const;

  DevCloudOptions options_;
  Supervisor supervisor_;
  std::vector<std::string> booted_;
  std::string ark_;                         ///< fingerprint of the emulated PSPs' root
  std::vector<std::string> orchestrators_;  ///< addresses
  std::string frontend_;
  std::vector<std::string> security_modules_;  ///< by tenant
};

}  // namespace sealift::cli
