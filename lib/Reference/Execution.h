// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The machine below the interpreter. A function's values are numbered, its
// blocks become lists of steps on these numbers, and a step knows which of its
// operands nothing reads any more, so that tensors are changed in place and
// freed early.
#ifndef TRINE_LIB_REFERENCE_EXECUTION_H
#define TRINE_LIB_REFERENCE_EXECUTION_H

#include "Operator.h"
#include "Scalar.h"
#include "trine/Support/ModelFolder.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlir::trine::reference {

class Execution;
struct Step;

/// Runs one step; an error is a diagnostic at its op.
using Action = LogicalResult (*)(Execution &execution, const Step &step);

/// Where a value lives: scalars and tensors are numbered apart.
struct Place {
  enum class Kind : uint8_t { None, Scalar, Tensor };
  Kind kind = Kind::None;
  /// Of an operand: nothing reads the tensor after this step, and the step
  /// reads it once. Its storage may be taken over.
  bool last = false;
  uint32_t number = 0;
};

/// The steps of one block.
struct BlockProgram {
  Block *block = nullptr;
  llvm::SmallVector<Place> arguments;
  std::vector<Step> steps;
  /// What the terminator returns or yields.
  llvm::SmallVector<Place> yields;
};

/// What an action worked out about its op before the first run.
struct StepDetail {
  virtual ~StepDetail() = default;
};

struct Step {
  Operation *op = nullptr;
  Action action = nullptr;
  llvm::SmallVector<Place, 4> operands, results;
  /// Tensors that nothing reads after this step.
  llvm::SmallVector<uint32_t, 2> released;
  /// One program for each region with a block, null for empty regions.
  llvm::SmallVector<const BlockProgram *, 2> regions;
  ScalarInstruction scalar;
  std::shared_ptr<const StepDetail> detail;
  /// The rule of an onnx or trine op.
  OperatorRule rule = nullptr;
  /// Whether the observer sees it, and whether the types of its results may
  /// refuse what it gives.
  bool isObserved = false, isChecked = false;
};

/// What says that elements of a weight are to be rounded, and rounds them; see
/// RoundedWeights.h.
inline constexpr llvm::StringLiteral kRounded = "trine.rounded";
Tensor roundAsMarked(Operation *op, Tensor tensor);

/// One run of one function.
class Execution {
public:
  explicit Execution(const InterpreterOptions &options) : options(options) {}
  Execution(const Execution &) = delete;

  const InterpreterOptions &options;
  std::vector<Scalar> scalars;
  std::vector<Tensor> tensors;
  /// The position in the iteration space of the linalg op that runs.
  const int64_t *iteration = nullptr;

  /// The program of a region's only block, numbered and translated with all
  /// that is nested in it.
  FailureOr<const BlockProgram *> compile(Region &region);
  /// Runs the steps; results stay in the places that the program yields.
  LogicalResult run(const BlockProgram &program);
  /// Runs a region on tensors, and gives the tensors that it yields.
  FailureOr<std::vector<Tensor>> run(Region &region,
                                     llvm::ArrayRef<Tensor> arguments);
  /// The bytes of a weight in a file.
  FailureOr<Tensor> readWeight(Operation *op, llvm::StringRef file,
                               int64_t offset, int64_t length,
                               RankedTensorType type);
  /// The value of trine.assembled_weight.
  FailureOr<Tensor> assembleWeight(Operation *op);

private:
  friend class Compiler;
  /// Runs a step and shows the observer what it did.
  LogicalResult runObserved(const Step &step);
  LogicalResult checkResults(const Step &step);
  FailureOr<std::shared_ptr<llvm::MemoryBuffer>> openFile(Operation *op,
                                                          llvm::StringRef file);

  llvm::DenseMap<Block *, std::unique_ptr<BlockProgram>> programs;
  ModelFolder folder{options.weightFolder, options.allowHardLinks,
                     options.modelFile};
  llvm::StringMap<std::shared_ptr<llvm::MemoryBuffer>> files;
};

/// What an action sees of its step.
class Invocation {
public:
  Invocation(Execution &execution, const Step &step)
      : execution(execution), step(step) {}

  Execution &execution;
  const Step &step;

  int64_t integer(unsigned i) const {
    return execution.scalars[step.operands[i].number].integer;
  }
  Scalar scalar(unsigned i) const {
    return execution.scalars[step.operands[i].number];
  }
  const Tensor &tensor(unsigned i) const {
    return execution.tensors[step.operands[i].number];
  }
  /// The operand's tensor, with its storage when nothing else needs it.
  Tensor take(unsigned i) const {
    Tensor &tensor = execution.tensors[step.operands[i].number];
    return step.operands[i].last ? std::move(tensor) : tensor;
  }
  LogicalResult done(Tensor tensor) const {
    execution.tensors[step.results[0].number] = std::move(tensor);
    return success();
  }
  LogicalResult done(int64_t integer) const {
    execution.scalars[step.results[0].number] = scalarOf(integer);
    return success();
  }
  /// Static sizes with the dynamic ones filled in from operands, of which
  /// `operand` is the first.
  llvm::SmallVector<int64_t> mixed(llvm::ArrayRef<int64_t> statics,
                                   unsigned operand) const;
  /// The type of a result or an operand.
  ElementType typeOf(Value value) const {
    return elementTypeOf(value.getType()).value_or(ElementType::I64);
  }

  /// Emits an error at the op, with its ONNX node.
  LogicalResult fail(const llvm::Twine &message) const;
  /// A tensor of zeros, or an error at the op.
  FailureOr<Tensor> allocate(ElementType type,
                             llvm::ArrayRef<int64_t> shape) const;
};

/// Copies or moves values from one list of places to another, all at once.
void assign(Execution &execution, llvm::ArrayRef<Place> from,
            llvm::ArrayRef<Place> to);

using ActionTable = llvm::StringMap<Action>;
void addTensorActions(ActionTable &table);
void addTensorSliceActions(ActionTable &table);
void addStructuredControlFlowActions(ActionTable &table);
void addLinalgActions(ActionTable &table);
/// The actions of tensor, scf, and those linalg ops that are no LinalgOp.
const ActionTable &actionTable();

/// The action of a linalg op with indexing maps, and what it needs to know.
LogicalResult runStructured(Execution &execution, const Step &step);
std::shared_ptr<const StepDetail> describeStructured(Operation *op);
/// Whether the op adds up (or otherwise reduces) along a loop.
bool isReducing(Operation *op);

/// A copy between two strided views of tensors of one type. Offsets and strides
/// are in elements.
struct StridedView {
  int64_t offset = 0;
  llvm::SmallVector<int64_t> strides;
};
void copyStrided(llvm::ArrayRef<int64_t> shape, const Tensor &from,
                 const StridedView &source, Tensor &to,
                 const StridedView &destination);

} // namespace mlir::trine::reference

#endif
