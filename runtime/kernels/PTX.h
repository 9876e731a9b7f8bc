// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// PTX instructions that C++ has no word for, one function each. Semantics: PTX
/// ISA 9.0. What needs sm_90a says so.
#ifndef TRINE_RUNTIME_KERNELS_PTX_H
#define TRINE_RUNTIME_KERNELS_PTX_H

#include "Types.h"

namespace trine::kernels {

inline u32 sharedAddress(const void *pointer) {
  return static_cast<u32>(__cvta_generic_to_shared(pointer));
}
inline int laneIndex() { return threadIdx.x % 32; }
/// The same in all lanes, which the compiler cannot see from threadIdx alone.
/// All lanes must come here.
inline int warpIndex() {
  return __shfl_sync(0xFFFFFFFFu, static_cast<int>(threadIdx.x) / 32, 0);
}

//===----------------------------------------------------------------------===//
// Asynchronous copies
//===----------------------------------------------------------------------===//

/// Copies `bytes` (0 .. 16) bytes and fills the rest of 16 with zeros. With 0
/// bytes the source is not read.
inline void copyAsync16(u32 target, const void *source, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target),
               "l"(__cvta_generic_to_global(source)), "r"(bytes)
               : "memory");
}
inline void copyAsyncCommit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
/// Waits until at most `Pending` groups of this thread are under way.
template <int Pending>
void copyAsyncWait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
}

inline void storeShared16(u32 target, u32 a, u32 b, u32 c, u32 d) {
  asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(target), "r"(a),
               "r"(b), "r"(c), "r"(d)
               : "memory");
}
inline void storeShared4(u32 target, u32 value) {
  asm volatile("st.shared.b32 [%0], %1;" ::"r"(target), "r"(value) : "memory");
}

//===----------------------------------------------------------------------===//
// mma.sync
//===----------------------------------------------------------------------===//

inline void loadMatrix4(u32 (&registers)[4], u32 address) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]),
        "=r"(registers[3])
      : "r"(address)
      : "memory");
}
inline void loadMatrix4Transposed(u32 (&registers)[4], u32 address) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]),
        "=r"(registers[3])
      : "r"(address)
      : "memory");
}
/// d += a · b: 16 rows, 8 columns, 16 k.
template <class T>
void multiply16x8x16(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  if constexpr (sameType<T, bfloat>)
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  else
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

/// A barrier of `threads` threads of the workgroup; id 0 is __syncthreads'.
inline void synchronise(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

inline void barrierInitialise(u32 barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier),
               "r"(arrivals)
               : "memory");
}
/// sm_90a. Makes initialised barriers visible to tensor copies.
inline void barrierInitialised() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
inline void barrierArrive(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier)
               : "memory");
}
/// sm_90a. Arrives, and makes the phase wait for `bytes` bytes of copies.
inline void barrierArriveExpect(u32 barrier, int bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier),
      "r"(bytes)
      : "memory");
}
/// sm_90a. Waits for the end of the phase of this parity; a new barrier's phase
/// before the first has parity 1.
inline void barrierWait(u32 barrier, int parity) {
  asm volatile("{\n.reg .pred done;\n"
               "again:\n"
               "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
               "@!done bra again;\n}" ::"r"(barrier),
               "r"(parity)
               : "memory");
}

//===----------------------------------------------------------------------===//
// sm_90a: tensor copies and fences
//===----------------------------------------------------------------------===//

inline void copyTensor3(u32 target, const TensorMap *map, int x, int y, int z,
                        u32 barrier) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::"
      "complete_tx::bytes [%0], [%1, {%2, %3, %4}], [%5];" ::"r"(target),
      "l"(map), "r"(x), "r"(y), "r"(z), "r"(barrier)
      : "memory");
}
inline void copyTensor4(u32 target, const TensorMap *map, int x, int y, int z,
                        int u, u32 barrier) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::"
      "bytes [%0], [%1, {%2, %3, %4, %5}], [%6];" ::"r"(target),
      "l"(map), "r"(x), "r"(y), "r"(z), "r"(u), "r"(barrier)
      : "memory");
}
inline void prefetchMap(const TensorMap *map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}
/// Generic writes before, tensor copies and wgmma after.
inline void fenceAsyncProxy() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

} // namespace trine::kernels

#endif
