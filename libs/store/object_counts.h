// SPDX-License-Identifier: Apache-2.0
/// Private to libs/store: how many images use each object.
#pragma once

#include <vector>

#include "store/sql/database.h"

namespace sealift::store {

/// One more, or one less, for each digest. Whoever does so for one of them waits until the transaction ends.
Status add_uses(sql::Transaction& transaction, std::vector<Bytes> digests);
Status end_uses(sql::Transaction& transaction, std::vector<Bytes> digests);

}  // namespace sealift::store
