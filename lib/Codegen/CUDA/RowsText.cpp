// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a kernel on the skeleton for rows reads like.
#include "RowsWriter.h"

#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

/// Columns that one thread keeps, and 4-byte registers that it keeps them in.
static constexpr int64_t kMostSteps = 32, kMostKept = 64;
std::string RowsWriter::phaseText(const RowPhase &phase) const {
  // The column's place, the last dimension first.
  std::string text, rest = "column";
  SmallVector<size_t> open;
  for (size_t dim = 0; dim < phase.sizes.size(); ++dim)
    if (phase.names[dim] != "0")
      open.push_back(dim);
  std::string margin(phase.tail.find_first_not_of(' '), ' ');
  for (size_t k = open.size(); open.size() > 1 && k-- > 0;) {
    const std::string &name = phase.names[open[k]];
    if (k == 0) {
      text += margin + "const Index " + name + " = " + rest + ";\n";
      break;
    }
    std::string outer = "o" + std::to_string(open[k]);
    text += margin + "const Index " + name + " = " + rest + " % " +
            phase.sizes[open[k]] + ", " + outer + " = " + rest + " / " +
            phase.sizes[open[k]] + ";\n";
    rest = outer;
  }
  text += phase.writer.getText();
  for (const auto &[name, member] : phase.kept)
    text += margin + "kept." + member + " = " + name + ";\n";
  return text + phase.tail;
}

std::string RowsWriter::functor() const {
  std::map<std::string, std::string> members;
  auto addSizes = [&](ArrayRef<std::string> sizes) {
    for (const std::string &size : sizes)
      if (!asNumber(size))
        members[size] = "Index";
  };
  addSizes(rowSizes);
  for (const auto &phase : phases) {
    for (const auto &[name, type] : phase->writer.getMembers())
      members.insert({name, type});
    addSizes(phase->sizes);
  }
  for (const RowResult &result : results)
    members[argumentName(result.destination)] =
        typeName(getElementTypeOrSelf(result.destination.getType())) + " *";
  std::string text = "struct Row {\n";
  for (const auto &[member, type] : members)
    text += "  " + type + (StringRef(type).ends_with("*") ? "" : " ") + member +
            ";\n";
  // A member has the type of the first reduction that uses it.
  std::map<std::string, std::string> values;
  for (const RowReduction &reduction : reductions)
    values.insert({reduction.member, reduction.valueType});
  text += "  struct Value {\n";
  for (const auto &[member, type] : values)
    text += "    " + type + " " + member + ";\n";
  text += "  };\n  struct Kept {\n";
  for (auto [index, type] : llvm::enumerate(keptTypes))
    text += "    " + type + " k" + std::to_string(index) + ";\n";
  text += "  };\n  static constexpr int passes = " + std::to_string(passes) +
          ";\n  Index columns(int pass) const {\n";
  for (unsigned pass = 0; pass < passes; ++pass)
    if (phases[pass]->columns != phases[passes]->columns)
      text += "    if (pass == " + std::to_string(pass) + ")\n      return " +
              phases[pass]->columns + ";\n";
  text += "    return " + phases[passes]->columns +
          ";\n  }\n  Value initial(int pass) const {\n    Value value = {};\n";
  for (const RowReduction &reduction : reductions)
    if (reduction.joining.neutral != "0" &&
        reduction.joining.neutral != "false")
      text += "    if (pass == " + std::to_string(reduction.pass) +
              ")\n      value." + reduction.member + " = " +
              reduction.joining.neutral + ";\n";
  text +=
      "    return value;\n  }\n  Value add(int pass, Value value, Index row, "
      "Index column, const Value *results, Kept &kept) const {\n" +
      rowHead;
  for (unsigned pass = 0; pass < passes; ++pass)
    text += "    if (pass == " + std::to_string(pass) + ") {\n" +
            phaseText(*phases[pass]) + "    }\n";
  text += "    return value;\n  }\n  Value combine(int pass, const Value &a, "
          "const Value &b) const {\n    Value value = a;\n";
  for (const RowReduction &reduction : reductions)
    text += "    if (pass == " + std::to_string(reduction.pass) +
            ")\n      value." + reduction.member + " = " +
            *scalarExpression(reduction.joining.op, {"a." + reduction.member,
                                                     "b." + reduction.member}) +
            ";\n";
  text +=
      "    return value;\n  }\n  void finish(Index row, Index column, const "
      "Value *results, Kept &kept) const {\n";
  if (!phases[passes]->tail.empty())
    text += rowHead + phaseText(*phases[passes]);
  text += "  }\n  void finishRow(Index row, const Value *results) const {\n";
  if (!phases[passes + 1]->tail.empty())
    text += rowHead + phaseText(*phases[passes + 1]);
  return text + "  }\n};\n";
}

bool RowsWriter::write(ModuleOp module, CUDAKernel &result) {
  if (!findReductions() || !findResults() || !findRows() ||
      !writePhases(/*keep=*/false))
    return false;
  // All reductions that use a member have its type.
  for (const RowReduction &a : reductions)
    for (const RowReduction &b : reductions)
      if (a.member == b.member && a.valueType != b.valueType)
        return refuse("reductions of several types follow one another");
  RowsProblem problem;
  problem.rows = rowLaunch.known();
  problem.columns = asNumber(phases[0]->columns).value_or(-1);
  problem.isContiguous = isContiguous();
  kernels::ReduceConfiguration configuration = configureRows(problem);
  int64_t threads = static_cast<int64_t>(configuration.by), steps = 0;
  // With steps, no phase may have more columns than they reach.
  int64_t most = 1;
  for (const auto &phase : phases) {
    std::optional<int64_t> columns = asNumber(phase->columns);
    most = columns && most >= 0 ? std::max(most, *columns) : -1;
  }
  if (most > 0 && llvm::divideCeil(most, threads) <= kMostSteps) {
    if (!writePhases(/*keep=*/true))
      return false;
    steps = llvm::divideCeil(most, threads);
    if (keptTypes.empty() || keptWords * steps > kMostKept) {
      steps = 0;
      if (!writePhases(/*keep=*/false))
        return false;
    }
  }
  for (const auto &[values, name] : constantNames) {
    std::string text = constantText(name, cast<DenseElementsAttr>(values));
    if (text.empty())
      return refuse("a constant has no CUDA form");
    globals += text;
  }
  std::map<std::string, std::string> members;
  std::string functor = this->functor();
  auto add = [&](const auto &from) {
    for (const std::string &size : from)
      if (!asNumber(size))
        members[size] = "Index";
  };
  add(rowSizes);
  for (const auto &phase : phases) {
    add(phase->sizes);
    for (const auto &[name, type] : phase->writer.getMembers())
      members.insert({name, type});
  }
  for (const RowResult &each : results)
    members[argumentName(each.destination)] = "";
  const char *by = configuration.by == kernels::ReduceBy::Thread ? "Thread"
                   : configuration.by == kernels::ReduceBy::Warp ? "Warp"
                                                                 : "Workgroup";
  bool combines = llvm::any_of(
      phases, [](const auto &phase) { return phase->writer.usesCombine(); });
  if (combines)
    result.skeleton = "combine_row";
  SmallVector<StringRef> headers = {"Rows.h", "Scalar.h"};
  if (combines)
    headers.insert(headers.begin(), "Combine.h");
  result.source =
      sourceText(headers, globals + functor, "rowsThreads",
                 std::string("  rows<ReduceConfiguration{ReduceBy::") + by +
                     "}" + (steps ? ", " + std::to_string(steps) : "") + ">(" +
                     rowCount + ", " + constructText("Row", members) + ");\n");
  result.workgroupsPerBlock = 1;
  for (CUDALaunch &launch : result.launches)
    launch = {kernels::rowsThreads, 0, {}};
  defineWorkgroups(
      kernel, module, [&](ImplicitLocOpBuilder &builder, Value words) -> Value {
        return cuda::divideUp(builder, materialize(builder, words, rowLaunch),
                              kernels::rowsThreads / threads);
      });
  return true;
}
