// SPDX-License-Identifier: Apache-2.0
#include "cli/sev/launch_secret.h"

#include "tee/sev/secret_table.h"

namespace sealift::cli {

Result<SecretBytes> launch_secret_table(const image::Owner& owner) {
  SEALIFT_TRY(auto secrets, guest::launch_secrets(owner.customer_data));
  std::vector<sev::SecretEntry> entries;
  for (auto& secret : secrets) entries.push_back({sev::Guid{secret.guid}, std::move(secret.value)});
  return sev::write_secret_table(entries);
}

}  // namespace sealift::cli
