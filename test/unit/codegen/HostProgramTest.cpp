// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ProgramRunner.h"

#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gmock/gmock.h"

#include <cmath>
#include <cstddef>
#include <random>
#include <set>

using testing::ElementsAre;
using testing::HasSubstr;

/// x is scaled, its rows are summed up from the left, then soft-maxed.
static const char *const kChain = R"mlir(
plan.device @device0
plan.symbol @rows = input 0 dimension 0 range [0, 9223372036854775807] divisor 1
plan.kernel @scale(%x: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {skeleton = "elementwise"} {
  %c = arith.constant 2.0 : f32
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<?x?xf32>) outs(%out : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.mulf %a, %c : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  plan.return %y : tensor<?x?xf32>
}
plan.kernel @scan(%x: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {skeleton = "scan"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x?xf32>
  %n = tensor.dim %x, %c1 : tensor<?x?xf32>
  %y = scf.for %i = %c0 to %m step %c1 iter_args(%o = %out) -> tensor<?x?xf32> {
    %z:2 = scf.for %j = %c0 to %n step %c1 iter_args(%oo = %o, %s = %zero) -> (tensor<?x?xf32>, f32) {
      %v = tensor.extract %x[%i, %j] : tensor<?x?xf32>
      %t = arith.addf %s, %v : f32
      %w = tensor.insert %t into %oo[%i, %j] : tensor<?x?xf32>
      scf.yield %w, %t : tensor<?x?xf32>, f32
    }
    scf.yield %z#0 : tensor<?x?xf32>
  }
  plan.return %y : tensor<?x?xf32>
}
plan.kernel @softmax(%x: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {skeleton = "reduction"} {
  %e = tensor.empty() : tensor<0xf32>
  %y = linalg.softmax dimension(1) ins(%x : tensor<?x?xf32>) outs(%out : tensor<?x?xf32>) -> tensor<?x?xf32>
  plan.return %y : tensor<?x?xf32>
}
plan.kernel @all_positive(%x: tensor<?x?xf32>, %out: tensor<i1>) -> tensor<i1> attributes {skeleton = "reduction"} {
  %true = arith.constant true
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%true : i1) outs(%out : tensor<i1>) -> tensor<i1>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> ()>], iterator_types = ["reduction", "reduction"]}
    ins(%x : tensor<?x?xf32>) outs(%f : tensor<i1>) {
  ^bb0(%a: f32, %b: i1):
    %p = arith.cmpf ogt, %a, %zero : f32
    %r = arith.andi %p, %b : i1
    linalg.yield %r : i1
  } -> tensor<i1>
  plan.return %y : tensor<i1>
}
func.func @main(%x: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c64 = arith.constant 64 : index
  %m = memref.dim %x, %c0 : memref<?x?xf32>
  %n = memref.dim %x, %c1 : memref<?x?xf32>
  %mn = arith.muli %m, %n : index
  %size = arith.muli %mn, %c4 : index
  %second = arith.addi %size, %c64 : index
  %both = arith.addi %second, %size : index
  %a = plan.arena(%both) on @device0 space <device> : memref<?xi8>
  %flag = memref.view %a[%c0][] : memref<?xi8> to memref<i1>
  %t = memref.view %a[%c64][%m, %n] : memref<?xi8> to memref<?x?xf32>
  %u = memref.view %a[%second][%m, %n] : memref<?xi8> to memref<?x?xf32>
  plan.launch @all_positive on @device0 queue 0 ins(%x : memref<?x?xf32>) outs(%flag : memref<i1>)
  plan.require %flag, "all of x must be positive" on @device0 queue 0 : memref<i1>
  plan.launch @scale on @device0 queue 0 ins(%x : memref<?x?xf32>) outs(%t : memref<?x?xf32>)
  %o = plan.output 0(%m, %n) : memref<?x?xf32>
  %p = plan.output 1(%m, %n) : memref<?x?xf32>
  plan.launch @scan on @device0 queue 0 ins(%t : memref<?x?xf32>) outs(%o : memref<?x?xf32>)
  plan.launch @softmax on @device0 queue 0 ins(%o : memref<?x?xf32>) outs(%p : memref<?x?xf32>)
  return
}
)mlir";

static std::vector<float> randomPositive(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(0.01f, 0.1f);
  std::vector<float> values(count);
  for (float &value : values)
    value = distribution(generator);
  return values;
}

static void checkChain(ProgramRunner &runner, int64_t rows, int64_t columns) {
  std::vector<float> x = randomPositive(rows * columns, 7);
  ASSERT_EQ(runner.run({Tensor::of<float>({rows, columns}, x)}, {4, 4}), 0);
  ASSERT_EQ(runner.outputs.size(), 2u);
  EXPECT_THAT(runner.outputs[0].sizes, ElementsAre(rows, columns));
  std::vector<float> sums = runner.outputs[0].as<float>();
  std::vector<float> softmax = runner.outputs[1].as<float>();
  ASSERT_EQ(sums.size(), x.size());
  for (int64_t row = 0; row < rows; ++row) {
    float sum = 0;
    double total = 0;
    for (int64_t column = 0; column < columns; ++column) {
      sum += 2 * x[row * columns + column];
      // Twice a float is exact, and the order of the sum is given.
      EXPECT_EQ(sums[row * columns + column], sum);
    }
    for (int64_t column = 0; column < columns; ++column)
      total += std::exp(double(sums[row * columns + column]) - sum);
    for (int64_t column = 0; column < columns; ++column) {
      double expected =
          std::exp(double(sums[row * columns + column]) - sum) / total;
      // exp has 2 units of error, the sum log2(columns) at worst, the
      // subtraction half a unit of up to 16. Results below the smallest normal
      // number may be 0.
      EXPECT_NEAR(softmax[row * columns + column], expected,
                  4e-6 * expected + 1.2e-38);
    }
  }
}

TEST(HostProgram, RunsAChainOfKernels) {
  ProgramRunner runner;
  ASSERT_TRUE(runner.compile(kChain)) << runner.messages;
  ASSERT_EQ(runner.report.kernels.size(), 4u);
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{3, 5},
                               {1, 1},
                               {17, 100},
                               {0, 4},
                               {2, 3000}})
    checkChain(runner, rows, columns);
  EXPECT_THAT(runner.launched,
              ElementsAre("all_positive", "scale", "scan", "softmax"));
  EXPECT_EQ(runner.report.variants.size(), 2u);
}

TEST(HostProgram, RunsAnyVariant) {
  for (const char *cpu : {"x86-64-v3", "native"}) {
    ProgramRunner runner;
    ASSERT_TRUE(runner.compile(kChain, {cpu, 1})) << runner.messages;
    checkChain(runner, 5, 37);
  }
}

TEST(HostProgram, GivesTheSameBitsForAnyRanges) {
  ProgramRunner runner;
  ASSERT_TRUE(runner.compile(kChain)) << runner.messages;
  Tensor x = Tensor::of<float>({37, 1000}, randomPositive(37000, 3));
  ASSERT_EQ(runner.run({x}, {4, 4}), 0);
  std::vector<char> expected = runner.outputs[1].bytes;
  EXPECT_GT(runner.workgroups.back(), 1u);
  for (uint64_t chunk : {1, 2, 5}) {
    ASSERT_EQ(runner.run({x}, {4, 4}, chunk), 0);
    EXPECT_EQ(runner.outputs[1].bytes, expected);
  }
}

TEST(HostProgram, FailsWithTheMessageOfARequirement) {
  ProgramRunner runner;
  ASSERT_TRUE(runner.compile(kChain)) << runner.messages;
  EXPECT_EQ(runner.run({Tensor::of<float>({1, 2}, {1, -1})}, {4, 4}), 3);
  EXPECT_EQ(runner.failure, "all of x must be positive");
  EXPECT_THAT(runner.launched, ElementsAre("all_positive"));
}

TEST(HostProgram, RefusesAnotherVersion) {
  ProgramRunner runner;
  ASSERT_TRUE(runner.compile(kChain)) << runner.messages;
  EXPECT_EQ(runner.query(TRINE_PROGRAM_ABI_VERSION + 1), nullptr);
}

TEST(HostProgram, RefusesARuntimeWithFewerServices) {
  // An older runtime: what it does not have is never called.
  ProgramRunner runner;
  ASSERT_TRUE(runner.compile(R"mlir(
plan.device @device0
func.func @main(%ids: memref<?x?xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = memref.dim %ids, %c0 : memref<?x?xi64>
  %length = memref.dim %ids, %c1 : memref<?x?xi64>
  %rows = plan.output 0(%batch, %length) : memref<?x?x1xi64>
  %present = plan.output 1(%batch) : memref<?x1xi64>
  plan.engram_hash %ids outs(%rows, %present : memref<?x?x1xi64>, memref<?x1xi64>) order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2
    on @device0 queue 0 : memref<?x?xi64>
  return
}
)mlir"))
      << runner.messages;
  runner.servicesBytes = offsetof(trine_program_services, engram_hash);
  EXPECT_EQ(runner.run({Tensor::of<int64_t>({1, 2}, {1, 2})}, {8, 8}), 3);
  EXPECT_EQ(runner.failure,
            "the program asks for services that this runtime does not have: "
            "use the runtime of the compiler that made the package, or a newer "
            "one");
  EXPECT_TRUE(runner.outputs.empty());
  // One that calls none of them runs.
  ProgramRunner chain;
  ASSERT_TRUE(chain.compile(kChain)) << chain.messages;
  chain.servicesBytes = offsetof(trine_program_services, prefetch_issue);
  EXPECT_EQ(chain.run({Tensor::of<float>({1, 2}, {1, 1})}, {4, 4}), 0);
}

TEST(HostProgram, IsReproducible) {
  ProgramRunner first, second;
  ASSERT_TRUE(first.compile(kChain, {"", 1})) << first.messages;
  ASSERT_TRUE(second.compile(kChain, {"", 2})) << second.messages;
  EXPECT_EQ(first.sharedObject, second.sharedObject);
}

TEST(HostProgram, ExportsOneSymbolAndNeedsLibcAlone) {
  ProgramRunner runner;
  ASSERT_TRUE(runner.compile(kChain)) << runner.messages;
  auto object = llvm::object::ObjectFile::createObjectFile(
      llvm::MemoryBufferRef(llvm::StringRef(runner.sharedObject.data(),
                                            runner.sharedObject.size()),
                            "program.so"));
  ASSERT_TRUE(static_cast<bool>(object));
  auto *elf = llvm::dyn_cast<llvm::object::ELFObjectFileBase>(object->get());
  ASSERT_NE(elf, nullptr);
  std::set<std::string> defined, needed;
  const std::set<std::string> allowed = {"memcpy", "memset", "memmove", "expf"};
  for (auto symbol : elf->getDynamicSymbolIterators()) {
    std::string name = llvm::cantFail(symbol.getName()).str();
    if (llvm::cantFail(symbol.getFlags()) &
        llvm::object::SymbolRef::SF_Undefined)
      needed.insert(name);
    else
      defined.insert(name);
  }
  EXPECT_THAT(defined, ElementsAre("trine_program_query"));
  for (const std::string &name : needed)
    EXPECT_TRUE(allowed.count(name)) << name;
}

TEST(HostProgram, NamesAnUnknownProcessor) {
  ProgramRunner runner;
  EXPECT_FALSE(runner.compile(kChain, {"z80", 1}));
  EXPECT_THAT(runner.messages, HasSubstr("'cpu' must be 'native' or an x86-64 "
                                         "processor that LLVM knows, got "
                                         "'z80'"));
  ProgramRunner old;
  EXPECT_FALSE(old.compile(kChain, {"x86-64-v2", 1}));
  EXPECT_THAT(old.messages, HasSubstr("'cpu' must have AVX2 and FMA, which "
                                      "'x86-64-v2' lacks"));
}
