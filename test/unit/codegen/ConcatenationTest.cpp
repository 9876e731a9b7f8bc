// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Kernels that put tensors side by side, in any number of workgroups.
#include "ProgramRunner.h"

#include "gmock/gmock.h"

/// a[B][P][512] and b[B][S][512] behind each other, in the first of two parts
/// of a result [B][2][P + S][512], whose second part is b before a.
static const char *const kConcatenation = R"mlir(
plan.device @device0
plan.kernel @concat(%a: tensor<?x?x512xf32>, %b: tensor<?x?x512xf32>, %out: tensor<?x2x?x512xf32>) -> tensor<?x2x?x512xf32> attributes {skeleton = "concat"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %out, %c0 : tensor<?x2x?x512xf32>
  %p = tensor.dim %a, %c1 : tensor<?x?x512xf32>
  %s = tensor.dim %b, %c1 : tensor<?x?x512xf32>
  %0 = tensor.insert_slice %a into %out[0, 0, 0, 0] [%batch, 1, %p, 512] [1, 1, 1, 1] : tensor<?x?x512xf32> into tensor<?x2x?x512xf32>
  %1 = tensor.insert_slice %b into %0[0, 0, %p, 0] [%batch, 1, %s, 512] [1, 1, 1, 1] : tensor<?x?x512xf32> into tensor<?x2x?x512xf32>
  %2 = tensor.insert_slice %b into %1[0, 1, 0, 0] [%batch, 1, %s, 512] [1, 1, 1, 1] : tensor<?x?x512xf32> into tensor<?x2x?x512xf32>
  %3 = tensor.insert_slice %a into %2[0, 1, %s, 0] [%batch, 1, %p, 512] [1, 1, 1, 1] : tensor<?x?x512xf32> into tensor<?x2x?x512xf32>
  plan.return %3 : tensor<?x2x?x512xf32>
}
func.func @main(%a: memref<?x?x512xf32>, %b: memref<?x?x512xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = memref.dim %a, %c0 : memref<?x?x512xf32>
  %p = memref.dim %a, %c1 : memref<?x?x512xf32>
  %s = memref.dim %b, %c1 : memref<?x?x512xf32>
  %all = arith.addi %p, %s : index
  %o = plan.output 0(%batch, %all) : memref<?x2x?x512xf32>
  plan.launch @concat on @device0 queue 0 ins(%a, %b : memref<?x?x512xf32>, memref<?x?x512xf32>) outs(%o : memref<?x2x?x512xf32>)
  return
}
)mlir";

TEST(Concatenation, CopiesWhatEachTileHas) {
  ProgramRunner runner;
  ASSERT_TRUE(runner.compile(kConcatenation)) << runner.messages;
  for (auto [batch, past, steps] : {std::array<int64_t, 3>{1, 100, 1},
                                    {3, 0, 70},
                                    {2, 64, 0},
                                    {2, 31, 34},
                                    {0, 5, 5},
                                    {4, 0, 0},
                                    {1, 1, 129}}) {
    auto number = [](int64_t part, int64_t i, int64_t j, int64_t k) {
      return static_cast<float>(((part * 7 + i) * 211 + j) * 512 + k);
    };
    auto make = [&number, batch = batch](int64_t part, int64_t rows) {
      std::vector<float> values;
      for (int64_t i = 0; i < batch; ++i)
        for (int64_t j = 0; j < rows; ++j)
          for (int64_t k = 0; k < 512; ++k)
            values.push_back(number(part, i, j, k));
      return Tensor::of<float>({batch, rows, 512}, values);
    };
    std::vector<float> expected;
    int64_t rows = past + steps;
    for (int64_t i = 0; i < batch; ++i)
      for (bool swapped : {false, true})
        for (int64_t j = 0; j < rows; ++j) {
          int64_t before = swapped ? steps : past;
          bool isFirst = j < before;
          for (int64_t k = 0; k < 512; ++k)
            expected.push_back(
                number(isFirst == swapped, i, isFirst ? j : j - before, k));
        }
    for (uint64_t chunk : {1, 3}) {
      ASSERT_EQ(runner.run({make(0, past), make(1, steps)}, {4}, chunk), 0);
      ASSERT_EQ(runner.outputs[0].as<float>(), expected)
          << batch << " x " << past << " + " << steps;
    }
    if (batch > 0 && rows > 32) {
      EXPECT_GT(runner.workgroups.back(), 1u);
    }
  }
}
