// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every pass that keeps a program at a level, alone and in random order, on
// random programs: the verifier accepts what comes out, and the interpreter
// gives the same results. TRINE_RANDOM_PROGRAMS says how many programs,
// TRINE_RANDOM_SEED where they begin.
#include "ProgramGenerator.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "trine/Pipelines/Registration.h"
#include "trine/Reference/Interpreter.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstdlib>

using namespace mlir;
using namespace mlir::trine;
using reference::Tensor;

namespace {

const char *const onnxPasses[] = {"canonicalize",
                                  "cse",
                                  "trine-infer-onnx-shapes",
                                  "trine-decompose-onnx",
                                  "trine-fold-weight-views",
                                  "trine-normalize-onnx",
                                  "trine-raise-rms-norm",
                                  "trine-raise-rope",
                                  "trine-raise-attention",
                                  "trine-raise-mla",
                                  "trine-raise-router",
                                  "trine-raise-experts",
                                  "trine-raise-gated-mlp",
                                  "trine-raise-engram-hash",
                                  "trine-raise-engram-lookup",
                                  "trine-raise-engram-gate",
                                  "trine-raise-engram-conv",
                                  "trine-raise-hyper-connections",
                                  "trine-raise-state"};
const char *const trinePasses[] = {"canonicalize",
                                   "cse",
                                   "trine-fold-weight-views",
                                   "trine-decompose-composites",
                                   "trine-fuse-elementwise",
                                   "trine-fuse-latent-decompression",
                                   "trine-schedule-expert-groups"};

uint64_t getNumber(const char *name, uint64_t otherwise) {
  const char *text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

class RandomPassesTest : public testing::Test {
protected:
  RandomPassesTest() {
    static bool registered = [] {
      registerAllPasses();
      return true;
    }();
    (void)registered;
    registerAllDialects(registry);
  }

  /// A list of passes for one level, or one alone.
  template <size_t count>
  std::string choose(const char *const (&passes)[count],
                     std::mt19937_64 &random, bool alone) {
    std::string list;
    for (unsigned i = 0, n = alone ? 1 : random() % 7; i < n; ++i)
      list += std::string(list.empty() ? "" : ",") + passes[random() % count];
    return list;
  }

  void check(uint64_t seed) {
    std::mt19937_64 random(seed);
    test::Program program = test::ProgramGenerator(random()).generate();
    std::string onnx = choose(onnxPasses, random, random() % 3 == 0);
    std::string pipeline = onnx;
    if (random() % 2) {
      std::string rest = choose(trinePasses, random, random() % 3 == 0);
      // What the conversion needs stands before it.
      pipeline += std::string(onnx.empty() ? "" : ",") +
                  "trine-decompose-onnx,trine-convert-onnx-to-linalg" +
                  (rest.empty() ? "" : "," + rest);
    }
    SCOPED_TRACE("seed " + std::to_string(seed) + ", passes " + pipeline +
                 ", program\n" + program.text);
    std::string errors;
    ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        errors += diagnostic.str() + "\n";
      return success();
    });
    auto module = parseSourceString<ModuleOp>(program.text, context.get());
    ASSERT_TRUE(bool(module)) << errors;
    std::vector<Tensor> inputs;
    for (unsigned i = 0; i < program.inputs; ++i) {
      std::vector<double> numbers;
      for (int64_t j = 0; j < program.batch * 4; ++j)
        numbers.push_back(double(random() % 9) - 4);
      inputs.push_back(Tensor::fromReals(reference::ElementType::F32,
                                         {program.batch, 4}, numbers));
    }
    auto interpret = [&] {
      return reference::interpret(module->lookupSymbol<func::FuncOp>("main"),
                                  inputs);
    };
    FailureOr<std::vector<Tensor>> expected = interpret();
    ASSERT_TRUE(succeeded(expected)) << errors;
    if (pipeline.empty())
      return;
    PassManager manager(context.get());
    ASSERT_TRUE(succeeded(parsePassPipeline("func.func(" + pipeline + ")",
                                            manager, llvm::errs())));
    ASSERT_TRUE(succeeded(manager.run(*module))) << errors;
    FailureOr<std::vector<Tensor>> results = interpret();
    ASSERT_TRUE(succeeded(results)) << errors;
    ASSERT_EQ(results->size(), expected->size());
    for (size_t i = 0; i < results->size(); ++i)
      compare((*results)[i], (*expected)[i], program.isExact);
  }

  void compare(const Tensor &result, const Tensor &expected, bool isExact) {
    ASSERT_EQ(result.getShape(), expected.getShape());
    for (int64_t i = 0; i < result.getNumElements(); ++i) {
      double a = result.real(i), b = expected.real(i);
      // Forms of the same function round a few times each, and programs have at
      // most 16 ops that grow what they are given by at most 16.
      double bound = isExact ? 0 : 1e-3 * std::max(1.0, std::fabs(b));
      ASSERT_LE(std::fabs(a - b), bound) << "element " << i;
    }
  }

  DialectRegistry registry;
  std::unique_ptr<MLIRContext> context;
};

TEST_F(RandomPassesTest, ResultsStay) {
  uint64_t count = getNumber("TRINE_RANDOM_PROGRAMS", 300),
           first = getNumber("TRINE_RANDOM_SEED", 1);
  for (uint64_t i = 0; i < count; ++i) {
    if (i % 200 == 0) // contexts keep what they ever saw
      context = std::make_unique<MLIRContext>(registry,
                                              MLIRContext::Threading::DISABLED);
    check(first + i);
    if (HasFatalFailure())
      return;
  }
}

} // namespace
