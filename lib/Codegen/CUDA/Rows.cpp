// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RowsWriter.h"

#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

/// Terms of a sum that is computed for each element: the experts of a token,
/// residual streams.
static constexpr int64_t kMostTerms = 32;
/// Passes of the skeleton.
static constexpr unsigned kMostPasses = 4;

kernels::ReduceConfiguration cuda::configureRows(const RowsProblem &problem) {
  using kernels::ReduceBy;
  kernels::ReduceConfiguration result;
  bool isShort = problem.columns >= 0 && problem.columns <= 8;
  // Few rows leave threads idle, whatever is read side by side.
  bool isFew = problem.rows >= 0 && problem.rows <= 64 && !isShort;
  if (isShort || (!problem.isContiguous && !isFew))
    result.by = ReduceBy::Thread;
  else if (problem.columns > 1024 || (problem.columns < 0 && isFew))
    result.by = ReduceBy::Workgroup;
  else
    result.by = ReduceBy::Warp;
  return result;
}

/// A sum that each element computes by itself.
static bool isShort(linalg::LinalgOp op) {
  int64_t terms = 1;
  for (auto [size, kind] :
       llvm::zip(op.getStaticLoopRanges(), op.getIteratorTypesArray())) {
    if (kind == utils::IteratorType::parallel)
      continue;
    if (ShapedType::isDynamic(size) || size > kMostTerms)
      return false;
    terms *= size;
  }
  return terms <= kMostTerms;
}

/// Whether the reduction's loops are the last ones: its terms are a row.
static bool reducesRows(linalg::LinalgOp op) {
  bool inside = false;
  for (utils::IteratorType kind : op.getIteratorTypesArray()) {
    if (kind == utils::IteratorType::parallel && inside)
      return false;
    inside |= kind != utils::IteratorType::parallel;
  }
  return inside;
}

bool RowsWriter::findReductions() {
  for (Operation &op : kernel.getBody().front()) {
    auto linalg = dyn_cast<linalg::LinalgOp>(op);
    if (!linalg || linalg.getNumReductionLoops() == 0)
      continue;
    if (!reducesRows(linalg)) {
      if (isShort(linalg))
        continue;
      return refuse("a long sum does not go along rows");
    }
    if (linalg.getNumDpsInits() != 1)
      return refuse("a reduction has several results");
    RowReduction reduction;
    reduction.op = linalg;
    reduction.joining = findJoining(linalg, 0);
    if (!reduction.joining.op)
      return refuse("the order of a reduction's terms matters");
    AffineMap output = linalg.getIndexingMapsArray().back();
    if (!output.isProjectedPermutation())
      return refuse("a reduction writes an element twice");
    // What is there at first must change nothing.
    auto fill =
        linalg.getDpsInitOperand(0)->get().getDefiningOp<linalg::FillOp>();
    auto start = fill ? fill.getInputs()[0].getDefiningOp<arith::ConstantOp>()
                      : arith::ConstantOp();
    if (!start || !isNeutral(reduction.joining.op, start.getValue()))
      return refuse("a reduction starts from something");
    Type element = getElementTypeOrSelf(linalg->getResult(0));
    reduction.valueType = element.isInteger(1) ? "int" : typeName(element);
    unsigned dims = output.getNumResults();
    if (!reductions.empty() && dims != rank)
      return refuse("reductions have rows of several ranks");
    rank = dims;
    reductions.push_back(reduction);
  }
  if (reductions.empty())
    return refuse("no rows are reduced");
  // A reduction comes behind those that it is computed from.
  llvm::SmallDenseMap<Operation *, unsigned> least;
  for (Operation &op : kernel.getBody().front()) {
    unsigned pass = 0;
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Operation *source = operand.getDefiningOp())
          pass = std::max(pass, least.lookup(source));
    });
    auto found = llvm::find_if(reductions, [&](const RowReduction &reduction) {
      return reduction.op == &op;
    });
    if (found != reductions.end()) {
      found->pass = pass++;
      passes = std::max(passes, pass);
    }
    least[&op] = pass;
  }
  if (passes > kMostPasses)
    return refuse("more than four reductions depend on one another");
  for (unsigned pass = 0; pass < passes; ++pass) {
    unsigned next = 0;
    for (RowReduction &reduction : reductions)
      if (reduction.pass == pass)
        reduction.member = "v" + std::to_string(next++);
  }
  return true;
}

bool RowsWriter::findResults() {
  Block &body = kernel.getBody().front();
  unsigned first = body.getNumArguments() - kernel.getNumDestinations();
  for (auto [index, value] : llvm::enumerate(
           cast<plan::ReturnOp>(body.getTerminator()).getValues())) {
    RowResult result;
    result.value = value;
    result.destination = body.getArgument(first + index);
    auto type = cast<RankedTensorType>(value.getType());
    if (!value.getDefiningOp<linalg::LinalgOp>() ||
        type != result.destination.getType())
      return refuse("a result is not computed element by element");
    if (typeName(type.getElementType()).empty())
      return refuse("an element type has no CUDA form");
    if (type.getRank() < static_cast<int64_t>(rank))
      return refuse("a result has an element for several rows");
    result.hasColumns = type.getRank() > static_cast<int64_t>(rank);
    results.push_back(result);
  }
  return true;
}

/// The sizes of the rows, and their places from the row's number.
bool RowsWriter::findRows() {
  ElementWriter reader(1);
  for (unsigned dim = 0; dim < rank; ++dim) {
    std::string size;
    for (const RowResult &result : results) {
      FailureOr<std::string> own = reader.dimension(result.destination, dim);
      if (failed(own))
        return refuse("a size is computed in the kernel");
      std::optional<int64_t> a = asNumber(size), b = asNumber(*own);
      if (a && b && *a != *b)
        return refuse("results have different rows");
      if (size.empty() || (b && !a))
        size = *own;
    }
    for (const RowReduction &reduction : reductions) {
      auto type = cast<RankedTensorType>(reduction.op->getResult(0).getType());
      std::optional<int64_t> known = asNumber(size);
      if (known && !type.isDynamicDim(dim) && type.getDimSize(dim) != *known)
        return refuse("a reduction has other rows than the results");
    }
    if (!rowLaunch.multiply(kernel, size))
      return refuse("a size is computed in the kernel");
    rowSizes.push_back(size);
    rowCount = productText(rowCount, size);
  }
  rowNames.assign(rank, "0");
  SmallVector<unsigned> open;
  for (unsigned dim = 0; dim < rank; ++dim)
    if (rowSizes[dim] != "1")
      open.push_back(dim);
  std::string rest = "row";
  for (size_t k = open.size(); k-- > 0;) {
    unsigned dim = open[k];
    if (k == 0) {
      rowNames[dim] = rest;
      break;
    }
    std::string name = "d" + std::to_string(dim),
                outer = "r" + std::to_string(dim);
    rowHead += "    const Index " + name + " = " + rest + " % " +
               rowSizes[dim] + ", " + outer + " = " + rest + " / " +
               rowSizes[dim] + ";\n";
    rowNames[dim] = name;
    rest = outer;
  }
  return true;
}

/// Names of the columns' places.
bool RowsWriter::startPhase(RowPhase &phase, ArrayRef<std::string> sizes) {
  phase.sizes.assign(sizes.begin(), sizes.end());
  phase.names.assign(sizes.size(), "0");
  for (const std::string &size : sizes) {
    LaunchSize probe;
    if (!probe.multiply(kernel, size))
      return refuse("a size is computed in the kernel");
    phase.columns = productText(phase.columns, size);
  }
  SmallVector<size_t> open;
  for (size_t dim = 0; dim < sizes.size(); ++dim)
    if (sizes[dim] != "1")
      open.push_back(dim);
  for (size_t k = 0; k < open.size(); ++k)
    phase.names[open[k]] =
        open.size() == 1 ? "column" : "c" + std::to_string(open[k]);
  size_t number = phases.size() - 1;
  phase.writer.setConstants(&constantNames);
  phase.writer.setMostTerms(kMostTerms);
  phase.writer.setLookUp(
      [this, number](Value value, ArrayRef<std::string> indices) {
        return lookUp(number, value, indices);
      });
  return true;
}

/// Results of earlier passes, and elements that they had already.
std::optional<FailureOr<std::string>>
RowsWriter::lookUp(size_t number, Value value, ArrayRef<std::string> indices) {
  for (const RowReduction &reduction : reductions)
    if (reduction.op->getResult(0) == value) {
      if (!llvm::equal(indices, rowNames) || reduction.pass >= number) {
        refuse("the result of another row is read");
        return FailureOr<std::string>(failure());
      }
      return FailureOr<std::string>("results[" +
                                    std::to_string(reduction.pass) + "]." +
                                    reduction.member);
    }
  if (!keeps || number >= phases.size())
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  auto isPlace = [&](const std::string &index) {
    return asNumber(index) ||
           llvm::is_contained(phases[number]->names, index) ||
           llvm::is_contained(rowNames, index);
  };
  if (!type || !llvm::all_of(indices, isPlace) ||
      llvm::none_of(indices, [&](const std::string &index) {
        return index != "0" && llvm::is_contained(phases[number]->names, index);
      }))
    return std::nullopt;
  for (size_t earlier = 0; earlier < number; ++earlier) {
    RowPhase &phase = *phases[earlier];
    if (phase.sizes != phases[number]->sizes)
      continue;
    std::optional<std::string> name = phase.writer.find(value, indices);
    if (!name)
      continue;
    // What was kept before that is kept still.
    if (StringRef(*name).starts_with("kept."))
      return FailureOr<std::string>(*name);
    if (!StringRef(*name).starts_with("e") &&
        !StringRef(*name).starts_with("s"))
      continue;
    std::string &member = phase.kept[*name];
    if (member.empty()) {
      member = "k" + std::to_string(keptTypes.size());
      keptTypes.push_back(typeName(type.getElementType()));
      keptWords += llvm::divideCeil(elementBytes(type.getElementType()), 4);
    }
    return FailureOr<std::string>("kept." + member);
  }
  return std::nullopt;
}

bool RowsWriter::writePass(unsigned pass) {
  phases.push_back(std::make_unique<RowPhase>(3));
  RowPhase &phase = *phases.back();
  bool started = false;
  for (RowReduction &reduction : reductions) {
    if (reduction.pass != pass)
      continue;
    linalg::LinalgOp op = reduction.op;
    // The loops' sizes as some operand has them.
    SmallVector<std::string> loops(op.getNumLoops()), sizes;
    AffineMap output = op.getIndexingMapsArray().back();
    for (auto [dim, expression] : llvm::enumerate(output.getResults()))
      loops[cast<AffineDimExpr>(expression).getPosition()] = rowNames[dim];
    SmallVector<unsigned> columns;
    for (unsigned loop = 0; loop < op.getNumLoops(); ++loop) {
      if (!loops[loop].empty())
        continue;
      std::string text;
      for (OpOperand &operand : op->getOpOperands()) {
        AffineMap map = op.getMatchingIndexingMap(&operand);
        for (auto [dim, expression] : llvm::enumerate(map.getResults())) {
          auto index = dyn_cast<AffineDimExpr>(expression);
          if (!index || index.getPosition() != loop || asNumber(text))
            continue;
          FailureOr<std::string> size =
              this->sizes.dimension(operand.get(), dim);
          LaunchSize probe;
          if (succeeded(size) && probe.multiply(kernel, *size))
            text = *size;
        }
      }
      if (text.empty())
        return refuse("the size of a row is computed in the kernel");
      sizes.push_back(text);
      columns.push_back(loop);
    }
    if (!started && !startPhase(phase, sizes))
      return false;
    if (started && phase.sizes != sizes)
      return refuse("rows of several lengths are reduced at the same time");
    started = true;
    for (auto [loop, name] : llvm::zip(columns, phase.names))
      loops[loop] = name;
    std::string sum = "value." + reduction.member;
    FailureOr<std::string> term =
        phase.writer.accumulate(op, /*result=*/0, loops, sum);
    if (failed(term))
      return refuse("a term is computed by " + phase.writer.getProblem());
    phase.tail += "      " + sum + " = " + *term + ";\n";
  }
  return true;
}

bool RowsWriter::writeFinish(bool hasColumns) {
  phases.push_back(std::make_unique<RowPhase>(2));
  RowPhase &phase = *phases.back();
  bool started = false;
  for (RowResult &result : results) {
    if (result.hasColumns != hasColumns)
      continue;
    auto type = cast<RankedTensorType>(result.value.getType());
    SmallVector<std::string> sizes, indices = rowNames;
    for (int64_t dim = rank; dim < type.getRank(); ++dim) {
      FailureOr<std::string> size =
          this->sizes.dimension(result.destination, dim);
      if (failed(size))
        return refuse("a size is computed in the kernel");
      sizes.push_back(*size);
    }
    if (!started && !startPhase(phase, sizes))
      return false;
    if (started && phase.sizes != sizes)
      return refuse("results have rows of several lengths");
    started = true;
    llvm::append_range(indices, phase.names);
    FailureOr<std::string> value = phase.writer.element(result.value, indices);
    if (failed(value))
      return refuse("an element is computed by " + phase.writer.getProblem());
    FailureOr<std::string> at =
        phase.writer.offset(result.destination, indices);
    if (failed(at))
      return refuse("a size is computed in the kernel");
    phase.tail += "    " + argumentName(result.destination) + "[" + *at +
                  "] = " + *value + ";\n";
  }
  if (!started)
    phase.columns = "0";
  return true;
}

/// A destination may be read at the element that is written, by the thread that
/// writes it: where all phases have the same columns.
bool RowsWriter::checkDestinations() {
  Block &body = kernel.getBody().front();
  unsigned first = body.getNumArguments() - kernel.getNumDestinations();
  for (size_t number = 0; number < phases.size(); ++number) {
    RowPhase &phase = *phases[number];
    for (const auto &[argument, at] : phase.writer.getReads()) {
      if (argument.getArgNumber() < first)
        continue;
      const RowResult &result = results[argument.getArgNumber() - first];
      RowPhase &written = *phases[result.hasColumns ? passes : passes + 1];
      SmallVector<std::string> indices = rowNames;
      if (result.hasColumns)
        llvm::append_range(indices, written.names);
      FailureOr<std::string> own =
          written.writer.offset(result.destination, indices);
      if (failed(own) || at != *own || phase.sizes != written.sizes ||
          StringRef(at).contains('i'))
        return refuse("a destination is read elsewhere");
    }
  }
  return true;
}

bool RowsWriter::writePhases(bool keep) {
  phases.clear();
  constantNames.clear();
  keptTypes.clear();
  keptWords = 0;
  keeps = keep;
  for (unsigned pass = 0; pass < passes; ++pass)
    if (!writePass(pass))
      return false;
  return writeFinish(/*hasColumns=*/true) &&
         writeFinish(/*hasColumns=*/false) && checkDestinations();
}

bool RowsWriter::isContiguous() const {
  for (unsigned pass = 0; pass < passes; ++pass) {
    const RowPhase &phase = *phases[pass];
    if (phase.writer.usesCombine())
      return true;
    std::string last;
    for (const std::string &name : phase.names)
      if (name != "0")
        last = name;
    for (const auto &[argument, at] : phase.writer.getReads())
      if (StringRef(at) == last || StringRef(at).ends_with("+ " + last))
        return true;
  }
  return false;
}

bool cuda::writeRows(plan::KernelOp kernel, ModuleOp module, CUDAKernel &result,
                     std::string &why) {
  return RowsWriter(kernel, why).write(module, result);
}
