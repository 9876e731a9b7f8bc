// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Gemm.h"

#include "MatrixRead.h"
#include "Scalars.h"
#include "SkeletonWriter.h"
#include "TensorMaps.h"
#include "WorkgroupCount.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "trine/Passes/Lower.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

kernels::GemmConfiguration
cuda::configureGemm(const GemmProblem &problem,
                    kernels::Architecture architecture) {
  using namespace kernels;
  GemmConfiguration result =
      configureProduct({problem.element, problem.k, problem.copiesA,
                        problem.copiesB, problem.mapsA, problem.mapsB},
                       architecture);
  result.layoutB = problem.layoutB;
  if (problem.element == Element::F32)
    return result;
  // Rows that are few read a weight once; many rows and columns are worth a
  // larger tile.
  result.tileN = problem.n < 0 || problem.n > 64 ? 128 : 64;
  result.tileM = problem.m > 64 ? 128 : 64;
  return result;
}

namespace {
/// A group of loops that a skeleton sees as one index, outermost first.
struct Group {
  SmallVector<unsigned> loops;
  SmallVector<std::string> sizes; // of the loops
  std::string total = "1";
  LaunchSize launch;
};

/// A kernel on its way to the skeleton.
class GemmWriter : SkeletonWriter {
public:
  GemmWriter(plan::KernelOp kernel, std::string &why)
      : SkeletonWriter(kernel, why) {}

  bool match();
  void write(ModuleOp module, ArrayRef<std::string> architectures,
             CUDAKernel &result);

private:
  bool findProduct();
  bool groupLoops();
  bool findDerived();
  bool writePrologue(OpOperand *operand, StringRef name, bool isA,
                     std::string &text, std::string &make);
  bool writeEpilogue();
  /// The tensor map of an operand that is copied: `name` is "mapA" or "mapB".
  bool addMap(StringRef name, const GemmProblem &problem,
              const kernels::GemmConfiguration &configuration,
              const std::optional<MatrixRead> &matrix, MapParameters &maps);
  /// Splits `index` over the loops of a group.
  void split(const Group &group, const std::string &index, unsigned indent,
             std::string &text, MutableArrayRef<std::string> loops);

  linalg::GenericOp product;
  OpOperand *left = nullptr, *right = nullptr; // A and B
  Group batch, rows, columns, sums;
  Value start;  // the product, in the shape its users read
  Value result; // the last value with elements of its own
  /// From start's dimensions to result's.
  SmallVector<int64_t> permutation;
  bool storesItself = false;
  std::string epilogue, makeEpilogue;
  ConstantNames tables; // of all functors
  std::string prologueA, makeA, prologueB, makeB;
  /// Operands that are copied in pieces of rows.
  std::optional<MatrixRead> matrixA, matrixB;
};
} // namespace

static bool isReshape(Operation *op) {
  return isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                         tensor::CastOp>(op);
}

bool GemmWriter::findProduct() {
  bool several = false;
  for (Operation &op : kernel.getBody().front()) {
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic || !isFloatProduct(generic))
      continue;
    several |= static_cast<bool>(product);
    product = generic;
  }
  if (!product)
    return refuse("there is no product of two tensors");
  if (several)
    return refuse("there are several products");
  if (!cast<RankedTensorType>(product.getType(0)).getElementType().isF32())
    return refuse("the sum is not f32");
  left = product.getDpsInputOperand(0);
  right = product.getDpsInputOperand(1);
  for (OpOperand *operand : {left, right})
    if (!isa<Float32Type, Float16Type, BFloat16Type>(
            getElementTypeOrSelf(operand->get())))
      return refuse("an operand is neither f32, f16 nor bf16");
  return true;
}

/// The sizes of the loops, as the parameters of the kernel say them.
bool GemmWriter::groupLoops() {
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(product);
  if (failed(dims))
    return refuse("its loops are not those of a product");
  AffineMap output = product.getIndexingMapsArray().back();
  if (!output.isProjectedPermutation())
    return refuse("its result is not indexed by loops");
  SmallVector<int64_t> place(product.getNumLoops(), -1);
  for (auto [position, expression] : llvm::enumerate(output.getResults()))
    place[cast<AffineDimExpr>(expression).getPosition()] = position;
  auto list = [](ArrayRef<unsigned> loops) {
    return SmallVector<unsigned>(loops.begin(), loops.end());
  };
  SmallVector<unsigned> m = list(dims->m), n = list(dims->n),
                        b = list(dims->batch), k = list(dims->k);
  if (m.size() + n.size() + b.size() + k.size() != product.getNumLoops())
    return refuse("one of its loops has no part in the product");
  // The columns are what lies together in memory.
  auto extents = product.getStaticLoopRanges();
  auto last = [&](ArrayRef<unsigned> loops) {
    int64_t result = -1;
    for (unsigned loop : loops)
      if (extents[loop] != 1)
        result = std::max(result, place[loop]);
    return result;
  };
  if (last(m) > last(n) && last(m) > last(b)) {
    std::swap(m, n);
    std::swap(left, right);
  }
  ElementWriter sizes(1);
  auto fill = [&](Group &group, SmallVector<unsigned> &loops) {
    llvm::sort(loops, [&](unsigned x, unsigned y) {
      return std::pair(place[x], x) < std::pair(place[y], y);
    });
    for (unsigned loop : loops) {
      std::string text;
      for (OpOperand &operand : product->getOpOperands()) {
        AffineMap map = product.getMatchingIndexingMap(&operand);
        for (auto [dim, expression] : llvm::enumerate(map.getResults())) {
          auto index = dyn_cast<AffineDimExpr>(expression);
          if (!index || index.getPosition() != loop || asNumber(text))
            continue;
          FailureOr<std::string> size = sizes.dimension(operand.get(), dim);
          LaunchSize probe;
          if (succeeded(size) && probe.multiply(kernel, *size))
            text = *size;
        }
      }
      if (text.empty())
        return refuse("the size of a loop is computed in the kernel");
      group.loops.push_back(loop);
      group.sizes.push_back(text);
      group.total = productText(group.total, text);
      group.launch.multiply(kernel, text);
    }
    return true;
  };
  return fill(batch, b) && fill(rows, m) && fill(columns, n) && fill(sums, k);
}

/// All that is computed from the product is element-wise, so that one element
/// of the result comes from one sum.
bool GemmWriter::findDerived() {
  auto terminator =
      cast<plan::ReturnOp>(kernel.getBody().front().getTerminator());
  start = product.getResult(0);
  while (start.hasOneUse() && isReshape(*start.user_begin()))
    start = (*start.user_begin())->getResult(0);
  result = terminator.getValues()[0];
  while (result != start && isReshape(result.getDefiningOp()) &&
         result.hasOneUse())
    result = result.getDefiningOp()->getOperand(0);
  DenseMap<Value, SmallVector<int64_t>> derived;
  derived[start] = llvm::to_vector(
      llvm::seq<int64_t>(0, cast<RankedTensorType>(start.getType()).getRank()));
  Operation *from = start.getDefiningOp();
  for (Operation *op = from->getNextNode(); op; op = op->getNextNode()) {
    bool uses = false;
    for (Value operand : op->getOperands())
      uses |= derived.contains(operand);
    op->walk([&](Operation *inner) {
      if (inner != op)
        for (Value operand : inner->getOperands())
          if (derived.contains(operand))
            uses = true;
    });
    if (!uses || op == terminator.getOperation() || isa<tensor::DimOp>(op))
      continue;
    if (op->getOperands().front() == result && isReshape(op))
      continue;
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic || generic.getNumReductionLoops() != 0)
      return refuse("its result is used by '" + op->getName().getStringRef() +
                    "'");
    SmallVector<int64_t> loops;
    for (OpOperand &operand : op->getOpOperands()) {
      auto known = derived.find(operand.get());
      if (known == derived.end())
        continue;
      AffineMap map = generic.getMatchingIndexingMap(&operand);
      if (!map.isPermutation())
        return refuse("its result is read more than once");
      SmallVector<int64_t> mine(map.getNumDims());
      for (auto [dim, expression] : llvm::enumerate(map.getResults()))
        mine[cast<AffineDimExpr>(expression).getPosition()] =
            known->second[dim];
      if (!loops.empty() && loops != mine)
        return refuse("its result is read in two orders");
      loops = mine;
    }
    if (loops.empty())
      return refuse("its result is read by an index");
    for (OpResult value : generic->getResults()) {
      AffineMap map = generic.getIndexingMapMatchingResult(value);
      if (!map.isPermutation())
        return refuse("an element of its result is written twice");
      SmallVector<int64_t> mine;
      for (AffineExpr expression : map.getResults())
        mine.push_back(loops[cast<AffineDimExpr>(expression).getPosition()]);
      derived[value] = mine;
    }
  }
  auto known = derived.find(result);
  if (known == derived.end())
    return refuse("the kernel's result is not computed from it");
  permutation = known->second;
  return true;
}

bool GemmWriter::match() {
  if (kernel.getNumDestinations() != 1)
    return refuse("the kernel has several results");
  if (!findProduct() || !groupLoops() || !findDerived())
    return false;
  // The place of a loop in the result, and whether groups lie one behind the
  // other: batch, rows, columns.
  AffineMap output = product.getIndexingMapsArray().back();
  SmallVector<unsigned> order;
  for (const Group *group : {&batch, &rows, &columns})
    llvm::append_range(order, group->loops);
  SmallVector<unsigned> actual;
  for (AffineExpr expression : output.getResults())
    actual.push_back(cast<AffineDimExpr>(expression).getPosition());
  auto withoutOnes = [&](SmallVector<unsigned> loops) {
    auto extents = product.getStaticLoopRanges();
    llvm::erase_if(loops, [&](unsigned loop) { return extents[loop] == 1; });
    return loops;
  };
  storesItself =
      withoutOnes(order) != withoutOnes(actual) ||
      !llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size()));
  Type out = getElementTypeOrSelf(kernel.getResultTypes()[0]);
  storesItself |= !isa<Float32Type, Float16Type, BFloat16Type>(out);
  if (!writePrologue(left, "LeftElement", /*isA=*/true, prologueA, makeA) ||
      !writePrologue(right, "RightElement", /*isA=*/false, prologueB, makeB) ||
      !writeEpilogue())
    return false;
  for (const auto &[values, name] : tables) {
    std::string text = constantText(name, cast<DenseElementsAttr>(values));
    if (text.empty())
      return refuse("a constant has no CUDA form");
    globals += text;
  }
  auto read = [&](OpOperand *operand, const Group &others) {
    auto loops = [](const Group &group) {
      return LoopGroup{group.loops, group.sizes};
    };
    return findMatrixRead(product, operand, loops(batch), loops(others),
                          loops(sums), sizes, operand == left);
  };
  matrixA = read(left, rows);
  if (matrixA && !matrixA->sumsAreColumns)
    matrixA.reset();
  matrixB = read(right, columns);
  return true;
}

void GemmWriter::split(const Group &group, const std::string &index,
                       unsigned indent, std::string &text,
                       MutableArrayRef<std::string> loops) {
  std::string rest = index;
  SmallVector<unsigned> open;
  for (unsigned k = 0; k < group.loops.size(); ++k) {
    if (group.sizes[k] == "1")
      loops[group.loops[k]] = "0";
    else
      open.push_back(k);
  }
  for (size_t k = open.size(); k-- > 0;) {
    unsigned loop = group.loops[open[k]];
    if (k == 0) {
      loops[loop] = rest;
      break;
    }
    std::string name = index + std::to_string(open[k]);
    std::string outer = index + "Outer" + std::to_string(open[k]);
    text.append(2 * indent, ' ');
    text += "const Index " + name + " = " + rest + " % " +
            group.sizes[open[k]] + ", " + outer + " = " + rest + " / " +
            group.sizes[open[k]] + ";\n";
    loops[loop] = name;
    rest = outer;
  }
}

/// Sizes that split() names must be members, too.
static void addSizeMembers(const Group &group,
                           std::map<std::string, std::string> &members) {
  for (const std::string &size : group.sizes)
    if (!asNumber(size))
      members[size] = "Index";
}

bool GemmWriter::writePrologue(OpOperand *operand, StringRef name, bool isA,
                               std::string &text, std::string &make) {
  SmallVector<std::string> loops(product.getNumLoops());
  std::string before;
  split(batch, "batch", 2, before, loops);
  split(sums, "k", 2, before, loops);
  split(isA ? rows : columns, isA ? "row" : "column", 2, before, loops);
  ElementWriter writer(2);
  writer.setConstants(&tables);
  SmallVector<std::string> position;
  for (AffineExpr expression :
       product.getMatchingIndexingMap(operand).getResults())
    position.push_back(affineText(expression, loops, {}));
  FailureOr<std::string> value = writer.element(operand->get(), position);
  if (failed(value))
    return refuse("an operand is computed by " + writer.getProblem());
  std::map<std::string, std::string> members = writer.getMembers();
  addSizeMembers(batch, members);
  addSizeMembers(sums, members);
  addSizeMembers(isA ? rows : columns, members);
  std::string body =
      before + writer.getText() + "    return toFloat(" + *value + ");\n";
  text = functorText(name,
                     isA ? "Index batch, Index row, Index k"
                         : "Index batch, Index k, Index column",
                     members, body);
  make = constructText(name, members);
  return true;
}

bool GemmWriter::writeEpilogue() {
  auto startType = cast<RankedTensorType>(start.getType());
  AffineMap output = product.getIndexingMapsArray().back();
  SmallVector<std::string> loops(product.getNumLoops());
  std::string before;
  split(batch, "batch", 2, before, loops);
  split(rows, "row", 2, before, loops);
  split(columns, "column", 2, before, loops);
  DenseMap<Value, std::string> given;
  given[start] = "sum";
  ElementWriter writer(given, 2);
  writer.setConstants(&tables);
  // What the sum begins with, other than zero.
  SmallVector<std::string> position;
  for (AffineExpr expression : output.getResults())
    position.push_back(affineText(expression, loops, {}));
  FailureOr<std::string> initial =
      writer.element(product.getDpsInits()[0], position);
  if (failed(initial))
    return refuse("its initial value is computed by " + writer.getProblem());
  std::string addInitial;
  if (*initial != "0.0E+0f" && *initial != "(-0.0E+0f)")
    addInitial = "    sum += " + *initial + ";\n";
  std::string initialText = writer.getText();
  // The product's index, in the shape that its users read.
  std::string linear = "0";
  if (start != product.getResult(0)) {
    for (auto [dim, each] : llvm::enumerate(position)) {
      FailureOr<std::string> size = writer.dimension(product.getResult(0), dim);
      if (failed(size))
        return refuse("a size is computed by " + writer.getProblem());
      linear = sumText(productText(linear, *size), each);
    }
    position.assign(startType.getRank(), "0");
    for (int64_t dim = startType.getRank() - 1; dim >= 0; --dim) {
      FailureOr<std::string> size = writer.dimension(start, dim);
      if (failed(size))
        return refuse("a size is computed by " + writer.getProblem());
      position[dim] = dim == 0 ? linear : "(" + linear + ") % (" + *size + ")";
      linear = "(" + linear + ") / (" + *size + ")";
    }
  }
  SmallVector<std::string> target;
  for (int64_t dim : permutation)
    target.push_back(position[dim]);
  FailureOr<std::string> value = writer.element(result, target);
  if (failed(value))
    return refuse("its result goes through " + writer.getProblem());
  std::string body = before + initialText + addInitial +
                     writer.getText().substr(initialText.size());
  BlockArgument destination = kernel.getBody().front().getArguments().back();
  Type element = getElementTypeOrSelf(destination.getType());
  std::map<std::string, std::string> members;
  if (storesItself) {
    std::string offset = "0";
    for (auto [dim, each] : llvm::enumerate(target)) {
      FailureOr<std::string> size = writer.dimension(result, dim);
      if (failed(size))
        return refuse("a size is computed by " + writer.getProblem());
      offset = sumText(productText(offset, *size), each);
    }
    body = before + initialText + addInitial +
           writer.getText().substr(initialText.size()) + "    " +
           argumentName(destination) + "[" + offset + "] = " + *value +
           ";\n    return 0;\n";
    members = writer.getMembers();
    members[argumentName(destination)] = typeName(element) + " *";
  } else {
    body += "    return toFloat(" + *value + ");\n";
    members = writer.getMembers();
  }
  addSizeMembers(batch, members);
  addSizeMembers(rows, members);
  addSizeMembers(columns, members);
  epilogue =
      functorText("Epilogue", "float sum, Index batch, Index row, Index column",
                  members, body);
  makeEpilogue = constructText("Epilogue", members);
  return true;
}

bool GemmWriter::addMap(StringRef name, const GemmProblem &problem,
                        const kernels::GemmConfiguration &configuration,
                        const std::optional<MatrixRead> &matrix,
                        MapParameters &maps) {
  if (!matrix || problem.element == kernels::Element::F32 ||
      !matrix->blockRows.empty())
    return false;
  bool isA = name == "mapA";
  const std::string &others = isA ? rows.total : columns.total;
  uint32_t tile = isA ? configuration.tileM : configuration.tileN;
  MapOperand operand;
  operand.element = problem.element;
  operand.pointer = matrix->pointer;
  if (matrix->sumsAreColumns)
    operand.sizes = {sums.total, others, matrix->batches};
  else
    operand.sizes = {others, sums.total, matrix->batches};
  operand.strides = {matrix->pitch, matrix->stride};
  operand.box = {64, matrix->sumsAreColumns ? tile : 64, 1};
  std::optional<TensorMapRecord> record = findTensorMap(kernel, operand);
  if (record)
    maps.add(name, *record);
  return record.has_value();
}

void GemmWriter::write(ModuleOp module, ArrayRef<std::string> architectures,
                       CUDAKernel &kernelText) {
  using namespace kernels;
  Type a = getElementTypeOrSelf(left->get()),
       b = getElementTypeOrSelf(right->get());
  GemmProblem problem;
  problem.element = multipliedElement(a, b);
  problem.m = rows.launch.known();
  problem.n = columns.launch.known();
  problem.k = sums.launch.known();
  problem.copiesA = matrixA.has_value();
  problem.copiesB = matrixB.has_value();
  if (matrixB && matrixB->sumsAreColumns)
    problem.layoutB = WeightLayout::Transposed;
  GemmConfiguration old = configureGemm(problem, Architecture::SM80);
  MapParameters maps;
  problem.mapsA = addMap("mapA", problem, old, matrixA, maps);
  problem.mapsB = addMap("mapB", problem, old, matrixB, maps);
  BlockArgument destination = kernel.getBody().front().getArguments().back();
  std::string out = storesItself
                        ? "Nowhere"
                        : typeName(getElementTypeOrSelf(destination.getType()));
  std::string type = problem.element == Element::F32   ? "float"
                     : problem.element == Element::F16 ? "half"
                                                       : "bfloat";
  std::string body =
      sizes.getText() + "  GemmArguments<" + type + ", " + type + ", " + out +
      "> arguments;\n" + assignText("batch", batch.total) +
      assignText("m", rows.total) + assignText("n", columns.total) +
      assignText("k", sums.total);
  if (!storesItself)
    body += assignText("out", argumentName(destination));
  auto describe = [&](const MatrixRead &matrix, StringRef lower,
                      const std::string &upper) {
    body += assignText(lower, matrix.pointer) +
            assignText("pitch" + upper, matrix.pitch) +
            assignText("stride" + upper, matrix.stride) +
            assignText("batches" + upper, matrix.batches);
  };
  if (old.loadA == Load::Vector)
    describe(*matrixA, "a", "A");
  if (old.loadB == Load::Vector)
    describe(*matrixB, "b", "B");
  std::string rowsOfA;
  if (old.loadA == Load::Vector && !matrixA->blockRows.empty())
    rowsOfA = ", BlockedRows{" + matrixA->blockRows + ", " +
              matrixA->blockStride + ", " + matrixA->pitch + "}";
  body += maps.guard((problem.mapsA ? assignText("mapA", "&mapA") : "") +
                     (problem.mapsB ? assignText("mapB", "&mapB") : "")) +
          "  gemm<configuration>(arguments, " + makeEpilogue + ", " + makeA +
          ", " + makeB + rowsOfA + ");\n";
  kernelText.source = sourceText(
      {"Gemm.h", "Scalar.h"},
      architectureText() +
          configurationText(old, problem.mapsA, problem.mapsB) + globals +
          "// Elements of the operands, and of the result from a sum.\n" +
          prologueA + prologueB + epilogue,
      "gemmThreads(configuration)", body, maps.parameterText());
  kernelText.workgroupsPerBlock = 1;
  launchProduct(
      architectures,
      [&](Architecture each) { return configureGemm(problem, each); },
      kernelText);
  maps.describe(architectures, kernelText);
  defineWorkgroups(
      kernel, module, [&](ImplicitLocOpBuilder &builder, Value words) -> Value {
        Value m = cuda::divideUp(
            builder, materialize(builder, words, rows.launch), old.tileM);
        Value n = cuda::divideUp(
            builder, materialize(builder, words, columns.launch), old.tileN);
        Value tiles = arith::MulIOp::create(builder, m, n);
        return arith::MulIOp::create(builder, tiles,
                                     materialize(builder, words, batch.launch));
      });
}

bool cuda::writeGemm(plan::KernelOp kernel, ModuleOp module,
                     ArrayRef<std::string> architectures, CUDAKernel &result,
                     std::string &why) {
  GemmWriter writer(kernel, why);
  if (!writer.match())
    return false;
  writer.write(module, architectures, result);
  return true;
}
