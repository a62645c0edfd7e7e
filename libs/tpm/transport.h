// SPDX-License-Identifier: Apache-2.0
/// The way to a TPM: bytes of one command out, bytes of its response back.
///
/// What comes back is hostile: a relay, a bus or the TPM itself may lie. Here only the frame is checked;
/// tpm/session.h proves who answered. Connections survive a TPM that restarts: a command that surely was not
/// executed, or that changes nothing, is sent again on a new connection; any other fails with
/// tpm_unavailable, because nobody knows whether it was executed.
///
/// Sharing: a TPM has few slots for sessions and objects, and swtpm serves one client at a time. So a
/// connection to swtpm is kept for one turn (a chain of commands) only, which other clients wait for. Several
/// processes may open /dev/tpmrm0, which gives each its own slots.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/secret.h"
#include "tpm/types.h"

namespace sealift::tpm {

/// The largest command or response, in bytes (TPM_PT_MAX_COMMAND_SIZE of the PC Client profile).
inline constexpr std::size_t kMaxFrame = 4096;

/// One connection. The seam for tests: a channel that breaks, or lies.
class Channel {
 public:
  virtual ~Channel() = default;
  /// tpm_unavailable: the TPM did not get this command, whole.
  virtual Status send(ByteView command) = 0;
  /// At most kMaxFrame bytes. tpm_unavailable: whether the command was executed is unknown.
  virtual Result<SecretBytes> receive() = 0;
  /// Connects anew after either failed.
  virtual Status reopen() = 0;
  /// The others' turn: a connection that keeps them out ends, and the next command makes a new one.
  virtual void release() noexcept {}
};

/// `tcti` as tpm2-tools take it: "swtpm:path=/run/tpm/sock", "device:/dev/tpmrm0", or any other TCTI that
/// tpm2-tss knows. tpm_unavailable where no TPM answers there.
Result<std::unique_ptr<Channel>> open_channel(const std::string& tcti);

/// Counts since this Tpm was opened.
struct TpmStatistics {
  std::uint64_t commands = 0;         ///< sent, repetitions included
  std::chrono::nanoseconds waited{};  ///< from sending a command until its whole response was there
};

/// A TPM 2.0, one command after the other. Not for several threads at once.
class Tpm {
 public:
  static Result<Tpm> open(const std::string& tcti);
  explicit Tpm(std::unique_ptr<Channel> channel) : channel_{std::move(channel)} {}

  /// May the command be sent again when its response was lost?
  enum class Repeat : std::uint8_t {
    never,  ///< it may have been executed, and twice is not once; or it uses sessions of the old connection
    if_unsent,      ///< it stands alone: again if the TPM surely did not get it
    if_unanswered,  ///< it only reads: again in any case, once
  };
  /// A whole response with a well-formed header and response code 0. Else the error of response_code.h, or
  /// tpm_unavailable. TPM_RC_RETRY, _YIELDED and _TESTING mean that the TPM did nothing yet: sent again, with
  /// growing pauses, for at most two seconds.
  Result<SecretBytes> exchange(std::string_view command_name, ByteView command, Repeat repeat);

  /// For as long as it lives, this Tpm's commands follow one another and no other client of a swtpm is
  /// served. Without one, each command is a turn. Turns nest.
  class Turn {
   public:
    explicit Turn(Tpm& tpm);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    Turn(Turn&&) = delete;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    Tpm& tpm_;
  };

  const TpmStatistics& statistics() const noexcept { return statistics_; }

 private:
  Result<SecretBytes> exchange_once(ByteView command, Repeat repeat);
  std::unique_ptr<Channel> channel_;
  bool broken_ = false;
  unsigned turns_ = 0;
  TpmStatistics statistics_;
};

}  // namespace sealift::tpm
