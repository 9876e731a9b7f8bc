// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the interpreter says of operands that an operator cannot take: one row
// for each message that no other test expects.
#include "OperatorTesting.h"
#include "trine/Reference/TensorFile.h"
#include "trine/Reference/Verification.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace mlir::trine::reference;

namespace {
struct Refusal {
  const char *name;
  std::vector<std::optional<Tensor>> operands;
  const char *attributes, *message;
  std::vector<llvm::StringRef> resultTypes = {"f32"};
};
} // namespace

static Tensor zeros(llvm::ArrayRef<int64_t> shape) { return f32(shape, {0}); }
static Tensor indices(llvm::ArrayRef<int64_t> shape) { return i64(shape, {0}); }
static const std::nullopt_t absent = std::nullopt;

static void expectRefusals(llvm::ArrayRef<Refusal> refusals) {
  for (const Refusal &test : refusals) {
    SCOPED_TRACE(std::string(test.name) + " " + test.attributes);
    expectError(runOperator(test.name, test.operands, test.attributes,
                            test.resultTypes),
                test.message);
  }
}

TEST(MessagesTest, Elements) {
  expectRefusals({
      {"Max", {}, "", "needs at least one operand"},
      {"Sum", {}, "", "needs at least one operand"},
      {"Concat", {}, "{axis = 0 : i64}", "needs at least one operand"},
      {"Dropout",
       {zeros({2}), f32({}, {0.5}), booleans({}, {1})},
       "",
       "'training_mode' must be false: random results cannot be compared",
       {"f32", "i1"}},
      {"Squeeze",
       {zeros({1, 2}), indices({1, 1})},
       "",
       "'axes' must be integers of rank 0 or 1, got i64 of shape [1, 1]"},
      {"Reshape",
       {zeros({2}), i64({2}, {-2, -1})},
       "",
       "'shape' must have no negative dimension but one -1, got [-2, -1]"},
      {"ConstantOfShape",
       {i64({1}, {2})},
       "{value = dense<0.0> : tensor<2xf32>}",
       "'value' must have one element of a supported type"},
      {"Range",
       {f32({}, {0}), f32({}, {1e30}), f32({}, {1})},
       "",
       "would give more than 2^40 elements"},
      {"EyeLike", {zeros({2})}, "", "'input' must have rank 2, got shape [2]"},
      {"Trilu",
       {zeros({2}), absent},
       "",
       "'input' must have rank 2 or more, got shape [2]"},
      {"Slice",
       {zeros({2}), i64({1}, {0}), i64({2}, {1, 1}), absent, absent},
       "",
       "'starts', 'ends', 'axes' and 'steps' must have one length, got 1, 2, "
       "1 and 1"},
      {"Tile",
       {zeros({2}), i64({1}, {int64_t(1) << 60})},
       "",
       "'repeats' gives a result that is too large, got "},
      {"Pad",
       {zeros({2}), i64({2}, {0, int64_t(1) << 60}), absent, absent},
       "",
       "'pads' is too large, got "},
      {"Pad",
       {zeros({0}), i64({2}, {0, 1}), absent, absent},
       "{mode = \"edge\"}",
       "cannot pad the empty axis 0 in mode 'edge'"},
      {"Pad",
       {zeros({2}), i64({2}, {0, 1}), indices({}), absent},
       "",
       "'constant_value' must be one value of type f32, got i64 of shape []"},
  });
}

TEST(MessagesTest, Indices) {
  expectRefusals({
      {"GatherElements",
       {zeros({2, 2}), indices({2, 3})},
       "",
       "'indices' must have at most the shape [2, 2] but for axis 0, got [2, "
       "3]"},
      {"Compress",
       {zeros({2}), booleans({1, 1}, {1})},
       "",
       "'condition' must have rank 1, got shape [1, 1]"},
      {"OneHot",
       {indices({1}), i64({2}, {1, 1}), zeros({2})},
       "",
       "'depth' must be one count, got shape [2]"},
      {"ScatterElements",
       {zeros({2}), indices({1}), zeros({1})},
       "{reduction = \"mean\"}",
       "'reduction' must be 'none', 'add', 'mul', 'max' or 'min', got 'mean'"},
      {"ScatterElements",
       {zeros({2}), indices({1}), zeros({2})},
       "",
       "'indices' and 'updates' must have one shape that fits [2], got [1] "
       "and [2]"},
      {"TensorScatter",
       {zeros({1, 4, 2}), zeros({1, 1, 2}), absent},
       "{mode = \"ring\"}",
       "'mode' must be 'linear' or 'circular', got 'ring'"},
      {"TensorScatter",
       {zeros({1, 4, 2}), zeros({1, 1, 2}), absent},
       "{axis = 0 : i64}",
       "'axis' must not be the batch axis 0"},
      {"TensorScatter",
       {zeros({1, 4, 2}), zeros({1, 5, 2}), absent},
       "",
       "'update' must have at most the shape [1, 4, 2], got [1, 5, 2]"},
      {"TensorScatter",
       {zeros({1, 4, 2}), zeros({1, 1, 2}), indices({2})},
       "",
       "'write_indices' must have 1 values, got 2"},
  });
}

TEST(MessagesTest, Products) {
  expectRefusals({
      {"MatMul",
       {zeros({}), zeros({2})},
       "",
       "operands must not be scalars, got shapes [] and [2]"},
      {"Gemm",
       {zeros({2}), zeros({2, 2}), absent},
       "",
       "'A' and 'B' must have rank 2, got shapes [2] and [2, 2]"},
      {"Einsum",
       {zeros({2}), zeros({2})},
       "{equation = \"i,i->1\"}",
       "'equation' must have letters and one ellipsis at most after '->', got "
       "'1'"},
      {"Conv",
       {zeros({1, 2, 3}), zeros({1, 2}), absent},
       "",
       "'X' and 'W' must have one rank of at least 2 and one type, got shapes "
       "[1, 2, 3] and [1, 2]"},
      {"Conv",
       {zeros({1, 2, 3}), zeros({1, 2, 1}), absent},
       "{auto_pad = \"SAME\"}",
       "'auto_pad' must be 'NOTSET', 'SAME_UPPER', 'SAME_LOWER' or 'VALID', "
       "got 'SAME'"},
      {"com.microsoft.SkipSimplifiedLayerNormalization",
       {zeros({}), zeros({}), zeros({1}), absent},
       "",
       "'input' must have rank 1 or more and the type of 'skip', got shape []",
       {"f32", "none", "none", "none"}},
  });
}

TEST(MessagesTest, AttentionAndPositions) {
  auto attention = [](Tensor q, const char *attributes, const char *message,
                      std::optional<Tensor> pastKey = absent,
                      std::optional<Tensor> pastValue = absent) {
    expectError(runOperator("Attention",
                            {q, zeros({1, 2, 3, 4}), zeros({1, 2, 3, 4}),
                             absent, pastKey, pastValue, absent},
                            attributes, {"f32", "none", "none", "none"}),
                message);
  };
  attention(zeros({2, 2}), "", "'Q' must have rank 3 or 4, got shape [2, 2]");
  attention(zeros({1, 3, 8}), "{q_num_heads = 3 : i64}",
            "'Q' of shape [1, 3, 8] needs a number of heads that divides its "
            "last dimension, got 3");
  attention(zeros({1, 2, 3, 4}), "",
            "'past_key' and 'past_value' must have one length, got 1 and 2",
            zeros({1, 2, 1, 4}), zeros({1, 2, 2, 4}));
  Tensor table = zeros({8, 2});
  expectRefusals({
      {"RotaryEmbedding",
       {zeros({2, 4}), table, table, absent},
       "",
       "'X' must have rank 3 or 4, got shape [2, 4]"},
      {"RotaryEmbedding",
       {zeros({1, 2, 4}), table, table, indices({1, 2})},
       "{num_heads = 3 : i64}",
       "'num_heads' must divide the last dimension 4, got 3"},
      {"RotaryEmbedding",
       {zeros({1, 1, 2, 4}), table, table, indices({1, 3})},
       "",
       "needs one position for each of 1 x 2 tokens, got "},
      {"com.microsoft.RotaryEmbedding",
       {zeros({1, 3, 4}), indices({2}), table, table},
       "{num_heads = 1 : i64}",
       "'position_ids' must have 1 or 3 elements, got 2"},
  });
}

TEST(MessagesTest, ExpertsAndMemory) {
  auto experts = [](Tensor input, Tensor router, Tensor first, Tensor second,
                    const char *attributes, const char *message) {
    expectError(runOperator("com.microsoft.MoE",
                            {input, router, first, absent, second, absent,
                             absent, absent},
                            attributes),
                message);
  };
  Tensor input = zeros({2, 4}), router = zeros({2, 3}),
         first = zeros({3, 5, 4}), second = zeros({3, 4, 5});
  experts(zeros({4}), router, first, second, "",
          "'input' must have rank 2 or 3 and 'router_probs' rank 2, got "
          "shapes [4] and [2, 3]");
  experts(input, zeros({1, 3}), first, second, "",
          "'router_probs' must have 2 rows and 'k' lie in [1, 3], got 1 and 1");
  experts(input, router, first, second, "{activation_type = \"tanh\"}",
          "'activation_type' must be 'relu', 'gelu', 'silu', 'swiglu' or "
          "'identity', got 'tanh'");
  experts(input, router, first, second,
          "{activation_type = \"swiglu\", swiglu_fusion = 1 : i64}",
          "'fc1_experts_weights' must have an even number of rows, got 5");
  experts(input, router, first, zeros({3, 3, 5}), "",
          "'fc2_experts_weights' must have 4 rows, got 3");
  Tensor key = zeros({1, 2, 1, 4}), scale = zeros({1, 4});
  expectRefusals({
      {"com.microsoft.EngramGate",
       {key, key, zeros({1, 2, 3}), scale, scale},
       "",
       "'key' and 'query' must be [B, S, M, D], 'value' [B, S, D] and the "
       "scales [M, D], got [1, 2, 1, 4], [1, 2, 1, 4], [1, 2, 3], [1, 4] and "
       "[1, 4]"},
      {"com.microsoft.NGramHashMapping",
       {indices({2}), indices({2}), indices({1}), absent, absent, absent,
        absent},
       "{max_ngram_size = 2 : i64, n_head_per_ngram = 1 : i64, pad_id = 0 : "
       "i64}",
       "'input_ids' must have rank 2, got shape [2]",
       {"i64", "none"}},
  });
  expectError(
      runText("func.func @main(%q: tensor<?x?x?x?xf32>, %k: "
              "tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32> {\n  %o, %l = "
              "trine.attention query(%q : tensor<?x?x?x?xf32>) key(%k : "
              "tensor<?x?x?x?xf32>) value(%k : tensor<?x?x?x?xf32>) scale 1.0 "
              "mask none masked_row zero -> tensor<?x?x?x?xf32>, "
              "tensor<?x?x?xf32>\n  return %o : tensor<?x?x?x?xf32>\n}",
              {zeros({1, 3, 1, 4}), zeros({1, 2, 1, 4})}),
      "query heads must be a multiple of key heads, got 3 and 2");
  expectError(
      runText("func.func @main(%x: tensor<?x?x?xf32>, %w: tensor<?x?xf32>) -> "
              "tensor<?x?x?xf32> {\n  %y, %s = trine.engram.conv %x, %x, %w "
              "dilation 1 : tensor<?x?x?xf32>, tensor<?x?x?xf32>, "
              "tensor<?x?xf32>\n  return %y : tensor<?x?x?xf32>\n}",
              {zeros({1, 1, 4}), zeros({4, 0})}),
      "'weight' must have a tap or more, got shape [4, 0]");
}

TEST(MessagesTest, ControlFlow) {
  // Whichever branch runs yields this.
  auto choose = [](const std::string &yielded, Tensor condition) {
    return runText("func.func @main(%c: tensor<*xi1>, %x: tensor<2xf32>) -> "
                   "tensor<2xf32> {\n  %r = onnx.If(%c) {\n    onnx.Yield " +
                       yielded + "\n  } {\n    onnx.Yield " + yielded +
                       "\n  } : (tensor<*xi1>) -> tensor<2xf32>\n  return %r : "
                       "tensor<2xf32>\n}",
                   {condition, zeros({2})});
  };
  expectError(choose("%x : tensor<2xf32>", booleans({2}, {1, 1})),
              "condition must be one bool, got bool of shape [2]");
  expectError(
      choose("%x, %x : tensor<2xf32>, tensor<2xf32>", booleans({}, {1})),
      "branch must give 1 values, got 2");
  // One carried value and one scan output, of `iteration` elements.
  auto loop = [](const std::string &yielded, const std::string &results) {
    return runText(
        "func.func @main(%m: tensor<i64>, %c: tensor<i1>, %x: tensor<2xf32>) "
        "{\n  %r:2 = onnx.Loop(%m, %c, %x) {\n  ^bb0(%i: tensor<i64>, %d: "
        "tensor<i1>, %y: tensor<2xf32>):\n    %a = onnx.Constant dense<0> : "
        "tensor<1xi64>\n    %u = onnx.Unsqueeze(%i, %a) : (tensor<i64>, "
        "tensor<1xi64>) -> tensor<1xi64>\n    %s = onnx.ConstantOfShape(%u) : "
        "(tensor<1xi64>) -> tensor<?xf32>\n    onnx.Yield " +
            yielded + "\n  } : (tensor<i64>, tensor<i1>, tensor<2xf32>) -> " +
            results + "\n  return\n}",
        {i64({}, {3}), booleans({}, {1}), zeros({2})});
  };
  const std::string both = "(tensor<2xf32>, tensor<?x?xf32>)";
  expectError(
      loop("%d, %y, %s : tensor<i1>, tensor<2xf32>, tensor<?xf32>", both),
      "scan output must keep its shape [0], got [1]");
  expectError(loop("%d, %y : tensor<i1>, tensor<2xf32>", both),
              "body must give 3 values, got 2");
  expectError(runText("func.func @main(%m: tensor<i64>, %c: tensor<i1>) {\n  "
                      "%n = onnx.None\n  onnx.Loop(%m, %c, %m) {\n  "
                      "^bb0(%i: tensor<i64>, %d: tensor<i1>, %y: "
                      "tensor<i64>):\n    onnx.Yield %d : tensor<i1>\n  } : "
                      "(tensor<i64>, tensor<i1>, tensor<i64>) -> ()\n  "
                      "return\n}",
                      {i64({}, {3}), booleans({}, {1})}),
              "must give at least its 1 carried values, got 0");
}

TEST(MessagesTest, Functions) {
  expectError(runText("func.func private @main()", {}),
              "has no body to interpret");
  expectError(runText("func.func @main() -> none {\n  %n = onnx.None\n  return "
                      "%n : none\n}",
                      {}),
              "returns a value that is absent");
  expectError(runText("func.func private @f()\nfunc.func @main() {\n  call "
                      "@f() : () -> ()\n  return\n}",
                      {}),
              "has no rule in the reference interpreter");
}

TEST(MessagesTest, Weights) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("trine-weights", folder));
  InterpreterOptions options;
  options.weightFolder = folder.str().str();
  std::error_code code;
  {
    llvm::raw_fd_ostream file(options.weightFolder + "/w.bin", code);
    file << "12345678";
  }
  auto weight = [&](const std::string &place, const std::string &type) {
    return runText("func.func @main() -> " + type +
                       " {\n  %w = trine.weight "
                       "\"w\" from \"w.bin\" " +
                       place + " : " + type + "\n  return %w : " + type + "\n}",
                   {}, options);
  };
  EXPECT_TRUE(weight("at 0 length 8", "tensor<2xf32>").succeeded);
  expectError(weight("at 0 length 4", "tensor<2xf32>"),
              "length must be that of 'tensor<2xf32>', got 4 bytes");
  expectError(weight("at 4 length 8", "tensor<2xf32>"),
              "needs bytes [4, 12) of 'w.bin', which has 8 bytes");
  auto assembled = [&](const std::string &strides) {
    return runText("func.func @main() -> tensor<2xf32> {\n  %w = "
                   "trine.assembled_weight \"w\" [#trine.piece<\"w.bin\" at 0 "
                   "strides [" +
                       strides +
                       "] into [0] sizes [2]>] : tensor<2xf32>\n  return %w : "
                       "tensor<2xf32>\n}",
                   {}, options);
  };
  EXPECT_TRUE(assembled("1").succeeded);
  expectError(assembled("2"), "needs more bytes of 'w.bin' than its 8 for ");
  expectError(weight("at 0 length 8", "tensor<1xcomplex<f32>>"),
              "element type 'complex<f32>' is not supported");
  llvm::sys::fs::remove_directories(folder);
}

TEST(MessagesTest, Layers) {
  OwningOpRef<ModuleOp> module =
      parseModule("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n  %e "
                  "= onnx.Exp(%x) : (tensor<2xf32>) -> tensor<2xf32>\n  return "
                  "%e : tensor<2xf32>\n}");
  auto function = module->lookupSymbol<func::FuncOp>("main");
  std::string errors;
  ScopedDiagnosticHandler handler(&testContext(), [&](Diagnostic &d) {
    errors += d.str();
    return success();
  });
  EXPECT_TRUE(failed(verifyLayers(function, {zeros({2})},
                                  {zeros({2}), zeros({2}), zeros({2})})));
  EXPECT_THAT(
      errors,
      testing::HasSubstr("has 1 intermediate values, but the program gives 2"));
}
