// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DescribeModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Plan/WeightLayout.h"

using namespace mlir;
using namespace mlir::trine;

/// "f32[batch, seq, 160]", from a type and the `onnx.dims` that go with it.
static std::string typeText(Type type, Attribute dims) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor) {
    stream << type;
    return text;
  }
  stream << tensor.getElementType() << "[";
  auto symbols = dyn_cast_or_null<ArrayAttr>(dims);
  for (int64_t i = 0; i < tensor.getRank(); ++i) {
    stream << (i ? ", " : "");
    auto symbol = symbols && i < static_cast<int64_t>(symbols.size())
                      ? dyn_cast<StringAttr>(symbols[i])
                      : StringAttr();
    if (!tensor.isDynamicDim(i))
      stream << tensor.getDimSize(i);
    else
      stream << (symbol ? symbol.getValue() : "?");
  }
  stream << "]";
  return text;
}

void mlir::trine::describeSignature(ModuleOp module, CompileReport &report) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return;
  report.inputs.clear();
  report.outputs.clear();
  auto name = [](DictionaryAttr attributes) {
    auto name =
        attributes ? attributes.getAs<StringAttr>("onnx.name") : nullptr;
    return name ? name.getValue().str() : std::string("?");
  };
  auto dims = [](DictionaryAttr attributes) {
    return attributes ? attributes.get("onnx.dims") : Attribute();
  };
  for (auto [index, type] : llvm::enumerate(main.getArgumentTypes())) {
    DictionaryAttr attributes = main.getArgAttrDict(index);
    report.inputs.push_back(
        {name(attributes), typeText(type, dims(attributes))});
  }
  for (auto [index, type] : llvm::enumerate(main.getResultTypes())) {
    DictionaryAttr attributes = main.getResultAttrDict(index);
    report.outputs.push_back(
        {name(attributes), typeText(type, dims(attributes))});
  }
}

void mlir::trine::describeModel(ModuleOp module, CompileReport &report) {
  describeSignature(module, report);
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return;
  main.walk([&](Operation *op) {
    if (auto weight = dyn_cast<onnx::InitializerOp>(op))
      report.weightBytes += weight.getLength();
    if (op->getDialect() != main->getContext()->getLoadedDialect("onnx") ||
        isa<onnx::NoneOp, onnx::ConstantOp, onnx::InitializerOp, onnx::YieldOp>(
            op))
      return;
    ++report.nodes;
    ++report.operators[op->getName().stripDialect().str()];
  });
}

void mlir::trine::describePlan(ModuleOp module, CompileReport &report) {
  for (auto kernel : module.getOps<plan::KernelOp>()) {
    ++report.kernels;
    ++report.skeletons[kernel.getSkeleton().str()];
  }
  for (auto weight : module.getOps<plan::WeightOp>()) {
    report.packedWeightBytes +=
        getStoredBytes(cast<RankedTensorType>(weight.getStoredType()));
  }
  for (auto program : module.getOps<plan::ConstantProgramOp>())
    for (const ComputedRange &range : getComputedRanges(program)) {
      ++report.computedWeights;
      report.computedWeightBytes += range.bytes;
    }
  module.walk([&](plan::LaunchOp) { ++report.launches; });
  module.walk([&](plan::SelectOp select) {
    std::string forms;
    if (auto names = select->getAttrOfType<ArrayAttr>("trine.choice"))
      for (Attribute name : names)
        if (auto text = dyn_cast<StringAttr>(name))
          forms += (forms.empty() ? "" : " or ") + text.getValue().str();
    if (forms.empty())
      forms = "conditional";
    auto known = llvm::find_if(report.choices, [&](const auto &choice) {
      return choice.forms == forms;
    });
    if (known == report.choices.end())
      known = report.choices.insert(known, {forms, 0, 0, 0});
    ++known->count;
    select.getThenRegion().walk([&](plan::LaunchOp) { ++known->first; });
    select.getElseRegion().walk([&](plan::LaunchOp) { ++known->second; });
  });
  // What trine-plan-memory says, one entry per space.
  auto main = module.lookupSymbol<func::FuncOp>("main");
  auto spaces = main ? main->getAttrOfType<ArrayAttr>("plan.memory") : nullptr;
  for (Attribute space : spaces ? spaces.getValue() : ArrayRef<Attribute>()) {
    auto entries = dyn_cast<DictionaryAttr>(space);
    auto number = [&](StringRef name) -> int64_t {
      auto value = entries ? entries.getAs<IntegerAttr>(name) : nullptr;
      return value ? value.getInt() : 0;
    };
    if (auto name = entries ? entries.getAs<StringAttr>("space") : nullptr)
      report.workspaceBytes[name.str()] += number("bytes");
    report.buffers += number("buffers");
    report.arenaSlots += number("slots") + number("unbounded");
  }
}
