// SPDX-License-Identifier: Apache-2.0
/// A tenant who asks the front end without the tool in between: what the cloud itself says of a launch.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "rpc/client.h"
#include "sealift/v1/launches.pb.h"

namespace sealift::e2e {

std::string state_text(v1::Launch::State state);
bool is_over(const v1::Launch& launch);

class CustomerForTest {
 public:
  /// `credentials` as `sealift pki issue` writes it.
  CustomerForTest(const std::filesystem::path& credentials, const std::string& frontend);

  Result<v1::Launch> get(const std::string& launch_id) const;
  Result<v1::Launch> stop(const std::string& launch_id) const;
  /// All there are so far.
  Result<std::vector<v1::LaunchEvent>> events(const std::string& launch_id) const;
  /// Waits until the launch is in one of `states`; as it was last seen where it never comes.
  v1::Launch wait_for(const std::string& launch_id, const std::vector<v1::Launch::State>& states) const;
  rpc::Channel& channel() const { return *channel_; }

 private:
  std::unique_ptr<rpc::Channel> channel_;
};

}  // namespace sealift::e2e
