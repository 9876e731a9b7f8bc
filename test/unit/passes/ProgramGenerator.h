// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Random programs of the onnx level that the verifier accepts and the
/// interpreter runs.
#ifndef TRINE_TEST_UNIT_PASSES_PROGRAMGENERATOR_H
#define TRINE_TEST_UNIT_PASSES_PROGRAMGENERATOR_H

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace mlir::trine::test {

/// What one argument of a program takes.
struct ProgramInput {
  enum Kind {
    Integers, ///< f32 that are small integers
    Reals,    ///< f32 in [-1, 1]
    Mask,     ///< f32 in [-1, 1], some of them -infinity
    Indices   ///< i64 in [0, limit)
  } kind = Integers;
  std::vector<int64_t> shape;
  int64_t limit = 0;
};

struct Program {
  std::string text;
  std::vector<ProgramInput> inputs;
  /// How many sequences its states hold, if it has any.
  int64_t slots = 0;
  /// Whether every op gives integers that f32 holds: results must then be equal
  /// whatever the order of sums.
  bool isExact = false;
};

class ProgramGenerator {
public:
  explicit ProgramGenerator(uint64_t seed) : random(seed) {}
  Program generate();

private:
  struct Value {
    std::string name;
    std::vector<int64_t> shape; // with the batch as it will be
    bool hasBatch;              // dimension 0 is it
    bool isSmall;               // at most a few hundred in magnitude
  };

  unsigned pick(unsigned count) { return random() % count; }
  std::string getType(const Value &value) const;
  std::string typeOf(const std::vector<int64_t> &shape, bool hasBatch,
                     const char *element = "f32") const;
  /// A value that `accepts` accepts; one always is.
  template <typename Accepts>
  const Value *find(Accepts accepts);
  std::string constant(const std::vector<int64_t> &values);
  Value add(const std::string &text, const std::vector<const Value *> &operands,
            const std::string &extra,
            const std::vector<std::string> &extraTypes,
            const std::string &attributes, std::vector<int64_t> shape,
            bool hasBatch, bool isSmall);
  void addOp();
  void addUnary();
  void addBinary();
  void addMatMul();
  void addMovement();
  void addReduction();
  void addRounded();
  Value clip(const Value &value);

  std::mt19937_64 random;
  std::vector<Value> values;
  std::string body;
  unsigned names = 0;
  int64_t batch = 1;
  bool isDynamic = false, isExact = true;
};

} // namespace mlir::trine::test

#endif
