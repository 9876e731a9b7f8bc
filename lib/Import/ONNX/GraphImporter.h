// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Builds the onnx dialect from a parsed model.
#ifndef TRINE_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define TRINE_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "GraphOrder.h"
#include "Model.h"
#include "OperatorTable.h"
#include "Problems.h"
#include "TensorReader.h"
#include "TrineOperators.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OwningOpRef.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/ONNX/ShapeAnalysis.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::trine::importer {

class GraphImporter {
public:
  GraphImporter(MLIRContext &context, const Model &model, StringRef modelFile,
                const ImportOptions &options, ModelFolder &folder,
                Problems &problems);

  /// The module; it is only of use if no problem was found.
  OwningOpRef<ModuleOp> run();

private:
  /// Names of a graph, or of a function's body; a subgraph sees those of the
  /// graphs around it.
  struct Scope {
    Scope *parent = nullptr;
    llvm::DenseMap<StringRef, Value> values;
  };
  using OpsetMap = llvm::SmallDenseMap<StringRef, int64_t, 4>;
  /// What the nodes of a list have in common: where the list is, and what its
  /// function was called with. Forms a stack.
  struct Frame {
    const Frame *parent = nullptr;
    /// Of this list: the main graph, a subgraph, or a function's body.
    const OpsetMap *opsets = nullptr;
    const Function *function = nullptr;
    /// Attributes of the call of the innermost function around; null outside of
    /// functions.
    const llvm::DenseMap<StringRef, const Attribute *> *attributes = nullptr;
    /// The node that holds the list (none for the main graph), and the name of
    /// the subgraph.
    const Node *holder = nullptr;
    unsigned holderIndex = 0;
    StringRef subgraph;
    unsigned depth = 0;
  };
  /// One node, and where it is.
  struct Site {
    const Node &node;
    unsigned index;
    const Frame &frame;
  };

  // GraphImporter.cpp: the model as a whole, graphs, values.
  bool readOpsets(ArrayRef<OpsetImport> imports, const Twine &where,
                  OpsetMap &opsets);
  void readFunctions();
  func::FuncOp createFunction(ModuleOp module);
  void importInputs(func::FuncOp function, Scope &scope);
  std::optional<RankedTensorType>
  getType(const ValueInfo &info, const Twine &where,
          SmallVectorImpl<mlir::Attribute> &dims);
  void importOutputs(func::FuncOp function, Scope &scope);
  void importInitializers(const Graph &graph, Scope &scope, const Twine &where);
  void importNodes(ArrayRef<Node> nodes, Scope &scope, const Frame &frame);
  void define(StringRef name, Value value, Scope &scope,
              llvm::function_ref<std::string()> where);
  Value lookup(StringRef name, const Scope &scope) const;
  Value createConstant(const TensorValue &tensor, StringRef name,
                       Location location, bool atTop);
  Value getNone();
  /// Stands for a value that could not be imported: has no type, so that
  /// nothing is said about its users.
  Value getUnknown();
  void inferTypes(Operation *op, const Site *site);
  void collect(Diagnostic &diagnostic);
  std::string describe(const Site &site) const;
  std::string describe(const Frame &frame) const;
  Location locate(const Site &site);

  // NodeImporter.cpp: one node.
  void importNode(const Site &site, Scope &scope);
  void importConstant(const Site &site, Scope &scope);
  void importCall(const Site &site, const Function &function, Scope &scope);
  void importOperator(const Site &site, const OperatorSchema &schema,
                      int version, Scope &scope);
  bool importAttributes(const Site &site, const OperatorSchema &schema,
                        int version, const OperatorSpelling &spelling,
                        NamedAttrList &attributes,
                        SmallVectorImpl<const Attribute *> &moved,
                        SmallVectorImpl<const Graph *> &graphs);
  mlir::Attribute convertAttribute(const Site &site, const Attribute &attribute,
                                   AttributeKind kind);
  bool importOperands(const Site &site, const OperatorSchema &schema,
                      int version, const OperatorSpelling &spelling,
                      Scope &scope, SmallVectorImpl<Value> &operands);
  // OldVersions.cpp: what old versions spell otherwise.
  bool createMovedOperands(const Site &site, const OperatorSchema &schema,
                           const OperatorSpelling &spelling,
                           ArrayRef<const Attribute *> moved,
                           MutableArrayRef<Value> operands);
  void importFlattened(const Site &site, const OperatorSchema &schema,
                       Value operand, int64_t axis, Scope &scope);
  // TrineOperators.cpp: one node of the domain trine.
  void importRaised(const Site &site, const RaisedOperator &raised,
                    Scope &scope);
  bool importRaisedOperands(const Site &site, const RaisedOperator &raised,
                            Scope &scope, SmallVectorImpl<Value> &operands,
                            SmallVectorImpl<int32_t> &segments);
  mlir::Attribute convertRaisedAttribute(const Site &site,
                                         const Attribute &attribute,
                                         const RaisedAttribute &raised);
  void importSubgraph(const Site &site, StringRef name, const Graph &graph,
                      Region &region, TypeRange argumentTypes, Scope &scope);
  /// The attribute itself, or what it refers to in the call of the function;
  /// null if that is absent.
  const Attribute *resolve(const Site &site, const Attribute &attribute);
  void failResults(const Site &site, Scope &scope);
  std::optional<int64_t> findOpset(StringRef domain, const Frame &frame) const;

  MLIRContext *context;
  const Model &model;
  StringAttr fileName;
  const ImportOptions &options;
  Problems &problems;
  TensorReader tensors;
  OpBuilder builder;
  std::unique_ptr<onnx::ShapeAnalysis> analysis;
  Block *entry = nullptr;
  /// The last of the constants that stand at the start of the function; null
  /// before there is one.
  Operation *lastConstant = nullptr;
  Value none, unknown;
  uint64_t nodeCount = 0;
  bool isAborted = false;
  OpsetMap modelOpsets;
  llvm::StringMap<const Function *> functions;
  llvm::DenseMap<const Function *, std::unique_ptr<OpsetMap>> functionOpsets;
  const Site *inferredSite = nullptr;
  /// Types inside subgraphs are inferred with the node that holds them, so its
  /// messages need to be traced back.
  llvm::DenseMap<Location, std::string> innerSites;
  unsigned regionDepth = 0;
};

} // namespace mlir::trine::importer

#endif
