// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The operators that the importer accepts, and how their spelling changed
/// between opsets.
#ifndef TRINE_LIB_IMPORT_ONNX_OPERATORTABLE_H
#define TRINE_LIB_IMPORT_ONNX_OPERATORTABLE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace mlir::trine::importer {

enum class Arity : uint8_t { Single, Optional, Variadic };
enum class AttributeKind : uint8_t {
  Int,
  Float,
  String,
  Ints,
  Floats,
  Strings,
  Tensor,
  Graph
};

struct ParameterSchema {
  llvm::StringRef name;
  Arity arity;
};

struct AttributeSchema {
  llvm::StringRef name;
  AttributeKind kind;
  bool isRequired;
  int since = 1; ///< the first version that has it
};

/// One operator, in its newest spelling.
struct OperatorSchema {
  llvm::StringRef domain; ///< "" for ai.onnx
  llvm::StringRef type;
  llvm::StringRef mnemonic;
  /// Accepted versions of the schema, ascending; older ones mean something
  /// that the newest spelling cannot say.
  llvm::SmallVector<int, 8> versions;
  llvm::SmallVector<ParameterSchema, 4> operands, results;
  llvm::SmallVector<AttributeSchema, 4> attributes;
  int firstVersion = 1; ///< of the standard, accepted or not

  /// The newest version that an import of `opset` has; none if the operator is
  /// younger.
  std::optional<int> getVersion(int64_t opset) const;
  const AttributeSchema *findAttribute(llvm::StringRef name) const;
};

/// Null when the operator is not in the table. `domain` is "" for ai.onnx.
const OperatorSchema *findOperator(llvm::StringRef domain,
                                   llvm::StringRef type);

/// The accepted opsets of ai.onnx.
constexpr int64_t oldestOpset = 1, newestOpset = 27;

/// An attribute of an old version that is an operand of the newest one.
struct MovedAttribute {
  llvm::StringRef type;
  /// The first version that has the operand.
  int version;
  llvm::StringRef name;
  AttributeKind kind;
  /// The position of the operand; 0 where the newest version needs no value.
  unsigned operand;
  /// What the old version takes where the attribute is left out; NaN for
  /// nothing.
  float fallback;
};

/// What a version of an operator lacks, or spells otherwise, compared with the
/// newest one.
struct OperatorSpelling {
  /// How many operands the version has.
  unsigned operandCount;
  llvm::SmallVector<MovedAttribute, 3> moved;
  /// Split before 18: without sizes, the parts are as many as the results.
  bool countsResults = false;
  /// Softmax, LogSoftmax and Hardmax before 13: the axis splits the dimensions
  /// in two groups, each taken as one.
  bool flattens = false;
};
OperatorSpelling getSpelling(const OperatorSchema &schema, int version);

} // namespace mlir::trine::importer

#endif
