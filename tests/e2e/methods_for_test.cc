// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/methods_for_test.h"

#include <google/protobuf/descriptor.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace sealift::e2e {

std::set<std::string> methods_of_the_api() {
  namespace fs = std::filesystem;
  std::set<std::string> methods;
  for (const auto& entry : fs::directory_iterator{fs::path{SEALIFT_SOURCE_DIR} / "proto/sealift/v1"}) {
    const auto* const file = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(
        "sealift/v1/" + entry.path().filename().string());
    if (file == nullptr) {  // its code is not linked: it has messages only
      std::ifstream text{entry.path()};
      const std::string content{std::istreambuf_iterator<char>{text}, {}};
      if (content.find("\nservice ") != std::string::npos) methods.insert(entry.path().filename().string());
      continue;
    }
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j)
        methods.insert(file->service(i)->name() + "." + file->service(i)->method(j)->name());
    }
  }
  methods.erase("HealthService.Check");
  methods.erase("health.proto");
  return methods;
}

std::set<std::string> methods_of_the_table() {
#define SEALIFT_NAME(service, method, request, response) #service "." #method,
  return {SEALIFT_METHODS(SEALIFT_NAME, SEALIFT_NAME)};
#undef SEALIFT_NAME
}

}  // namespace sealift::e2e
