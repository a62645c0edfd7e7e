// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tee: what the files of a challenge and of an enrolled host have in common.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "json/object.h"
#include "tee/enrolled_host.h"

namespace sealift::tee {

/// Of the files.
inline constexpr json::Limits kEnrolmentLimits{.size = 128UL * 1024};

/// Takes the subject's members and checks everything again that needs neither a TPM nor a root.
Result<EnrolmentSubject> take_subject(json::Object& json);

/// Members in the order in which they are written, values as JSON.
using JsonMembers = std::vector<std::pair<std::string, std::string>>;
std::string json_string(std::string_view text);
void append_subject(const EnrolmentSubject& subject, JsonMembers& out);
std::string write_json(const JsonMembers& members);

}  // namespace sealift::tee
