// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixReference.h"
#include "device/sim/MatrixLayout.h"
#include <cstring>
#include <gtest/gtest.h>
#include <set>

using namespace trine::sim;

TEST(MatrixLayout, FragmentsAreThoseOfTheTables) {
  for (const FragmentTable &table : fragmentTables) {
    for (unsigned lane = 0; lane < 32; ++lane) {
      for (unsigned i = 0; i < table.elementsA(); ++i) {
        MatrixPosition at =
            getFragmentA(table.m, table.perRegister, lane,
                         i / table.perRegister, i % table.perRegister);
        ASSERT_EQ(std::make_pair(at.row, at.column), table.a(lane, i))
            << table.name << " A lane " << lane << " element " << i;
      }
      for (unsigned i = 0; i < table.elementsB(); ++i) {
        MatrixPosition at =
            getFragmentB(table.perRegister, lane, i / table.perRegister,
                         i % table.perRegister);
        ASSERT_EQ(std::make_pair(at.row, at.column), table.b(lane, i))
            << table.name << " B lane " << lane << " element " << i;
      }
      for (unsigned i = 0; i < table.elementsC(); ++i)
        for (unsigned packed : {1u, 2u}) {
          MatrixPosition at =
              getFragmentC(table.m, packed, lane, i / packed, i % packed);
          ASSERT_EQ(std::make_pair(at.row, at.column), table.c(lane, i))
              << table.name << " C lane " << lane << " element " << i;
        }
    }
  }
}

TEST(MatrixLayout, EveryElementHasOnePlace) {
  for (const FragmentTable &table : fragmentTables) {
    std::set<std::pair<unsigned, unsigned>> a, b, c;
    for (unsigned lane = 0; lane < 32; ++lane) {
      for (unsigned i = 0; i < table.elementsA(); ++i)
        a.insert(table.a(lane, i));
      for (unsigned i = 0; i < table.elementsB(); ++i)
        b.insert(table.b(lane, i));
      for (unsigned i = 0; i < table.elementsC(); ++i)
        c.insert(table.c(lane, i));
    }
    EXPECT_EQ(a.size(), table.m * table.k) << table.name;
    EXPECT_EQ(b.size(), table.k * 8) << table.name;
    EXPECT_EQ(c.size(), table.m * 8) << table.name;
  }
}

/// Element (row, column) of matrix j holds 100·j + 10·row + column.
static void fillRows(uint8_t (*rows)[16]) {
  for (unsigned row = 0; row < 32; ++row)
    for (unsigned column = 0; column < 8; ++column) {
      uint16_t value = 100 * (row / 8) + 10 * (row % 8) + column;
      std::memcpy(rows[row] + 2 * column, &value, 2);
    }
}

TEST(MatrixLayout, LoadsAndStoresMatrices) {
  for (unsigned count : {1u, 2u, 4u})
    for (bool transpose : {false, true}) {
      uint8_t rows[32][16], stored[32][16] = {};
      fillRows(rows);
      uint32_t lanes[4][32] = {};
      uint32_t *registers[4] = {lanes[0], lanes[1], lanes[2], lanes[3]};
      loadMatrices(count, transpose, rows, registers);
      for (unsigned matrix = 0; matrix < 4; ++matrix)
        for (unsigned lane = 0; lane < 32; ++lane) {
          // Each thread: a row's (column's) two neighbours at 2·(lane % 4).
          unsigned group = lane / 4, pair = 2 * (lane % 4);
          unsigned low = transpose ? 10 * pair + group : 10 * group + pair;
          unsigned high = low + (transpose ? 10 : 1);
          unsigned base = 100 * matrix;
          uint32_t expected =
              matrix < count ? (base + low) | (base + high) << 16 : 0;
          ASSERT_EQ(lanes[matrix][lane], expected);
        }
      storeMatrices(count, transpose, registers, stored);
      EXPECT_EQ(std::memcmp(stored, rows, count * 128), 0);
    }
}

TEST(MatrixLayout, TransposesInRegisters) {
  uint32_t lanes[32], result[32];
  for (unsigned lane = 0; lane < 32; ++lane)
    lanes[lane] = (10 * (lane / 4) + 2 * (lane % 4)) |
                  (10 * (lane / 4) + 2 * (lane % 4) + 1) << 16;
  transposeMatrix(lanes, result);
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned row = lane / 4, column = 2 * (lane % 4);
    EXPECT_EQ(result[lane], (10 * column + row) | (10 * (column + 1) + row)
                                                      << 16);
  }
  transposeMatrix(result, result);
  EXPECT_EQ(std::memcmp(lanes, result, sizeof(lanes)), 0);
}
