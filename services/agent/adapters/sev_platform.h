// SPDX-License-Identifier: Apache-2.0
/// This host's PSP: its certificates and version. Questions it answers by loading an image (sev_guests.h).
#pragma once

#include "services/agent/adapters/sev_key_server.h"
#include "services/agent/domain/ports.h"
#include "services/agent/sev/machine.h"

namespace sealift::agent {

class SevPlatform final : public Platform {
 public:
  SevPlatform(SevHost host, std::filesystem::path bundle, SevKeyServerOptions server)
      : host_{std::move(host)}, keys_{std::move(bundle), std::move(server)} {}
  Result<Bytes> evidence() override;
  Result<Bytes> answer(ByteView question) override;

 private:
  const SevHost host_;
  SevKeyServer keys_;
};

/// What QEMU, or else the kernel, says of the PSP.
Result<SevCapabilities> sev_capabilities(const SevHost& host);

}  // namespace sealift::agent
