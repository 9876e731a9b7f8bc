// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Products of every layout that the micro kernels know, against double
/// precision.
#include "ProgramRunner.h"

#include "gmock/gmock.h"

#include <cmath>
#include <random>

static std::vector<float> randomValues(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> values(count);
  for (float &value : values)
    value = distribution(generator);
  return values;
}

static std::string replaceAll(std::string text, const std::string &from,
                              const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// x[M][K] times a weight in panels of 32 columns, plus a bias.
static std::string packedProduct(int64_t k, int64_t n) {
  std::string text = R"mlir(
plan.device @device0
plan.weight @w "w" from "model.bin" at 0 length BYTES : tensor<KxNxf32>
  permutation [0, 1] outer [1, 0] inner [1] tiles [32] stored tensor<PxKx32xf32>
plan.kernel @product(%x: tensor<?xKxf32>, %w: tensor<PxKx32xf32>, %bias: tensor<Nxf32>, %out: tensor<?xNxf32>) -> tensor<?xNxf32> attributes {skeleton = "matmul"} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?xKxf32>
  %we = tensor.empty() : tensor<KxNxf32>
  %wl = linalg.unpack %w outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [32] into %we : tensor<PxKx32xf32> -> tensor<KxNxf32>
  %e = tensor.empty(%m) : tensor<?xNxf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xNxf32>) -> tensor<?xNxf32>
  %p = linalg.matmul ins(%x, %wl : tensor<?xKxf32>, tensor<KxNxf32>) outs(%f : tensor<?xNxf32>) -> tensor<?xNxf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%p, %bias : tensor<?xNxf32>, tensor<Nxf32>) outs(%out : tensor<?xNxf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?xNxf32>
  plan.return %y : tensor<?xNxf32>
}
func.func @main(%x: memref<?xKxf32>, %bias: memref<Nxf32>) {
  %c0 = arith.constant 0 : index
  %m = memref.dim %x, %c0 : memref<?xKxf32>
  %w = plan.load_weight @w : memref<PxKx32xf32>
  %o = plan.output 0(%m) : memref<?xNxf32>
  plan.launch @product on @device0 queue 0 ins(%x, %w, %bias : memref<?xKxf32>, memref<PxKx32xf32>, memref<Nxf32>) outs(%o : memref<?xNxf32>)
  return
}
)mlir";
  text = replaceAll(text, "BYTES", std::to_string(4 * k * n));
  text = replaceAll(text, "PxKx", std::to_string((n + 31) / 32) + "xKx");
  text = replaceAll(text, "KxN", std::to_string(k) + "x" + std::to_string(n));
  text = replaceAll(text, "xKx", "x" + std::to_string(k) + "x");
  text = replaceAll(text, "xNx", "x" + std::to_string(n) + "x");
  text = replaceAll(text, "<Nx", "<" + std::to_string(n) + "x");
  return text;
}

TEST(Product, ReadsPackedPanels) {
  for (auto [k, n] : {std::pair<int64_t, int64_t>{48, 40},
                      {7, 64},
                      {64, 3},
                      // Parts of a sum, and tiles of many rows.
                      {3077, 35},
                      {17, 512}}) {
    for (const char *cpu : {"", "x86-64-v3"}) {
      ProgramRunner runner;
      ASSERT_TRUE(runner.compile(packedProduct(k, n), {cpu, 1}))
          << runner.messages;
      std::vector<float> w = randomValues(k * n, 1), bias = randomValues(n, 2);
      int64_t panels = (n + 31) / 32;
      std::vector<float> packed(panels * k * 32, 0.0f);
      for (int64_t row = 0; row < k; ++row)
        for (int64_t column = 0; column < n; ++column)
          packed[(column / 32 * k + row) * 32 + column % 32] =
              w[row * n + column];
      auto *bytes = reinterpret_cast<char *>(packed.data());
      runner.weights.assign(bytes, bytes + packed.size() * 4);
      for (int64_t m : {0, 1, 3, 8, 13, 65, 130, 261}) {
        std::vector<float> x = randomValues(m * k, 3);
        ASSERT_EQ(runner.run({Tensor::of<float>({m, k}, x),
                              Tensor::of<float>({n}, bias)},
                             {4}, 1),
                  0);
        std::vector<float> y = runner.outputs[0].as<float>();
        ASSERT_EQ(static_cast<int64_t>(y.size()), m * n);
        for (int64_t row = 0; row < m; ++row)
          for (int64_t column = 0; column < n; ++column) {
            double sum = bias[column], size = std::abs(bias[column]);
            for (int64_t at = 0; at < k; ++at) {
              double term = double(x[row * k + at]) * w[at * n + column];
              sum += term;
              size += std::abs(term);
            }
            // One rounding per step of the sum: (k + 1) units of the sum of
            // magnitudes at worst.
            ASSERT_NEAR(y[row * n + column], sum, (k + 1) * 6e-8 * size)
                << m << "x" << k << "x" << n << " at " << row << ", " << column;
          }
      }
    }
  }
}

/// q[B][3][S][K] times a matrix for each of the 3 heads, by columns, as the
/// absorbed forms of latent attention have it; or, transposed, along the sum.
static std::string productByHeads(int64_t k, int64_t n, bool transposed) {
  std::string text = R"mlir(
#q = affine_map<(b, h, s, n, k) -> (b, h, s, k)>
#w = affine_map<(b, h, s, n, k) -> WMAP>
#y = affine_map<(b, h, s, n, k) -> (b, h, s, n)>
plan.device @device0
plan.kernel @product(%q: tensor<?x3x?xKxf32>, %w: tensor<3xWTYPExf32>, %out: tensor<?x3x?xNxf32>) -> tensor<?x3x?xNxf32> attributes {skeleton = "batch_matmul"} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?x3x?xNxf32>) -> tensor<?x3x?xNxf32>
  %y = linalg.generic {indexing_maps = [#q, #w, #y], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%q, %w : tensor<?x3x?xKxf32>, tensor<3xWTYPExf32>) outs(%f : tensor<?x3x?xNxf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  } -> tensor<?x3x?xNxf32>
  plan.return %y : tensor<?x3x?xNxf32>
}
func.func @main(%q: memref<?x3x?xKxf32>, %w: memref<3xWTYPExf32>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = memref.dim %q, %c0 : memref<?x3x?xKxf32>
  %s = memref.dim %q, %c2 : memref<?x3x?xKxf32>
  %o = plan.output 0(%b, %s) : memref<?x3x?xNxf32>
  plan.launch @product on @device0 queue 0 ins(%q, %w : memref<?x3x?xKxf32>, memref<3xWTYPExf32>) outs(%o : memref<?x3x?xNxf32>)
  return
}
)mlir";
  text = replaceAll(text, "WMAP", transposed ? "(h, n, k)" : "(h, k, n)");
  text = replaceAll(text, "WTYPE", transposed ? "NxK" : "KxN");
  text = replaceAll(text, "xK", "x" + std::to_string(k));
  text = replaceAll(text, "xN", "x" + std::to_string(n));
  return text;
}

TEST(Product, TakesRowsFromSequencesAndTokens) {
  const int64_t k = 37, n = 45, heads = 3;
  for (bool transposed : {false, true})
    for (const char *cpu : {"", "x86-64-v3"}) {
      ProgramRunner runner;
      ASSERT_TRUE(runner.compile(productByHeads(k, n, transposed), {cpu, 1}))
          << runner.messages;
      std::vector<float> w = randomValues(heads * k * n, 1);
      for (auto [batch, tokens] : {std::pair<int64_t, int64_t>{1, 1},
                                   {9, 1},
                                   {1, 21},
                                   {17, 3},
                                   {3, 17},
                                   {0, 2},
                                   {2, 0}}) {
        std::vector<float> q = randomValues(batch * heads * tokens * k, 2);
        std::vector<int64_t> weight = {heads, transposed ? n : k,
                                       transposed ? k : n};
        ASSERT_EQ(runner.run({Tensor::of<float>({batch, heads, tokens, k}, q),
                              Tensor::of<float>(weight, w)},
                             {4}, 1),
                  0);
        std::vector<float> y = runner.outputs[0].as<float>();
        ASSERT_EQ(static_cast<int64_t>(y.size()), batch * heads * tokens * n);
        for (int64_t row = 0; row < batch * heads * tokens; ++row)
          for (int64_t column = 0; column < n; ++column) {
            const float *matrix = &w[row / tokens % heads * k * n];
            double sum = 0, size = 0;
            for (int64_t at = 0; at < k; ++at) {
              double term =
                  double(q[row * k + at]) *
                  matrix[transposed ? column * k + at : at * n + column];
              sum += term;
              size += std::abs(term);
            }
            ASSERT_NEAR(y[row * n + column], sum, (k + 1) * 6e-8 * size)
                << batch << " sequences of " << tokens << ", row " << row;
          }
      }
    }
}
