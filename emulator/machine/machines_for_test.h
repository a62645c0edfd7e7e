// SPDX-License-Identifier: Apache-2.0
/// For tests: a machines directory of one's own; what runs in it ends with this object.
#pragma once

#include <gtest/gtest.h>

#include "base/process.h"
#include "emulator/machine/boot.h"
#include "emulator/machine/create.h"
#include "tpm/types.h"

namespace sealift::emulator {

inline Command program(std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  return command;
}

class MachinesForTest {
 public:
  MachinesForTest() : directory_{TemporaryDirectory::create("emu").value()} {}
  MachinesForTest(const MachinesForTest&) = delete;
  MachinesForTest& operator=(const MachinesForTest&) = delete;
  ~MachinesForTest() {
    const auto machines = Machine::all(path());
    if (!machines) return;
    for (const auto& machine : *machines) EXPECT_TRUE(stop_machine(machine));
  }

  const std::filesystem::path& path() const { return directory_.path(); }

  /// With ECC keys, which are made at once.
  static CreateOptions quick() {
    CreateOptions options;
    options.ek = options.storage_key = tpm::KeyKind::p256;
    return options;
  }
  Result<Machine> create(const std::string& name, const CreateOptions& options = quick()) const {
    return create_machine(path(), name, options, false);
  }
  static BootOptions placeholder() {
    BootOptions options;
    options.ultravisor = SEALIFT_PLACEHOLDER_ULTRAVISOR;
    return options;
  }
  /// What the placeholder ultravisor was given, in hexadecimal.
  static std::string boot_password(const Machine& machine) {
    return to_hex(read_file(machine.ultravisor_socket().native() + ".password", 64).value());
  }
  /// Runs one of tpm2-tools against the machine's TPM.
  static Result<Output> tool(const Machine& machine, std::vector<std::string> argv) {
    auto command = program(std::move(argv));
    command.environment = {"TPM2TOOLS_TCTI=" + machine.tcti()};
    return run(command);
  }
  /// All that is in the machines directory, hidden names too.
  std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{path()})
      names.push_back(entry.path().filename());
    return names;
  }

 private:
  TemporaryDirectory directory_;
};

}  // namespace sealift::emulator
