// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The frame of a program, and linalg and tensor ops.
#include "TrineProgramGenerator.h"
#include <algorithm>

using namespace mlir::trine::test;

//===--- Text ------------------------------------------------------------===//

std::string TrineProgramGenerator::join(const std::vector<std::string> &list) {
  std::string text;
  for (const std::string &entry : list)
    text += (text.empty() ? "" : ", ") + entry;
  return text;
}

std::string TrineProgramGenerator::typeOf(const Shape &shape,
                                          const std::string &element) {
  std::string text = "tensor<";
  for (const Size &size : shape)
    text += (size.value.empty() ? std::to_string(size.number) : "?") + "x";
  return text + element + ">";
}

std::string TrineProgramGenerator::typesOf(const std::vector<Value> &list) {
  std::vector<std::string> types;
  for (const Value &value : list)
    types.push_back(typeOf(value));
  return join(types);
}

std::string TrineProgramGenerator::namesOf(const std::vector<Value> &list) {
  std::vector<std::string> all;
  for (const Value &value : list)
    all.push_back(value.name);
  return join(all);
}

std::string TrineProgramGenerator::group(const std::string &name,
                                         const std::vector<Value> &list) {
  return list.empty()
             ? ""
             : name + "(" + namesOf(list) + " : " + typesOf(list) + ") ";
}

std::string TrineProgramGenerator::number(double value) {
  return std::to_string(value);
}

TrineProgramGenerator::Value
TrineProgramGenerator::define(const Shape &shape, double bound,
                              const std::string &element) {
  return {fresh(), shape, element, bound};
}

std::string TrineProgramGenerator::indexOf(const Size &size) {
  if (!size.value.empty())
    return size.value;
  std::string name = fresh();
  line(name + " = arith.constant " + std::to_string(size.number) + " : index");
  return name;
}

TrineProgramGenerator::Size
TrineProgramGenerator::computed(const char *op, const Size &a, const Size &b) {
  std::string left = indexOf(a), right = indexOf(b), name = fresh();
  line(name + " = arith." + op + " " + left + ", " + right + " : index");
  return {0, name};
}

TrineProgramGenerator::Size TrineProgramGenerator::sum(const Size &a,
                                                       const Size &b) {
  Size result;
  if (!a.value.empty() || !b.value.empty())
    result = computed("addi", a, b);
  result.number = a.number + b.number;
  return result;
}

TrineProgramGenerator::Size TrineProgramGenerator::product(const Size &a,
                                                           const Size &b) {
  Size result;
  if (!a.value.empty() || !b.value.empty())
    result = computed("muli", a, b);
  result.number = a.number * b.number;
  return result;
}

//===--- Values ----------------------------------------------------------===//

TrineProgramGenerator::Value
TrineProgramGenerator::input(const Shape &shape, ProgramInput::Kind kind,
                             int64_t limit) {
  Value value{"%x" + std::to_string(program.inputs.size()), shape,
              kind == ProgramInput::Indices ? "i64" : "f32", 1};
  ProgramInput made{kind, {}, limit};
  for (const Size &size : shape)
    made.shape.push_back(size.number);
  program.inputs.push_back(made);
  std::string dims;
  for (const Size &size : shape)
    dims += (dims.empty() ? "" : ", ") +
            (size.value.empty() ? std::to_string(size.number) + " : i64"
                                : "\"" + size.value.substr(1) + "\"");
  arguments.push_back(value.name + ": " + typeOf(value) + " {onnx.name = \"" +
                      value.name.substr(1) + "\", onnx.dims = [" + dims + "]}");
  return value;
}

TrineProgramGenerator::Value
TrineProgramGenerator::weight(const std::vector<int64_t> &sizes) {
  int64_t count = 1;
  Shape shape;
  std::string list;
  for (int64_t size : sizes) {
    count *= size;
    shape.push_back({size, ""});
  }
  Value value = define(shape, 0.5);
  // A constant, a weight, or the transpose of one.
  unsigned form = pick(4);
  if (form == 0 && count <= 256) {
    // Row-major, with a bracket where a dimension begins and ends.
    std::string numbers;
    for (int64_t i = 0; i < count; ++i) {
      std::string ends;
      int64_t inner = 1;
      for (size_t d = sizes.size(); d-- > 0;) {
        inner *= sizes[d];
        if (i % inner == 0)
          numbers += "[";
        if ((i + 1) % inner == 0)
          ends += "]";
      }
      numbers += number((double(pick(17)) - 8) / 16) + ends +
                 (i + 1 < count ? ", " : "");
    }
    line(value.name + " = arith.constant dense<" + numbers +
         "> : " + typeOf(value));
    return value;
  }
  auto load = [&](const Value &loaded) {
    line(loaded.name + " = trine.weight \"w" + std::to_string(names++) +
         "\" from \"" + weightFile + "\" at " +
         std::to_string(4 * pick(weightCount - count)) + " length " +
         std::to_string(4 * count) + " : " + typeOf(loaded));
  };
  if (form == 1 && sizes.size() == 2) {
    Value stored = define({shape[1], shape[0]}, 0.5);
    load(stored);
    return transpose(stored, {1, 0});
  }
  if (form == 2 && sizes.size() > 1 &&
      sizes[0] * 2 * (count / sizes[0]) <= weightCount / 2) {
    // Half of a larger one.
    Shape whole = shape;
    whole[0].number *= 2;
    Value stored = define(whole, 0.5);
    count *= 2;
    load(stored);
    std::vector<int64_t> begin(sizes.size(), 0);
    begin[0] = flip() ? sizes[0] : 0;
    return slice(stored, begin, shape);
  }
  load(value);
  return value;
}

TrineProgramGenerator::Value
TrineProgramGenerator::integers(const std::vector<int64_t> &sizes,
                                int64_t limit) {
  Shape shape;
  for (int64_t size : sizes)
    shape.push_back({size, ""});
  Value value = define(shape, double(limit), "i64");
  std::string numbers;
  int64_t columns = sizes.size() == 2 ? sizes[1] : 0;
  int64_t count = sizes[0] * (columns ? columns : 1);
  for (int64_t i = 0; i < count; ++i) {
    numbers += i ? ", " : "";
    if (columns && i % columns == 0)
      numbers += "[";
    numbers += std::to_string(random() % uint64_t(limit));
    if (columns && (i + 1) % columns == 0)
      numbers += "]";
  }
  line(value.name + " = arith.constant dense<[" + numbers +
       "]> : " + typeOf(value));
  return value;
}

TrineProgramGenerator::Value
TrineProgramGenerator::empty(const Shape &shape, const std::string &element) {
  Value value = define(shape, 0, element);
  std::vector<std::string> sizes;
  for (const Size &size : shape)
    if (!size.value.empty())
      sizes.push_back(size.value);
  line(value.name + " = tensor.empty(" + join(sizes) + ") : " + typeOf(value));
  return value;
}

TrineProgramGenerator::Value TrineProgramGenerator::filled(const Shape &shape) {
  Value target = empty(shape), value = define(shape, 0);
  std::string zero = fresh();
  line(zero + " = arith.constant 0.0 : f32");
  line(value.name + " = linalg.fill ins(" + zero + " : f32) outs(" +
       target.name + " : " + typeOf(target) + ") -> " + typeOf(value));
  return value;
}

TrineProgramGenerator::Value TrineProgramGenerator::any() {
  // The newest are likelier, so that programs grow deep.
  unsigned back = std::min(pick(values.size()), pick(values.size()));
  return values[values.size() - 1 - back];
}

TrineProgramGenerator::Value TrineProgramGenerator::hidden(int64_t width) {
  if (pick(8) == 0)
    return input({batch, sequence, {width, ""}});
  Value value = any();
  int64_t has = value.shape[2].number;
  if (has == width)
    return value;
  if (has > width && flip())
    return slice(value, {0, 0, int64_t(pick(has - width + 1))},
                 {batch, sequence, {width, ""}});
  return project(value, width);
}

TrineProgramGenerator::Value TrineProgramGenerator::project(const Value &value,
                                                            int64_t width) {
  Value matrix = weight({value.shape[2].number, width});
  Value left = collapse(value, /*intoRows=*/true);
  Value target = filled({rows, {width, ""}});
  Value made = define(target.shape, value.bound * 0.5 * value.shape[2].number);
  line(made.name + " = linalg.matmul " + group("ins", {left, matrix}) +
       group("outs", {target}) + "-> " + typeOf(made));
  return expand(made, {{batch, sequence}, {{width, ""}}});
}

TrineProgramGenerator::Value TrineProgramGenerator::slice(
    const Value &value, const std::vector<int64_t> &begin, const Shape &sizes) {
  Value made = define(sizes, value.bound, value.element);
  std::vector<std::string> offsets, lengths, ones;
  for (size_t i = 0; i < sizes.size(); ++i) {
    offsets.push_back(std::to_string(begin[i]));
    lengths.push_back(nameOf(sizes[i]));
    ones.push_back("1");
  }
  line(made.name + " = tensor.extract_slice " + value.name + "[" +
       join(offsets) + "] [" + join(lengths) + "] [" + join(ones) +
       "] : " + typeOf(value) + " to " + typeOf(made));
  return made;
}

TrineProgramGenerator::Value TrineProgramGenerator::collapse(const Value &value,
                                                             bool intoRows) {
  Value made = define({}, value.bound, value.element);
  std::string rest;
  int64_t width = 1;
  for (size_t i = 2; i < value.shape.size(); ++i) {
    rest += (rest.empty() ? "" : ", ") + std::to_string(i);
    width *= value.shape[i].number;
  }
  if (intoRows)
    made.shape = {rows};
  else
    made.shape = {batch, sequence};
  if (!rest.empty())
    made.shape.push_back({width, ""});
  if (made.shape.size() == value.shape.size())
    return value;
  line(made.name + " = tensor.collapse_shape " + value.name +
       (intoRows ? " [[0, 1]" : " [[0], [1]") +
       (rest.empty() ? "" : ", [" + rest + "]") + "] : " + typeOf(value) +
       " into " + typeOf(made));
  return made;
}

TrineProgramGenerator::Value
TrineProgramGenerator::expand(const Value &value,
                              const std::vector<std::vector<Size>> &dims) {
  Value made = define({}, value.bound, value.element);
  std::string groups, sizes;
  for (const std::vector<Size> &dim : dims) {
    groups += groups.empty() ? "[" : ", [";
    for (size_t i = 0; i < dim.size(); ++i) {
      groups += (i ? ", " : "") + std::to_string(made.shape.size());
      sizes += (sizes.empty() ? "" : ", ") + nameOf(dim[i]);
      made.shape.push_back(dim[i]);
    }
    groups += "]";
  }
  line(made.name + " = tensor.expand_shape " + value.name + " [" + groups +
       "] output_shape [" + sizes + "] : " + typeOf(value) + " into " +
       typeOf(made));
  return made;
}

TrineProgramGenerator::Value
TrineProgramGenerator::transpose(const Value &value,
                                 const std::vector<unsigned> &order) {
  Shape shape;
  std::string list;
  for (unsigned dim : order) {
    shape.push_back(value.shape[dim]);
    list += (list.empty() ? "" : ", ") + std::to_string(dim);
  }
  Value target = empty(shape, value.element),
        made = define(shape, value.bound, value.element);
  line(made.name + " = linalg.transpose " + group("ins", {value}) +
       group("outs", {target}) + "permutation = [" + list + "]");
  return made;
}

TrineProgramGenerator::Value TrineProgramGenerator::heads(int64_t count,
                                                          int64_t width) {
  Value value = bounded(hidden(count * width));
  return transpose(
      expand(value, {{batch}, {sequence}, {{count, ""}, {width, ""}}}),
      {0, 2, 1, 3});
}

TrineProgramGenerator::Value
TrineProgramGenerator::fromHeads(const Value &value) {
  return collapse(transpose(value, {0, 2, 1, 3}));
}

TrineProgramGenerator::Value
TrineProgramGenerator::concatenate(const Value &a, const Value &b,
                                   unsigned dimension) {
  Shape shape = a.shape;
  shape[dimension] = sum(a.shape[dimension], b.shape[dimension]);
  Value made = define(shape, std::max(a.bound, b.bound), a.element);
  line(made.name + " = tensor.concat dim(" + std::to_string(dimension) + ") " +
       namesOf({a, b}) + " : (" + typesOf({a, b}) + ") -> " + typeOf(made));
  return made;
}

void TrineProgramGenerator::keep(const Value &value) {
  values.push_back(collapse(value));
}

TrineProgramGenerator::Value
TrineProgramGenerator::bounded(const Value &value) {
  if (value.bound <= 8)
    return value;
  Value target = empty(value.shape), made = define(value.shape, 1);
  std::string map = "affine_map<(d0, d1, d2) -> (d0, d1, d2)>", x = fresh(),
              y = fresh();
  line(made.name + " = linalg.generic {indexing_maps = [" + map + ", " + map +
       "], iterator_types = [\"parallel\", \"parallel\", \"parallel\"]} " +
       group("ins", {value}) + group("outs", {target}) + "{");
  line("^bb0(" + x + ": f32, %unused" + std::to_string(names++) + ": f32):");
  line("  " + y + " = math.tanh " + x + " : f32");
  line("  linalg.yield " + y + " : f32");
  line("} -> " + typeOf(made));
  return made;
}

//===--- Ops -------------------------------------------------------------===//

void TrineProgramGenerator::addElementwise() {
  Value a = bounded(any()), b = hidden(a.shape[2].number);
  // Perhaps one number for each row, or for each column.
  std::string whole = "affine_map<(d0, d1, d2) -> (d0, d1, d2)>", map = whole;
  if (pick(3) == 0) {
    b = slice(b, {0, 0, 0}, {batch, sequence, {1, ""}});
    map = "affine_map<(d0, d1, d2) -> (d0, d1, 0)>";
  } else if (pick(3) == 0) {
    b = weight({a.shape[2].number});
    map = "affine_map<(d0, d1, d2) -> (d2)>";
  }
  const char *op = oneOf({"addf", "subf", "mulf", "maximumf"});
  double bound =
      *op == 'm' && op[1] == 'u' ? a.bound * b.bound : a.bound + b.bound;
  Value target = empty(a.shape), made = define(a.shape, bound);
  std::string x = fresh(), y = fresh(), z = fresh();
  line(made.name + " = linalg.generic {indexing_maps = [" + whole + ", " + map +
       ", " + whole +
       "], iterator_types = [\"parallel\", \"parallel\", \"parallel\"]} " +
       group("ins", {a, b}) + group("outs", {target}) + "{");
  line("^bb0(" + x + ": f32, " + y + ": f32, %unused" +
       std::to_string(names++) + ": f32):");
  line("  " + z + " = arith." + op + " " + x + ", " + y + " : f32");
  line("  linalg.yield " + z + " : f32");
  line("} -> " + typeOf(made));
  keep(made);
}

void TrineProgramGenerator::addMovement() {
  Value a = any();
  int64_t width = a.shape[2].number;
  switch (pick(3)) {
  case 0: {
    Value b = any();
    if (width + b.shape[2].number <= 32)
      keep(concatenate(a, b, 2));
    return;
  }
  case 1: {
    int64_t length = 1 + pick(width);
    keep(slice(a, {0, 0, int64_t(pick(width - length + 1))},
               {batch, sequence, {length, ""}}));
    return;
  }
  default:
    keep(project(bounded(a), 1 + pick(12)));
  }
}

void TrineProgramGenerator::addOp() {
  switch (pick(18)) {
  case 0:
  case 1:
  case 2:
    return addElementwise();
  case 3:
  case 4:
    return addMovement();
  case 5:
    return addNorm();
  case 6:
    return addRope();
  case 7:
    return addGatedMLP();
  case 8:
  case 9:
    return addAttention();
  case 10:
    return addMerge();
  case 11:
    return addLatentAttention();
  case 12:
    return addExperts();
  case 13:
    return addGroupedProducts();
  case 14:
    return addEngram();
  case 15:
    return flip() ? addGate() : addConvolution();
  case 16:
    return addHyperConnections();
  default:
    return addState();
  }
}

Program TrineProgramGenerator::generate() {
  batch = {1 + pick(3), ""};
  sequence = {1 + pick(4), ""};
  bool isBatchKnown = flip(), isSequenceKnown = flip();
  if (!isBatchKnown)
    batch.value = "%batch";
  if (!isSequenceKnown)
    sequence.value = "%sequence";
  // The first arguments have all sizes.
  for (unsigned i = 0, count = 1 + pick(2); i < count; ++i)
    values.push_back(input({batch, sequence, {4 + 2 * pick(4), ""}}));
  std::string type = typeOf(values[0]);
  line("%zero = arith.constant 0 : index");
  line("%one = arith.constant 1 : index");
  if (!isBatchKnown)
    line("%batch = tensor.dim %x0, %zero : " + type);
  if (!isSequenceKnown)
    line("%sequence = tensor.dim %x0, %one : " + type);
  rows = product(batch, sequence);
  for (unsigned i = 0, count = 1 + pick(8); i < count; ++i)
    addOp();
  outputs.push_back(values.back());
  if (flip())
    outputs.push_back(any());
  program.text = "func.func @main(" + join(arguments) + ") -> (" +
                 typesOf(outputs) + ") {\n" + body + "  return " +
                 namesOf(outputs) + " : " + typesOf(outputs) + "\n}\n";
  program.slots = batch.number;
  program.isExact = false;
  return program;
}
