// SPDX-License-Identifier: Apache-2.0
/// An image as the zone needs it to start an instance.
#pragma once

#include "base/result.h"
#include "sealift/state/v1/state.pb.h"
#include "sealift/v1/zone.pb.h"

namespace sealift::frontend {

/// `kept` is of an announcement that was read; internal where its manifest is damaged.
Result<v1::InstanceImage> instance_image(const state::v1::ImageDocument& kept);

}  // namespace sealift::frontend
