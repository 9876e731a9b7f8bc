// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The fragment tables of the PTX ISA ("Matrix Fragments for mma.m...") as the
/// document writes them, shape by shape.
#ifndef TRINE_TEST_UNIT_SIM_MATRIXREFERENCE_H
#define TRINE_TEST_UNIT_SIM_MATRIXREFERENCE_H

#include <utility>

struct FragmentTable {
  using Position = std::pair<unsigned, unsigned>;
  const char *name;
  unsigned m, k;
  unsigned perRegister; ///< of A and B
  Position (*a)(unsigned lane, unsigned i);
  Position (*b)(unsigned lane, unsigned i);
  Position (*c)(unsigned lane, unsigned i);

  unsigned elementsA() const { return m * k / 32; }
  unsigned elementsB() const { return k * 8 / 32; }
  unsigned elementsC() const { return m * 8 / 32; }
};

namespace fragments {

inline unsigned group(unsigned lane) { return lane >> 2; }
inline unsigned thread(unsigned lane) { return lane % 4; }
using Position = FragmentTable::Position;

/// m16n8: rows groupID for c0, c1 and groupID + 8 for c2, c3.
inline Position c16(unsigned lane, unsigned i) {
  return {i < 2 ? group(lane) : group(lane) + 8, thread(lane) * 2 + (i & 1)};
}
inline Position c8(unsigned lane, unsigned i) {
  return {group(lane), thread(lane) * 2 + i};
}

} // namespace fragments

static const FragmentTable fragmentTables[] = {
    {"m16n8k8.f16", 16, 8, 2,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i < 2 ? group(lane) : group(lane) + 8,
               thread(lane) * 2 + (i & 1)};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {thread(lane) * 2 + i, group(lane)};
     },
     fragments::c16},
    {"m16n8k16.f16", 16, 16, 2,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       bool first = i < 2 || (i >= 4 && i < 6);
       unsigned column = thread(lane) * 2 + (i & 1);
       return {first ? group(lane) : group(lane) + 8,
               i < 4 ? column : column + 8};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       unsigned row = thread(lane) * 2 + (i & 1);
       return {i < 2 ? row : row + 8, group(lane)};
     },
     fragments::c16},
    {"m16n8k4.tf32", 16, 4, 1,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i == 0 ? group(lane) : group(lane) + 8, thread(lane)};
     },
     [](unsigned lane, unsigned) -> fragments::Position {
       using namespace fragments;
       return {thread(lane), group(lane)};
     },
     fragments::c16},
    {"m16n8k8.tf32", 16, 8, 1,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i == 0 || i == 2 ? group(lane) : group(lane) + 8,
               i == 0 || i == 1 ? thread(lane) : thread(lane) + 4};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i == 0 ? thread(lane) : thread(lane) + 4, group(lane)};
     },
     fragments::c16},
    {"m16n8k16.s8", 16, 16, 4,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i < 4 ? group(lane) : group(lane) + 8,
               thread(lane) * 4 + (i & 3)};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {thread(lane) * 4 + (i & 3), group(lane)};
     },
     fragments::c16},
    {"m16n8k32.s8", 16, 32, 4,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       bool first = i < 4 || (i >= 8 && i < 12);
       unsigned column = thread(lane) * 4 + (i & 3);
       return {first ? group(lane) : group(lane) + 8,
               i < 8 ? column : column + 16};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       unsigned row = thread(lane) * 4 + (i & 3);
       return {i < 4 ? row : row + 16, group(lane)};
     },
     fragments::c16},
    {"m8n8k16.s8", 8, 16, 4,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {group(lane), thread(lane) * 4 + i};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {thread(lane) * 4 + i, group(lane)};
     },
     fragments::c8},
    {"m8n8k4.f64", 8, 4, 1,
     [](unsigned lane, unsigned) -> fragments::Position {
       using namespace fragments;
       return {group(lane), thread(lane)};
     },
     [](unsigned lane, unsigned) -> fragments::Position {
       using namespace fragments;
       return {thread(lane), group(lane)};
     },
     fragments::c8},
    {"m16n8k16.f64", 16, 16, 1,
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {i % 2 == 0 ? group(lane) : group(lane) + 8,
               thread(lane) + 4 * (i / 2)};
     },
     [](unsigned lane, unsigned i) -> fragments::Position {
       using namespace fragments;
       return {thread(lane) + 4 * i, group(lane)};
     },
     fragments::c16},
};

#endif
