// SPDX-License-Identifier: Apache-2.0
/// What each command does, once its arguments are known. Each returns what goes to standard output.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"

namespace sealift::emulator {

/// The arguments of all commands; each reads its own. "on" and "off" are checked where they are parsed.
struct Arguments {
  std::optional<std::filesystem::path> machines;  ///< --dir
  bool json = false;
  std::string name;
  // create
  std::string tee = "measured";
  // create, flash
  std::string ek = "p256";
  std::string storage_key = "p256";
  std::optional<std::string> firmware;
  std::optional<std::string> secure_boot_jumper;
  std::optional<std::string> pef;
  std::filesystem::path approver;
  bool rewrite_hardware_keys = false;
  // boot
  std::optional<std::filesystem::path> ultravisor;
  std::string run_as;
  std::filesystem::path slof;
  // evidence, activate
  std::filesystem::path challenge;
  std::optional<std::filesystem::path> out;
  // tamper
  std::string component;
  bool payload = false;  ///< the default: nobody needs to read it
  bool signature = false;
  bool hardware_keys = false;
  // psp-maker, psp-chip; their NAME is a directory
  std::filesystem::path maker;
  std::string claim_id;
  bool small_keys = false;
};

using CommandFunction = Result<std::string> (*)(const Arguments&);

Result<std::string> run_create(const Arguments& arguments);
Result<std::string> run_boot(const Arguments& arguments);
Result<std::string> run_stop(const Arguments& arguments);
Result<std::string> run_list(const Arguments& arguments);
Result<std::string> run_show(const Arguments& arguments);
Result<std::string> run_firmware(const Arguments& arguments);
Result<std::string> run_evidence(const Arguments& arguments);
Result<std::string> run_activate(const Arguments& arguments);
Result<std::string> run_tamper(const Arguments& arguments);
Result<std::string> run_flash(const Arguments& arguments);
Result<std::string> run_destroy(const Arguments& arguments);
Result<std::string> run_psp_maker(const Arguments& arguments);
Result<std::string> run_psp_chip(const Arguments& arguments);

}  // namespace sealift::emulator
