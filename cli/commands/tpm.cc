// SPDX-License-Identifier: Apache-2.0
/// sealift tpm: what is done for a TPM without one.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands/commands.h"
#include "cli/inputs.h"
#include "cli/new_files.h"
#include "tpm/credential.h"
#include "tpm/seal.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kCredentialSecretLimit = 64;

struct SealOptions {
  Path storage_key;
  Path secret;
  std::string pcr;
  Path out;
};

Status seal_secret(const SealOptions& options, Context& context) {
  SEALIFT_TRY(const auto expected, tpm::PcrValues::parse(options.pcr));
  SEALIFT_TRY(const auto parent, read_public(options.storage_key));
  SEALIFT_TRY(const auto key, in_file(options.storage_key, tpm::StorageKey::prepare(parent)));
  SEALIFT_TRY(const auto secret, read_secret_file(options.secret, tpm::kSealedSizeLimit));
  const auto policy = tpm::Policy{}.pcr(expected).digest();
  SEALIFT_TRY(const auto sealed, key.seal(secret.expose(), policy));
  SEALIFT_CHECK(write_files(options.out, {{"object.pub", sealed.public_area},
                                          {"object.dup", sealed.duplicate},
                                          {"object.seed", sealed.seed},
                                          {"policy.digest", policy.view()}}));
  const auto file = [&](const char* name) { return (options.out / name).string(); };
  return context.report(Json{{"storage_key_name", key.name().hex()},
                             {"pcr", expected.text()},
                             {"policy", to_hex(policy.view())},
                             {"files",
                              {{"public", file("object.pub")},
                               {"duplicate", file("object.dup")},
                               {"seed", file("object.seed")},
                               {"policy", file("policy.digest")}}}},
                        fmt::format("Sealed to storage key {}\nunder {}\nin {}\n", key.name().hex(),
                                    expected.text(), printable(options.out.string())));
}

void declare_seal(Command& group) {
  auto options = std::make_shared<SealOptions>();
  group
      .command(
          "seal", "Seal a secret to a TPM's storage key and PCR values, for tpm2_import",
          "sealift tpm seal --storage-key parent.pub --secret seed.bin --pcr sha256:6=5e…c1 --out sealed\n"
          "tpm2_import -C parent.ctx -u sealed/object.pub -i sealed/object.dup -s sealed/object.seed -r "
          "object.priv",
          [options](Context& context) { return seal_secret(*options, context); })
      .path("--storage-key", options->storage_key, kFile, "the parent's TPM2B_PUBLIC, as tpm2_readpublic -o",
            Need::required)
      .path("--secret", options->secret, kFile, "1 to 128 bytes", Need::required)
      .text("--pcr", options->pcr, "BANK:N=HEX", "PCR values that open it; several: sha256:6=HEX,7=HEX",
            Need::required)
      .path("--out", options->out, kDirectory,
            "gets object.pub, object.dup, object.seed and policy.digest; made where it is missing",
            Need::required);
}

struct CredentialOptions {
  Path ek;
  std::string name;
  Path secret;
  Path out;
};

Status make_credential(const CredentialOptions& options, Context& context) {
  SEALIFT_TRY(const auto name, tpm::Name::from_hex(options.name));
  SEALIFT_TRY(const auto ek, read_endorsement_key(options.ek));
  SEALIFT_TRY(const auto secret, read_secret_file(options.secret, kCredentialSecretLimit));
  SEALIFT_TRY(const auto credential, tpm::make_credential(ek, name, secret.expose()));
  SEALIFT_CHECK(write_file(options.out, tpm::credential_file(credential)));
  return context.report(
      Json{{"ek_name", ek.name().hex()}, {"name", name.hex()}, {"file", options.out.string()}},
      fmt::format("Credential for the object {}\nof the TPM with EK {}\nin {}\n", name.hex(), ek.name().hex(),
                  printable(options.out.string())));
}

void declare_make_credential(Command& group) {
  auto options = std::make_shared<CredentialOptions>();
  group
      .command(
          "make-credential", "Encrypt a secret to the TPM that has an EK and an object of this Name",
          "sealift tpm make-credential --ek ek-certificate.pem --name 000b…9f --secret nonce --out blob\n"
          "tpm2_activatecredential -c object.ctx -C ek.ctx -i blob -o secret",
          [options](Context& context) { return make_credential(*options, context); })
      .path("--ek", options->ek, kFile, "TPM2B_PUBLIC of the EK, or its certificate (PEM or DER)",
            Need::required)
      .text("--name", options->name, kHex, "the object's Name", Need::required)
      .path("--secret", options->secret, kFile, "at most as long as the EK's name digest: 32 bytes",
            Need::required)
      .path("--out", options->out, kFile, "the credential, as tpm2_activatecredential reads it",
            Need::required);
}

}  // namespace

void declare_tpm(Command root) {
  auto group =
      root.group("tpm", "Seal and challenge, for a TPM but without one",
                 "sealift tpm seal --storage-key parent.pub --secret seed.bin --pcr sha256:6=5e…c1 --out "
                 "sealed");
  declare_seal(group);
  declare_make_credential(group);
}

}  // namespace sealift::cli
