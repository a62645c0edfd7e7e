// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/wiping_heap.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <cstring>  // and explicit_bzero

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <new>

namespace {

void wipe_and_free(void* block) noexcept {
  if (block == nullptr) return;
  ::explicit_bzero(block, ::malloc_usable_size(block));
  std::free(block);
}

void* openssl_malloc(std::size_t size, const char*, int) { return std::malloc(size); }
void openssl_free(void* block, const char*, int) { wipe_and_free(block); }
void* openssl_realloc(void* block, std::size_t size, const char*, int) {
  if (block == nullptr) return std::malloc(size);
  void* const bigger = size == 0 ? nullptr : std::malloc(size);
  if (size != 0 && bigger == nullptr) return nullptr;
  if (bigger != nullptr) std::memcpy(bigger, block, std::min(size, ::malloc_usable_size(block)));
  wipe_and_free(block);
  return bigger;
}

}  // namespace

// All other forms of new and delete come down to these.
void* operator new(std::size_t size) {
  if (void* const block = std::malloc(std::max<std::size_t>(size, 1))) return block;
  throw std::bad_alloc{};
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  void* block = nullptr;
  if (::posix_memalign(&block, std::max(static_cast<std::size_t>(alignment), sizeof(void*)), size) == 0)
    return block;
  throw std::bad_alloc{};
}
void operator delete(void* block) noexcept { wipe_and_free(block); }
void operator delete(void* block, std::size_t) noexcept { wipe_and_free(block); }
void operator delete(void* block, std::align_val_t) noexcept { wipe_and_free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { wipe_and_free(block); }

namespace sealift::securitymodule {

void wipe_what_openssl_frees() {
  const int set = ::CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);
  assert(set == 1);
  (void)set;
}

}  // namespace sealift::securitymodule
