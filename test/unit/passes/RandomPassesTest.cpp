// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every pass that keeps a program at a level, alone and in random order, on
// random programs of the onnx and of the trine level: the verifier accepts what
// comes out, and the interpreter gives the same results. TRINE_RANDOM_PROGRAMS
// says how many programs of each level, TRINE_RANDOM_SEED where they begin.
#include "TrineProgramGenerator.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "trine/Passes/Plan.h"
#include "trine/Pipelines/Registration.h"
#include "trine/Reference/ComputedWeights.h"
#include "trine/Reference/Interpreter.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstdlib>
#include <fstream>

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
const char *const trinePasses[] = {
    "canonicalize", "cse", "trine-fold-weight-views",
    // Experts are scheduled before they are decomposed.
    "trine-schedule-expert-groups,trine-decompose-composites",
    ("trine-schedule-expert-groups,trine-decompose-composites{"
     "attention-kernels=true}"),
    "trine-fuse-elementwise",
    "trine-fuse-elementwise{maximum-operands=3 maximum-body=4}",
    "trine-fuse-latent-decompression",
    "trine-fuse-latent-decompression{form=absorbed}",
    "trine-fuse-latent-decompression{form=decompressed}",
    "trine-fuse-latent-decompression{form=by-shape}",
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

  /// A program of the onnx level, and passes that keep it there or take it to
  /// the trine level.
  void checkONNX(uint64_t seed) {
    std::mt19937_64 random(seed);
    test::Program program = test::ProgramGenerator(random()).generate();
    std::string pipeline = choose(onnxPasses, random, random() % 3 == 0);
    if (random() % 2) {
      std::string rest = choose(trinePasses, random, random() % 3 == 0);
      // What the conversion needs stands before it.
      pipeline += std::string(pipeline.empty() ? "" : ",") +
                  "trine-decompose-onnx,trine-convert-onnx-to-linalg" +
                  (rest.empty() ? "" : "," + rest);
    }
    check(seed, program, pipeline, random);
  }

  /// A program of the trine level.
  void checkTrine(uint64_t seed) {
    std::mt19937_64 random(seed);
    test::Program program = test::TrineProgramGenerator(random()).generate();
    check(seed, program, choose(trinePasses, random, random() % 3 == 0),
          random);
  }

  static Tensor makeInput(const test::ProgramInput &input,
                          std::mt19937_64 &random) {
    int64_t count = 1;
    for (int64_t size : input.shape)
      count *= size;
    std::vector<double> numbers;
    for (int64_t i = 0; i < count; ++i) {
      double real = double(random() % 20001) / 10000 - 1;
      switch (input.kind) {
      case test::ProgramInput::Integers:
        numbers.push_back(double(random() % 9) - 4);
        break;
      case test::ProgramInput::Reals:
        numbers.push_back(real);
        break;
      case test::ProgramInput::Mask:
        numbers.push_back(random() % 3 ? real : -HUGE_VAL);
        break;
      case test::ProgramInput::Indices:
        numbers.push_back(double(random() % uint64_t(input.limit)));
      }
    }
    return Tensor::fromReals(input.kind == test::ProgramInput::Indices
                                 ? reference::ElementType::I64
                                 : reference::ElementType::F32,
                             input.shape, numbers);
  }

  void check(uint64_t seed, const test::Program &program,
             const std::string &pipeline, std::mt19937_64 &random) {
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
    for (const test::ProgramInput &input : program.inputs)
      inputs.push_back(makeInput(input, random));
    // Two steps of a session, where there is state.
    auto interpret = [&]() -> FailureOr<std::vector<Tensor>> {
      reference::Session session;
      session.slots = program.slots;
      reference::InterpreterOptions options;
      options.weightFolder = weightFolder.str().str();
      options.session = &session;
      std::vector<Tensor> all;
      bool hasState = program.text.find("trine.state") != std::string::npos;
      for (unsigned step = 0; step < (hasState ? 2u : 1u); ++step) {
        FailureOr<std::vector<Tensor>> results = reference::interpret(
            module->lookupSymbol<func::FuncOp>("main"), inputs, options);
        if (failed(results))
          return failure();
        all.insert(all.end(), results->begin(), results->end());
      }
      return all;
    };
    FailureOr<std::vector<Tensor>> expected = interpret();
    ASSERT_TRUE(succeeded(expected)) << errors;
    if (pipeline.empty())
      return;
    PassManager manager(context.get());
    ASSERT_TRUE(succeeded(parsePassPipeline("func.func(" + pipeline + ")",
                                            manager, llvm::errs())));
    // What depends on weights alone becomes programs of its own, and these are
    // interpreted as well.
    if (random() % 2)
      manager.addPass(createTrineOutlineConstantWork());
    ASSERT_TRUE(succeeded(manager.run(*module))) << errors;
    ASSERT_TRUE(succeeded(reference::inlineComputedWeights(*module))) << errors;
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
      if (a == b || (std::isnan(a) && std::isnan(b)))
        continue;
      // Forms of the same function round a few times each, and programs have at
      // most 16 ops that grow what they are given by at most 16.
      bool isInteger = !reference::isFloat(expected.getElementType());
      double bound =
          isExact || isInteger ? 0 : 1e-3 * std::max(1.0, std::fabs(b));
      ASSERT_LE(std::fabs(a - b), bound) << "element " << i;
    }
  }

  template <typename Check>
  void checkAll(Check check) {
    uint64_t count = getNumber("TRINE_RANDOM_PROGRAMS", 300),
             first = getNumber("TRINE_RANDOM_SEED", 1);
    for (uint64_t i = 0; i < count; ++i) {
      if (i % 200 == 0) // contexts keep what they ever saw
        context = std::make_unique<MLIRContext>(
            registry, MLIRContext::Threading::DISABLED);
      check(first + i);
      if (HasFatalFailure())
        return;
    }
  }

  void SetUp() override {
    ASSERT_FALSE(
        llvm::sys::fs::createUniqueDirectory("trine-random", weightFolder));
    std::mt19937_64 random(7);
    std::ofstream file((weightFolder + "/" + test::weightFile).str(),
                       std::ios::binary);
    for (int64_t i = 0; i < test::weightCount; ++i) {
      float number = (float(random() % 17) - 8) / 16;
      file.write(reinterpret_cast<const char *>(&number), sizeof(number));
    }
    ASSERT_TRUE(file.good());
  }
  void TearDown() override { llvm::sys::fs::remove_directories(weightFolder); }

  llvm::SmallString<128> weightFolder;
  DialectRegistry registry;
  std::unique_ptr<MLIRContext> context;
};

TEST_F(RandomPassesTest, ResultsStay) {
  checkAll([&](uint64_t seed) { checkONNX(seed); });
}

TEST_F(RandomPassesTest, ResultsOfTheTrineLevelStay) {
  checkAll([&](uint64_t seed) { checkTrine(seed); });
}

} // namespace
