// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TensorCopy.h"
#include "FloatArithmetic.h"
#include "FloatConversion.h"
#include <algorithm>

using namespace trine::sim;

void trine::sim::getBoxExtents(const TensorMap &map,
                               uint32_t (&extents)[maxTensorRank]) {
  for (unsigned i = 0; i < maxTensorRank; ++i) {
    // Dimension 0 has no stride without interleave.
    uint32_t stride = i == 0 ? 1 : map.elementStride[i];
    extents[i] = i < map.rank ? (map.boxDim[i] + stride - 1) / stride : 1;
  }
}

static uint64_t getFillValue(const TensorMap &map) {
  if (!map.fill)
    return 0;
  switch (map.element) {
  case TensorElement::F16:
    return getCanonicalNaN(FloatFormat::F16);
  case TensorElement::BF16:
    return getCanonicalNaN(FloatFormat::BF16);
  case TensorElement::F64:
    return getCanonicalNaN(FloatFormat::F64);
  default:
    return getCanonicalNaN(FloatFormat::F32);
  }
}

namespace {

/// Appends runs of a row to a plan, cut at swizzled chunks.
struct PieceWriter {
  const TensorMap &map;
  TensorCopyPlan &plan;
  uint32_t sharedBase;

  /// `linear`: the offset in the box before the swizzle.
  void add(uint64_t globalAddress, uint32_t linear, uint32_t bytes, bool fill) {
    Swizzle swizzle = static_cast<Swizzle>(map.swizzle);
    while (bytes) {
      uint32_t address = sharedBase + linear;
      uint32_t part =
          swizzle == Swizzle::None ? bytes : std::min(bytes, 16 - address % 16);
      plan.pieces.push_back(
          {globalAddress, applySwizzle(swizzle, address), part, fill});
      globalAddress += part;
      linear += part;
      bytes -= part;
    }
  }
};

} // namespace

bool trine::sim::planTensorCopy(const TensorMap &map, TensorDirection direction,
                                const int32_t *coordinates,
                                uint32_t sharedAddress, TensorCopyPlan &plan,
                                std::string &error) {
  if (!checkTensorMap(map, error))
    return false;
  uint32_t alignment =
      map.swizzle ? 128 * getSwizzleWidth(static_cast<Swizzle>(map.swizzle))
                  : 128;
  if (sharedAddress % alignment) {
    error = "the shared address of a tensor copy must be a multiple of " +
            std::to_string(alignment) + ", got " +
            std::to_string(sharedAddress);
    return false;
  }
  uint32_t extents[maxTensorRank];
  getBoxExtents(map, extents);
  const uint32_t bytes = getElementBytes(map.element);
  const uint32_t rowBytes = extents[0] * bytes;
  uint64_t rows = 1;
  for (unsigned i = 1; i < map.rank; ++i)
    rows *= extents[i];
  if (rows * rowBytes > uint64_t(1) << 20) {
    error = "a box of " + std::to_string(rows * rowBytes) +
            " bytes does not fit in shared memory";
    return false;
  }
  plan.pieces.clear();
  plan.elementBytes = static_cast<uint8_t>(bytes);
  plan.boxBytes = static_cast<uint32_t>(rows * rowBytes);
  plan.fillValue = getFillValue(map);

  // Along dimension 0: [0, first) and [last, extent) lie outside of the tensor.
  const int64_t start = coordinates[0],
                size = static_cast<int64_t>(map.globalDim[0]),
                extent = extents[0];
  const uint32_t first =
      static_cast<uint32_t>(std::min(extent, std::max<int64_t>(0, -start)));
  const uint32_t last = static_cast<uint32_t>(
      std::max<int64_t>(first, std::min(extent, size - start)));
  PieceWriter writer = {map, plan, sharedAddress};
  uint32_t index[maxTensorRank] = {};
  for (uint64_t row = 0; row < rows; ++row) {
    bool inside = true;
    uint64_t address = map.globalAddress;
    for (unsigned i = 1; i < map.rank; ++i) {
      int64_t at =
          int64_t(coordinates[i]) + int64_t(index[i]) * map.elementStride[i];
      inside = inside && at >= 0 && at < static_cast<int64_t>(map.globalDim[i]);
      address += static_cast<uint64_t>(at) * map.globalStride[i - 1];
    }
    const uint32_t linear = static_cast<uint32_t>(row * rowBytes);
    const uint32_t begin = inside ? first * bytes : rowBytes,
                   end = inside ? last * bytes : rowBytes;
    if (direction == TensorDirection::Load && begin)
      writer.add(0, linear, begin, true);
    if (end > begin)
      writer.add(address + static_cast<uint64_t>(start + first) * bytes,
                 linear + begin, end - begin, false);
    if (direction == TensorDirection::Load && end < rowBytes)
      writer.add(0, linear + end, rowBytes - end, true);
    for (unsigned i = 1; i < map.rank; ++i) {
      if (++index[i] < extents[i])
        break;
      index[i] = 0;
    }
  }
  return true;
}

bool trine::sim::hasLoadTransform(TensorElement element) {
  return element == TensorElement::F32Flush || element == TensorElement::TF32 ||
         element == TensorElement::TF32Flush;
}

uint32_t trine::sim::transformLoaded(TensorElement element, uint32_t bits) {
  if (element == TensorElement::F32Flush || element == TensorElement::TF32Flush)
    bits = static_cast<uint32_t>(flushSubnormal(FloatFormat::F32, bits));
  bool rounds =
      element == TensorElement::TF32 || element == TensorElement::TF32Flush;
  if (!rounds || isNaN(FloatFormat::F32, bits) ||
      isInfinite(FloatFormat::F32, bits))
    return bits;
  return static_cast<uint32_t>(
      convertFloat(FloatFormat::TF32, FloatFormat::F32, bits));
}

bool trine::sim::hasReduction(TensorReduction reduction,
                              TensorElement element) {
  bool narrow = element == TensorElement::U8 || element == TensorElement::U16;
  bool integer = !isFloatElement(element) && !narrow;
  bool half = element == TensorElement::F16 || element == TensorElement::BF16;
  switch (reduction) {
  case TensorReduction::Add:
    return integer || half || element == TensorElement::F32 ||
           element == TensorElement::F32Flush || element == TensorElement::F64;
  case TensorReduction::Min:
  case TensorReduction::Max:
    return integer || half;
  case TensorReduction::Inc:
  case TensorReduction::Dec:
    return element == TensorElement::U32;
  case TensorReduction::And:
  case TensorReduction::Or:
  case TensorReduction::Xor:
    return integer;
  }
  return false;
}

static uint64_t reduceFloat(TensorReduction reduction, FloatFormat format,
                            uint64_t old, uint64_t operand, bool flushToZero) {
  if (reduction == TensorReduction::Min)
    return takeMinimum(format, old, operand);
  if (reduction == TensorReduction::Max)
    return takeMaximum(format, old, operand);
  ArithmeticOptions options;
  options.flushToZero = flushToZero;
  return addFloats(format, old, operand, options);
}

uint64_t trine::sim::reduceElement(TensorReduction reduction,
                                   TensorElement element, uint64_t old,
                                   uint64_t operand) {
  switch (element) {
  case TensorElement::F16:
    return reduceFloat(reduction, FloatFormat::F16, old, operand, false);
  case TensorElement::BF16:
    return reduceFloat(reduction, FloatFormat::BF16, old, operand, false);
  case TensorElement::F32:
    return reduceFloat(reduction, FloatFormat::F32, old, operand, false);
  case TensorElement::F32Flush:
    return reduceFloat(reduction, FloatFormat::F32, old, operand, true);
  case TensorElement::F64:
    return reduceFloat(reduction, FloatFormat::F64, old, operand, false);
  default:
    break;
  }
  bool isSigned =
      element == TensorElement::S32 || element == TensorElement::S64;
  bool wide = getElementBytes(element) == 8;
  uint64_t mask = wide ? ~uint64_t(0) : 0xFFFFFFFF;
  old &= mask;
  operand &= mask;
  // Flipping the sign bit orders signed numbers as unsigned ones.
  uint64_t flip = !isSigned ? 0 : wide ? uint64_t(1) << 63 : uint64_t(1) << 31;
  switch (reduction) {
  case TensorReduction::Add:
    return (old + operand) & mask;
  case TensorReduction::Min:
    return (old ^ flip) < (operand ^ flip) ? old : operand;
  case TensorReduction::Max:
    return (old ^ flip) > (operand ^ flip) ? old : operand;
  case TensorReduction::Inc:
    return old >= operand ? 0 : old + 1;
  case TensorReduction::Dec:
    return old == 0 || old > operand ? operand : old - 1;
  case TensorReduction::And:
    return old & operand;
  case TensorReduction::Or:
    return old | operand;
  case TensorReduction::Xor:
    return old ^ operand;
  }
  return old;
}
