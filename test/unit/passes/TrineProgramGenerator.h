// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Random programs of the trine level that the verifier accepts and the
/// interpreter runs: its own ops in all their forms, and linalg and tensor ops
/// between them.
#ifndef TRINE_TEST_UNIT_PASSES_TRINEPROGRAMGENERATOR_H
#define TRINE_TEST_UNIT_PASSES_TRINEPROGRAMGENERATOR_H

#include "ProgramGenerator.h"

namespace mlir::trine::test {

/// Weights are in this file of the model's folder: `weightCount` f32, multiples
/// of 1/16 in [-1/2, 1/2].
inline constexpr char weightFile[] = "weights.bin";
inline constexpr int64_t weightCount = 1 << 14;

class TrineProgramGenerator {
public:
  explicit TrineProgramGenerator(uint64_t seed) : random(seed) {}
  Program generate();

private:
  /// A dimension: how many there are, and the index value that says it where
  /// the type does not.
  struct Size {
    int64_t number = 0;
    std::string value;
  };
  using Shape = std::vector<Size>;
  struct Value {
    std::string name;
    Shape shape;
    std::string element = "f32";
    /// No element is larger.
    double bound = 1;
  };

  // Text.
  unsigned pick(unsigned count) { return random() % count; }
  bool flip() { return pick(2); }
  const char *oneOf(std::initializer_list<const char *> list) {
    return list.begin()[pick(list.size())];
  }
  std::string fresh() { return "%v" + std::to_string(names++); }
  static std::string join(const std::vector<std::string> &list);
  static std::string typeOf(const Shape &shape, const std::string &element);
  static std::string typeOf(const Value &value) {
    return typeOf(value.shape, value.element);
  }
  static std::string typesOf(const std::vector<Value> &list);
  static std::string namesOf(const std::vector<Value> &list);
  /// "name(%a, %b : type, type) "; empty for an empty list.
  static std::string group(const std::string &name,
                           const std::vector<Value> &list);
  static std::string nameOf(const Size &size) {
    return size.value.empty() ? std::to_string(size.number) : size.value;
  }
  static std::string number(double value);
  void line(const std::string &text) { body += "  " + text + "\n"; }
  Value define(const Shape &shape, double bound,
               const std::string &element = "f32");
  /// The SSA value of a size.
  std::string indexOf(const Size &size);
  Size computed(const char *op, const Size &a, const Size &b);
  Size sum(const Size &a, const Size &b);
  Size product(const Size &a, const Size &b);

  // Values to work on.
  Value input(const Shape &shape, ProgramInput::Kind kind = ProgramInput::Reals,
              int64_t limit = 0);
  /// A constant, or a weight of the file, perhaps as a view of it.
  Value weight(const std::vector<int64_t> &sizes);
  Value integers(const std::vector<int64_t> &sizes, int64_t limit);
  Value empty(const Shape &shape, const std::string &element = "f32");
  Value filled(const Shape &shape);
  /// A value [batch, sequence, width], one that exists.
  Value any();
  /// One of that width: sliced, projected, or an input.
  Value hidden(int64_t width);
  Value project(const Value &value, int64_t width);
  Value slice(const Value &value, const std::vector<int64_t> &begin,
              const Shape &sizes);
  /// [batch, sequence, ...] as [batch, sequence, width], or [rows, width].
  Value collapse(const Value &value, bool intoRows = false);
  Value expand(const Value &value, const std::vector<std::vector<Size>> &dims);
  Value transpose(const Value &value, const std::vector<unsigned> &order);
  /// [batch, heads, sequence, width]
  Value heads(int64_t count, int64_t width);
  Value fromHeads(const Value &value);
  Value concatenate(const Value &a, const Value &b, unsigned dimension);
  /// Keeps `value` [batch, sequence, ...] for later ops.
  void keep(const Value &value);
  /// Keeps it small enough that products of such do not grow.
  Value bounded(const Value &value);

  // Ops.
  void addOp();
  void addElementwise();
  void addMovement();
  void addNorm();
  void addRope();
  void addGatedMLP();
  void addAttention();
  void addMerge();
  void addLatentAttention();
  void addExperts();
  void addGroupedProducts();
  void addEngram();
  void addGate();
  void addConvolution();
  void addHyperConnections();
  void addState();
  std::string maskOf(const Size &queries, const Size &keys, int64_t heads);
  std::string route(int64_t experts, Value &ids, Value &weights);
  std::string activation(bool &isGated);

  std::mt19937_64 random;
  std::vector<Value> values;
  std::vector<Value> outputs;
  std::vector<std::string> arguments;
  Program program;
  std::string body;
  unsigned names = 0, states = 0;
  Size batch, sequence, rows;
};

} // namespace mlir::trine::test

#endif
