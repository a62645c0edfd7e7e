// SPDX-License-Identifier: Apache-2.0
/// For tests: a SoftHSM2 token of one's own. One at a time in a process: SoftHSM2 knows one configuration.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <p11-kit/pkcs11.h>

#include <cstdlib>
#include <string>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"

namespace sealift::securitymodule {

class SoftHsmForTest {
 public:
  static constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
  static constexpr const char* kToken = "sealift";

  SoftHsmForTest() {
    std::filesystem::create_directory(path("tokens"));
    const auto text = "directories.tokendir = " + path("tokens").string() + "\nlog.level = ERROR\n";
    EXPECT_THAT(write_file(path("conf"), as_bytes(text)), Succeeds());
    EXPECT_THAT(write_file(pin_file(), as_bytes("1234\n"), 0600), Succeeds());
    ::setenv("SOFTHSM2_CONF", path("conf").c_str(), 1);
    add_token(kToken);
  }

  void add_token(const std::string& label) const {
    EXPECT_THAT(run_checked({.argv = {"softhsm2-util", "--init-token", "--free", "--label", label, "--pin",
                                      "1234", "--so-pin", "5678"}}),
                Succeeds());
  }
  void remove_token(const std::string& label = kToken) const {
    EXPECT_THAT(run_checked({.argv = {"softhsm2-util", "--delete-token", "--token", label}}), Succeeds());
  }
  /// An independent program on the same token.
  Result<Output> tool(std::vector<std::string> arguments) const {
    std::vector<std::string> argv{"pkcs11-tool", "--module", kModule, "--token-label",
                                  kToken,        "--login",  "--pin", "1234"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_checked({.argv = argv});
  }

  std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
  std::filesystem::path pin_file() const { return path("pin"); }
  std::string uri(const std::string& object = "root", const std::string& token = kToken) const {
    return "pkcs11:token=" + token + ";object=" + object + "?module-path=" + kModule +
           "&pin-source=file:" + pin_file().string();
  }

  /// The module's own functions, beneath those that p11-kit hands out.
  static CK_FUNCTION_LIST& module() {
    static CK_FUNCTION_LIST* const functions = [] {
      void* const library = ::dlopen(kModule, RTLD_NOW);
      const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
      CK_FUNCTION_LIST* list = nullptr;
      EXPECT_EQ(get(&list), CKR_OK);
      return list;
    }();
    return *functions;
  }
  /// As when the token was unplugged for a moment: every session of this process is gone.
  static void lose_sessions() {
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    ASSERT_EQ(module().C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; ++i) EXPECT_EQ(module().C_CloseAllSessions(slots[i]), CKR_OK);
  }

 private:
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
};

}  // namespace sealift::securitymodule
