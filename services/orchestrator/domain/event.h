// SPDX-License-Identifier: Apache-2.0
/// The events of a launch: what happened, which step of the design's section 4 it is, who did it.
#pragma once

#include <string_view>

namespace sealift::orchestrator {

struct EventKind {
  std::string_view name;
  std::string_view step;
  std::string_view actor;
};

namespace event {

inline constexpr std::string_view kCustomer = "customer";
inline constexpr std::string_view kFrontEnd = "front end";
inline constexpr std::string_view kOrchestrator = "orchestrator";
inline constexpr std::string_view kHostAgent = "host agent";
inline constexpr std::string_view kUltravisor = "ultravisor";
inline constexpr std::string_view kSecurityModule = "security module";

inline constexpr EventKind kProvisioningRequested{"provisioning_requested", "318", kCustomer};
inline constexpr EventKind kServiceConfirmed{"service_confirmed", "322", kFrontEnd};
inline constexpr EventKind kInstanceRequested{"instance_requested", "324", kFrontEnd};
inline constexpr EventKind kTargetSelected{"target_selected", "325", kOrchestrator};
inline constexpr EventKind kEvidenceAsked{"evidence_asked", "326", kOrchestrator};
inline constexpr EventKind kEvidenceReceived{"evidence_received", "328", kHostAgent};
inline constexpr EventKind kEnrolmentAsked{"enrolment_asked", "330", kOrchestrator};
inline constexpr EventKind kCustomerQuestion{"question_relayed", "462", kCustomer};
inline constexpr EventKind kCustomerAnswer{"answer_relayed", "476", kHostAgent};
inline constexpr EventKind kHostQuestioned{"question_relayed", "933", kSecurityModule};
inline constexpr EventKind kHostAnswered{"answer_relayed", "933", kHostAgent};
inline constexpr EventKind kSessionByCustomer{"session_relayed", "1029", kCustomer};
inline constexpr EventKind kSessionBySecurityModule{"session_relayed", "1029", kSecurityModule};
inline constexpr EventKind kMeasurementRelayed{"measurement_relayed", "1057", kHostAgent};
inline constexpr EventKind kSecretByCustomer{"launch_secret_received", "1059", kCustomer};
inline constexpr EventKind kSecretBySecurityModule{"launch_secret_received", "1059", kSecurityModule};
inline constexpr EventKind kReleased{"dispatched", "1091", kOrchestrator};
inline constexpr EventKind kSealedByCustomer{"sealed_data_received", "436", kCustomer};
inline constexpr EventKind kSealedBySecurityModule{"sealed_data_received", "336", kSecurityModule};
inline constexpr EventKind kSealedAhead{"sealed_ahead", "338", kOrchestrator};
inline constexpr EventKind kSealedDataInserted{"sealed_data_inserted", "342", kOrchestrator};
inline constexpr EventKind kDispatched{"dispatched", "344", kOrchestrator};
inline constexpr EventKind kTargetGivenUp{"target_given_up", "325", kOrchestrator};
inline constexpr EventKind kStopRequested{"stop_requested", "", kCustomer};
inline constexpr EventKind kRefused{"launch_refused", "", kOrchestrator};
inline constexpr EventKind kImageFetched{"image_fetched", "340", kHostAgent};
inline constexpr EventKind kGuestLoaded{"guest_loaded", "1051", kHostAgent};
inline constexpr EventKind kGuestReleased{"guest_started", "1093", kHostAgent};
inline constexpr EventKind kGuestStarted{"guest_started", "7B", kUltravisor};
inline constexpr EventKind kGuestEnded{"guest_ended", "", kUltravisor};
inline constexpr EventKind kGuestLost{"guest_lost", "", kOrchestrator};

}  // namespace event
}  // namespace sealift::orchestrator
