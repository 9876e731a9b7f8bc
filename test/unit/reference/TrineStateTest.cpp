// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.require and the state ops.
#include "OperatorTesting.h"

using namespace mlir::trine::reference;

namespace {
constexpr const char *kGrowing = "!trine.state<tensor<?x?x2xf32>, axis 1>",
                     *kReplaced = "!trine.state<tensor<?x1xi64>, axis 0>";

/// A function of the state "kv", %s, which grows, and of "last", %w.
std::string onState(const std::string &arguments, const std::string &body,
                    const std::string &returned, const std::string &types) {
  return "func.func @main(" + arguments + ") -> (" + types + ") {\n" +
         "%s = trine.state.open \"kv\" capacity 0 : " + kGrowing + "\n" +
         "%w = trine.state.open \"last\" capacity 0 {trine.initial = 7 : i64} "
         ": " +
         kReplaced + "\n" + body + "\nreturn " + returned + " : " + types +
         "\n}";
}

std::string update(const std::string &op, bool replaced = false) {
  std::string type = replaced ? kReplaced : kGrowing;
  return "%t = trine.state." + op + (replaced ? " %w, %n : " : " %s, %n : ") +
         type + ", tensor<?xi64>\n";
}

const std::string kRead =
    std::string("%v, %l = trine.state.read %s : ") + kGrowing +
    " -> tensor<?x?x2xf32>, tensor<?xi64>\n%x, %m = trine.state.read %w : " +
    kReplaced + " -> tensor<?x1xi64>, tensor<?xi64>";
const std::string kValues = "%v, %l, %x",
                  kTypes = "tensor<?x?x2xf32>, tensor<?xi64>, tensor<?x1xi64>";

class TrineStateTest : public ::testing::Test {
protected:
  TrineStateTest() {
    session.slots = 2;
    options.session = &session;
  }
  Outcome runStep(const std::string &text, llvm::ArrayRef<Tensor> inputs) {
    return runText(text, inputs, options);
  }
  Outcome append(std::vector<double> values, llvm::ArrayRef<int64_t> last,
                 llvm::ArrayRef<int64_t> counts) {
    return runStep(
        onState("%a: tensor<2x?x2xf32>, %h: tensor<2x1xi64>, %n: tensor<?xi64>",
                std::string("%s1 = trine.state.append %s, %a counts(%n : "
                            "tensor<?xi64>) : ") +
                    kGrowing +
                    ", tensor<2x?x2xf32>\n%w1 = trine.state.append " +
                    "%w, %h : " + kReplaced + ", tensor<2x1xi64>\n" + kRead,
                kValues, kTypes),
        {f32({2, static_cast<int64_t>(values.size()) / 4, 2}, values),
         i64({2, 1}, last),
         i64({static_cast<int64_t>(counts.size())}, counts)});
  }
  Outcome change(const std::string &op, llvm::ArrayRef<int64_t> values,
                 bool replaced = false) {
    return runStep(onState("%n: tensor<?xi64>", update(op, replaced) + kRead,
                           kValues, kTypes),
                   {i64({static_cast<int64_t>(values.size())}, values)});
  }
  void expectState(const Outcome &outcome, std::vector<double> values,
                   llvm::ArrayRef<int64_t> lengths,
                   llvm::ArrayRef<int64_t> last) {
    ASSERT_TRUE(outcome.succeeded) << outcome.errors;
    expectReals(outcome.results[0],
                {2, static_cast<int64_t>(values.size()) / 4, 2}, values);
    EXPECT_EQ(outcome.results[1].integers(),
              llvm::SmallVector<int64_t>(lengths));
    EXPECT_EQ(outcome.results[2].integers(), llvm::SmallVector<int64_t>(last));
  }
  Session session;
  InterpreterOptions options;
};
} // namespace

TEST_F(TrineStateTest, NeedsASession) {
  options.session = nullptr;
  expectError(runStep(onState("", kRead, kValues, kTypes), {}),
              "'trine.state.open' op needs a session");
}

TEST(TrineRequireTest, Requires) {
  const char *text = "func.func @main(%c: tensor<i1>) {\n  trine.require %c, "
                     "\"sizes must agree\" : tensor<i1>\n  return\n}";
  EXPECT_TRUE(runText(text, {booleans({}, {1})}).succeeded);
  expectError(runText(text, {booleans({}, {0})}),
              "requirement not met: sizes must agree");
}

TEST_F(TrineStateTest, IsEmptyAtFirst) {
  expectState(runStep(onState("", kRead, kValues, kTypes), {}), {}, {0, 0},
              {7, 7});
}

TEST_F(TrineStateTest, AppendsBehindEachSlotsOwn) {
  expectState(append({1, 2, 3, 4, 5, 6, 7, 8}, {10, 20}, {2, 1}),
              {1, 2, 3, 4, 5, 6, 0, 0}, {2, 1}, {10, 20});
  expectState(append({9, 9, 0, 0, 8, 8, 0, 0}, {11, 21}, {1, 1}),
              {1, 2, 3, 4, 9, 9, 5, 6, 8, 8, 0, 0}, {3, 2}, {11, 21});
  expectError(append({1, 2, 3, 4}, {1, 1}, {1, 2}),
              "'counts' must be in [0, 1], got 2");
  expectError(append({1, 2, 3, 4}, {1, 1}, {1}),
              "'counts' must have 2 elements, got 1");
}

TEST_F(TrineStateTest, TruncatesForksAndResets) {
  append({1, 2, 3, 4, 5, 6, 7, 8}, {10, 20}, {2, 1});
  expectState(change("truncate", {1, 5}), {1, 2, 5, 6}, {1, 1}, {10, 20});
  expectError(change("truncate", {-1, 5}), "'new_lengths' must be in [0, ");
  expectError(change("truncate", {0, 0}, /*replaced=*/true),
              "cannot go back: the state keeps its last value alone");
  expectState(change("fork", {1, 1}), {5, 6, 5, 6}, {1, 1}, {10, 20});
  expectState(change("fork", {1, 0}, /*replaced=*/true), {5, 6, 5, 6}, {1, 1},
              {20, 10});
  expectError(change("fork", {2, 0}), "'sources' must be in [0, 1], got 2");
  expectState(change("reset", {1}), {5, 6, 0, 0}, {1, 0}, {20, 10});
  expectState(change("reset", {0}, /*replaced=*/true), {5, 6, 0, 0}, {1, 0},
              {7, 10});
  expectError(change("reset", {2}), "'slots' must be in [0, 2), got 2");
}

TEST_F(TrineStateTest, ChecksWhatTheSessionHas) {
  session.states["kv"].values = f32({2, 0, 3}, {});
  session.states["kv"].lengths = {0, 0};
  expectError(runStep(onState("", kRead, kValues, kTypes), {}),
              "finds a state of another type in the session");
  session.states.clear();
  session.slots = -1;
  expectError(runStep(onState("", kRead, kValues, kTypes), {}),
              "a session must have 0 slots or more, got -1");
  session.slots = 1;
  expectError(
      runStep("func.func @main() -> tensor<?x?x?xf32> {\n%s = trine.state.open "
              "\"x\" capacity 0 : !trine.state<tensor<?x?x?xf32>, axis 1>\n%v, "
              "%l = trine.state.read %s : !trine.state<tensor<?x?x?xf32>, axis "
              "1> -> tensor<?x?x?xf32>, tensor<?xi64>\nreturn %v : "
              "tensor<?x?x?xf32>\n}",
              {}),
      "needs a state of one size but for slots and entries");
}
