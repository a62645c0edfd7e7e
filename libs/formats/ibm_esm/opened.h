// SPDX-License-Identifier: Apache-2.0
/// Making, opening and extending an `ibm,esm` blob.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "base/secret.h"
#include "crypto/key.h"
#include "formats/esm/integrity.h"
#include "formats/ibm_esm/blob.h"

namespace sealift::ibm_esm {

/// Who may open a blob.
class Recipient {
 public:
  /// `pem_file` is the public key file's content, byte for byte: its hash is the fingerprint. key_unsupported
  /// unless it is an RSA key of 2048 to 4096 bits; invalid_argument for a comment with control characters.
  static Result<Recipient> from_pem(ByteView pem_file, std::string comment = {});

  const crypto::PublicKey& key() const noexcept { return key_; }
  const Fingerprint& fingerprint() const noexcept { return fingerprint_; }
  const std::string& comment() const noexcept { return comment_; }

 private:
  Recipient(crypto::PublicKey key, const Fingerprint& fingerprint, std::string comment)
      : key_{std::move(key)}, fingerprint_{fingerprint}, comment_{std::move(comment)} {}
  crypto::PublicKey key_;
  Fingerprint fingerprint_;
  std::string comment_;
};

/// The lockbox with the key's fingerprint, or nullptr.
const Lockbox* find_lockbox(const Blob& blob, const crypto::PublicKey& key);

/// A blob with its symmetric key at hand. What it decrypts was encrypted by somebody who had that key; who
/// that was, and that an attachment's name is its own, this format does not prove.
class OpenedBlob {
 public:
  /// A new blob whose only lockbox is the origin's.
  static Result<OpenedBlob> make(const Recipient& origin);
  /// no_lockbox_for_key where no lockbox has the key's fingerprint; decryption_failed where it does not open.
  static Result<OpenedBlob> open(Blob blob, const crypto::PrivateKey& key);
  /// With what a lockbox held, opened elsewhere. operand_malformed where that is no such key.
  static Result<OpenedBlob> open(Blob blob, SecretBytes symmetric_key);

  /// Adds lockbox-(N+1). Costs one RSA-OAEP, however many lockboxes there are. already_exists for a recipient
  /// that has one.
  Status authorise(const Recipient& recipient);
  /// Sets or replaces the digests.
  Status set_integrity(const esm::IntegrityInformation& information, std::string comment = {});
  /// Attaches a file. already_exists; invalid_argument for a name that is not [A-Za-z][0-9A-Za-z,._+-]{0,30}.
  Status attach(std::string_view name, ByteView content, std::string comment = {});

  /// The digests, decrypted. operand_malformed where the blob has none; authentication_failed.
  Result<esm::IntegrityInformation> integrity() const;
  /// An attachment, decrypted. not_found, authentication_failed.
  Result<SecretBytes> file(std::string_view name) const;

  /// The blob as it stands, lockboxes newest first.
  Blob blob() const;
  Result<Bytes> serialise() const { return ibm_esm::serialise(blob()); }

 private:
  explicit OpenedBlob(SecretBytes key) : key_{std::move(key)} {}
  Status add_lockbox(const Recipient& recipient, std::string name);

  SecretBytes key_;
  Blob blob_;                              // lockboxes oldest first here: adding is appending
  std::unordered_set<std::string> known_;  // fingerprints, as bytes
  std::uint64_t last_number_ = 0;
};

}  // namespace sealift::ibm_esm
