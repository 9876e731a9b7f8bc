// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Elementwise.h"

#include "Scalars.h"
#include "SkeletonWriter.h"
#include "WorkgroupCount.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

/// Terms of a sum that one thread adds up: the experts of a token, the taps of
/// a convolution, residual streams.
static constexpr int64_t kMostTerms = 32;

namespace {
/// Elements of a destination that one value gives.
struct Part {
  Value value;
  BlockArgument destination;
  /// Where the value's first element goes, and its steps, in the dimensions of
  /// the destination; empty: it is the whole.
  SmallVector<OpFoldResult> offsets, strides;
  llvm::SmallBitVector dropped;
  LaunchSize count;
  std::string total = "1", text;
};

class ElementwiseWriter : SkeletonWriter {
public:
  ElementwiseWriter(plan::KernelOp kernel, std::string &why)
      : SkeletonWriter(kernel, why) {}
  bool write(ModuleOp module, CUDAKernel &result);

private:
  bool findParts();
  bool writePart(Part &part);

  std::vector<Part> parts;
  ConstantNames constants;
  std::map<std::string, std::string> members;
  bool combines = false;
};
} // namespace

/// The values behind what the kernel returns: what is copied to destinations,
/// or inserted into them one by one.
bool ElementwiseWriter::findParts() {
  Block &body = kernel.getBody().front();
  unsigned first = body.getNumArguments() - kernel.getNumDestinations();
  auto values = cast<plan::ReturnOp>(body.getTerminator()).getValues();
  for (auto [index, value] : llvm::enumerate(values)) {
    BlockArgument destination = body.getArgument(first + index);
    std::vector<Part> inserted;
    while (auto insert = value.getDefiningOp<tensor::InsertSliceOp>()) {
      inserted.emplace_back();
      Part &part = inserted.back();
      part.value = insert.getSource();
      part.destination = destination;
      part.offsets = insert.getMixedOffsets();
      part.strides = insert.getMixedStrides();
      part.dropped = insert.getDroppedDims();
      value = insert.getDest();
    }
    if (!inserted.empty()) {
      // Parts of a join lie side by side, so that all run at once.
      if (value != destination)
        return refuse("it inserts into something else than its destination");
      parts.insert(parts.end(), inserted.rbegin(), inserted.rend());
      continue;
    }
    if (value == destination)
      return refuse("a result is what was there");
    parts.emplace_back();
    Part &part = parts.back();
    part.value = value;
    part.destination = destination;
  }
  return true;
}

bool ElementwiseWriter::writePart(Part &part) {
  auto type = cast<RankedTensorType>(part.value.getType());
  if (typeName(type.getElementType()).empty())
    return refuse("an element type has no CUDA form");
  ElementWriter writer(3);
  writer.setConstants(&constants);
  writer.setMostTerms(kMostTerms);
  int64_t rank = type.getRank();
  // Sizes as the launch knows them: those of the destination, where it is the
  // whole.
  SmallVector<std::string> extents, indices(rank, "0");
  for (int64_t dim = 0; dim < rank; ++dim) {
    FailureOr<std::string> size = writer.dimension(
        part.offsets.empty() ? Value(part.destination) : part.value, dim);
    if (failed(size) || !part.count.multiply(kernel, *size))
      return refuse("a size is computed in the kernel");
    extents.push_back(*size);
    part.total = productText(part.total, *size);
  }
  // The element's place, the last dimension first.
  std::string head, rest = "i";
  SmallVector<int64_t> open;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (extents[dim] != "1")
      open.push_back(dim);
  for (size_t k = open.size(); k-- > 0;) {
    int64_t dim = open[k];
    if (k == 0) {
      indices[dim] = rest;
      break;
    }
    std::string name = "d" + std::to_string(dim),
                outer = "r" + std::to_string(dim);
    head += "      const Index " + name + " = " + rest + " % " + extents[dim] +
            ", " + outer + " = " + rest + " / " + extents[dim] + ";\n";
    indices[dim] = name;
    rest = outer;
  }
  SmallVector<std::string> target;
  if (part.offsets.empty()) {
    target = indices;
  } else {
    unsigned next = 0;
    for (size_t dim = 0; dim < part.offsets.size(); ++dim) {
      FailureOr<std::string> offset = writer.size(part.offsets[dim]),
                             stride = writer.size(part.strides[dim]);
      if (failed(offset) || failed(stride))
        return refuse("a place is computed by " + writer.getProblem());
      target.push_back(
          part.dropped[dim]
              ? *offset
              : sumText(productText(indices[next++], *stride), *offset));
    }
  }
  FailureOr<std::string> value = writer.element(part.value, indices);
  if (failed(value))
    return refuse("an element is computed by " + writer.getProblem());
  FailureOr<std::string> at = writer.offset(part.destination, target);
  if (failed(at))
    return refuse("a size is computed by " + writer.getProblem());
  // A destination may be read where it is written alone.
  Block &body = kernel.getBody().front();
  unsigned first = body.getNumArguments() - kernel.getNumDestinations();
  for (const auto &[argument, offset] : writer.getReads())
    if (argument.getArgNumber() >= first &&
        (argument != part.destination || offset != *at))
      return refuse("a destination is read elsewhere");
  part.text = head + writer.getText() + "      " +
              argumentName(part.destination) + "[" + *at + "] = " + *value +
              ";\n";
  combines |= writer.usesCombine();
  for (const auto &[name, type] : writer.getMembers())
    members.insert({name, type});
  for (const std::string &extent : extents)
    if (!asNumber(extent))
      members[extent] = "Index";
  return true;
}

bool ElementwiseWriter::write(ModuleOp module, CUDAKernel &result) {
  if (!findParts())
    return false;
  for (Part &part : parts)
    if (!writePart(part))
      return false;
  for (const Part &part : parts)
    members[argumentName(part.destination)] =
        typeName(getElementTypeOrSelf(part.destination.getType())) + " *";
  std::string body, total;
  for (auto [index, part] : llvm::enumerate(parts)) {
    bool isLast = index + 1 == parts.size();
    body += isLast ? "    {\n" : "    if (i < " + part.total + ") {\n";
    body += part.text;
    body += isLast ? "    }\n"
                   : "      return;\n    }\n    i -= " + part.total + ";\n";
    total += (index == 0 ? "" : " + ") + part.total;
  }
  for (const auto &[values, name] : constants) {
    std::string text = constantText(name, cast<DenseElementsAttr>(values));
    if (text.empty())
      return refuse("a constant has no CUDA form");
    globals += text;
  }
  if (combines)
    result.skeleton = "combine";
  SmallVector<StringRef> headers = {"Elementwise.h", "Scalar.h"};
  if (combines)
    headers.insert(headers.begin(), "Combine.h");
  result.source = sourceText(headers,
                             globals + functorText("Each", "Index i", members,
                                                   body, /*result=*/"void"),
                             "elementwiseThreads",
                             "  elementwise(" + total + ", " +
                                 constructText("Each", members) + ");\n");
  result.workgroupsPerBlock = 1;
  for (CUDALaunch &launch : result.launches)
    launch = {kernels::elementwiseThreads, 0, {}};
  defineWorkgroups(
      kernel, module, [&](ImplicitLocOpBuilder &builder, Value words) -> Value {
        Value sum;
        for (const Part &part : parts) {
          Value count = materialize(builder, words, part.count);
          sum = sum ? arith::AddIOp::create(builder, sum, count) : count;
        }
        return cuda::divideUp(builder, sum,
                              kernels::elementwiseThreads *
                                  kernels::elementwisePerThread);
      });
  return true;
}

bool cuda::writeElementwise(plan::KernelOp kernel, ModuleOp module,
                            CUDAKernel &result, std::string &why) {
  return ElementwiseWriter(kernel, why).write(module, result);
}
