// SPDX-License-Identifier: Apache-2.0
// Takes an ultravisor's place in tests of the emulator: the same command line. It puts the passwords
// and its arguments into files beside its socket, and answers there until it is ended.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "base/file.h"
#include "emulator/machine/unix_socket.h"

namespace {

using sealift::Status;

Status serve(std::map<std::string, std::string> options) {
  const sealift::UniqueFd password_fd{std::atoi(options["--boot-password-fd"].c_str())};
  SEALIFT_TRY(const auto password, sealift::read_all(password_fd.get(), 64));
  SEALIFT_CHECK(sealift::write_file(options["--socket"] + ".password", password));
  SEALIFT_CHECK(sealift::write_file(options["--socket"] + ".run-as", sealift::as_bytes(options["--run-as"])));
  if (!sealift::read_file(options["--event-log"], 1U << 20U))
    return sealift::fail(sealift::ErrorCode::not_found, "log");
  SEALIFT_TRY(const auto listener,
              sealift::emulator::listen_at(options["--socket"], sealift::emulator::SocketKind::packets));
  for (;;) ::close(::accept(listener.get(), nullptr, nullptr));
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options;
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  return serve(std::move(options)) ? 0 : 1;
}
