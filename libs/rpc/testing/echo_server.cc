// SPDX-License-Identifier: Apache-2.0
// For tests: the echo service as a process of its own. `echo_server_for_test CREDENTIALS` prints its port and
// serves until its standard input ends.
#include <unistd.h>

#include <cstdio>

#include "rpc/pki.h"
#include "rpc/testing/world.h"

int main(int argc, char** argv) {
  using namespace sealift::rpc;
  if (argc != 2) return 2;
  const auto files = credential_files(argv[1]);
  if (!files) return 1;
  auto credentials = Credentials::load(*files);
  if (!credentials) return 1;
  const auto server = Server::start({.credentials = *std::move(credentials)}, testing::echo_router());
  if (!server) return 1;
  std::printf("%u\n", static_cast<unsigned>((*server)->port()));
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}
