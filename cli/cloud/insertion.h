// SPDX-License-Identifier: Apache-2.0
/// Secure insertion from the customer's side (design section 10, step 984; adr/0021): the security module
/// proves itself, then gets what nobody else can read or alter.
#pragma once

#include <filesystem>
#include <optional>

#include "cli/output.h"
#include "rpc/client.h"
#include "sealift/v1/security_module.pb.h"
#include "tee/insertion_proof.h"

namespace sealift::cli {

/// "security_module_proof" of a cloud file; files are relative to `folder`:
///
///   {"roots": ["maker.pem"], "intermediates": ["issuing.pem"], "crls": [], "pcrs": "sha256:7=HEX"}
///   {"roots": ["our-ca.pem"], "crls": ["our-crl.pem"]}
///
/// With PCRs the security module's TPM must prove this state; without, a certificate for its insertion key is
/// what counts. Strict; only `roots` must be there.
Result<tee::InsertionTrust> read_insertion_trust(const Json& json, const std::filesystem::path& folder);

/// Gives `request` to the security module that is trusted. As tee::insert_into;
/// authentication_failed at "confirmation" where whoever answers did not read it.
Status insert_seed(rpc::Channel& security_module, const std::string& tenant, const tee::InsertionTrust& trust,
                   const v1::PutSeedRequest& request, const Clock& clock);

}  // namespace sealift::cli
