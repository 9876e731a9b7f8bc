// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TensorMaps.h"

#include "ElementWriter.h"
#include "Scalars.h"
#include "WorkgroupCount.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;
using namespace ::trine::runtime;

/// Whether words cannot make it something else.
static bool isKnown(const WordProduct &product) {
  return product.words.empty();
}

const char *cuda::refuseTensorMap(const TensorMapRecord &record) {
  size_t rank = record.sizes.size();
  if (rank < leastMapRank || rank > mostMapRank ||
      record.strides.size() + 1 != rank || record.box.size() != rank)
    return "a map has 2 to 5 dimensions";
  // The swizzle's width; kernels count on it.
  if (record.box.front() != 64)
    return "rows of a box have 64 elements";
  for (uint32_t each : record.box)
    if (each == 0 || each > mostMapBox)
      return "a box has at most 256 rows";
  if (record.word >= mostLaunchWords)
    return "its address is beyond the words of a launch";
  if (record.offset.factor < 0 || record.offset.factor % mapAlignment)
    return "its address is no multiple of 16 bytes";
  for (auto [dim, size] : llvm::enumerate(record.sizes)) {
    if (isKnown(size) && size.factor > mostMapSize)
      return "a dimension has more than 2147483647 elements";
    if (dim == 0 || (isKnown(size) && size.factor <= 1))
      continue;
    const WordProduct &stride = record.strides[dim - 1];
    if (stride.factor <= 0 || stride.factor % mapAlignment)
      return "a stride is no multiple of 16 bytes";
    if (isKnown(stride) && stride.factor > mostMapStride)
      return "a stride is not below 2^40 bytes";
  }
  for (const std::vector<WordProduct> *list : {&record.sizes, &record.strides})
    for (const WordProduct &product : *list)
      for (uint32_t word : product.words)
        if (product.factor < 0 || word >= mostLaunchWords)
          return "a size is beyond the words of a launch";
  return nullptr;
}

std::optional<WordProduct> cuda::wordProduct(plan::KernelOp kernel,
                                             StringRef text) {
  if (text.find_first_of("+-/%?") != StringRef::npos)
    return std::nullopt;
  WordProduct result;
  SmallVector<StringRef> factors;
  text.split(factors, '*');
  for (StringRef factor : factors) {
    LaunchSize size;
    if (!size.multiply(kernel, factor.trim(" ()")))
      return std::nullopt;
    std::optional<int64_t> product =
        llvm::checkedMul(result.factor, size.constant);
    if (!product)
      return std::nullopt;
    result.factor = *product;
    result.words.insert(result.words.end(), size.words.begin(),
                        size.words.end());
  }
  return result;
}

/// Elements as bytes.
static bool toBytes(WordProduct &product) {
  std::optional<int64_t> bytes =
      llvm::checkedMul(product.factor, mapElementBytes);
  product.factor = bytes.value_or(0);
  return bytes.has_value();
}

std::optional<TensorMapRecord> cuda::findTensorMap(plan::KernelOp kernel,
                                                   const MapOperand &operand) {
  TensorMapRecord record;
  if (operand.element == kernels::Element::F32)
    return std::nullopt;
  record.element = operand.element == kernels::Element::F16 ? MapElement::F16
                                                            : MapElement::BF16;
  auto [base, offset] = operand.pointer.split(" + ");
  unsigned argument;
  if (!base.consume_front("a") || base.getAsInteger(10, argument) ||
      argument >= kernel.getArgumentTypes().size())
    return std::nullopt;
  record.word = firstWord(kernel, argument);
  if (!offset.empty()) {
    std::optional<WordProduct> elements = wordProduct(kernel, offset);
    if (!elements || !toBytes(*elements))
      return std::nullopt;
    record.offset = *elements;
  }
  for (const std::string &size : operand.sizes) {
    std::optional<WordProduct> product = wordProduct(kernel, size);
    if (!product)
      return std::nullopt;
    record.sizes.push_back(*product);
  }
  for (const std::string &stride : operand.strides) {
    std::optional<WordProduct> product = wordProduct(kernel, stride);
    if (!product || !toBytes(*product))
      return std::nullopt;
    record.strides.push_back(*product);
  }
  record.box.assign(operand.box.begin(), operand.box.end());
  if (refuseTensorMap(record))
    return std::nullopt;
  return record;
}

static const char *const kGuard = "#if defined(__CUDA_ARCH_FEAT_SM90_ALL)\n";

std::string MapParameters::parameterText() const {
  if (empty())
    return "";
  std::string text = std::string("\n") + kGuard;
  for (const std::string &name : names)
    text += "    , const __grid_constant__ TensorMap " + name + "\n";
  return text + "#endif\n";
}

std::string MapParameters::guard(const std::string &statements) const {
  return empty() ? "" : kGuard + statements + "#endif\n";
}

void MapParameters::describe(ArrayRef<std::string> architectures,
                             CUDAKernel &kernel) const {
  for (auto [name, launch] : llvm::zip(architectures, kernel.launches))
    if (name == "sm_90a")
      launch.maps = records;
}
