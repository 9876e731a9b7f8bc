// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops of scf.
#include "OperatorTesting.h"

using namespace mlir::trine::reference;

TEST(StructuredControlFlowTest, For) {
  auto sum = [](const char *type, int64_t lower, int64_t upper, int64_t step,
                const char *signedness = "") {
    ElementType element =
        llvm::StringRef(type) == "i8" ? ElementType::I8 : ElementType::I64;
    auto scalar = [&](int64_t value) {
      return Tensor::fromIntegers(element, {}, {value});
    };
    std::string t = type;
    std::string suffix = t == "index" ? "" : " : " + t;
    return runBody({t, t, t},
                   "%z = arith.constant 0 : " + t + "\n%r = scf.for " +
                       signedness +
                       " %i = %0 to %1 step %2 iter_args(%s = %z) "
                       "-> (" +
                       t + ")" + suffix +
                       " {\n"
                       "  %n = arith.addi %s, %i : " +
                       t + "\n  scf.yield %n : " + t + "\n}",
                   {t}, {scalar(lower), scalar(upper), scalar(step)});
  };
  expectIntegers(only(sum("index", 1, 10, 4)), {}, {1 + 5 + 9});
  expectIntegers(only(sum("index", 5, 5, 1)), {}, {0});
  expectIntegers(only(sum("index", 5, -5, 1)), {}, {0});
  // 127 is an iteration, and nothing wraps to go on.
  expectIntegers(only(sum("i8", 125, 127, 1)), {}, {(125 + 126) - 256});
  expectIntegers(only(sum("i8", 1, -1, 100, "unsigned")), {},
                 {1 + 101 + 201 - 256});
  expectError(sum("index", 0, 4, 0), "'step' must be positive, got 0");
  expectError(sum("index", 0, 4, -1), "'step' must be positive, got -1");
  expectError(sum("index", 0, std::numeric_limits<int64_t>::max(), 1),
              "runs for more than 16777216 iterations");
}

TEST(StructuredControlFlowTest, LoopsChangeTensorsInPlaceAndLeaveOthersAlone) {
  // %0 is still read after the loop that starts from it, and the loop swaps its
  // two tensors in each iteration.
  const char *body = R"(
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %e = tensor.empty() : tensor<3xi64>
    %l:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %0, %b = %e) -> (tensor<3xi64>, tensor<3xi64>) {
      %v = arith.index_cast %i : index to i64
      %x = tensor.insert %v into %a[%i] : tensor<3xi64>
      scf.yield %b, %x : tensor<3xi64>, tensor<3xi64>
    }
    %r = tensor.concat dim(0) %0, %l#0, %l#1 : (tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) -> tensor<9xi64>)";
  expectIntegers(only(runBody({"tensor<3xi64>"}, body, {"tensor<9xi64>"},
                              {i64({3}, {7, 8, 9})})),
                 {9}, {7, 8, 9, -1, 1, -1, 0, 8, 2});
}

TEST(StructuredControlFlowTest, If) {
  const char *body = R"(
    %c0 = arith.constant 0 : index
    %r = scf.if %0 -> (tensor<2xi64>) {
      %v = arith.constant 5 : i64
      %x = tensor.insert %v into %1[%c0] : tensor<2xi64>
      scf.yield %x : tensor<2xi64>
    } else {
      scf.yield %1 : tensor<2xi64>
    }
    scf.if %0 {
    })";
  for (int64_t condition : {0, 1})
    expectIntegers(
        only(runBody({"i1", "tensor<2xi64>"}, body, {"tensor<2xi64>"},
                     {booleans({}, {condition}), i64({2}, {1, 2})})),
        {2}, {condition ? 5 : 1, 2});
}

TEST(StructuredControlFlowTest, While) {
  // The largest power of two up to a limit, and its exponent.
  const char *body = R"(
    %one = arith.constant 1 : i64
    %zero = arith.constant 0 : i64
    %l:2 = scf.while (%p = %one, %e = %zero) : (i64, i64) -> (i64, i64) {
      %next = arith.addi %p, %p : i64
      %more = arith.cmpi sle, %next, %0 : i64
      scf.condition(%more) %next, %e : i64, i64
    } do {
    ^bb0(%p: i64, %e: i64):
      %n = arith.addi %e, %one : i64
      scf.yield %p, %n : i64, i64
    }
    %r = arith.addi %l#1, %zero : i64)";
  expectIntegers(only(runBody({"i64"}, body, {"i64"}, {i64({}, {100})})), {},
                 {6});
  InterpreterOptions options;
  options.maximumIterations = 4;
  expectError(runBody({"i64"}, body, {"i64"}, {i64({}, {100})}, options),
              "runs for more than 4 iterations");
}

TEST(StructuredControlFlowTest, Forall) {
  const char *body = R"(
    %e = tensor.empty(%0) : tensor<?x4xi64>
    %r = scf.forall (%i, %j) = (0, 1) to (%0, 4) step (1, 2) shared_outs(%o = %e) -> (tensor<?x4xi64>) {
      %v = arith.index_cast %i : index to i64
      %w = arith.index_cast %j : index to i64
      %p = tensor.from_elements %v, %w : tensor<2xi64>
      scf.forall.in_parallel {
        tensor.parallel_insert_slice %p into %o[%i, %j] [1, 2] [1, 1] : tensor<2xi64> into tensor<?x4xi64>
      }
    })";
  expectError(runBody({"index"}, body, {"tensor<?x4xi64>"}, {i64({}, {2})}),
              "offset 3, size 2 and stride 1 must lie within dimension 1 of "
              "size 4");
  const char *fitting = R"(
    %e = tensor.empty(%0) : tensor<?x5xi64>
    %r = scf.forall (%i, %j) = (0, 1) to (%0, 4) step (1, 2) shared_outs(%o = %e) -> (tensor<?x5xi64>) {
      %v = arith.index_cast %i : index to i64
      %w = arith.index_cast %j : index to i64
      %p = tensor.from_elements %v, %w : tensor<2xi64>
      scf.forall.in_parallel {
        tensor.parallel_insert_slice %p into %o[%i, %j] [1, 2] [1, 1] : tensor<2xi64> into tensor<?x5xi64>
      }
    })";
  expectIntegers(
      only(runBody({"index"}, fitting, {"tensor<?x5xi64>"}, {i64({}, {2})})),
      {2, 5}, {-1, 0, 1, 0, 3, -1, 1, 1, 1, 3});
  const char *endless = R"(
    %e = tensor.empty() : tensor<1xi64>
    %r = scf.forall (%i, %j) in (%0, %0) shared_outs(%o = %e) -> (tensor<1xi64>) {
      scf.forall.in_parallel {
      }
    })";
  for (int64_t size : {int64_t(5000), int64_t(1) << 40})
    expectError(
        runBody({"index"}, endless, {"tensor<1xi64>"}, {i64({}, {size})}),
        "runs for more than 16777216 iterations");
  const char *standing = R"(
    %e = tensor.empty() : tensor<1xi64>
    %r = scf.forall (%i) = (0) to (4) step (%0) shared_outs(%o = %e) -> (tensor<1xi64>) {
      scf.forall.in_parallel {
      }
    })";
  expectError(runBody({"index"}, standing, {"tensor<1xi64>"}, {i64({}, {0})}),
              "'step' must be positive, got 0");
}

TEST(StructuredControlFlowTest, RegionsAndSwitches) {
  const char *body = R"(
    %s = scf.execute_region -> index {
      scf.yield %0 : index
    }
    %r = scf.index_switch %s -> i64
    case 2 {
      %a = arith.constant 20 : i64
      scf.yield %a : i64
    }
    case 5 {
      %b = arith.constant 50 : i64
      scf.yield %b : i64
    }
    default {
      %c = arith.constant -1 : i64
      scf.yield %c : i64
    })";
  for (auto [value, expected] : {std::pair{2, 20}, {5, 50}, {3, -1}})
    expectIntegers(only(runBody({"index"}, body, {"i64"}, {i64({}, {value})})),
                   {}, {expected});
}

TEST(StructuredControlFlowTest, Errors) {
  expectError(runBody({"i64"}, R"(
    %r = scf.execute_region -> i64 {
      cf.br ^next
    ^next:
      scf.yield %0 : i64
    })",
                      {"i64"}, {i64({}, {1})}),
              "must have regions of one block, got 2");
  std::string nested;
  for (int i = 0; i < 70; ++i)
    nested += "scf.execute_region {\n";
  for (int i = 0; i < 70; ++i)
    nested += "scf.yield\n}\n";
  expectError(runBody({}, nested, {}, {}),
              "is nested more than 64 levels deep");
}
