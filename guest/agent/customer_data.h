// SPDX-License-Identifier: Apache-2.0
/// Customer data (CD1..CDn) as the message that hands them to the guest; customer_data_wire.h has the format.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "guest/agent/customer_data_wire.h"
#include "guest/agent/launch_secret_wire.h"

namespace sealift::guest {

struct CustomerData {
  std::string name;  ///< see is_entry_name()
  SecretBytes value;
};

/// The whole message, to be written to the port after the guest said kHello. invalid_argument for a name that
/// is none or comes twice, too_large beyond 64 entries or 64 KiB in one.
Result<SecretBytes> encode_customer_data(std::span<const CustomerData> entries);

/// A whole message. truncated, malformed or too_large where it is not one.
Result<std::vector<CustomerData>> decode_customer_data(ByteView message);

/// One entry of an SEV guest's launch secret, whose table launch_secret_wire.h has.
struct LaunchSecret {
  Guid guid;
  SecretBytes value;
};

/// CD1 under its own GUID, all others as one message. invalid_argument without a CD1, too_large where they do
/// not fit into what the firmware keeps.
Result<std::vector<LaunchSecret>> launch_secrets(std::span<const CustomerData> entries);

}  // namespace sealift::guest
