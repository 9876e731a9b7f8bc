// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops of tensor.
#include "OperatorTesting.h"
#include <cmath>

using namespace mlir::trine::reference;

static const char any2[] = "tensor<?x?xi64>";
static Tensor matrix() { return i64({2, 3}, {1, 2, 3, 4, 5, 6}); }

TEST(TensorDialectTest, Elements) {
  auto extract = [](int64_t row, int64_t column) {
    return runBody({any2, "index", "index"},
                   "%r = tensor.extract %0[%1, %2] : tensor<?x?xi64>", {"i64"},
                   {matrix(), i64({}, {row}), i64({}, {column})});
  };
  expectIntegers(only(extract(1, 2)), {}, {6});
  expectError(extract(2, 0), "index 0 must be in [0, 2), got 2");
  expectError(extract(0, -1), "index 1 must be in [0, 3), got -1");
  const char *insert = "%r = tensor.insert %1 into %0[%2, %2] : "
                       "tensor<?x?xi64>\n%r1 = tensor.cast %0 : "
                       "tensor<?x?xi64> to tensor<2x3xi64>";
  auto run = [&](int64_t at) {
    return runBody({any2, "i64", "index"}, insert, {any2, "tensor<2x3xi64>"},
                   {matrix(), i64({}, {9}), i64({}, {at})});
  };
  Outcome outcome = run(1);
  ASSERT_TRUE(outcome.succeeded) << outcome.errors;
  expectIntegers(outcome.results[0], {2, 3}, {1, 2, 3, 4, 9, 6});
  expectIntegers(outcome.results[1], {2, 3}, {1, 2, 3, 4, 5, 6});
  expectError(run(5), "index 0 must be in [0, 2), got 5");
}

TEST(TensorDialectTest, AffineIndices) {
  auto run = [](const char *op, int64_t a, int64_t b) {
    return runBody({"index", "index"}, std::string("%r = affine.") + op,
                   {"index"}, {i64({}, {a}), i64({}, {b})});
  };
  const char *apply =
      "apply affine_map<(d0)[s0] -> (d0 * 2 + s0 floordiv 3)>(%0)[%1]";
  expectIntegers(only(run(apply, 5, 7)), {}, {12});
  expectIntegers(only(run(apply, 5, -1)), {}, {9});
  expectIntegers(
      only(run("min affine_map<(d0)[s0] -> (d0, s0, 4)>(%0)[%1]", 5, 7)), {},
      {4});
  expectIntegers(
      only(run("max affine_map<(d0)[s0] -> (d0, s0)>(%0)[%1]", 5, 7)), {}, {7});
  expectError(run("apply affine_map<(d0)[s0] -> (d0 mod s0)>(%0)[%1]", 5, 0),
              "has no value: a division by zero or less");
}

TEST(TensorDialectTest, NewTensors) {
  expectIntegers(only(runBody({"i64", "i64"},
                              "%r = tensor.from_elements %0, %1, %0 : "
                              "tensor<3xi64>",
                              {"tensor<3xi64>"}, {i64({}, {4}), i64({}, {5})})),
                 {3}, {4, 5, 4});
  expectIntegers(
      only(runBody({"i64", "index"},
                   "%r = tensor.splat %0[%1] : tensor<?x2xi64>",
                   {"tensor<?x2xi64>"}, {i64({}, {4}), i64({}, {2})})),
      {2, 2}, {4, 4, 4, 4});
  const char *generate = R"(
    %r = tensor.generate %0 {
    ^bb0(%i: index, %j: index):
      %s = arith.addi %i, %j : index
      %v = arith.index_cast %s : index to i64
      tensor.yield %v : i64
    } : tensor<?x3xi64>)";
  expectIntegers(
      only(runBody({"index"}, generate, {"tensor<?x3xi64>"}, {i64({}, {2})})),
      {2, 3}, {0, 1, 2, 1, 2, 3});
  // Nothing was written: it shows.
  Tensor empty =
      only(runBody({"index"}, "%r = tensor.empty(%0) : tensor<?xf32>",
                   {"tensor<?xf32>"}, {i64({}, {2})}));
  EXPECT_TRUE(std::isnan(empty.real(0)) && std::isnan(empty.real(1)));
  expectError(runBody({"index"}, "%r = tensor.empty(%0) : tensor<?xf32>",
                      {"tensor<?xf32>"}, {i64({}, {-2})}),
              "no memory for a result of type f32 and shape [-2]");
}

TEST(TensorDialectTest, Shapes) {
  auto dim = [](int64_t index) {
    return runBody({any2, "index"}, "%r = tensor.dim %0, %1 : tensor<?x?xi64>",
                   {"index"}, {matrix(), i64({}, {index})});
  };
  expectIntegers(only(dim(1)), {}, {3});
  expectError(dim(2), "'index' must be in [0, 2), got 2");
  expectIntegers(
      only(runBody({"tensor<*xi64>"}, "%r = tensor.rank %0 : tensor<*xi64>",
                   {"index"}, {matrix()})),
      {}, {2});
  expectIntegers(
      only(runBody({any2},
                   "%r = tensor.collapse_shape %0 [[0, 1]] : tensor<?x?xi64> "
                   "into tensor<?xi64>",
                   {"tensor<?xi64>"}, {matrix()})),
      {6}, {1, 2, 3, 4, 5, 6});
  auto expand = [](int64_t size) {
    return runBody({"tensor<?xi64>", "index"},
                   "%r = tensor.expand_shape %0 [[0, 1]] output_shape [%1, 2] "
                   ": tensor<?xi64> into tensor<?x2xi64>",
                   {"tensor<?x2xi64>"},
                   {i64({6}, {1, 2, 3, 4, 5, 6}), i64({}, {size})});
  };
  expectIntegers(only(expand(3)), {3, 2}, {1, 2, 3, 4, 5, 6});
  expectError(expand(2), "cannot expand dimension 0 of size 6 to [2, 2]");
  auto reshape = [](int64_t rows) {
    return runBody({any2, "tensor<2xindex>"},
                   "%r = tensor.reshape %0(%1) : (tensor<?x?xi64>, "
                   "tensor<2xindex>) -> tensor<?x?xi64>",
                   {any2}, {matrix(), i64({2}, {rows, 2})});
  };
  expectIntegers(only(reshape(3)), {3, 2}, {1, 2, 3, 4, 5, 6});
  expectError(reshape(4), "cannot bring shape [2, 3] into [4, 2]");
  expectError(
      runBody({any2},
              "%r = tensor.cast %0 : tensor<?x?xi64> to tensor<2x2xi64>",
              {"tensor<2x2xi64>"}, {matrix()}),
      "result 0 must have the type 'tensor<2x2xi64>', got shape [2, 3]");
  expectIntegers(
      only(runBody({"tensor<2xf32>"},
                   "%r = tensor.bitcast %0 : tensor<2xf32> to tensor<2xi32>",
                   {"tensor<2xi32>"}, {f32({2}, {1, -1})})),
      {2}, {0x3f800000, int32_t(0xbf800000)});
}

TEST(TensorDialectTest, ReadingSlices) {
  auto slice = [](int64_t offset, int64_t size, int64_t stride) {
    return runBody({"tensor<?xi64>", "index", "index", "index"},
                   "%r = tensor.extract_slice %0[%1] [%2] [%3] : tensor<?xi64> "
                   "to tensor<?xi64>",
                   {"tensor<?xi64>"},
                   {i64({6}, {10, 11, 12, 13, 14, 15}), i64({}, {offset}),
                    i64({}, {size}), i64({}, {stride})});
  };
  expectIntegers(only(slice(1, 3, 2)), {3}, {11, 13, 15});
  expectIntegers(only(slice(5, 3, -2)), {3}, {15, 13, 11});
  expectIntegers(only(slice(0, 6, 1)), {6}, {10, 11, 12, 13, 14, 15});
  expectIntegers(only(slice(6, 0, 1)), {0}, {});
  expectIntegers(only(slice(3, 1, 99)), {1}, {13});
  for (auto [offset, size, stride] :
       {std::tuple<int64_t, int64_t, int64_t>{2, 3, 2},
        {-1, 2, 1},
        {0, -1, 1},
        {7, 0, 1},
        {2, 3, -2},
        {6, 1, 1},
        {1, int64_t(1) << 62, int64_t(1) << 62}})
    expectError(slice(offset, size, stride),
                "offset " + std::to_string(offset) + ", size " +
                    std::to_string(size) + " and stride " +
                    std::to_string(stride) +
                    " must lie within dimension 0 of size 6");
  expectIntegers(only(runBody({any2, "index"},
                              "%r = tensor.extract_slice %0[%1, 1] [1, 2] [1, "
                              "1] : tensor<?x?xi64> to tensor<2xi64>",
                              {"tensor<2xi64>"}, {matrix(), i64({}, {1})})),
                 {2}, {5, 6});
}

TEST(TensorDialectTest, WritingSlices) {
  auto insert = [](Tensor source) {
    return runBody({"tensor<?xi64>", any2, "index"},
                   "%r = tensor.insert_slice %0 into %1[1, 0] [1, %2] [1, 2] : "
                   "tensor<?xi64> into tensor<?x?xi64>",
                   {any2}, {source, matrix(), i64({}, {2})});
  };
  expectIntegers(only(insert(i64({2}, {8, 9}))), {2, 3}, {1, 2, 3, 8, 5, 9});
  expectError(insert(i64({3}, {8, 9, 9})),
              "source must have shape [2], got [3]");
  // A tensor into itself.
  expectIntegers(only(runBody({"tensor<2x3xi64>"},
                              "%r = tensor.insert_slice %0 into %0[0, 0] [2, "
                              "3] [1, 1] : tensor<2x3xi64> into "
                              "tensor<2x3xi64>",
                              {"tensor<2x3xi64>"}, {matrix()})),
                 {2, 3}, {1, 2, 3, 4, 5, 6});
}

TEST(TensorDialectTest, Concat) {
  auto concat = [](Tensor other) {
    return runBody({any2, any2},
                   "%r = tensor.concat dim(1) %0, %1 : (tensor<?x?xi64>, "
                   "tensor<?x?xi64>) -> tensor<?x?xi64>",
                   {any2}, {matrix(), other});
  };
  expectIntegers(only(concat(i64({2, 1}, {7, 8}))), {2, 4},
                 {1, 2, 3, 7, 4, 5, 6, 8});
  expectError(concat(i64({1, 1}, {7})),
              "operands must agree in all dimensions but 1, got [2, 3] and "
              "[1, 1]");
}

TEST(TensorDialectTest, Gather) {
  auto gather = [](const char *type, Tensor indices) {
    return runBody({any2, "tensor<?x1xindex>"},
                   "%r = tensor.gather %0[%1] gather_dims([1]) : "
                   "(tensor<?x?xi64>, tensor<?x1xindex>) -> " +
                       std::string(type),
                   {type}, {matrix(), indices});
  };
  Tensor indices = i64({2, 1}, {2, 0});
  expectIntegers(only(gather("tensor<?x?xi64>", indices)), {2, 2},
                 {3, 6, 1, 4});
  expectIntegers(only(gather("tensor<?x?x1xi64>", indices)), {2, 2, 1},
                 {3, 6, 1, 4});
  expectError(gather("tensor<?x?xi64>", i64({1, 1}, {3})),
              "coordinate 0 must be in [0, 3), got 3");
}

TEST(TensorDialectTest, Pad) {
  auto pad = [](int64_t low, const char *value) {
    return runBody({any2, "index", "i64"},
                   "%r = tensor.pad %0 low[0, %1] high[1, 0] {\n"
                   "^bb0(%i: index, %j: index):\n"
                   "  %p = arith.index_cast %j : index to i64\n"
                   "  tensor.yield " +
                       std::string(value) +
                       " : i64\n} : tensor<?x?xi64> to tensor<?x?xi64>",
                   {any2}, {matrix(), i64({}, {low}), i64({}, {-9})});
  };
  expectIntegers(only(pad(1, "%2")), {3, 4},
                 {-9, 1, 2, 3, -9, 4, 5, 6, -9, -9, -9, -9});
  expectIntegers(only(pad(0, "%p")), {3, 3}, {1, 2, 3, 4, 5, 6, 0, 1, 2});
  expectError(pad(-1, "%2"), "padding must be in [0, 2^48], got -1 and 0");
}
