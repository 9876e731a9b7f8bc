// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Reference/Verification.h"
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

bool Verification::passed() const {
  return llvm::all_of(comparisons, [](const Comparison &comparison) {
    return comparison.passed();
  });
}

std::vector<std::string> reference::inputNames(func::FuncOp function) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto name = function.getArgAttrOfType<StringAttr>(i, "onnx.name");
    names.push_back(name ? name.str() : "input_" + std::to_string(i));
  }
  return names;
}

std::vector<std::string> reference::outputNames(func::FuncOp function) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    auto name = function.getResultAttrOfType<StringAttr>(i, "onnx.name");
    names.push_back(name ? name.str() : "output_" + std::to_string(i));
  }
  return names;
}

namespace {
/// The sizes of all values of one run, for the tolerance analysis.
struct ObservedSizes {
  llvm::DenseMap<Value, llvm::SmallVector<int64_t>> shapes;

  void note(Value value, const Tensor &tensor) {
    shapes[value].assign(tensor.getShape().begin(), tensor.getShape().end());
  }
  std::optional<int64_t> sizeOf(Value value, unsigned dimension) const {
    auto it = shapes.find(value);
    if (it == shapes.end() || dimension >= it->second.size())
      return std::nullopt;
    return it->second[dimension];
  }
};

/// The data of a choosing op in one run, kept until the tolerance of its
/// operand is known.
struct Choice {
  Operation *op;
  Tensor data;
  /// Of trine.moe.route, where it has one.
  std::optional<Tensor> bias;
  Tensor chosen;
};

struct Run {
  std::vector<Tensor> results;
  ObservedSizes sizes;
  std::vector<Choice> choices;
};
} // namespace

/// With a table trine.moe.route looks its choice up.
static bool isChoice(Operation *op) {
  if (auto route = dyn_cast<MoERouteOp>(op))
    return !route.getTable();
  return isa<onnx::TopKOp, onnx::ArgMaxOp, onnx::ArgMinOp>(op);
}

/// Which result of a choosing op holds the indices.
static unsigned indexResult(Operation *op) {
  return isa<onnx::TopKOp>(op) ? 1 : 0;
}

static FailureOr<Run> runWith(func::FuncOp function,
                              llvm::ArrayRef<Tensor> inputs,
                              InterpreterOptions options) {
  Run run;
  for (auto [argument, tensor] : llvm::zip(function.getArguments(), inputs))
    run.sizes.note(argument, tensor);
  auto outer = options.observer;
  options.observer = [&](Operation *op, llvm::ArrayRef<const Tensor *> operands,
                         llvm::MutableArrayRef<Tensor> results) {
    if (outer)
      outer(op, operands, results);
    for (auto [value, tensor] : llvm::zip(op->getResults(), results))
      run.sizes.note(value, tensor);
    // Choices in loops happen many times; forcing one op there would force all
    // of them.
    if (!isChoice(op) || !isa<func::FuncOp>(op->getParentOp()) ||
        !isFloat(operands[0]->getElementType()))
      return;
    Choice choice = {op, *operands[0], std::nullopt, results[indexResult(op)]};
    if (auto route = dyn_cast<MoERouteOp>(op))
      if (route.getBias())
        choice.bias = *operands[1];
    run.choices.push_back(std::move(choice));
  };
  FailureOr<std::vector<Tensor>> results = interpret(function, inputs, options);
  if (failed(results))
    return failure();
  run.results = std::move(*results);
  return run;
}

/// Finds the margin between the last chosen and the best left out.
static void findMargin(llvm::ArrayRef<double> values,
                       llvm::ArrayRef<int64_t> chosen, double relativeBound,
                       NearTie &tie, int64_t &last, int64_t &next) {
  double lowest = std::numeric_limits<double>::infinity(), best = -lowest,
         scale = 0;
  last = next = -1;
  for (int64_t index : chosen)
    if (values[index] <= lowest) {
      lowest = values[index];
      last = index;
    }
  for (auto [index, value] : llvm::enumerate(values)) {
    if (std::isfinite(value))
      scale = std::max(scale, std::fabs(value));
    if (value > best && !llvm::is_contained(chosen, index)) {
      best = value;
      next = index;
    }
  }
  tie.margin = std::fabs(lowest - best);
  tie.bound = relativeBound * scale;
}

/// The same for trine.moe.route: another expert of the kept groups, or another
/// group.
static void findNearRoutes(const Choice &choice, double relativeBound,
                           std::vector<NearTie> &nearTies) {
  auto op = cast<MoERouteOp>(choice.op);
  int64_t k = op.getK();
  for (int64_t token = 0; token < choice.data.getDim(0); ++token) {
    std::vector<double> scores = rankingScores(
        op, choice.data, choice.bias ? &*choice.bias : nullptr, token);
    std::vector<double> ranks = groupRanks(op, choice.data, scores);
    std::vector<int64_t> kept = largestOf(ranks, op.getKeptGroups()), chosen;
    for (int64_t j = 0; j < k; ++j)
      chosen.push_back(choice.chosen.integer(token * k + j));
    int64_t last = 0, next = 0;
    NearTie expert;
    expert.op = op;
    expert.row = token;
    NearTie group = expert;
    std::vector<double> masked = scores;
    maskGroups(op, kept, masked);
    findMargin(masked, chosen, relativeBound, expert, last, next);
    if (next >= 0 && expert.margin < expert.bound) {
      expert.turns.push_back(
          {token * k + (llvm::find(chosen, last) - chosen.begin()), next});
      nearTies.push_back(expert);
    }
    findMargin(ranks, kept, relativeBound, group, last, next);
    if (next < 0 || group.margin >= group.bound)
      continue;
    *llvm::find(kept, last) = next;
    maskGroups(op, kept, scores);
    // Experts that both choices have keep their places.
    std::vector<int64_t> other = largestOf(scores, k);
    llvm::erase_if(other,
                   [&](int64_t e) { return llvm::is_contained(chosen, e); });
    std::vector<int64_t> best = largestOf(scores, k);
    for (auto [j, e] : llvm::enumerate(chosen))
      if (!llvm::is_contained(best, e)) {
        group.turns.push_back({token * k + int64_t(j), other.front()});
        other.erase(other.begin());
      }
    if (!group.turns.empty())
      nearTies.push_back(group);
  }
}

/// The choices of one op whose margin rounding may overcome.
static void findNearTies(const Choice &choice, double relativeBound,
                         std::vector<NearTie> &nearTies) {
  if (isa<MoERouteOp>(choice.op))
    return findNearRoutes(choice, relativeBound, nearTies);
  int64_t axis = 0, rank = choice.data.getRank(), keep = 1;
  bool largest = true;
  if (auto topK = dyn_cast<onnx::TopKOp>(choice.op)) {
    axis = topK.getAxis();
    largest = topK.getLargest();
  } else if (auto argMax = dyn_cast<onnx::ArgMaxOp>(choice.op)) {
    axis = argMax.getAxis();
  } else if (auto argMin = dyn_cast<onnx::ArgMinOp>(choice.op)) {
    axis = argMin.getAxis();
    largest = false;
  }
  axis = axis < 0 ? axis + rank : axis;
  if (axis < 0 || axis >= rank)
    return;
  int64_t size = choice.data.getDim(axis);
  if (isa<onnx::TopKOp>(choice.op))
    keep = choice.chosen.getDim(axis);
  if (keep == 0 || keep >= size)
    return;
  int64_t inner = productOf(choice.data.getShape(), axis + 1, rank),
          outer = productOf(choice.data.getShape(), 0, axis);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      std::vector<double> values;
      std::vector<int64_t> chosen;
      for (int64_t k = 0; k < size; ++k)
        values.push_back((largest ? 1.0 : -1.0) *
                         choice.data.real((o * size + k) * inner + i));
      for (int64_t k = 0; k < keep; ++k)
        chosen.push_back(choice.chosen.integer((o * keep + k) * inner + i));
      NearTie tie;
      tie.op = choice.op;
      tie.row = o * inner + i;
      int64_t last = 0, next = 0;
      findMargin(values, chosen, relativeBound, tie, last, next);
      if (next < 0)
        continue;
      int64_t place = llvm::find(chosen, last) - chosen.begin();
      tie.turns.push_back({(o * keep + place) * inner + i, next});
      if (tie.margin < tie.bound)
        nearTies.push_back(tie);
    }
}

namespace {
/// The search for a set of choices under which two programs agree.
class ChoiceSearch {
public:
  ChoiceSearch(func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
               llvm::ArrayRef<Tensor> actual, bool interpreterIsExpected,
               const VerificationOptions &options)
      : function(function), inputs(inputs), actual(actual),
        interpreterIsExpected(interpreterIsExpected), options(options),
        names(outputNames(function)), runsLeft(options.maximumRuns) {}

  FailureOr<Verification> run() {
    FailureOr<Verification> first =
        judge(options.interpreter.forcedChoices, {});
    if (failed(first) || first->passed())
      return first;
    FailureOr<Verification> turned = search(*first);
    if (failed(turned))
      return failure();
    if (!turned->passed())
      return first;
    turned->nearTies = first->nearTies;
    return turned;
  }

private:
  using Forced = llvm::DenseMap<Operation *, Tensor>;

  FailureOr<Verification> judge(const Forced &forced,
                                std::vector<NearTie> turned) {
    --runsLeft;
    InterpreterOptions interpreter = options.interpreter;
    interpreter.forcedChoices = forced;
    FailureOr<Run> run = runWith(function, inputs, interpreter);
    if (failed(run))
      return failure();
    if (run->results.size() != actual.size())
      return function.emitOpError()
             << "gives " << run->results.size() << " results, got "
             << actual.size() << " to compare with";
    ToleranceOptions toleranceOptions;
    toleranceOptions.sizeOf = [&](Value value, unsigned dimension) {
      return run->sizes.sizeOf(value, dimension);
    };
    ToleranceAnalysis analysis(function, toleranceOptions);
    Verification verification;
    verification.forced = std::move(turned);
    Operation *terminator = function.getBody().front().getTerminator();
    for (size_t i = 0; i < actual.size(); ++i) {
      const Tensor &expected =
          interpreterIsExpected ? run->results[i] : actual[i];
      const Tensor &judged =
          interpreterIsExpected ? actual[i] : run->results[i];
      verification.comparisons.push_back(
          compareTensors(names[i], expected, judged,
                         analysis.toleranceOf(terminator->getOperand(i))));
    }
    choices.clear();
    for (const Choice &choice : run->choices) {
      findNearTies(choice, analysis.toleranceOfChoice(choice.op).relative,
                   verification.nearTies);
      choices[choice.op] = choice.chosen;
    }
    return verification;
  }

  /// Turns near choices one by one, the nearest first, and keeps a turn that
  /// lowers the error by a tenth or more: a wrong choice makes an error far
  /// above that of rounding. Stops when all agrees, when no turn helps, or when
  /// the runs are used up.
  FailureOr<Verification> search(Verification current) {
    Forced forced = options.interpreter.forcedChoices;
    for (bool helped = true; helped && !current.passed();) {
      helped = false;
      std::vector<NearTie> ties = current.nearTies;
      llvm::sort(ties, [](const NearTie &a, const NearTie &b) {
        return a.margin * b.bound < b.margin * a.bound;
      });
      // What was chosen in the run that `current` describes: the runs below
      // overwrite it.
      llvm::DenseMap<Operation *, Tensor> chosen = choices;
      for (const NearTie &tie : ties) {
        if (runsLeft <= 0)
          return current;
        if (llvm::any_of(current.forced, [&](const NearTie &t) {
              return t.op == tie.op && t.row == tie.row;
            }))
          continue;
        Forced more = forced;
        Tensor indices = chosen.lookup(tie.op);
        for (const NearTie::Turn &turn : tie.turns)
          indices.setInteger(turn.position, turn.alternative);
        more[tie.op] = indices;
        std::vector<NearTie> history = current.forced;
        history.push_back(tie);
        FailureOr<Verification> next = judge(more, history);
        if (failed(next) || next->passed())
          return next;
        if (badness(*next) < 0.9 * badness(current)) {
          current = *next;
          forced = more;
          helped = true;
          break;
        }
      }
    }
    return current;
  }

  /// The squared error over all outputs, in units of their tolerance.
  static double badness(const Verification &verification) {
    double sum = 0;
    for (const Comparison &c : verification.comparisons) {
      double allowed =
          c.tolerance.rootMeanSquare(countElements(c.shape).value_or(1)) *
          c.rootMeanSquareExpected;
      if (isFloat(c.type))
        sum += allowed > 0 ? std::pow(c.rootMeanSquareError / allowed, 2) : 0;
      else if (!c.shape.empty())
        sum += 100.0 * c.mismatches /
               std::max<int64_t>(1, countElements(c.shape).value_or(1));
    }
    return sum;
  }

  func::FuncOp function;
  llvm::ArrayRef<Tensor> inputs, actual;
  bool interpreterIsExpected;
  const VerificationOptions &options;
  std::vector<std::string> names;
  int64_t runsLeft;
  llvm::DenseMap<Operation *, Tensor> choices;
};
} // namespace

FailureOr<Verification> reference::verify(func::FuncOp function,
                                          llvm::ArrayRef<Tensor> inputs,
                                          llvm::ArrayRef<Tensor> actual,
                                          bool interpreterIsExpected,
                                          const VerificationOptions &options) {
  return ChoiceSearch(function, inputs, actual, interpreterIsExpected, options)
      .run();
}

FailureOr<std::vector<Tolerance>>
reference::deriveTolerancesFor(func::FuncOp function,
                               llvm::ArrayRef<Tensor> inputs,
                               const InterpreterOptions &options) {
  FailureOr<Run> run = runWith(function, inputs, options);
  if (failed(run))
    return failure();
  ToleranceOptions toleranceOptions;
  toleranceOptions.sizeOf = [&](Value value, unsigned dimension) {
    return run->sizes.sizeOf(value, dimension);
  };
  return deriveTolerances(function, toleranceOptions);
}

std::vector<Value> reference::intermediateValues(func::FuncOp function) {
  std::vector<Value> values;
  for (Operation &op : function.getBody().front())
    if (op.getNumOperands() > 0 && !op.hasTrait<OpTrait::IsTerminator>())
      for (Value result : op.getResults())
        if (isa<RankedTensorType>(result.getType()) &&
            elementTypeOf(result.getType()))
          values.push_back(result);
  return values;
}

void reference::exposeIntermediates(func::FuncOp function) {
  Operation *terminator = function.getBody().front().getTerminator();
  Builder builder(function.getContext());
  llvm::SmallVector<Value> returned(terminator->getOperands());
  llvm::SmallVector<Type> types(function.getResultTypes());
  llvm::SmallVector<DictionaryAttr> attributes;
  function.getAllResultAttrs(attributes);
  attributes.resize(types.size(), builder.getDictionaryAttr({}));
  for (DictionaryAttr &dictionary : attributes)
    dictionary = dictionary ? dictionary : builder.getDictionaryAttr({});
  for (auto [i, value] : llvm::enumerate(intermediateValues(function))) {
    std::string name =
        "layer " + std::to_string(i) + ": " + nodeName(value.getDefiningOp());
    returned.push_back(value);
    types.push_back(value.getType());
    attributes.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr("onnx.name", builder.getStringAttr(name))));
  }
  // The old attributes do not fit the new type, so they go first.
  function.removeResAttrsAttr();
  terminator->setOperands(returned);
  function.setFunctionType(
      builder.getFunctionType(function.getArgumentTypes(), types));
  function.setAllResultAttrs(attributes);
}

/// The near choices of one op in which the program's indices differ from the
/// interpreter's; nothing when they differ elsewhere too.
static std::vector<NearTie> differingNearTies(const Choice &choice,
                                              const Tensor &actual,
                                              double relativeBound) {
  std::vector<NearTie> nearTies, differing;
  findNearTies(choice, relativeBound, nearTies);
  Tensor turned = choice.chosen;
  for (const NearTie &tie : nearTies)
    if (actual.getNumElements() == turned.getNumElements() &&
        llvm::all_of(tie.turns, [&](const NearTie::Turn &turn) {
          return actual.integer(turn.position) == turn.alternative;
        })) {
      for (const NearTie::Turn &turn : tie.turns)
        turned.setInteger(turn.position, turn.alternative);
      differing.push_back(tie);
    }
  return differing;
}

FailureOr<LayerVerification>
reference::verifyLayers(func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
                        llvm::ArrayRef<Tensor> actual,
                        const VerificationOptions &options) {
  std::vector<Value> values = intermediateValues(function);
  if (actual.size() != values.size() + function.getNumResults())
    return function.emitOpError()
           << "has " << values.size()
           << " intermediate values, but the program gives "
           << actual.size() - function.getNumResults();
  actual = actual.drop_front(function.getNumResults());
  llvm::DenseMap<Value, Tensor> expected;
  InterpreterOptions interpreter = options.interpreter;
  auto outer = interpreter.observer;
  interpreter.observer = [&](Operation *op,
                             llvm::ArrayRef<const Tensor *> operands,
                             llvm::MutableArrayRef<Tensor> results) {
    if (outer)
      outer(op, operands, results);
    for (auto [value, tensor] : llvm::zip(op->getResults(), results))
      expected[value] = tensor;
  };
  LayerVerification verification;
  for (int64_t run = 0;; ++run) {
    verification.differing.clear();
    verification.compared = 0;
    verification.largestRatio = 0;
    FailureOr<Run> ran = runWith(function, inputs, interpreter);
    if (failed(ran))
      return failure();
    ToleranceOptions toleranceOptions;
    toleranceOptions.sizeOf = [&](Value value, unsigned dimension) {
      return ran->sizes.sizeOf(value, dimension);
    };
    ToleranceAnalysis analysis(function, toleranceOptions);
    for (size_t i = 0; i < values.size() && verification.differing.size() < 8;
         ++i) {
      ++verification.compared;
      Operation *op = values[i].getDefiningOp();
      Comparison comparison =
          compareTensors(nodeName(op), expected.lookup(values[i]), actual[i],
                         analysis.toleranceOf(values[i]));
      verification.largestRatio =
          std::max(verification.largestRatio, comparison.ratio);
      if (!comparison.passed())
        verification.differing.emplace_back(op, comparison);
    }
    if (verification.differing.empty() || run >= options.maximumRuns)
      return verification;
    // Only a choosing op that differs first, and in near choices alone, is no
    // fault of the program.
    Operation *first = verification.differing.front().first;
    auto choice = llvm::find_if(ran->choices,
                                [&](const Choice &c) { return c.op == first; });
    if (choice == ran->choices.end() ||
        interpreter.forcedChoices.contains(first))
      return verification;
    Value indices = first->getResult(indexResult(first));
    const Tensor &chosen = actual[llvm::find(values, indices) - values.begin()];
    std::vector<NearTie> ties = differingNearTies(
        *choice, chosen, analysis.toleranceOfChoice(first).relative);
    if (ties.empty())
      return verification;
    interpreter.forcedChoices[first] = chosen;
    llvm::append_range(verification.forced, ties);
  }
}

static void printNearTie(llvm::raw_ostream &stream, const NearTie &tie) {
  stream << "  " << nodeName(tie.op) << ", choice " << tie.row << ": margin "
         << llvm::format("%.3g", tie.margin) << " is below the error bound "
         << llvm::format("%.3g", tie.bound) << "\n";
}

void reference::printVerification(llvm::raw_ostream &stream,
                                  const Verification &verification) {
  printComparisons(stream, verification.comparisons);
  if (!verification.nearTies.empty()) {
    stream << "choices that rounding may turn:\n";
    for (size_t i = 0; i < verification.nearTies.size() && i < 8; ++i)
      printNearTie(stream, verification.nearTies[i]);
    if (verification.nearTies.size() > 8)
      stream << "  and " << verification.nearTies.size() - 8 << " more\n";
  }
  if (!verification.forced.empty()) {
    stream << "compared with these choices turned:\n";
    for (const NearTie &tie : verification.forced)
      printNearTie(stream, tie);
  }
}

void reference::printLayers(llvm::raw_ostream &stream,
                            const LayerVerification &verification) {
  for (const NearTie &tie : verification.forced) {
    stream << "taken over from the program:";
    printNearTie(stream, tie);
  }
  if (verification.differing.empty()) {
    stream << "all " << verification.compared
           << " values agree, node by node\n";
    return;
  }
  stream << "first differs at node '"
         << nodeName(verification.differing.front().first) << "' ("
         << verification.differing.front().first->getName() << "):\n";
  std::vector<Comparison> comparisons;
  for (const auto &entry : verification.differing)
    comparisons.push_back(entry.second);
  printComparisons(stream, comparisons);
}
