// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "device/sim/TensorMap.h"
#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace trine::sim;

static TensorMap makeMap() {
  TensorMap map;
  map.element = TensorElement::BF16;
  map.rank = 3;
  map.globalAddress = 0x7F0000001230;
  map.globalDim[0] = 100, map.globalDim[1] = 7, map.globalDim[2] = 3;
  map.globalStride[0] = 208, map.globalStride[1] = 2048;
  map.boxDim[0] = 64, map.boxDim[1] = 8, map.boxDim[2] = 2;
  map.elementStride[1] = 2;
  map.swizzle = 3;
  map.promotion = 2;
  map.fill = 1;
  return map;
}

static void expectEqual(const TensorMap &a, const TensorMap &b) {
  EXPECT_EQ(a.element, b.element);
  EXPECT_EQ(a.rank, b.rank);
  EXPECT_EQ(a.globalAddress, b.globalAddress);
  EXPECT_EQ(a.interleave, b.interleave);
  EXPECT_EQ(a.swizzle, b.swizzle);
  EXPECT_EQ(a.promotion, b.promotion);
  EXPECT_EQ(a.fill, b.fill);
  for (unsigned i = 0; i < maxTensorRank; ++i) {
    EXPECT_EQ(a.globalDim[i], b.globalDim[i]);
    EXPECT_EQ(a.boxDim[i], b.boxDim[i]);
    EXPECT_EQ(a.elementStride[i], b.elementStride[i]);
  }
  for (unsigned i = 0; i + 1 < maxTensorRank; ++i)
    EXPECT_EQ(a.globalStride[i], b.globalStride[i]);
}

TEST(TensorMap, EncodingKeepsEveryField) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    TensorMap map = makeMap(), decoded;
    map.element = static_cast<TensorElement>(random() % 13);
    map.rank = 1 + random() % 5;
    map.globalAddress = random() & ~uint64_t(15);
    for (unsigned i = 0; i < maxTensorRank; ++i) {
      map.globalDim[i] = 1 + (random() & 0xFFFFFFFF); // up to 2^32
      map.boxDim[i] = 1 + random() % 256;
      map.elementStride[i] = 1 + random() % 8;
      if (i)
        map.globalStride[i - 1] =
            (random() & ((uint64_t(1) << 40) - 1)) >> 4 << 4;
    }
    map.swizzle = random() % 4;
    map.fill = random() % 2;
    uint8_t bytes[tensorMapBytes];
    encodeTensorMap(map, bytes);
    std::string error;
    ASSERT_TRUE(decodeTensorMap(bytes, decoded, error)) << error;
    expectEqual(map, decoded);
  }
}

TEST(TensorMap, RefusesBytesOfAnotherKind) {
  uint8_t bytes[tensorMapBytes] = {};
  TensorMap map;
  std::string error;
  EXPECT_FALSE(decodeTensorMap(bytes, map, error));
  EXPECT_EQ(error, "the 128 bytes are not a tensor map of this device (was it "
                   "encoded for another one?)");
  for (unsigned i = 5; i < tensorMapBytes; ++i) {
    encodeTensorMap(makeMap(), bytes);
    bytes[i] ^= 0x10;
    EXPECT_FALSE(decodeTensorMap(bytes, map, error));
    EXPECT_EQ(error, "the tensor map was overwritten after it was encoded");
  }
}

TEST(TensorMap, ChecksTheRulesOfTheDriver) {
  std::string error;
  EXPECT_TRUE(checkTensorMap(makeMap(), error)) << error;
  auto refuse = [&](auto change, const char *message) {
    TensorMap map = makeMap();
    change(map);
    EXPECT_FALSE(checkTensorMap(map, error));
    EXPECT_EQ(error, message);
  };
  refuse([](TensorMap &map) { map.element = static_cast<TensorElement>(13); },
         "'tensorDataType' must be below 13 (packed types are not supported), "
         "got 13");
  refuse([](TensorMap &map) { map.rank = 6; },
         "'tensorRank' must be in [1, 5], got 6");
  refuse([](TensorMap &map) { map.globalAddress += 8; },
         "'globalAddress' must be a multiple of 16");
  refuse([](TensorMap &map) { map.globalDim[1] = 0; },
         "'globalDim[1]' must be in [1, 2^32], got 0");
  refuse([](TensorMap &map) { map.globalDim[0] = (uint64_t(1) << 32) + 1; },
         "'globalDim[0]' must be in [1, 2^32], got 4294967297");
  refuse([](TensorMap &map) { map.globalStride[0] = 200; },
         "'globalStrides[0]' must be a multiple of 16 below 2^40, got 200");
  refuse([](TensorMap &map) { map.globalStride[1] = uint64_t(1) << 40; },
         "'globalStrides[1]' must be a multiple of 16 below 2^40, got "
         "1099511627776");
  refuse([](TensorMap &map) { map.boxDim[2] = 257; },
         "'boxDim[2]' must be in [1, 256], got 257");
  refuse([](TensorMap &map) { map.elementStride[2] = 9; },
         "'elementStrides[2]' must be in [1, 8], got 9");
  refuse([](TensorMap &map) { map.interleave = 1; },
         "'interleave' must be 0 (none); the interleaved layouts are not "
         "supported");
  refuse([](TensorMap &map) { map.element = TensorElement::U16; },
         "'oobFill' of NaN needs a floating-point 'tensorDataType'");
  refuse([](TensorMap &map) { map.fill = 2; },
         "'oobFill' must be 0 or 1, got 2");
  refuse(
      [](TensorMap &map) {
        map.boxDim[0] = 20;
        map.swizzle = 0;
      },
      "'boxDim[0]' must be a multiple of 16 bytes, got 40");
  refuse([](TensorMap &map) { map.boxDim[0] = 32; },
         "'boxDim[0]' must be the 128 bytes of the swizzle, got 64");
  refuse([](TensorMap &map) { map.swizzle = 4; },
         "'swizzle' must be 0 (none), 1 (32 B), 2 (64 B) or 3 (128 B), got 4");
  refuse(
      [](TensorMap &map) {
        map.globalAddress = 1;
        map.boxDim[1] = 0;
      },
      "'globalAddress' must be a multiple of 16; 'boxDim[1]' must be in [1, "
      "256], got 0");
}

TEST(TensorMap, ReplacesFields) {
  uint8_t bytes[tensorMapBytes];
  TensorMap expected = makeMap();
  encodeTensorMap(expected, bytes);
  std::string error;
  auto replace = [&](TensorMapField field, unsigned ordinal, uint64_t value) {
    EXPECT_TRUE(replaceTensorMapField(bytes, field, ordinal, value, error))
        << error;
    TensorMap map;
    ASSERT_TRUE(decodeTensorMap(bytes, map, error)) << error;
    expectEqual(map, expected);
  };
  expected.globalAddress = 0x1000;
  replace(TensorMapField::GlobalAddress, 0, 0x1000);
  expected.rank = 2;
  replace(TensorMapField::Rank, 0, 1);
  expected.boxDim[1] = 4;
  replace(TensorMapField::BoxDim, 1, 4);
  expected.globalDim[1] = 9;
  replace(TensorMapField::GlobalDim, 1, 9);
  expected.globalStride[0] = 256;
  replace(TensorMapField::GlobalStride, 0, 256);
  expected.elementStride[1] = 3;
  replace(TensorMapField::ElementStride, 1, 3);
  expected.element = TensorElement::F16;
  replace(TensorMapField::ElementType, 0, 6);
  expected.interleave = 1;
  replace(TensorMapField::InterleaveLayout, 0, 1);
  expected.swizzle = 1;
  replace(TensorMapField::SwizzleMode, 0, 1);
  expected.fill = 0;
  replace(TensorMapField::FillMode, 0, 0);

  auto refuse = [&](TensorMapField field, unsigned ordinal, uint64_t value,
                    const char *message) {
    EXPECT_FALSE(replaceTensorMapField(bytes, field, ordinal, value, error));
    EXPECT_EQ(error, message);
  };
  refuse(TensorMapField::Rank, 0, 5,
         "tensormap.replace of '.rank' must be in [0, 4], got 5");
  refuse(TensorMapField::BoxDim, 0, 0,
         "tensormap.replace of '.box_dim' must be in [1, 256], got 0");
  refuse(TensorMapField::GlobalDim, 0, 0,
         "tensormap.replace of '.global_dim' must be in [1, 2^32], got 0");
  refuse(TensorMapField::GlobalStride, 0, 8,
         "tensormap.replace of '.global_stride' must be in the multiples of 16 "
         "below 2^40, got 8");
  refuse(TensorMapField::ElementStride, 0, 9,
         "tensormap.replace of '.element_stride' must be in [1, 8], got 9");
  refuse(TensorMapField::ElementType, 0, 13,
         "tensormap.replace of '.elemtype' must be in [0, 12], got 13");
  refuse(TensorMapField::InterleaveLayout, 0, 3,
         "tensormap.replace of '.interleave_layout' must be in [0, 2], got 3");
  refuse(TensorMapField::SwizzleMode, 0, 5,
         "tensormap.replace of '.swizzle_mode' must be in [0, 4], got 5");
  refuse(TensorMapField::FillMode, 0, 2,
         "tensormap.replace of '.fill_mode' must be in [0, 1], got 2");
  refuse(TensorMapField::BoxDim, 5, 1,
         "tensormap.replace of dimension 5, expected one below 5");
  refuse(TensorMapField::GlobalStride, 4, 16,
         "tensormap.replace of dimension 4, expected one below 4");
}
