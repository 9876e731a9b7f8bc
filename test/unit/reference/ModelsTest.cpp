// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The interpreter agrees with the recorded outputs of every model, and every
// mutant of a model is told from it.
#include "mlir/IR/MLIRContext.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Import/ONNX.h"
#include "trine/Reference/TensorFile.h"
#include "trine/Reference/Verification.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// A model with its data, or a failed test.
struct LoadedModel {
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp main;
  std::string folder;
  std::vector<DataSet> sets;

  explicit LoadedModel(llvm::StringRef name)
      : folder(TEST_MODELS "/" + name.str()) {
    FailureOr<OwningOpRef<ModuleOp>> imported =
        importONNXModel(context, folder + "/model.onnx");
    if (failed(imported))
      return;
    module = std::move(*imported);
    main = module->lookupSymbol<func::FuncOp>("main");
    llvm::Expected<std::vector<std::string>> folders = findDataSets(folder);
    if (!folders) {
      llvm::consumeError(folders.takeError());
      return;
    }
    for (const std::string &path : *folders) {
      llvm::Expected<DataSet> set = readDataSet(path);
      if (!set) {
        llvm::consumeError(set.takeError());
        return;
      }
      sets.push_back(std::move(*set));
    }
  }

  FailureOr<Verification>
  run(const DataSet &set, VerificationOptions options = VerificationOptions()) {
    std::vector<Tensor> inputs, outputs;
    for (const NamedTensor &tensor : set.inputs)
      inputs.push_back(tensor.tensor);
    for (const NamedTensor &tensor : set.outputs)
      outputs.push_back(tensor.tensor);
    options.interpreter.weightFolder = folder;
    return verify(main, inputs, outputs, /*interpreterIsExpected=*/false,
                  options);
  }
};

class ModelsTest : public testing::TestWithParam<const char *> {};
class MutantsTest : public testing::TestWithParam<const char *> {};
} // namespace

TEST_P(ModelsTest, AgreesWithTheRecordedOutputs) {
  LoadedModel model(GetParam());
  ASSERT_TRUE(model.main);
  ASSERT_FALSE(model.sets.empty());
  double largest = 0;
  for (const DataSet &set : model.sets) {
    FailureOr<Verification> verification = model.run(set);
    ASSERT_TRUE(succeeded(verification));
    std::string table;
    llvm::raw_string_ostream stream(table);
    printVerification(stream, *verification);
    EXPECT_TRUE(verification->passed()) << set.folder << "\n" << table;
    for (const Comparison &comparison : verification->comparisons)
      largest = std::max(largest, comparison.ratio);
    // Only low precision may need a choice turned.
    if (llvm::StringRef(GetParam()) != "deepseek_v3_bf16")
      EXPECT_TRUE(verification->forced.empty()) << set.folder << "\n" << table;
  }
  // A tolerance far above the error would prove nothing.
  EXPECT_GT(largest, 0.01);
  EXPECT_LE(largest, 1.0);
}

INSTANTIATE_TEST_SUITE_P(
    All, ModelsTest,
    testing::Values("deepseek_v2_batched", "deepseek_v3_batched",
                    "deepseek_v3_bf16", "deepseek_v3_grouped",
                    "deepseek_v3_opset24", "deepseek_v3_ortcpu",
                    "deepseek_v3_prefill", "engram_paper",
                    "engram_paper_contrib", "engram_paper_mhc", "engram_v41",
                    "paper_expanded_cache", "qwen3_moe_grouped"),
    [](const auto &info) { return std::string(info.param); });

/// Runs the model with one op's result changed; says whether the comparison
/// noticed.
static bool noticed(LoadedModel &model, Operation *changed,
                    llvm::function_ref<void(Tensor &)> change) {
  VerificationOptions options;
  options.maximumRuns = 8; // a mutant must not be excused by a choice either
  options.interpreter.observer = [&](Operation *op,
                                     llvm::ArrayRef<const Tensor *>,
                                     llvm::MutableArrayRef<Tensor> results) {
    if (op == changed)
      change(results[0]);
  };
  // The last set but one has several batches, several tokens and a past.
  FailureOr<Verification> verification = model.run(
      model.sets[std::min<size_t>(3, model.sets.size() - 1)], options);
  EXPECT_TRUE(succeeded(verification));
  return succeeded(verification) && !verification->passed();
}

static std::vector<Operation *>
topLevelOps(LoadedModel &model, llvm::function_ref<bool(Operation &)> wanted) {
  std::vector<Operation *> ops;
  for (Operation &op : model.main.getBody().front())
    if (wanted(op))
      ops.push_back(&op);
  return ops;
}

static bool isWeight(Operation &op, int64_t rank) {
  if (!isa<onnx::InitializerOp, onnx::ConstantOp>(op))
    return false;
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  return type && type.getRank() == rank && type.getElementType().isF32() &&
         type.getNumElements() >= 64;
}

/// Every element of one weight off by 1 %, up and down in turn, so that no norm
/// divides it away.
TEST_P(MutantsTest, OneWeightOffByOnePercent) {
  LoadedModel model(GetParam());
  ASSERT_TRUE(model.main);
  std::vector<Operation *> weights = topLevelOps(
      model, [](Operation &op) { return isWeight(op, 2) || isWeight(op, 3); });
  ASSERT_GE(weights.size(), 10u);
  for (Operation *weight : weights)
    EXPECT_TRUE(noticed(model, weight, [](Tensor &tensor) {
      for (int64_t i = 0; i < tensor.getNumElements(); ++i)
        tensor.setReal(i, tensor.real(i) * (i % 2 ? 1.01 : 0.99));
    })) << nodeName(weight);
}

/// Two heads (or, where heads come last, two tokens) of one transposed tensor
/// swapped.
TEST_P(MutantsTest, TwoHeadsSwapped) {
  LoadedModel model(GetParam());
  ASSERT_TRUE(model.main);
  int64_t swapped = 0;
  for (Operation *op : topLevelOps(
           model, [](Operation &op) { return isa<onnx::TransposeOp>(op); })) {
    bool applies = false;
    bool seen = noticed(model, op, [&](Tensor &tensor) {
      applies = tensor.getRank() == 4 && tensor.getDim(1) >= 2 &&
                tensor.getElementType() == ElementType::F32;
      if (!applies)
        return;
      Tensor original = tensor;
      int64_t size = tensor.getDim(2) * tensor.getDim(3);
      for (int64_t i = 0; i < 2 * size; ++i)
        tensor.copyElement(i, original, (i + size) % (2 * size));
      // Equal heads (a shared key, a tensor of zeros) make no mutant.
      applies = tensor.getBytes() != original.getBytes();
    });
    swapped += applies;
    if (applies)
      EXPECT_TRUE(seen) << nodeName(op);
  }
  EXPECT_GE(swapped, 3);
}

/// One expert's part of one stacked weight set to zero: noticed for some expert
/// of every weight, since not all are chosen.
TEST_P(MutantsTest, OneExpertDropped) {
  LoadedModel model(GetParam());
  ASSERT_TRUE(model.main);
  std::vector<Operation *> stacks =
      topLevelOps(model, [](Operation &op) { return isWeight(op, 3); });
  if (stacks.empty())
    GTEST_SKIP() << "the experts' weights are not stacked in this model";
  for (Operation *stack : stacks) {
    int64_t experts = cast<RankedTensorType>(stack->getResult(0).getType())
                          .getDimSize(0),
            seen = 0;
    for (int64_t expert = 0; expert < experts && seen == 0; ++expert)
      seen += noticed(model, stack, [&](Tensor &tensor) {
        int64_t size = tensor.getNumElements() / experts;
        for (int64_t i = expert * size; i < (expert + 1) * size; ++i)
          tensor.setReal(i, 0);
      });
    EXPECT_GT(seen, 0) << nodeName(stack);
  }
}

INSTANTIATE_TEST_SUITE_P(Some, MutantsTest,
                         testing::Values("engram_paper", "deepseek_v3_grouped",
                                         "deepseek_v2_batched",
                                         "qwen3_moe_grouped"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });
