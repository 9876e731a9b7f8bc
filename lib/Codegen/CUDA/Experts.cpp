// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Experts.h"

#include "Scalars.h"
#include "SkeletonWriter.h"
#include "TensorMaps.h"
#include "WorkgroupCount.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

kernels::GemmConfiguration
cuda::configureGrouped(const GroupedProblem &problem,
                       kernels::Architecture architecture) {
  using namespace kernels;
  GemmConfiguration c =
      configureProduct({problem.element, problem.k, problem.copiesA,
                        problem.copiesB, /*mapsA=*/false, problem.mapsB},
                       architecture);
  c.layoutB = WeightLayout::Transposed;
  c.gate = problem.gated ? GateLayout::Concatenated : GateLayout::None;
  if (problem.element == Element::F32)
    return c;
  // Experts have few rows each. A gated tile has half as many columns of the
  // result.
  int64_t columns = problem.gated ? 2 * problem.n : problem.n;
  c.tileM = 64;
  c.tileN = problem.n < 0 || columns > 64 ? 128 : 64;
  return c;
}

namespace {
class ExpertsWriter : SkeletonWriter {
public:
  ExpertsWriter(plan::KernelOp kernel, ModuleOp module,
                ArrayRef<std::string> architectures, CUDAKernel &result,
                std::string &why)
      : SkeletonWriter(kernel, why), module(module),
        architectures(architectures), result(result) {}

  bool write();

private:
  bool writeRoute(MoERouteOp op);
  bool writeGroup(MoEGroupOp op);
  bool writeGrouped(MoEGroupedMatMulOp op);
  bool writeEpilogue(MoEGroupedMatMulOp op, std::string &epilogue,
                     std::string &make);
  /// The size of a tensor as the text says it, which the launch can compute.
  bool readSize(Value tensor, int64_t dim, std::string &text,
                LaunchSize &launch);
  /// `result.source`: headers, `globals`, definitions, and the entry.
  void finish(StringRef header, StringRef definitions, StringRef threads,
              StringRef body, StringRef mapParameters = "");
  /// The tensor map of the experts' weights.
  std::optional<TensorMapRecord>
  findWeightMap(const kernels::GemmConfiguration &configuration,
                StringRef weight, ArrayRef<std::string> sizes);
  void launch(unsigned threads, int64_t sharedBytes);

  ModuleOp module;
  ArrayRef<std::string> architectures;
  CUDAKernel &result;
};
} // namespace

bool ExpertsWriter::write() {
  Operation *root = findRoot();
  if (!root)
    return false;
  if (auto op = dyn_cast<MoERouteOp>(root))
    return writeRoute(op);
  if (auto op = dyn_cast<MoEGroupOp>(root))
    return writeGroup(op);
  if (auto op = dyn_cast<MoEGroupedMatMulOp>(root))
    return writeGrouped(op);
  return refuse("there is no op of experts");
}

bool ExpertsWriter::readSize(Value tensor, int64_t dim, std::string &text,
                             LaunchSize &launch) {
  FailureOr<std::string> size = sizes.dimension(tensor, dim);
  if (failed(size) || !launch.multiply(kernel, *size))
    return refuse("a size is computed in the kernel");
  text = *size;
  return true;
}

void ExpertsWriter::finish(StringRef header, StringRef definitions,
                           StringRef threads, StringRef body,
                           StringRef mapParameters) {
  result.source =
      sourceText({header, "Scalar.h"}, (globals + definitions).str(), threads,
                 (sizes.getText() + body).str(), mapParameters);
  result.workgroupsPerBlock = 1;
}

void ExpertsWriter::launch(unsigned threads, int64_t sharedBytes) {
  for (CUDALaunch &each : result.launches)
    each = {threads, sharedBytes, {}};
}

//===----------------------------------------------------------------------===//
// Route and group
//===----------------------------------------------------------------------===//

static const char *scoringName(mlir::trine::Scoring scoring) {
  switch (scoring) {
  case mlir::trine::Scoring::Softmax:
    return "Scoring::Softmax";
  case mlir::trine::Scoring::Sigmoid:
    return "Scoring::Sigmoid";
  case mlir::trine::Scoring::SqrtSoftplus:
    return "Scoring::SqrtSoftplus";
  case mlir::trine::Scoring::SoftmaxTopK:
    return "Scoring::SoftmaxTopK";
  case mlir::trine::Scoring::SigmoidTopK:
    return "Scoring::SigmoidTopK";
  }
  return "Scoring::Softmax";
}

bool ExpertsWriter::writeRoute(MoERouteOp op) {
  auto logitsType = cast<RankedTensorType>(op.getLogits().getType());
  int64_t experts = logitsType.getDimSize(1);
  int64_t k = op.getK(), groups = op.getGroups();
  if (ShapedType::isDynamic(experts))
    return refuse("the number of experts is not known");
  if (experts > kernels::kMostRoutedExperts || k > kernels::kMostChosenExperts)
    return refuse("more than 4096 experts, or more than 128 chosen");
  if (!elementOf(logitsType.getElementType()))
    return refuse("the logits are neither f32, f16 nor bf16");
  BlockArgument ids, weights;
  std::string logits, bias, biasType = "float", body, tokens;
  LaunchSize tokenCount;
  if (!findDestination(op.getIds(), ids) ||
      !findDestination(op.getWeights(), weights) ||
      !readWhole(op.getLogits(), logits) ||
      !readSize(op.getLogits(), 0, tokens, tokenCount))
    return false;
  body += assignText("logits", logits);
  if (op.getBias()) {
    Type type = getElementTypeOrSelf(op.getBias());
    if (!elementOf(type))
      return refuse("the bias is neither f32, f16 nor bf16");
    biasType = typeName(type);
    if (!readWhole(op.getBias(), bias))
      return false;
    body += assignText("bias", bias);
  }
  if (op.getTable()) {
    std::string table, tokenIds;
    FailureOr<std::string> rows = sizes.dimension(op.getTable(), 0);
    if (failed(rows))
      return refuse("a size is computed in the kernel");
    if (!readWhole(op.getTable(), table) ||
        !readWhole(op.getTokenIds(), tokenIds))
      return false;
    body += assignText("table", table) + assignText("tokenIds", tokenIds) +
            assignText("tableRows", *rows);
  }
  if (ids)
    body += assignText("ids", argumentName(ids));
  if (weights)
    body += assignText("weights", argumentName(weights));
  body += assignText("tokens", tokens) +
          assignText("epsilon", floatText(op.getEpsilon().convertToDouble())) +
          assignText("scale", floatText(op.getScale().convertToDouble()));
  std::string configuration =
      std::string("constexpr RouteConfiguration configuration = {\n") +
      "    .experts = " + std::to_string(experts) +
      ", .k = " + std::to_string(k) +
      ", .scoring = " + scoringName(op.getScoring()) +
      ",\n    .groups = " + std::to_string(groups) +
      ", .keptGroups = " + std::to_string(op.getKeptGroups()) +
      ", .groupScore = " +
      (op.getGroupScore() == mlir::trine::GroupScore::SumTop2
           ? "GroupScore::SumTop2"
           : "GroupScore::Maximum") +
      ",\n    .maskedIsZero = " +
      flagText(op.getMaskedScore() == MaskedScore::Zero) +
      ", .weightsFromChoice = " + flagText(op.getWeightsFromChoice()) +
      ",\n    .renormalize = " + flagText(op.getRenormalize()) +
      ", .scaleBeforeDivision = " +
      flagText(op.getScalePosition() == ScalePosition::BeforeDivision) +
      ",\n    .hasBias = " + flagText(static_cast<bool>(op.getBias())) +
      ", .hasTable = " + flagText(static_cast<bool>(op.getTable())) +
      ", .rounded = " + flagText(op.getRounded()) + "};\n";
  finish("Route.h", configuration, "routeThreads(configuration)",
         "  RouteArguments<" + typeName(logitsType.getElementType()) + ", " +
             biasType + "> arguments;\n" + body +
             "  route<configuration>(arguments);\n");
  kernels::RouteConfiguration launched;
  launched.experts = static_cast<int>(experts);
  launch(kernels::routeThreads(launched), 0);
  defineWorkgroups(
      kernel, module, [&](ImplicitLocOpBuilder &builder, Value words) {
        return cuda::divideUp(builder, materialize(builder, words, tokenCount),
                              kernels::routeTokensPerWorkgroup(launched));
      });
  return true;
}

bool ExpertsWriter::writeGroup(MoEGroupOp op) {
  BlockArgument order, offsets, position;
  std::string ids, tokens, slots;
  LaunchSize unused;
  if (!findDestination(op.getOrder(), order) ||
      !findDestination(op.getOffsets(), offsets) ||
      !findDestination(op.getPosition(), position) ||
      !readWhole(op.getIds(), ids) ||
      !readSize(op.getIds(), 0, tokens, unused) ||
      !readSize(op.getIds(), 1, slots, unused))
    return false;
  if (!order || !offsets)
    return refuse("a result is not used");
  int64_t experts = op.getExperts();
  std::string body =
      "  GroupArguments arguments;\n" + assignText("ids", ids) +
      assignText("order", argumentName(order)) +
      assignText("offsets", argumentName(offsets)) +
      (position ? assignText("inverse", argumentName(position)) : "") +
      assignText("slots", productText(tokens, slots)) +
      assignText("experts", std::to_string(experts)) + "  group(arguments);\n";
  finish("Group.h", "", "groupThreads", body);
  launch(kernels::groupThreads, 0);
  defineWorkgroups(
      kernel, module, [&](ImplicitLocOpBuilder &builder, Value) -> Value {
        return arith::ConstantIntOp::create(builder, builder.getI64Type(),
                                            kernels::groupWorkgroups(experts));
      });
  return true;
}

//===----------------------------------------------------------------------===//
// Grouped products
//===----------------------------------------------------------------------===//

static std::string activationText(mlir::trine::Activation activation,
                                  StringRef x, double alpha) {
  using mlir::trine::Activation;
  switch (activation) {
  case Activation::SiluGated:
  case Activation::Silu:
    return alpha == 1
               ? ("silu(" + x + ")").str()
               : (x + " * sigmoid(" + floatText(alpha) + " * " + x + ")").str();
  case Activation::GeluGated:
  case Activation::Gelu:
    return ("gelu(" + x + ")").str();
  case Activation::GeluTanhGated:
  case Activation::GeluTanh:
    return ("geluTanh(" + x + ")").str();
  case Activation::ReluGated:
  case Activation::Relu:
    return ("relu(" + x + ")").str();
  case Activation::Identity:
    return x.str();
  }
  return x.str();
}

/// One element of the result from the sums: biases, limits, activation.
bool ExpertsWriter::writeEpilogue(MoEGroupedMatMulOp op, std::string &epilogue,
                                  std::string &make) {
  std::map<std::string, std::string> members;
  std::string body;
  bool gated = op.isGated();
  if (op.getBias()) {
    auto type = cast<RankedTensorType>(op.getBias().getType());
    std::string bias, columns;
    LaunchSize unused;
    if (!elementOf(type.getElementType()))
      return refuse("the bias is neither f32, f16 nor bf16");
    if (!readWhole(op.getBias(), bias) ||
        !readSize(op.getBias(), type.getRank() - 1, columns, unused))
      return false;
    members["bias"] = "const " + typeName(type.getElementType()) + " *";
    members["columns"] = "Index";
    if (gated)
      body += "    gate += load(bias, 2 * expert * columns + column);\n"
              "    up += load(bias, (2 * expert + 1) * columns + column);\n";
    else
      body += "    up += load(bias, expert * columns + column);\n";
    make = "Epilogue{" + bias + ", " + columns + "}";
  } else {
    make = "Epilogue{}";
  }
  if (op.getActivation()) {
    if (op.getClamp()) {
      std::string limit = floatText(op.getClamp()->convertToDouble());
      body += "    up = nanMinimum(nanMaximum(up, -" + limit + "), " + limit +
              ");\n";
      if (gated)
        body += "    gate = nanMinimum(gate, " + limit + ");\n";
    }
    double beta = op.getBeta().convertToDouble();
    if (gated && beta != 0)
      body += "    up = up + " + floatText(beta) + ";\n";
    std::string value =
        activationText(*op.getActivation(), gated ? "gate" : "up",
                       op.getAlpha().convertToDouble());
    body += "    return " + value + (gated ? " * up" : "") + ";\n";
  } else {
    body += "    return up;\n";
  }
  epilogue = functorText(
      "Epilogue",
      gated ? "float gate, float up, Index expert, Index row, Index column"
            : "float up, Index expert, Index row, Index column",
      members, body);
  return true;
}

/// `sizes`: experts, columns of the result, terms.
std::optional<TensorMapRecord>
ExpertsWriter::findWeightMap(const kernels::GemmConfiguration &configuration,
                             StringRef weight, ArrayRef<std::string> sizes) {
  if (configuration.loadB != kernels::Load::Vector)
    return std::nullopt;
  const std::string &experts = sizes[0], &n = sizes[1], &k = sizes[2];
  std::string matrix = productText(n, k);
  uint32_t tile = configuration.tileN;
  MapOperand operand;
  operand.element = configuration.element;
  operand.pointer = weight;
  if (configuration.gate == kernels::GateLayout::Concatenated) {
    // A column's gate and up are neighbours in the tile.
    operand.sizes = {k, "2", n, experts};
    operand.strides = {matrix, k, productText("2", matrix)};
    operand.box = {64, 2, tile / 2, 1};
  } else {
    operand.sizes = {k, n, experts};
    operand.strides = {k, matrix};
    operand.box = {64, tile, 1};
  }
  return findTensorMap(kernel, operand);
}

bool ExpertsWriter::writeGrouped(MoEGroupedMatMulOp op) {
  using namespace kernels;
  Type a = getElementTypeOrSelf(op.getInput()),
       b = getElementTypeOrSelf(op.getWeight()),
       out = getElementTypeOrSelf(op.getResult());
  for (Type type : {a, b, out})
    if (!elementOf(type))
      return refuse("a type is neither f32, f16 nor bf16");
  bool gated = op.isGated();
  int64_t columns = gated ? 2 : 1;
  BlockArgument destination;
  std::string input, weight, offsets, order, rows, experts, n, k;
  LaunchSize rowCount, expertCount, columnCount, depth;
  if (!findDestination(op.getResult(), destination))
    return false;
  if (!destination)
    return refuse("the result is not used");
  if (!readWhole(op.getInput(), input) || !readWhole(op.getWeight(), weight) ||
      !readWhole(op.getOffsets(), offsets) ||
      !readSize(destination, 0, rows, rowCount) ||
      !readSize(op.getWeight(), 0, experts, expertCount) ||
      !readSize(op.getWeight(), columns, n, columnCount) ||
      !readSize(op.getWeight(), columns + 1, k, depth))
    return false;
  if (op.getOrder() && !readWhole(op.getOrder(), order))
    return false;
  GroupedProblem problem;
  problem.element = multipliedElement(a, b);
  problem.n = columnCount.known();
  problem.k = depth.known();
  problem.gated = gated;
  // Rows of both operands are as long as a sum; arguments are aligned, what
  // begins within one need not be.
  bool isWhole = problem.k > 0 && problem.k % 8 == 0;
  problem.copiesA = isWhole && asNumber(input.substr(1)).has_value();
  problem.copiesB = isWhole && asNumber(weight.substr(1)).has_value();
  std::string epilogue, make;
  if (!writeEpilogue(op, epilogue, make))
    return false;
  std::string body = "  GroupedArguments<" + typeName(a) + ", " + typeName(b) +
                     ", " + typeName(out) + "> arguments;\n" +
                     assignText("a", input) + assignText("weight", weight) +
                     assignText("out", argumentName(destination)) +
                     assignText("offsets", offsets);
  if (op.getOrder())
    body += assignText("order", order) +
            assignText("slots", std::to_string(op.getSlots().value_or(1)));
  GemmConfiguration old = configureGrouped(problem, Architecture::SM80);
  MapParameters maps;
  if (std::optional<TensorMapRecord> map =
          findWeightMap(old, weight, {experts, n, k})) {
    maps.add("mapB", *map);
    problem.mapsB = true;
    body += maps.guard(assignText("mapB", "&mapB"));
  }
  body += assignText("rows", rows) + assignText("experts", experts) +
          assignText("n", n) + assignText("k", k) +
          "  groupedGemm<configuration>(arguments, " + make + ");\n";
  finish("GroupedGemm.h",
         architectureText() + configurationText(old, false, problem.mapsB) +
             epilogue,
         "gemmThreads(configuration)", body, maps.parameterText());
  launchProduct(
      architectures,
      [&](Architecture each) { return configureGrouped(problem, each); },
      result);
  maps.describe(architectures, result);
  defineWorkgroups(
      kernel, module, [&](ImplicitLocOpBuilder &builder, Value words) -> Value {
        Value count = materialize(builder, words, rowCount);
        Value tile = arith::ConstantIntOp::create(builder, builder.getI64Type(),
                                                  old.tileM);
        Value rowTiles = arith::AddIOp::create(
            builder, arith::DivSIOp::create(builder, count, tile),
            arith::MinSIOp::create(builder, count,
                                   materialize(builder, words, expertCount)));
        Value columnTiles =
            cuda::divideUp(builder, materialize(builder, words, columnCount),
                           gemmTileColumns(old));
        return arith::MulIOp::create(builder, rowTiles, columnTiles);
      });
  return true;
}

bool cuda::writeExperts(plan::KernelOp kernel, ModuleOp module,
                        ArrayRef<std::string> architectures, CUDAKernel &result,
                        std::string &why) {
  return ExpertsWriter(kernel, module, architectures, result, why).write();
}
