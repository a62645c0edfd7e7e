// SPDX-License-Identifier: Apache-2.0
// A TPM that answers anything: every response of one input is the same bytes. No answer crashes us, and none
// passes for one that a session protects.
#include <cstdlib>

#include "tpm/commands.h"
#include "tpm/nv.h"

namespace {

using namespace sealift;       // NOLINT(google-build-using-namespace): a fuzz target of one page
using namespace sealift::tpm;  // NOLINT(google-build-using-namespace)

class Liar final : public Channel {
 public:
  explicit Liar(ByteView answer) : answer_{answer} {}
  Status send(ByteView) override { return {}; }
  Result<SecretBytes> receive() override { return SecretBytes::copy_of(answer_); }
  Status reopen() override { return {}; }

 private:
  ByteView answer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMaxFrame) return 0;
  // A deferral would be asked again for two seconds.
  if (size == 10 && data[8] == 0x09) return 0;
  Tpm tpm{std::make_unique<Liar>(ByteView{data, size})};
  const Bytes password(32, 7);
  const Entity index{0x01800100, Name::of_handle(0x01800100), password};
  (void)read_public(tpm, 0x81800002);
  (void)find_nv_index(tpm, 0x01800100);
  (void)handles_in_use(tpm, kFirstTransient);
  (void)get_random(tpm, 16);
  (void)read_pcrs(tpm, PcrSelection::parse("sha256:6").value());
  auto session = Session::start_hmac(tpm, index);
  if (!session) return 0;
  session->encrypt_next_response();
  if (unseal_object(tpm, index, *session)) std::abort();
  return 0;
}
