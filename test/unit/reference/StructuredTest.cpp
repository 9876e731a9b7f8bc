// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops of linalg.
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static const char matmul[] =
    "%r = linalg.matmul ins(%0, %1 : tensor<?x?xf32>, tensor<?x?xf32>) "
    "outs(%2 : tensor<?x?xf32>) -> tensor<?x?xf32>";
static const std::vector<llvm::StringRef> three(3, "tensor<?x?xf32>");

TEST(StructuredTest, NamedOps) {
  Tensor a = f32({2, 3}, {1, 2, 3, 4, 5, 6}),
         b = f32({3, 2}, {1, 0, 0, 1, 1, 1}),
         c = f32({2, 2}, {100, 200, 300, 400});
  expectReals(only(runBody(three, matmul, {"tensor<?x?xf32>"}, {a, b, c})),
              {2, 2}, {104, 205, 310, 411});
  // The destination is not changed for others.
  Outcome outcome =
      runBody(three,
              std::string(matmul) + "\n%r1 = tensor.cast %2 : "
                                    "tensor<?x?xf32> to tensor<2x2xf32>",
              {"tensor<?x?xf32>", "tensor<2x2xf32>"}, {a, b, c});
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectReals(outcome.results[1], {2, 2}, {100, 200, 300, 400});
  expectReals(
      only(runBody({"f32", "tensor<?x?xf32>"},
                   "%r = linalg.fill ins(%0 : f32) outs(%1 : tensor<?x?xf32>) "
                   "-> tensor<?x?xf32>",
                   {"tensor<?x?xf32>"}, {f32({}, {7}), c})),
      {2, 2}, {7, 7, 7, 7});
  expectReals(
      only(runBody({"tensor<?x?xf32>", "tensor<?x?xf32>"},
                   "%r = linalg.transpose ins(%0 : tensor<?x?xf32>) outs(%1 : "
                   "tensor<?x?xf32>) permutation = [1, 0]",
                   {"tensor<?x?xf32>"}, {a, f32({3, 2}, {0})})),
      {3, 2}, {1, 4, 2, 5, 3, 6});
  expectReals(
      only(runBody({"tensor<?xf32>", "tensor<?x?xf32>"},
                   "%r = linalg.broadcast ins(%0 : tensor<?xf32>) outs(%1 : "
                   "tensor<?x?xf32>) dimensions = [0]",
                   {"tensor<?x?xf32>"}, {f32({2}, {1, 2}), f32({2, 2}, {0})})),
      {2, 2}, {1, 2, 1, 2});
  expectReals(
      only(runBody({"tensor<?x?xf32>", "tensor<?xf32>"},
                   "%r = linalg.reduce { arith.maximumf } ins(%0 : "
                   "tensor<?x?xf32>) outs(%1 : tensor<?xf32>) dimensions = [1]",
                   {"tensor<?xf32>"}, {a, f32({2}, {0, 9})})),
      {2}, {3, 9});
  expectReals(
      only(runBody({"tensor<?x?xf32>", "tensor<?x?xf32>"},
                   "%r = linalg.map { math.exp } ins(%0 : tensor<?x?xf32>) "
                   "outs(%1 : tensor<?x?xf32>)",
                   {"tensor<?x?xf32>"}, {f32({1, 1}, {1}), f32({1, 1}, {0})})),
      {1, 1}, {std::exp(1.0)});
  // Integers wrap, and a product of another type is cast.
  expectIntegers(
      only(runBody({"tensor<?xi8>", "tensor<?xi8>", "tensor<i8>"},
                   "%r = linalg.dot ins(%0, %1 : tensor<?xi8>, tensor<?xi8>) "
                   "outs(%2 : tensor<i8>) -> tensor<i8>",
                   {"tensor<i8>"},
                   {Tensor::fromIntegers(ElementType::I8, {2}, {100, 100}),
                    Tensor::fromIntegers(ElementType::I8, {2}, {1, 1}),
                    Tensor::fromIntegers(ElementType::I8, {}, {0})})),
      {}, {-56});
  expectReals(only(runBody(
                  {"tensor<1x?x2xf32>", "tensor<?x2xf32>", "tensor<1x?x2xf32>"},
                  "%r = linalg.depthwise_conv_1d_nwc_wc ins(%0, %1 : "
                  "tensor<1x?x2xf32>, tensor<?x2xf32>) outs(%2 : "
                  "tensor<1x?x2xf32>) -> tensor<1x?x2xf32>",
                  {"tensor<1x?x2xf32>"},
                  {f32({1, 3, 2}, {1, 10, 2, 20, 3, 30}),
                   f32({2, 2}, {1, 1, 2, 3}), f32({1, 2, 2}, {0})})),
              {1, 2, 2}, {5, 70, 8, 110});
}

TEST(StructuredTest, Accumulation) {
  // 1 + 2^-24 + 2^-24: single precision loses both, double precision rounds
  // once.
  std::vector<Tensor> inputs = {f32({1, 3}, {1, 0x1p-24, 0x1p-24}),
                                f32({3, 1}, {1, 1, 1}), f32({1, 1}, {0})};
  InterpreterOptions options;
  EXPECT_EQ(only(runBody(three, matmul, {"tensor<?x?xf32>"}, inputs, options))
                .real(0),
            1 + 0x1p-23);
  options.accumulation = Accumulation::F32;
  EXPECT_EQ(only(runBody(three, matmul, {"tensor<?x?xf32>"}, inputs, options))
                .real(0),
            1);
  // Element by element both do what the op says.
  const char *twice = R"(
    %r = linalg.map ins(%0, %1 : tensor<?xf32>, tensor<?xf32>) outs(%2 : tensor<?xf32>)
      (%a: f32, %b: f32, %o: f32) {
        %x = arith.addf %a, %b : f32
        %y = arith.addf %x, %b : f32
        linalg.yield %y : f32
      })";
  EXPECT_EQ(only(runBody({"tensor<?xf32>", "tensor<?xf32>", "tensor<?xf32>"},
                         twice, {"tensor<?xf32>"},
                         {f32({1}, {1}), f32({1}, {0x1p-24}), f32({1}, {0})}))
                .real(0),
            1);
}

TEST(StructuredTest, GenericMaps) {
  // A window, a constant index, an index of the loops, and a captured tensor.
  const char *window = R"(
    %r = linalg.generic {indexing_maps = [affine_map<(i, k) -> (2 * i + k)>, affine_map<(i, k) -> (k)>,
        affine_map<(i, k) -> (0)>, affine_map<(i, k) -> (i)>], iterator_types = ["parallel", "reduction"]}
        ins(%0, %1, %2 : tensor<?xi64>, tensor<?xi64>, tensor<?xi64>) outs(%3 : tensor<?xi64>) {
    ^bb0(%x: i64, %w: i64, %first: i64, %sum: i64):
      %k = linalg.index 1 : index
      %again = tensor.extract %1[%k] : tensor<?xi64>
      %p = arith.muli %x, %again : i64
      %q = arith.addi %p, %first : i64
      %s = arith.addi %sum, %q : i64
      linalg.yield %s : i64
    } -> tensor<?xi64>)";
  std::vector<llvm::StringRef> four(4, "tensor<?xi64>");
  Tensor weights = i64({2}, {1, 10});
  expectIntegers(only(runBody(four, window, {"tensor<?xi64>"},
                              {i64({4}, {1, 2, 3, 4}), weights,
                               i64({3}, {100, 0, 0}), i64({2}, {0, 0})})),
                 {2}, {221, 243});
  expectError(runBody(four, window, {"tensor<?xi64>"},
                      {i64({3}, {1, 2, 3}), weights, i64({3}, {100, 0, 0}),
                       i64({2}, {0, 0})}),
              "reads indices beyond [0, 3) of operand 0 in dimension 0");
  expectError(runBody(four, window, {"tensor<?xi64>"},
                      {i64({4}, {1, 2, 3, 4}), weights, i64({0}, {}),
                       i64({2}, {0, 0})}),
              "reads indices beyond [0, 0) of operand 2 in dimension 0");
  // Not linear.
  auto map = [](const std::string &expression, Tensor input, int64_t size) {
    return runBody(
        {"tensor<?xi64>", "tensor<?xi64>"},
        "%r = linalg.generic {indexing_maps = [affine_map<(i) -> (" +
            expression +
            ")>, affine_map<(i) -> (i)>], iterator_types = "
            "[\"parallel\"]} ins(%0 : tensor<?xi64>) outs(%1 : "
            "tensor<?xi64>) {\n^bb0(%x: i64, %o: i64):\n  linalg.yield %x : "
            "i64\n} -> tensor<?xi64>",
        {"tensor<?xi64>"}, {input, i64({size}, {0})});
  };
  Tensor two = i64({2}, {5, 6});
  expectIntegers(only(map("i floordiv 2", two, 4)), {4}, {5, 5, 6, 6});
  expectIntegers(only(map("(i + 1) mod 2", two, 3)), {3}, {6, 5, 6});
  expectIntegers(only(map("i ceildiv 2", two, 3)), {3}, {5, 6, 6});
  expectIntegers(only(map("(i - 2) floordiv 4 + 1", two, 3)), {3}, {5, 5, 6});
  expectIntegers(only(map("-i + 1", two, 2)), {2}, {6, 5});
  expectError(map("i floordiv 2", two, 5),
              "reads index 2 of operand 0 in dimension 0 of size 2");
  expectError(map("-i", two, 2),
              "reads indices beyond [0, 2) of operand 0 in dimension 0");
  expectError(map("i * 4611686018427387904", two, 5),
              "reads indices beyond [0, 2) of operand 0 in dimension 0");
  expectIntegers(only(map("i * 4611686018427387904", two, 1)), {1}, {5});
  expectError(map("(i * 4611686018427387904) mod 7", i64({7}, {0}), 3),
              "has an index that overflows");
}

TEST(StructuredTest, SizesThatDisagreeAndEmptyOnes) {
  expectError(runBody(three, matmul, {"tensor<?x?xf32>"},
                      {f32({2, 3}, {0}), f32({4, 2}, {0}), f32({2, 2}, {0})}),
              "operand 1 must have size 3 in dimension 0, got 4");
  expectReals(
      only(runBody(three, matmul, {"tensor<?x?xf32>"},
                   {f32({1, 0}, {}), f32({0, 2}, {}), f32({1, 2}, {3, 4})})),
      {1, 2}, {3, 4});
}

TEST(StructuredTest, Softmax) {
  auto run = [](const char *dimension, llvm::ArrayRef<int64_t> shape) {
    return runBody(
        {"tensor<?x?xf32>", "tensor<?x?xf32>"},
        "%r = linalg.softmax dimension(" + std::string(dimension) +
            ") ins(%0 : tensor<?x?xf32>) outs(%1 : tensor<?x?xf32>) "
            "-> tensor<?x?xf32>",
        {"tensor<?x?xf32>"},
        {f32({2, 2}, {0, std::log(3.0), 1000, 1000}), f32(shape, {0})});
  };
  expectReals(only(run("1", {2, 2})), {2, 2}, {0.25, 0.75, 0.5, 0.5});
  expectReals(only(run("0", {2, 2})), {2, 2}, {0, 0, 1, 1});
  expectError(run("1", {2, 3}), "operands must have one shape");
}

TEST(StructuredTest, PackAndUnpack) {
  const std::string pack =
      "linalg.pack %0 padding_value(%c : i64) outer_dims_perm = [1, 0] "
      "inner_dims_pos = [1] inner_tiles = [2] into %1 : tensor<?x?xi64> -> "
      "tensor<?x?x2xi64>";
  const std::string constant = "%c = arith.constant -7 : i64\n";
  Tensor plain = i64({2, 3}, {1, 2, 3, 4, 5, 6});
  std::vector<int64_t> packed = {1, 2, 4, 5, 3, -7, 6, -7};
  auto run = [&](const std::string &op, Tensor to) {
    return runBody({"tensor<?x?xi64>", "tensor<?x?x2xi64>"},
                   constant + "%r = " + op, {"tensor<?x?x2xi64>"}, {plain, to});
  };
  expectIntegers(only(run(pack, i64({2, 2, 2}, {0}))), {2, 2, 2}, packed);
  expectError(run(pack, i64({2, 3, 2}, {0})),
              "destination must have shape [2, 2, 2], got [2, 3, 2]");
  expectError(run("linalg.pack %0 inner_dims_pos = [1] inner_tiles = [2] into "
                  "%1 : tensor<?x?xi64> -> tensor<?x?x2xi64>",
                  i64({2, 2, 2}, {0})),
              "needs a padding value for shape [2, 3]");
  auto unpack = [&](llvm::ArrayRef<int64_t> shape) {
    return runBody({"tensor<?x?x2xi64>", "tensor<?x?xi64>"},
                   "%r = linalg.unpack %0 outer_dims_perm = [1, 0] "
                   "inner_dims_pos = [1] inner_tiles = [2] into %1 : "
                   "tensor<?x?x2xi64> -> tensor<?x?xi64>",
                   {"tensor<?x?xi64>"},
                   {i64({2, 2, 2}, packed), i64(shape, {0})});
  };
  expectIntegers(only(unpack({2, 3})), {2, 3}, {1, 2, 3, 4, 5, 6});
  expectError(unpack({2, 5}),
              "source must have shape [3, 2, 2], got [2, 2, 2]");
  expectError(
      runBody({"tensor<?x?xi64>", "tensor<?x?x?xi64>", "index"},
              "%r = linalg.pack %0 inner_dims_pos = [1] inner_tiles = [%2] "
              "into %1 : tensor<?x?xi64> -> tensor<?x?x?xi64>",
              {"tensor<?x?x?xi64>"},
              {plain, i64({2, 2, 2}, {0}), i64({}, {0})}),
      "'inner_tiles' must be positive, got 0");
}
