// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "AllocationCounter.h"
#include <atomic>
#include <cerrno>
#include <cstddef>

static std::atomic<uint64_t> allocations;

uint64_t trine::runtime::test::getAllocationCount() { return allocations; }

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_HAS_SANITIZER
#endif
#endif

#ifdef TEST_HAS_SANITIZER
extern "C" int __sanitizer_install_malloc_and_free_hooks(
    void (*allocate)(const volatile void *, size_t),
    void (*release)(const volatile void *));

// Tests ask for more memory than there is, and want that refused.
extern "C" __attribute__((visibility("default"))) const char *
__asan_default_options() {
  return "allocator_may_return_null=1";
}
extern "C" __attribute__((visibility("default"))) const char *
__tsan_default_options() {
  return "allocator_may_return_null=1";
}

static const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void *, size_t) { ++allocations; },
    [](const volatile void *) {});
#else
// glibc lets a program replace these, and keeps its own under other names.
// Libraries find the replacements only if these are visible.
extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

#pragma GCC visibility push(default)

void *malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
void *memalign(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) {
  ++allocations;
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
#pragma GCC visibility pop
}
#endif
