// SPDX-License-Identifier: Apache-2.0
/// Objects from the zone's store, by the locations that the orchestrator gives.
#pragma once

#include "objects/fetch.h"
#include "services/agent/domain/ports.h"

namespace sealift::agent {

class ObjectFetcher final : public Objects {
 public:
  explicit ObjectFetcher(objects::FetchOptions options) : fetcher_{std::move(options)} {}
  Status fetch(const ObjectOrder& object, const std::filesystem::path& destination,
               const std::stop_token& stop) override {
    return fetch({object.size, object.sha512}, object.url, destination, stop);
  }
  Status fetch_fleeting(const ObjectOrder& object, const std::filesystem::path& destination,
                        const std::stop_token& stop) override {
    return fetch({object.size, object.sha512, false}, object.url, destination, stop);
  }

 private:
  Status fetch(const objects::WantedObject& wanted, const std::string& url,
               const std::filesystem::path& destination, const std::stop_token& stop) {
    NoProgress progress;
    return fetcher_.fetch({url}, wanted, destination, progress, stop);
  }
  objects::Fetcher fetcher_;
};

}  // namespace sealift::agent
