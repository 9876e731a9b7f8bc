// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The operators of the domain `trine`: ops of the trine dialect, said by the
/// model itself. See docs/trine-domain.md.
#ifndef TRINE_LIB_IMPORT_ONNX_TRINEOPERATORS_H
#define TRINE_LIB_IMPORT_ONNX_TRINEOPERATORS_H

#include "OperatorTable.h"

#include "mlir/IR/Attributes.h"
#include "mlir/IR/MLIRContext.h"

namespace mlir::trine::importer {

/// What an attribute of a node becomes.
enum class RaisedKind : uint8_t {
  Integer,
  Number,
  Integers,
  Flag,
  Type,
  Choice
};

struct RaisedAttribute {
  RaisedKind kind;
  /// Of a choice: the attribute of a word, null for a word that is none, and
  /// the words for people.
  mlir::Attribute (*parse)(MLIRContext *context,
                           llvm::StringRef word) = nullptr;
  llvm::StringRef words = {};
};

/// The element type of a result: that of the first float operand, or given.
enum class ResultElement : uint8_t { Input, F32, I64 };

struct RaisedOperator {
  OperatorSchema schema;
  /// The op counts the operands of each parameter in an attribute.
  bool hasSegments;
  /// One per attribute of the schema.
  llvm::SmallVector<RaisedAttribute, 8> attributes;
  /// One per result of the schema.
  llvm::SmallVector<ResultElement, 4> results;
};

/// Null when there is none of this type.
const RaisedOperator *findRaisedOperator(llvm::StringRef type);

} // namespace mlir::trine::importer

#endif
