// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTable.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include <limits>

using namespace mlir::trine::importer;
using llvm::StringRef;

static llvm::ArrayRef<OperatorSchema> getTable() {
  static const OperatorSchema table[] = {
#include "ONNXOperatorTable.inc"
  };
  return table;
}

std::optional<int> OperatorSchema::getVersion(int64_t opset) const {
  std::optional<int> newest;
  for (int version : versions)
    if (version <= opset)
      newest = version;
  return newest;
}

const AttributeSchema *OperatorSchema::findAttribute(StringRef name) const {
  auto *found =
      llvm::find_if(attributes, [&](const AttributeSchema &attribute) {
        return attribute.name == name;
      });
  return found == attributes.end() ? nullptr : found;
}

const OperatorSchema *mlir::trine::importer::findOperator(StringRef domain,
                                                          StringRef type) {
  using Key = std::pair<StringRef, StringRef>;
  static const llvm::DenseMap<Key, const OperatorSchema *> index = [] {
    llvm::DenseMap<Key, const OperatorSchema *> result;
    for (const OperatorSchema &schema : getTable())
      result[{schema.domain, schema.type}] = &schema;
    return result;
  }();
  return index.lookup({domain, type});
}

namespace {
struct OperandChange {
  StringRef type;
  unsigned countBefore;
  int version;
};
} // namespace

/// From the schemas of onnx 1.22, beside what MovedAttribute says.
static constexpr OperandChange operandChanges[] = {{"Attention", 6, 24},
                                                   {"Pad", 3, 18}};

static constexpr float nothing = std::numeric_limits<float>::quiet_NaN(),
                       largest = std::numeric_limits<float>::max();
static constexpr MovedAttribute movedAttributes[] = {
    {"Clip", 11, "min", AttributeKind::Float, 1, -largest},
    {"Clip", 11, "max", AttributeKind::Float, 2, largest},
    // Models are run, not trained: nothing is dropped.
    {"Dropout", 12, "ratio", AttributeKind::Float, 0, nothing},
    {"Pad", 11, "pads", AttributeKind::Ints, 1, nothing},
    {"Pad", 11, "value", AttributeKind::Float, 2, nothing},
    {"ReduceL1", 18, "axes", AttributeKind::Ints, 1, nothing},
    {"ReduceL2", 18, "axes", AttributeKind::Ints, 1, nothing},
    {"ReduceLogSum", 18, "axes", AttributeKind::Ints, 1, nothing},
    {"ReduceLogSumExp", 18, "axes", AttributeKind::Ints, 1, nothing},
    {"ReduceMax", 18, "axes", AttributeKind::Ints, 1, nothing},
    {"ReduceMean", 18, "axes", AttributeKind::Ints, 1, nothing},
    {"ReduceMin", 18, "axes", AttributeKind::Ints, 1, nothing},
    {"ReduceProd", 18, "axes", AttributeKind::Ints, 1, nothing},
    {"ReduceSum", 13, "axes", AttributeKind::Ints, 1, nothing},
    {"ReduceSumSquare", 18, "axes", AttributeKind::Ints, 1, nothing},
    {"Slice", 10, "starts", AttributeKind::Ints, 1, nothing},
    {"Slice", 10, "ends", AttributeKind::Ints, 2, nothing},
    {"Slice", 10, "axes", AttributeKind::Ints, 3, nothing},
    {"Split", 13, "split", AttributeKind::Ints, 1, nothing},
    {"Squeeze", 13, "axes", AttributeKind::Ints, 1, nothing},
    {"TopK", 10, "k", AttributeKind::Int, 1, nothing},
    {"Unsqueeze", 13, "axes", AttributeKind::Ints, 1, nothing},
};

OperatorSpelling
mlir::trine::importer::getSpelling(const OperatorSchema &schema, int version) {
  OperatorSpelling spelling;
  spelling.operandCount = schema.operands.size();
  if (!schema.domain.empty())
    return spelling;
  for (const MovedAttribute &attribute : movedAttributes)
    if (attribute.type == schema.type && version < attribute.version)
      spelling.moved.push_back(attribute);
  for (const OperandChange &change : operandChanges)
    if (change.type == schema.type && version < change.version)
      spelling.operandCount = change.countBefore;
  // All of them have one operand then.
  if (!spelling.moved.empty())
    spelling.operandCount = 1;
  spelling.countsResults = schema.type == "Split" && version < 18;
  spelling.flattens =
      version < 13 && (schema.type == "Softmax" ||
                       schema.type == "LogSoftmax" || schema.type == "Hardmax");
  return spelling;
}
