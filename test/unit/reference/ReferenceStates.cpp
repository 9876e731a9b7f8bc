// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// ReferenceStates PLAIN STATE WEIGHTS: one model as IR of the trine level,
/// without and with state, and the folder of its weights. The interpreter runs
/// both: steps on a session must give what the first gives when present is
/// handed to past, and sequences of different lengths, put into one session,
/// what each gives alone. Text tests run it on raised models.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Reference/Interpreter.h"
#include "llvm/Support/SourceMgr.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

[[noreturn]] static void stop(const llvm::Twine &text) {
  llvm::errs() << "error: " << text << "\n";
  exit(1);
}

namespace {
/// One function, and the names of its arguments and results.
struct Program {
  Program(MLIRContext &context, const char *path, std::string weights)
      : module(parseSourceFile<ModuleOp>(path, &context)) {
    options.weightFolder = std::move(weights);
    if (module)
      main = module->lookupSymbol<func::FuncOp>("main");
    if (!main)
      stop(llvm::Twine(path) + " has no function 'main'");
  }
  std::string nameOf(bool result, unsigned i) {
    auto name = result ? main.getResultAttrOfType<StringAttr>(i, "onnx.name")
                       : main.getArgAttrOfType<StringAttr>(i, "onnx.name");
    return name ? name.str() : "";
  }
  /// Results by name. The first one is the logits.
  std::map<std::string, Tensor>
  run(const std::map<std::string, Tensor> &inputs) {
    std::vector<Tensor> arguments;
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      arguments.push_back(inputs.at(nameOf(false, i)));
    FailureOr<std::vector<Tensor>> results =
        interpret(main, arguments, options);
    if (failed(results))
      stop("a step failed");
    std::map<std::string, Tensor> named;
    for (unsigned i = 0; i < results->size(); ++i)
      named[nameOf(true, i)] = (*results)[i];
    return named;
  }

  OwningOpRef<ModuleOp> module;
  func::FuncOp main;
  InterpreterOptions options;
};

using Ids = std::vector<int64_t>;

class Test {
public:
  Test(MLIRContext &context, char **arguments)
      : plain(context, arguments[1], arguments[3]),
        state(context, arguments[2], arguments[3]) {
    state.main.walk([&](StateOpenOp open) { opens.push_back(open); });
    if (opens.empty())
      stop("the second function opens no state");
    for (unsigned i = 0; i < state.main.getNumArguments(); ++i)
      if (state.nameOf(false, i) != "input_ids" &&
          state.nameOf(false, i) != "position_ids")
        stop("unknown input " + state.nameOf(false, i));
  }

  void run();

private:
  std::map<std::string, Tensor> inputsOf(const Ids &ids, const Ids &lengths) {
    int64_t batch = lengths.size(), size = ids.size() / batch;
    Ids positions;
    for (int64_t length : lengths)
      for (int64_t i = 0; i < size; ++i)
        positions.push_back(length + i);
    auto make = [&](const Ids &values) {
      return Tensor::fromIntegers(ElementType::I64, {batch, size}, values);
    };
    return {{"input_ids", make(ids)}, {"position_ids", make(positions)}};
  }
  Tensor stepOn(Session &session, const Ids &ids, const Ids &lengths) {
    state.options.session = &session;
    return state.run(inputsOf(ids, lengths)).at("logits");
  }
  Tensor stepPlain(std::map<std::string, Tensor> &past, const Ids &ids,
                   int64_t length);
  Session merge(llvm::ArrayRef<Session *> parts);
  void compare(const Tensor &a, int64_t row, int64_t rows, const Tensor &b,
               const char *what);
  Ids draw(size_t count) {
    Ids ids;
    for (size_t i = 0; i < count; ++i)
      ids.push_back(random() % 150);
    return ids;
  }

  Program plain, state;
  llvm::SmallVector<StateOpenOp> opens;
  std::mt19937_64 random{7};
  std::map<std::string, double> worst;
};
} // namespace

Tensor Test::stepPlain(std::map<std::string, Tensor> &past, const Ids &ids,
                       int64_t length) {
  std::map<std::string, Tensor> inputs = inputsOf(ids, {length});
  for (StateOpenOp open : opens) {
    std::string name = open.getName().str();
    if (!past.count(name)) {
      auto type = cast<StateType>(open.getResult().getType());
      llvm::SmallVector<int64_t> shape(type.getTensor().getShape());
      shape[0] = 1;
      if (type.getAxis() > 0)
        shape[type.getAxis()] = 0;
      past[name] = *Tensor::create(*elementTypeOf(type.getTensor()), shape);
    }
    inputs[name] = past[name];
  }
  std::map<std::string, Tensor> results = plain.run(inputs);
  for (StateOpenOp open : opens)
    past[open.getName().str()] =
        results.at(open->getAttrOfType<StringAttr>("onnx.present").str());
  return results.at("logits");
}

/// One session with the slots of others.
Session Test::merge(llvm::ArrayRef<Session *> parts) {
  Session all;
  all.slots = parts.size();
  for (StateOpenOp open : opens) {
    std::string name = open.getName().str();
    int64_t axis = cast<StateType>(open.getResult().getType()).getAxis();
    StateValue joined;
    int64_t most = 0;
    for (Session *part : parts) {
      joined.lengths.push_back(part->states[name].lengths[0]);
      most = std::max(most, joined.lengths.back());
    }
    const Tensor &first = parts[0]->states[name].values;
    llvm::SmallVector<int64_t> shape(first.getShape());
    shape[0] = all.slots;
    int64_t outer = 1, inner = 1;
    for (size_t i = 1; i < shape.size(); ++i)
      if (axis > 0 && static_cast<int64_t>(i) < axis)
        outer *= shape[i];
      else if (static_cast<int64_t>(i) != axis)
        inner *= shape[i];
    if (axis > 0)
      shape[axis] = most;
    joined.values = *Tensor::create(first.getElementType(), shape);
    for (int64_t slot = 0; slot < all.slots; ++slot) {
      const Tensor &from = parts[slot]->states[name].values;
      int64_t rows = axis > 0 ? from.getDim(axis) : 1,
              stride = axis > 0 ? most : 1;
      for (int64_t o = 0; o < outer; ++o)
        for (int64_t i = 0; i < rows * inner; ++i)
          joined.values.copyElement((slot * outer + o) * stride * inner + i,
                                    from, o * rows * inner + i);
    }
    all.states[name] = std::move(joined);
  }
  return all;
}

/// Row `row` of `rows` of `a` is all of `b`.
void Test::compare(const Tensor &a, int64_t row, int64_t rows, const Tensor &b,
                   const char *what) {
  int64_t count = a.getNumElements() / rows;
  if (count != b.getNumElements() || count == 0)
    stop("results of different sizes");
  double top = 0, error = 0;
  for (int64_t i = 0; i < count; ++i) {
    double x = a.real(row * count + i), y = b.real(i);
    top = std::max(top, std::fabs(y));
    error = std::isfinite(x) ? std::max(error, std::fabs(x - y)) : INFINITY;
  }
  worst[what] = std::max(worst[what], error / top);
  // Both are exact but for the roundings of results.
  double limit = b.getElementType() == ElementType::F32 ? 1e-5 : 3e-2;
  if (!(error <= limit * top))
    stop(llvm::Twine(what) + " differ by " + std::to_string(error / top));
}

void Test::run() {
  std::vector<Session> alone(2);
  Ids lengths = {0, 0};
  for (unsigned slot : {0, 1}) {
    std::map<std::string, Tensor> past;
    for (size_t count : {slot == 0 ? 2 : 9, 1, 3}) {
      Ids ids = draw(count);
      Tensor logits = stepOn(alone[slot], ids, {lengths[slot]});
      compare(logits, 0, 1, stepPlain(past, ids, lengths[slot]),
              "steps with state and by hand");
      lengths[slot] += count;
    }
  }
  Session both = merge({&alone[0], &alone[1]});
  for (size_t count : {1, 2, 1}) {
    Ids ids = draw(2 * count);
    Tensor logits = stepOn(both, ids, lengths);
    for (unsigned slot : {0, 1}) {
      Ids own(ids.begin() + slot * count, ids.begin() + (slot + 1) * count);
      compare(logits, slot, 2, stepOn(alone[slot], own, {lengths[slot]}),
              "sequences of different lengths together and alone");
      lengths[slot] += count;
    }
  }
  for (auto &[what, error] : worst)
    llvm::outs() << what << ": " << error << "\n";
}

int main(int count, char **arguments) {
  if (count != 4)
    stop("three arguments are expected: PLAIN STATE WEIGHTS");
  MLIRContext context;
  context.loadDialect<arith::ArithDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect, scf::SCFDialect,
                      tensor::TensorDialect, TrineDialect>();
  Test(context, arguments).run();
}
