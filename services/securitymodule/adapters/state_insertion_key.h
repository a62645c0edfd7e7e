// SPDX-License-Identifier: Apache-2.0
/// An insertion key that the TPM of the security module's own machine vouches for: a new one for each
/// insertion, named in a quote over the machine's state. Its private half waits in the database, under the
/// root key, which is this process's alone; without this TPM it opens nothing.
#pragma once

#include "services/securitymodule/domain/insertion_key.h"

namespace sealift::securitymodule {

class StateInsertionKey final : public InsertionKey {
 public:
  /// "TCTI?pcrs=sha256:7", the PCRs that its software is measured in; without "?pcrs=", sha256:7.
  /// invalid_argument at "insertion-key", tpm_unavailable, ek_certificate_missing.
  static Result<std::unique_ptr<InsertionKey>> open(const std::string& address);

  Result<Offer> offer() const override;
  Result<tee::InsertionProof> prove(const tee::InsertionTerms& terms) const override;
  Result<Secrets> secrets_of(ByteView kept, const tee::SealedInsertion& sealed) const override;

 private:
  StateInsertionKey(std::string tcti, tpm::PcrSelection pcrs)
      : tcti_{std::move(tcti)}, pcrs_{std::move(pcrs)} {}
  std::string tcti_;
  tpm::PcrSelection pcrs_;
};

}  // namespace sealift::securitymodule
