// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What versions of operators before the newest one spell otherwise, in its
// words.
#include "GraphImporter.h"

#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::importer;

/// Attributes that became operands become constants.
bool GraphImporter::createMovedOperands(const Site &site,
                                        const OperatorSchema &schema,
                                        const OperatorSpelling &spelling,
                                        ArrayRef<const Attribute *> moved,
                                        MutableArrayRef<Value> operands) {
  // Until 10 the mask had the type of the data.
  if (schema.type == "Dropout" && !spelling.moved.empty() &&
      site.node.outputs.size() > 1 && !site.node.outputs[1].empty() &&
      findOpset("", site.frame).value_or(0) < 10) {
    problems.add(describe(site), "result 'mask' is supported from opset 10 on");
    return false;
  }
  bool isValid = true;
  for (auto [old, attribute] : llvm::zip_equal(spelling.moved, moved)) {
    if (old.operand == 0)
      continue;
    bool isRequired = schema.operands[old.operand].arity != Arity::Optional;
    if (!attribute && std::isnan(old.fallback)) {
      if (isRequired) {
        problems.add(describe(site),
                     "attribute " + quote(old.name) + " is required");
        isValid = false;
      }
      continue;
    }
    TensorValue tensor;
    switch (old.kind) {
    case AttributeKind::Ints:
      tensor.type =
          RankedTensorType::get(attribute->ints.size(), builder.getI64Type());
      tensor.elements = DenseElementsAttr::get(tensor.type, attribute->ints);
      break;
    case AttributeKind::Int:
      tensor.type = RankedTensorType::get({1}, builder.getI64Type());
      tensor.elements =
          DenseElementsAttr::get(tensor.type, ArrayRef(attribute->i));
      break;
    default: { // Float, by the table: of the operand's type
      auto type = dyn_cast<FloatType>(getElementTypeOrSelf(operands[0]));
      if (!type)
        type = builder.getF32Type();
      APFloat number(attribute ? attribute->f : old.fallback);
      bool isInexact;
      number.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                     &isInexact);
      tensor.type = RankedTensorType::get({}, type);
      tensor.elements = DenseElementsAttr::get(tensor.type, number);
    }
    }
    operands[old.operand] =
        createConstant(tensor, old.name, locate(site), /*atTop=*/false);
  }
  return isValid;
}

/// Softmax and its kin over all dimensions from the axis on.
void GraphImporter::importFlattened(const Site &site,
                                    const OperatorSchema &schema, Value operand,
                                    int64_t axis, Scope &scope) {
  Location location = locate(site);
  auto create = [&](StringRef name, ValueRange operands, StringRef attribute,
                    std::optional<int64_t> value) {
    OperationState state(location, name);
    state.addOperands(operands);
    if (value)
      state.addAttribute(attribute, builder.getI64IntegerAttr(*value));
    state.addTypes(UnrankedTensorType::get(builder.getF32Type()));
    Operation *op = builder.create(state);
    if (regionDepth != 0)
      innerSites.try_emplace(location, describe(site));
    inferTypes(op, &site);
    return op->getResult(0);
  };
  auto type = dyn_cast<RankedTensorType>(operand.getType());
  int64_t rank = type ? type.getRank() : 0;
  int64_t first = axis < 0 ? axis + rank : axis;
  Value result;
  if (!type || first < 0 || first >= rank || first == rank - 1) {
    // Nothing to flatten, or wrong, and reported as such.
    result = create(schema.mnemonic, operand, "axis", axis);
  } else {
    result = create("onnx.Flatten", operand, "axis", first);
    result = create(schema.mnemonic, result, "axis", -1);
    Value shape = create("onnx.Shape", operand, "", std::nullopt);
    result = create("onnx.Reshape", {result, shape}, "", std::nullopt);
  }
  if (!site.node.outputs.empty() && !site.node.outputs[0].empty())
    define(site.node.outputs[0], result, scope, [&] { return describe(site); });
}
