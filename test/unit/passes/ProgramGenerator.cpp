// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ProgramGenerator.h"
#include <algorithm>

using namespace mlir::trine::test;

std::string ProgramGenerator::typeOf(const std::vector<int64_t> &shape,
                                     bool hasBatch, const char *element) const {
  std::string text = "tensor<";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 && hasBatch && isDynamic ? "?" : std::to_string(shape[i])) +
            "x";
  return text + element + ">";
}

std::string ProgramGenerator::getType(const Value &value) const {
  return typeOf(value.shape, value.hasBatch);
}

template <typename Accepts>
const ProgramGenerator::Value *ProgramGenerator::find(Accepts accepts) {
  // The newest are likelier, so that programs grow deep.
  for (unsigned attempt = 0; attempt < 10; ++attempt) {
    unsigned back = std::min(pick(values.size()), pick(values.size()));
    const Value &value = values[values.size() - 1 - back];
    if (accepts(value))
      return &value;
  }
  for (const Value &value : values)
    if (accepts(value))
      return &value;
  return nullptr;
}

std::string ProgramGenerator::constant(const std::vector<int64_t> &numbers) {
  std::string name = "%c" + std::to_string(names++), list;
  for (int64_t number : numbers)
    list += (list.empty() ? "" : ", ") + std::to_string(number);
  body += "  " + name + " = onnx.Constant dense<[" + list + "]> : tensor<" +
          std::to_string(numbers.size()) + "xi64>\n";
  return name;
}

ProgramGenerator::Value ProgramGenerator::add(
    const std::string &text, const std::vector<const Value *> &operands,
    const std::string &extra, const std::vector<std::string> &extraTypes,
    const std::string &attributes, std::vector<int64_t> shape, bool hasBatch,
    bool isSmall) {
  Value result{"%v" + std::to_string(names++), std::move(shape), hasBatch,
               isSmall};
  std::string list, types;
  for (const Value *operand : operands) {
    list += (list.empty() ? "" : ", ") + operand->name;
    types += (types.empty() ? "" : ", ") + getType(*operand);
  }
  list += extra;
  for (const std::string &type : extraTypes)
    types += ", " + type;
  body += "  " + result.name + " = onnx." + text + "(" + list + ")" +
          (attributes.empty() ? "" : " {" + attributes + "}") + " : (" + types +
          ") -> " + getType(result) + "\n";
  values.push_back(result);
  return result;
}

ProgramGenerator::Value ProgramGenerator::clip(const Value &value) {
  std::string low = "%c" + std::to_string(names++),
              high = "%c" + std::to_string(names++);
  body += "  " + low + " = onnx.Constant dense<-8.0> : tensor<f32>\n  " + high +
          " = onnx.Constant dense<9.0> : tensor<f32>\n";
  Value operand = value;
  return add("Clip", {&operand}, ", " + low + ", " + high,
             {"tensor<f32>", "tensor<f32>"}, "", operand.shape,
             operand.hasBatch, true);
}

void ProgramGenerator::addUnary() {
  static const char *const ops[] = {"Relu",  "Neg",  "Abs",   "Identity",
                                    "Floor", "Sign", "Round", "Ceil"};
  Value operand = *find([](const Value &) { return true; });
  // Steps would make a large difference of a small one.
  add(ops[pick(isExact ? std::size(ops) : 4)], {&operand}, "", {}, "",
      operand.shape, operand.hasBatch, operand.isSmall);
}

void ProgramGenerator::addBinary() {
  static const char *const ops[] = {"Add", "Sub", "Mul", "Max", "Min"};
  unsigned op = pick(std::size(ops));
  Value a = *find([](const Value &value) { return value.isSmall; });
  // The same shape, or one that is stretched to it.
  Value b = *find([&](const Value &value) {
    if (!value.isSmall || value.shape.size() > a.shape.size())
      return false;
    for (size_t i = 0; i < value.shape.size(); ++i) {
      size_t at = a.shape.size() - value.shape.size() + i;
      bool same = value.shape[i] == a.shape[at] &&
                  (value.hasBatch && i == 0) == (a.hasBatch && at == 0);
      if (!same && !(value.shape[i] == 1 && !(value.hasBatch && i == 0)))
        return false;
    }
    return true;
  });
  if (pick(2))
    add(ops[op], {&a, &b}, "", {}, "", a.shape, a.hasBatch, op > 2);
  else
    add(ops[op], {&b, &a}, "", {}, "", a.shape, a.hasBatch, op > 2);
}

void ProgramGenerator::addMatMul() {
  Value a = *find([](const Value &value) {
    return value.isSmall && value.shape.size() == 2;
  });
  unsigned columns = 1 + pick(5);
  // A weight, small integers.
  std::string name = "%c" + std::to_string(names++), rows;
  for (int64_t r = 0; r < a.shape[1]; ++r) {
    rows += r ? ", [" : "[";
    for (unsigned c = 0; c < columns; ++c)
      rows += (c ? ", " : "") + std::to_string(int(pick(5)) - 2) + ".0";
    rows += "]";
  }
  std::string type = typeOf({a.shape[1], columns}, false);
  body +=
      "  " + name + " = onnx.Constant dense<[" + rows + "]> : " + type + "\n";
  add("MatMul", {&a}, ", " + name, {type}, "", {a.shape[0], columns},
      a.hasBatch, false);
}

void ProgramGenerator::addMovement() {
  switch (pick(5)) {
  case 0: { // the batch stays in front
    Value a = *find([](const Value &value) { return value.shape.size() >= 1; });
    std::vector<unsigned> order;
    for (unsigned i = 0; i < a.shape.size(); ++i)
      order.push_back(i);
    std::shuffle(order.begin() + (a.hasBatch ? 1 : 0), order.end(), random);
    std::vector<int64_t> shape;
    std::string list;
    for (unsigned i : order) {
      shape.push_back(a.shape[i]);
      list += (list.empty() ? "" : ", ") + std::to_string(i);
    }
    add("Transpose", {&a}, "", {}, "perm = array<i64: " + list + ">", shape,
        a.hasBatch, a.isSmall);
    return;
  }
  case 1: {
    Value a = *find([](const Value &value) { return !value.shape.empty(); });
    unsigned first = a.hasBatch ? 1 : 0;
    int64_t rest = 1;
    for (size_t i = first; i < a.shape.size(); ++i)
      rest *= a.shape[i];
    std::vector<int64_t> shape(a.shape.begin(), a.shape.begin() + first);
    for (int64_t factor : {2, 3, 5})
      if (rest % factor == 0 && pick(2)) {
        shape.push_back(factor);
        rest /= factor;
      }
    shape.push_back(rest);
    std::vector<int64_t> target = shape;
    if (a.hasBatch)
      target[0] = -1;
    std::string name = constant(target);
    add("Reshape", {&a}, ", " + name,
        {"tensor<" + std::to_string(target.size()) + "xi64>"}, "", shape,
        a.hasBatch, a.isSmall);
    return;
  }
  case 2: {
    Value a = *find([](const Value &value) { return value.shape.size() >= 2; });
    Value b = *find([&](const Value &value) {
      return value.hasBatch == a.hasBatch &&
             value.shape.size() == a.shape.size() &&
             std::equal(value.shape.begin(), value.shape.end() - 1,
                        a.shape.begin());
    });
    std::vector<int64_t> shape = a.shape;
    shape.back() += b.shape.back();
    if (shape.back() > 64)
      return;
    add("Concat", {&a, &b}, "", {}, "axis = -1 : i64", shape, a.hasBatch,
        a.isSmall && b.isSmall);
    return;
  }
  case 3: {
    Value a = *find([](const Value &value) { return value.shape.size() >= 2; });
    unsigned axis = 1 + pick(a.shape.size() - 1);
    std::vector<int64_t> indices, shape = a.shape;
    for (unsigned i = 0, count = 1 + pick(4); i < count; ++i)
      indices.push_back(int64_t(pick(2 * a.shape[axis])) - a.shape[axis]);
    shape[axis] = int64_t(indices.size());
    std::string name = constant(indices);
    add("Gather", {&a}, ", " + name,
        {"tensor<" + std::to_string(indices.size()) + "xi64>"},
        "axis = " + std::to_string(axis) + " : i64", shape, a.hasBatch,
        a.isSmall);
    return;
  }
  default: {
    Value a = *find([](const Value &value) { return value.shape.size() >= 2; });
    unsigned axis = 1 + pick(a.shape.size() - 1);
    int64_t size = a.shape[axis], begin = pick(size),
            end = begin + 1 + pick(size - begin), step = 1 + pick(2);
    std::vector<int64_t> shape = a.shape;
    shape[axis] = (end - begin + step - 1) / step;
    std::string extra = ", " + constant({begin}) + ", " + constant({end}) +
                        ", " + constant({int64_t(axis)}) + ", " +
                        constant({step});
    add("Slice", {&a}, extra, std::vector<std::string>(4, "tensor<1xi64>"), "",
        shape, a.hasBatch, a.isSmall);
  }
  }
}

void ProgramGenerator::addReduction() {
  static const char *const ops[] = {"ReduceSum", "ReduceMax", "ReduceMin"};
  unsigned op = pick(std::size(ops));
  Value a = *find([](const Value &value) {
    return value.isSmall && value.shape.size() >= 2;
  });
  unsigned axis = 1 + pick(a.shape.size() - 1);
  bool keeps = pick(2);
  std::vector<int64_t> shape = a.shape;
  if (keeps)
    shape[axis] = 1;
  else
    shape.erase(shape.begin() + axis);
  std::string name = constant({int64_t(axis)});
  add(ops[op], {&a}, ", " + name, {"tensor<1xi64>"},
      "keepdims = " + std::to_string(int(keeps)) + " : i64", shape, a.hasBatch,
      op != 0);
}

void ProgramGenerator::addRounded() {
  static const char *const ops[] = {"Sigmoid", "Tanh", "Softplus", "Erf"};
  isExact = false;
  Value operand = clip(*find([](const Value &) { return true; }));
  if (pick(3) == 0 && operand.shape.size() >= 2)
    add("Softmax", {&operand}, "", {}, "axis = -1 : i64", operand.shape,
        operand.hasBatch, true);
  else
    add(ops[pick(std::size(ops))], {&operand}, "", {}, "", operand.shape,
        operand.hasBatch, true);
}

void ProgramGenerator::addOp() {
  switch (pick(8)) {
  case 0:
    return addUnary();
  case 1:
  case 2:
    return addBinary();
  case 3:
    return addMatMul();
  case 4:
  case 5:
    return addMovement();
  case 6:
    return addReduction();
  default: {
    Value last = values.back();
    if (!last.isSmall)
      clip(last);
    else if (pick(2))
      addRounded();
  }
  }
}

Program ProgramGenerator::generate() {
  values.clear();
  body.clear();
  names = 0;
  isExact = true;
  isDynamic = pick(2);
  Program program;
  batch = 1 + pick(4);
  std::string arguments;
  for (unsigned i = 0, count = 1 + pick(2); i < count; ++i) {
    program.inputs.push_back({ProgramInput::Integers, {batch, 4}});
    Value input{"%x" + std::to_string(i), {batch, 4}, true, true};
    arguments += (i ? ", " : "") + input.name + ": " + getType(input) +
                 " {onnx.name = \"x" + std::to_string(i) + "\", onnx.dims = [" +
                 (isDynamic ? "\"batch\"" : std::to_string(batch) + " : i64") +
                 ", 4 : i64]}";
    values.push_back(input);
  }
  for (unsigned i = 0, count = 3 + pick(14); i < count; ++i)
    addOp();
  // The last value, and perhaps another.
  std::vector<Value> results = {values.back()};
  if (pick(2))
    results.push_back(values[pick(values.size())]);
  std::string list, types;
  for (const Value &result : results) {
    list += (list.empty() ? "" : ", ") + result.name;
    types += (types.empty() ? "" : ", ") + getType(result);
  }
  program.text = "func.func @main(" + arguments + ") -> (" + types + ") {\n" +
                 body + "  return " + list + " : " + types + "\n}\n";
  program.isExact = isExact;
  return program;
}
