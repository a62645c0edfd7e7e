// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/insertion.h"

#include <array>
#include <nlohmann/json.hpp>

#include "cli/inputs.h"
#include "crypto/random.h"

namespace sealift::cli {
namespace {

constexpr const char* kMember = "security_module_proof";
constexpr const char* kInsert = "sealift.v1.SeedService.InsertSeed";
constexpr int kAttempts = 3;  // another replica may answer each time

tl::unexpected<Error> bad_trust(const std::string& what) {
  return fail(ErrorCode::malformed, "the cloud file's security_module_proof " + what, kMember);
}

Result<std::vector<Path>> paths_of(const Json& json, const char* name, const std::filesystem::path& folder) {
  std::vector<Path> paths;
  const auto found = json.find(name);
  if (found == json.end()) return paths;
  if (!found->is_array()) return bad_trust(std::string{name} + " is no list of files");
  for (const auto& path : *found) {
    if (!path.is_string()) return bad_trust(std::string{name} + " is no list of files");
    paths.push_back(folder / path.get<std::string>());
  }
  return paths;
}

Status expect_known_members(const Json& json) {
  constexpr std::array kKnown{"roots", "intermediates", "crls", "pcrs"};
  if (!json.is_object()) return bad_trust("is no object");
  for (const auto& member : json.items()) {
    if (std::ranges::find(kKnown, member.key()) == kKnown.end())
      return bad_trust("has a member that nobody knows: " + printable(member.key()));
  }
  return {};
}

Result<std::optional<tpm::StateProof>> state_of(const v1::InsertionProof& proof,
                                                const std::vector<Bytes>& certificates) {
  if (!proof.has_state()) return std::nullopt;
  const auto& state = proof.state();
  SEALIFT_TRY(auto ek, tpm::Public::parse(as_bytes(state.endorsement_key())));
  SEALIFT_TRY(auto key, tpm::Public::parse(as_bytes(state.attestation_key())));
  return tpm::StateProof{certificates,
                         std::move(ek),
                         std::move(key),
                         {to_bytes(as_bytes(state.attested())), to_bytes(as_bytes(state.signature()))}};
}

Result<tee::InsertionProof> proof_of(const v1::InsertionProof& message) {
  std::vector<Bytes> certificates;
  for (const auto& certificate : message.certificates())
    certificates.push_back(to_bytes(as_bytes(certificate)));
  SEALIFT_TRY(auto state, state_of(message, certificates));
  return tee::InsertionProof{std::move(certificates), std::move(state)};
}

Status attempt(rpc::Channel& security_module, const std::string& tenant, const tee::InsertionTrust& trust,
               const std::string& image_id, const SecretBytes& payload, const Clock& clock) {
  const auto nonce = crypto::random_array<tee::kInsertionNonceSize>();
  v1::BeginInsertionRequest begin;
  begin.set_image_id(image_id);
  begin.set_nonce(nonce.data(), nonce.size());
  SEALIFT_TRY(const auto begun, security_module.call<v1::BeginInsertionResponse>(
                                    "sealift.v1.SeedService.BeginInsertion", begin));
  const tee::InsertionTerms terms{tenant,
                                  image_id,
                                  kInsert,
                                  begun.insertion_id(),
                                  begun.expires_at(),
                                  to_bytes(nonce),
                                  to_bytes(as_bytes(begun.insertion_key()))};
  SEALIFT_TRY(const auto proof, proof_of(begun.proof()));
  SEALIFT_TRY(const auto sent, tee::insert_into(trust, terms, proof, payload.expose(), clock.now()));
  v1::InsertSeedRequest insert;
  insert.set_image_id(image_id);
  insert.set_insertion_id(begun.insertion_id());
  insert.set_ephemeral_key(std::string{as_text(sent.sealed.ephemeral_key)});
  insert.set_credential(std::string{as_text(sent.sealed.credential)});
  insert.set_ciphertext(std::string{as_text(sent.sealed.ciphertext)});
  SEALIFT_TRY(const auto answer, security_module.call<v1::InsertSeedResponse>(kInsert, insert));
  if (constant_time_equal(as_bytes(answer.confirmation()), sent.confirmation.view())) return {};
  return fail(ErrorCode::authentication_failed,
              "whoever answered has not read what was inserted: it did not reach your security module",
              "confirmation");
}

}  // namespace

Result<tee::InsertionTrust> read_insertion_trust(const Json& json, const std::filesystem::path& folder) {
  SEALIFT_CHECK(expect_known_members(json));
  SEALIFT_TRY(const auto roots, paths_of(json, "roots", folder));
  SEALIFT_TRY(const auto intermediates, paths_of(json, "intermediates", folder));
  SEALIFT_TRY(const auto crls, paths_of(json, "crls", folder));
  if (roots.empty()) return bad_trust("names no roots");
  crypto::TrustInput input{{}, {}, {}, crypto::CrlPolicy::where_given};
  SEALIFT_TRY(input.roots, read_certificates(roots));
  SEALIFT_TRY(input.intermediates, read_certificates(intermediates));
  SEALIFT_TRY(input.crls, read_crls(crls));
  SEALIFT_TRY(auto trusted, crypto::TrustedRoots::create(std::move(input)));
  tee::InsertionTrust trust{std::move(trusted), std::nullopt};
  const auto pcrs = json.find("pcrs");
  if (pcrs == json.end()) return trust;
  if (!pcrs->is_string()) return bad_trust("pcrs is not a text");
  SEALIFT_TRY(trust.state, tpm::PcrValues::parse(pcrs->get<std::string>()));
  return trust;
}

Status insert_seed(rpc::Channel& security_module, const std::string& tenant, const tee::InsertionTrust& trust,
                   const v1::PutSeedRequest& request, const Clock& clock) {
  SecretBytes payload{request.ByteSizeLong()};
  const bool written =
      request.SerializeToArray(payload.expose_for_writing().data(), static_cast<int>(payload.size()));
  if (!written) return fail(ErrorCode::internal, "a request cannot be written");
  Status done;
  for (int i = 0; i < kAttempts; ++i) {
    done = attempt(security_module, tenant, trust, request.image_id(), payload, clock);
    if (done || done.error().code != ErrorCode::failed_precondition || done.error().field != "insertion_id")
      break;
  }
  return done;
}

}  // namespace sealift::cli
