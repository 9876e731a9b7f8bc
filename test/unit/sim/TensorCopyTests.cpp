// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TensorReference.h"
#include "device/sim/FloatFormat.h"
#include "device/sim/TensorCopy.h"
#include <gtest/gtest.h>
#include <random>

using namespace trine::sim;

static TensorMap makeRandomMap(std::mt19937 &random) {
  TensorMap map;
  const TensorElement elements[] = {TensorElement::U8, TensorElement::F16,
                                    TensorElement::F32, TensorElement::F64};
  map.element = elements[random() % 4];
  unsigned bytes = getElementBytes(map.element);
  map.rank = 1 + random() % 5;
  map.globalAddress = 0x10000 + 16 * (random() % 64);
  map.swizzle = random() % 4;
  unsigned span = 16 << map.swizzle;
  map.boxDim[0] = (map.swizzle ? span : 16 * (1 + random() % 3)) / bytes;
  uint64_t stride = 0;
  for (unsigned i = 0; i < map.rank; ++i) {
    map.globalDim[i] = 1 + random() % 40;
    if (i == 0) {
      stride = (map.globalDim[0] * bytes + 15) / 16 * 16;
      continue;
    }
    map.boxDim[i] = 1 + random() % 5;
    map.elementStride[i] = random() % 3 ? 1 : 1 + random() % 3;
    map.globalStride[i - 1] = stride;
    stride *= map.globalDim[i];
  }
  map.elementStride[0] = 1 + random() % 2; // ignored
  return map;
}

TEST(TensorCopy, LoadsFollowTheDefinition) {
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    TensorMap map = makeRandomMap(random);
    int32_t coordinates[5];
    for (unsigned i = 0; i < 5; ++i)
      coordinates[i] = static_cast<int32_t>(random() % 60) - 10;
    uint32_t shared = 1024 * (random() % 8);
    TensorCopyPlan plan;
    std::string error;
    ASSERT_TRUE(planTensorCopy(map, TensorDirection::Load, coordinates, shared,
                               plan, error))
        << error;
    std::map<uint32_t, Source> expected = describeBox(map, coordinates, shared);
    std::map<uint32_t, Source> got;
    for (const TensorPiece &piece : plan.pieces) {
      ASSERT_GT(piece.bytes, 0u);
      ASSERT_EQ(piece.bytes % plan.elementBytes, 0u);
      for (uint32_t i = 0; i < piece.bytes; ++i) {
        bool added = got.insert({piece.sharedAddress + i,
                                 {piece.fill, piece.globalAddress + i}})
                         .second;
        ASSERT_TRUE(added);
      }
    }
    ASSERT_EQ(got, expected);
    ASSERT_EQ(plan.boxBytes, expected.size());

    // A store has the same pieces without the fills.
    ASSERT_TRUE(planTensorCopy(map, TensorDirection::Store, coordinates, shared,
                               plan, error));
    std::map<uint32_t, Source> stored;
    for (const TensorPiece &piece : plan.pieces)
      for (uint32_t i = 0; i < piece.bytes; ++i)
        stored[piece.sharedAddress + i] = {piece.fill, piece.globalAddress + i};
    for (auto it = expected.begin(); it != expected.end();)
      it = it->second.fill ? expected.erase(it) : std::next(it);
    ASSERT_EQ(stored, expected);
  }
}

TEST(TensorCopy, ExtremeCoordinates) {
  TensorMap map;
  map.element = TensorElement::F32;
  map.rank = 2;
  map.globalDim[0] = map.globalDim[1] = uint64_t(1) << 32;
  map.globalStride[0] = (uint64_t(1) << 40) - 16;
  map.boxDim[0] = 64, map.boxDim[1] = 2;
  for (int32_t x : {INT32_MIN, INT32_MAX})
    for (int32_t y : {INT32_MIN, INT32_MAX}) {
      const int32_t coordinates[] = {x, y};
      TensorCopyPlan plan;
      std::string error;
      ASSERT_TRUE(planTensorCopy(map, TensorDirection::Load, coordinates, 0,
                                 plan, error));
      EXPECT_EQ(plan.boxBytes, 512u);
      EXPECT_EQ(plan.pieces.size(), 2u);
      EXPECT_EQ(plan.pieces[0].fill, x < 0 || y < 0);
    }
}

TEST(TensorCopy, FillValues) {
  TensorMap map;
  map.rank = 1;
  map.boxDim[0] = 16;
  const int32_t coordinates[] = {5};
  struct Case {
    TensorElement element;
    uint64_t nan;
  };
  const Case cases[] = {{TensorElement::F16, 0x7FFF},
                        {TensorElement::BF16, 0x7FFF},
                        {TensorElement::F32, 0x7FFFFFFF},
                        {TensorElement::TF32, 0x7FFFFFFF},
                        {TensorElement::F64, 0x7FF8000000000000}};
  for (const Case &test : cases)
    for (uint8_t fill : {0, 1}) {
      map.element = test.element;
      map.fill = fill;
      TensorCopyPlan plan;
      std::string error;
      ASSERT_TRUE(planTensorCopy(map, TensorDirection::Load, coordinates, 0,
                                 plan, error));
      EXPECT_EQ(plan.fillValue, fill ? test.nan : 0);
      ASSERT_EQ(plan.pieces.size(), 1u);
      EXPECT_TRUE(plan.pieces[0].fill);
    }
}

TEST(TensorCopy, ChecksAlignmentAndSize) {
  TensorMap map;
  map.element = TensorElement::BF16;
  map.rank = 1;
  map.boxDim[0] = 64;
  const int32_t coordinates[] = {0, 0, 0, 0, 0};
  const unsigned alignments[] = {128, 256, 512, 1024};
  TensorCopyPlan plan;
  std::string error;
  for (unsigned swizzle = 0; swizzle < 4; ++swizzle) {
    map.swizzle = swizzle;
    map.boxDim[0] = swizzle ? 8 << swizzle : 64;
    EXPECT_TRUE(planTensorCopy(map, TensorDirection::Load, coordinates,
                               alignments[swizzle], plan, error));
    EXPECT_FALSE(planTensorCopy(map, TensorDirection::Load, coordinates,
                                alignments[swizzle] / 2, plan, error));
    EXPECT_EQ(error, "the shared address of a tensor copy must be a multiple "
                     "of " +
                         std::to_string(alignments[swizzle]) + ", got " +
                         std::to_string(alignments[swizzle] / 2));
  }
  map.rank = 3;
  map.swizzle = 0;
  map.boxDim[0] = map.boxDim[1] = map.boxDim[2] = 256;
  EXPECT_FALSE(
      planTensorCopy(map, TensorDirection::Load, coordinates, 0, plan, error));
  EXPECT_EQ(error, "a box of 33554432 bytes does not fit in shared memory");
  map.boxDim[0] = 0;
  EXPECT_FALSE(
      planTensorCopy(map, TensorDirection::Load, coordinates, 0, plan, error));
}

TEST(TensorCopy, SomeTypesChangeOnLoad) {
  EXPECT_FALSE(hasLoadTransform(TensorElement::F32));
  EXPECT_EQ(transformLoaded(TensorElement::F32Flush, 0x80000001), 0x80000000u);
  EXPECT_EQ(transformLoaded(TensorElement::F32Flush, 0x3F800001), 0x3F800001u);
  // To nearest even on 10 bits; infinities and NaN stay.
  EXPECT_EQ(transformLoaded(TensorElement::TF32, 0x3F801000), 0x3F800000u);
  EXPECT_EQ(transformLoaded(TensorElement::TF32, 0x3F803000), 0x3F804000u);
  EXPECT_EQ(transformLoaded(TensorElement::TF32, 0x3F801001), 0x3F802000u);
  EXPECT_EQ(transformLoaded(TensorElement::TF32, 0x3FFFF000), 0x40000000u);
  EXPECT_EQ(transformLoaded(TensorElement::TF32, 0x7FC01234), 0x7FC01234u);
  EXPECT_EQ(transformLoaded(TensorElement::TF32, 0xFF800000), 0xFF800000u);
  EXPECT_EQ(transformLoaded(TensorElement::TF32Flush, 0x00012345), 0u);
}

TEST(TensorCopy, Reductions) {
  using E = TensorElement;
  using R = TensorReduction;
  EXPECT_EQ(reduceElement(R::Add, E::U32, 0xFFFFFFFF, 2), 1u);
  EXPECT_EQ(reduceElement(R::Add, E::S64, ~uint64_t(0), 2), 1u);
  EXPECT_EQ(reduceElement(R::Min, E::S32, 0xFFFFFFFF, 1), 0xFFFFFFFFu);
  EXPECT_EQ(reduceElement(R::Min, E::U32, 0xFFFFFFFF, 1), 1u);
  EXPECT_EQ(reduceElement(R::Max, E::S32, 0xFFFFFFFF, 1), 1u);
  EXPECT_EQ(reduceElement(R::Max, E::U64, ~uint64_t(0), 1), ~uint64_t(0));
  EXPECT_EQ(reduceElement(R::Min, E::S64, ~uint64_t(0), 1), ~uint64_t(0));
  EXPECT_EQ(reduceElement(R::Inc, E::U32, 4, 5), 5u);
  EXPECT_EQ(reduceElement(R::Inc, E::U32, 5, 5), 0u);
  EXPECT_EQ(reduceElement(R::Dec, E::U32, 0, 5), 5u);
  EXPECT_EQ(reduceElement(R::Dec, E::U32, 6, 5), 5u);
  EXPECT_EQ(reduceElement(R::Dec, E::U32, 3, 5), 2u);
  EXPECT_EQ(reduceElement(R::And, E::U32, 12, 10), 8u);
  EXPECT_EQ(reduceElement(R::Or, E::U64, 12, 10), 14u);
  EXPECT_EQ(reduceElement(R::Xor, E::S32, 12, 10), 6u);
  EXPECT_EQ(
      reduceElement(R::Add, E::F32, bitsFromFloat(1.5f), bitsFromFloat(2)),
      bitsFromFloat(3.5f));
  EXPECT_EQ(reduceElement(R::Add, E::F32, 1, 1), 2u); // subnormals stay
  EXPECT_EQ(reduceElement(R::Add, E::F32Flush, 1, 1), 0u);
  EXPECT_EQ(reduceElement(R::Add, E::F64, bitsFromDouble(1), bitsFromDouble(2)),
            bitsFromDouble(3));
  EXPECT_EQ(reduceElement(R::Add, E::BF16, 0x3F80, 0x3B80), 0x3F80u); // a tie
  EXPECT_EQ(reduceElement(R::Add, E::F16, 1, 1), 2u);
  EXPECT_EQ(reduceElement(R::Max, E::F16, 0x7E00, 0x3C00), 0x3C00u);
  EXPECT_EQ(reduceElement(R::Min, E::BF16, 0x8000, 0x0000), 0x8000u);

  EXPECT_TRUE(hasReduction(R::Add, E::BF16));
  EXPECT_TRUE(hasReduction(R::Min, E::F16));
  EXPECT_TRUE(hasReduction(R::Xor, E::U64));
  EXPECT_FALSE(hasReduction(R::Min, E::F32));
  EXPECT_FALSE(hasReduction(R::Add, E::U8));
  EXPECT_FALSE(hasReduction(R::And, E::F32));
  EXPECT_FALSE(hasReduction(R::Inc, E::S32));
}
