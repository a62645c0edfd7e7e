// SPDX-License-Identifier: Apache-2.0
#include "tpm/swtpm_for_test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace sealift::tpm {
namespace {

constexpr int kServerFd = 10;
constexpr int kControlFd = 11;

/// A listening socket that exists before the TPM does: whoever connects early waits instead of being refused.
Result<UniqueFd> listen_at(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid_argument, "the path of the socket is too long: " + path.native(),
                "TMPDIR");
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  ::unlink(path.c_str());
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) return fail_errno("socket");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno("bind " + path.native());
  }
  if (::listen(fd.get(), 8) != 0) return fail_errno("listen " + path.native());
  return fd;
}

Command with_tcti(std::vector<std::string> argv, const std::string& tcti) {
  Command command;
  command.argv = std::move(argv);
  command.environment = {"TPM2TOOLS_TCTI=" + tcti};
  return command;
}

/// swtpm_setup with a CA of its own in `directory`, so that it needs nobody's rights.
Status set_up(const std::filesystem::path& directory, const std::filesystem::path& issuing_ca) {
  const auto file = [&](const char* name) { return (directory / name).native(); };
  SEALIFT_CHECK(write_file(
      file("localca.conf"),
      as_bytes("statedir = " + directory.native() + "\nsigningkey = " + file("ca.key") +
               "\nissuercert = " + issuing_ca.native() + "\ncertserial = " + file("serial") + "\n")));
  SEALIFT_CHECK(
      write_file(file("localca.options"), as_bytes("--platform-manufacturer Maker\n--platform-version 1\n"
                                                   "--platform-model Model\n")));
  SEALIFT_CHECK(write_file(
      file("setup.conf"),
      as_bytes("create_certs_tool = /usr/bin/swtpm_localca\n"
               "create_certs_tool_config = " +
               file("localca.conf") + "\ncreate_certs_tool_options = " + file("localca.options") + "\n")));
  Command command;
  command.argv = {"swtpm_setup",      "--tpm2",           "--tpmstate",
                  directory.native(), "--create-ek-cert", "--create-platform-cert",
                  "--config",         file("setup.conf")};
  if (::geteuid() == 0) command.argv.insert(command.argv.end(), {"--runas", "root"});
  SEALIFT_CHECK(run_checked(std::move(command)));
  return {};
}

}  // namespace

Result<SwtpmForTest> SwtpmForTest::start_with_certificates() {
  SEALIFT_TRY(auto directory, TemporaryDirectory::create("swtpm"));
  SwtpmForTest swtpm{std::move(directory)};
  SEALIFT_CHECK(set_up(swtpm.directory_.path(), swtpm.issuing_ca()));
  SEALIFT_CHECK(swtpm.power_on());
  return swtpm;
}

Result<SwtpmForTest> SwtpmForTest::start() {
  SEALIFT_TRY(auto directory, TemporaryDirectory::create("swtpm"));
  SwtpmForTest swtpm{std::move(directory)};
  SEALIFT_CHECK(swtpm.power_on());
  return swtpm;
}

std::string SwtpmForTest::tcti() const { return "swtpm:path=" + socket().native(); }

Status SwtpmForTest::power_on() {
  SEALIFT_TRY(const auto server, listen_at(socket()));
  SEALIFT_TRY(const auto control, listen_at(socket().native() + ".ctrl"));
  Command command;
  // setpriv: the kernel ends the TPM when this process ends, however it ends.
  command.argv = {"setpriv", "--pdeathsig", "KILL", "swtpm", "socket", "--tpm2"};
  command.argv.insert(command.argv.end(), {"--tpmstate", "dir=" + directory_.path().native()});
  command.argv.insert(command.argv.end(), {"--server", "type=unixio,fd=" + std::to_string(kServerFd)});
  command.argv.insert(command.argv.end(), {"--ctrl", "type=unixio,fd=" + std::to_string(kControlFd)});
  command.argv.insert(command.argv.end(), {"--flags", "startup-clear,not-need-init"});
  command.fds = {{server.get(), kServerFd}, {control.get(), kControlFd}};
  SEALIFT_TRY(process_, spawn(command));
  return {};
}

Status SwtpmForTest::power_off() {
  process_ = Child{-1};
  return {};
}

Result<Output> SwtpmForTest::tool(std::vector<std::string> argv) const {
  return run(with_tcti(std::move(argv), tcti()));
}

Result<Output> SwtpmForTest::tool_checked(std::vector<std::string> argv) const {
  return run_checked(with_tcti(std::move(argv), tcti()));
}

}  // namespace sealift::tpm
