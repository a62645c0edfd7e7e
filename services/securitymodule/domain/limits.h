// SPDX-License-Identifier: Apache-2.0
/// How much the security module takes from anybody.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sealift::securitymodule {

inline constexpr int kMaxTees = 8;
inline constexpr int kMaxRoots = 32;
inline constexpr int kMaxIntermediates = 64;
inline constexpr int kMaxCrls = 64;
inline constexpr std::size_t kMaxPcrText = 4096;
inline constexpr int kMaxReferences = 32;
inline constexpr int kMaxModels = 64;
inline constexpr int kMaxHardwareKeys = 4096;
/// Of a reference or a model, in bytes.
inline constexpr std::size_t kMaxName = 128;
inline constexpr int kMaxSuspects = 256;
inline constexpr std::size_t kMaxSuspectText = 512;
/// Of a policy with all its certificates and lists, in bytes.
inline constexpr std::size_t kMaxPolicySize = 1024UL * 1024;
inline constexpr int kMaxPage = 100;
/// Authorizations of one image that ListSeeds counts; so many means "so many or more".
inline constexpr std::int64_t kMaxCounted = 1000;

inline constexpr std::int64_t kMaxSets = 1000;
inline constexpr int kMaxSetHosts = 1000;
inline constexpr int kMaxSetLabels = 64;
/// Images times hosts of one call.
inline constexpr int kMaxSealedAtOnce = 1000;

struct Limits {
  std::chrono::seconds question_lifetime{300};
  /// Questions of one tenant that wait for their answers.
  std::int64_t open_questions = 1024;
};

}  // namespace sealift::securitymodule
