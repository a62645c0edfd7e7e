// SPDX-License-Identifier: Apache-2.0
#include "cli/host/checks.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/file.h"
#include "base/matchers.h"

namespace sealift::cli {
namespace {

namespace fs = std::filesystem;

class CheckingAHost : public testing::Test {
 protected:
  CheckingAHost() {
    options_.system = system_.path();
    options_.tcti = "swtpm:path=" + (system_.path() / "no-tpm").string();
    options_.ultravisor = system_.path() / "no-ultravisor";
    options_.qemu = "/nowhere/qemu";
  }
  void put(const std::string& name, std::string_view content) {
    const auto path = system_.path() / name;
    fs::create_directories(path.parent_path());
    ASSERT_THAT(write_file(path, as_bytes(content)), Succeeds());
  }
  static HostCheck one(const HostChecks& checks, const std::string& name) {
    const auto found = std::ranges::find(checks, name, &HostCheck::name);
    EXPECT_NE(found, checks.end()) << name;
    return found == checks.end() ? HostCheck{} : *found;
  }

  TemporaryDirectory system_ = TemporaryDirectory::create("sealift-check").value();
  HostCheckOptions options_;
};

TEST_F(CheckingAHost, SaysOfEachThingThatIsMissingWhatToDo) {
  for (const auto& checks :
       {check_measured_host(options_), check_pef_host(options_), check_sev_host(options_)}) {
    EXPECT_GE(checks.size(), 4U);
    for (const auto& check : checks) {
      EXPECT_FALSE(check.good) << check.name << ": " << check.found;
      EXPECT_NE(check.found, "") << check.name;
      EXPECT_NE(check.remedy, "") << check.name;
    }
  }
}

TEST_F(CheckingAHost, SeesWhatTheSystemHas) {
  put("dev/kvm", "");
  put("sys/module/kvm_amd/parameters/sev", "Y\n");
  fs::create_directories(system_.path() / "proc/device-tree/ibm,ultravisor");
  EXPECT_TRUE(one(check_measured_host(options_), "kvm").good);
  EXPECT_TRUE(one(check_pef_host(options_), "ultravisor").good);
  EXPECT_TRUE(one(check_sev_host(options_), "kernel").good);
  put("sys/module/kvm_amd/parameters/sev", "N\n");
  const auto off = one(check_sev_host(options_), "kernel");
  EXPECT_FALSE(off.good);
  EXPECT_THAT(off.found, testing::HasSubstr("switched off"));
}

TEST_F(CheckingAHost, TakesNoFirmwareWithoutRoomForASecret) {
  put("OVMF.fd", std::string(65536, 'x'));
  options_.sev_firmware = system_.path() / "OVMF.fd";
  EXPECT_FALSE(one(check_sev_host(options_), "firmware").good);
}

TEST_F(CheckingAHost, TakesNoFileForThePsp) {
  put("dev/sev", "no device");
  const auto psp = one(check_sev_host(options_), "psp");
  EXPECT_FALSE(psp.good);
  EXPECT_THAT(psp.found, testing::HasSubstr("does not tell its status"));
}

}  // namespace
}  // namespace sealift::cli
