// SPDX-License-Identifier: Apache-2.0
/// For tests: a software TPM of one's own, with its state and sockets in a temporary directory. It dies with
/// this object, and with the thread that switched it on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/process.h"

namespace sealift::tpm {

class SwtpmForTest {
 public:
  /// A new TPM that has had TPM2_Startup(CLEAR). It answers as soon as this returns.
  static Result<SwtpmForTest> start();
  /// The same as swtpm_setup delivers it: RSA and P-384 EK with certificates and a platform certificate, by a
  /// CA whose certificates are at root_ca() and issuing_ca().
  static Result<SwtpmForTest> start_with_certificates();
  std::filesystem::path root_ca() const { return path("swtpm-localca-rootca-cert.pem"); }
  std::filesystem::path issuing_ca() const { return path("issuing-ca.pem"); }

  /// For Tss2_TctiLdr_Initialize and tpm2-tools: "swtpm:path=…".
  std::string tcti() const;
  /// The socket; the control socket is beside it, with ".ctrl" after its name.
  std::filesystem::path socket() const { return directory_.path() / "tpm"; }
  /// A path in the TPM's temporary directory, for files of the test.
  std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }

  /// Off: nothing answers at the socket any more.
  Status power_off();
  /// On again: new PCRs, same seeds, NV and persistent objects, TPM2_Startup(CLEAR) done.
  Status power_on();

  /// Runs one of tpm2-tools against this TPM: tool({"tpm2_pcrread", "sha256:6"}).
  Result<Output> tool(std::vector<std::string> argv) const;
  /// tool() that must end with status 0.
  Result<Output> tool_checked(std::vector<std::string> argv) const;

 private:
  explicit SwtpmForTest(TemporaryDirectory directory) : directory_{std::move(directory)} {}
  TemporaryDirectory directory_;
  Child process_{-1};  // after directory_: ends before its files go
};

}  // namespace sealift::tpm
