// SPDX-License-Identifier: Apache-2.0
/// A heap that forgets. A request with a seed passes through buffers that are not ours to wipe: OpenSSL's
/// records, HTTP bodies, protobuf's strings. A program that links this wipes every block that it frees,
/// whoever freed it; what is still in use (a connection's own buffer) stays until it is used again or the
/// connection ends.
#pragma once

namespace sealift::securitymodule {

/// The same for OpenSSL's blocks. Called before anything else of OpenSSL.
void wipe_what_openssl_frees();

}  // namespace sealift::securitymodule
