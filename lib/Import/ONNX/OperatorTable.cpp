// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTable.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

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
/// From the schemas of onnx 1.22: where opsets 13 to 27 differ by more than
/// element types.
struct OperandChange {
  StringRef type;
  unsigned countBefore;
  int version;
};
} // namespace

static constexpr OperandChange operandChanges[] = {{"Attention", 6, 24},
                                                   {"Pad", 3, 18}};

/// ReduceSum moved its axes at opset 13, the others at 18.
static bool isReductionWithAxesAttribute(const OperatorSchema &schema,
                                         int version) {
  return schema.domain.empty() && version < 18 &&
         schema.type.starts_with("Reduce") && schema.type != "ReduceSum";
}

OperatorSpelling
mlir::trine::importer::getSpelling(const OperatorSchema &schema, int version) {
  OperatorSpelling spelling{unsigned(schema.operands.size())};
  if (!schema.domain.empty())
    return spelling;
  if (isReductionWithAxesAttribute(schema, version)) {
    spelling.operandCount = 1;
    spelling.axesAreAttribute = true;
  }
  for (const OperandChange &change : operandChanges)
    if (change.type == schema.type && version < change.version)
      spelling.operandCount = change.countBefore;
  spelling.countsResults = schema.type == "Split" && version < 18;
  return spelling;
}
