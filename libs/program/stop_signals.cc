// SPDX-License-Identifier: Apache-2.0
#include "program/stop_signals.h"

#include <pthread.h>
#include <sys/signalfd.h>

#include <csignal>

namespace sealift {

Result<UniqueFd> stop_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd{::signalfd(-1, &signals, SFD_CLOEXEC)};
  if (!fd) return fail_errno("signalfd");
  return fd;
}

}  // namespace sealift
