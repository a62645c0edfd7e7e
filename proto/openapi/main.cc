// SPDX-License-Identifier: Apache-2.0
// sealift-openapi DESCRIPTOR-SET prints the OpenAPI document of the services in it.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "proto/openapi/openapi.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("sealift-openapi DESCRIPTOR-SET\n", stderr);
    return 2;
  }
  std::ifstream in{argv[1], std::ios::binary};
  const auto text = sealift::openapi::document({std::istreambuf_iterator<char>{in}, {}});
  return !text.empty() && std::fputs(text.c_str(), stdout) >= 0 ? 0 : 1;
}
