// SPDX-License-Identifier: Apache-2.0
/// What a front end says of a new launch, looked at before anything is recorded; and the image's head, into
/// which an instance's sealed data go.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "sealift/v1/zone.pb.h"

namespace sealift::orchestrator {

/// invalid_argument, naming the field; operand_malformed for a head that is none of that image.
Status check_request(const v1::ZoneCreateLaunchRequest& request);

/// The image's head is the archive with its operand: invalid_argument, operand_missing, operand_malformed.
Status check_operand(const v1::InstanceImage& image);

/// Step 342: the image's head with `sealed_data` in it, of the same size. operand_malformed, operand_full, or
/// sealed_data_refused for fields of a size that no TPM makes.
Result<Bytes> head_with(const v1::InstanceImage& image, const v1::SealedData& sealed_data);

}  // namespace sealift::orchestrator
