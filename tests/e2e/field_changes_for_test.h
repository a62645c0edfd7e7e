// SPDX-License-Identifier: Apache-2.0
/// One change of one field of any message, by reflection: what a relay can do to what it carries.
#pragma once

#include <google/protobuf/message.h>

#include <random>
#include <string>
#include <vector>

namespace sealift::e2e {

/// Where a field is: "evidence.evidence", "launches[0].state". Of a message that is there, every field is
/// named, set or not; of a list the first entry's.
std::vector<std::string> fields_of(const google::protobuf::Message& message);

/// Changes that field: another number, bit, letter or member; a message that is there goes, one that is not
/// comes; a list loses its last entry, or gets a first one. False where the message has no such field now.
bool change_field(google::protobuf::Message& message, const std::string& field);

/// Some fields, at random, to random values that its type can have, far ones among them.
void scramble(google::protobuf::Message& message, std::minstd_rand& random);

}  // namespace sealift::e2e
