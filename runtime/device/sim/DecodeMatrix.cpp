// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ldmatrix, stmatrix, movmatrix, mma and wgmma.
#include "Decoder.h"
#include "Handlers.h"
#include "MatrixForms.h"

using namespace trine::sim;

namespace {
bool matrixType(Type type, MatrixType &into) {
  switch (type) {
  case Type::F16:
    into = MatrixType::F16;
    return true;
  case Type::BF16:
    into = MatrixType::BF16;
    return true;
  case Type::TF32:
    into = MatrixType::TF32;
    return true;
  case Type::F32:
    into = MatrixType::F32;
    return true;
  case Type::F64:
    into = MatrixType::F64;
    return true;
  case Type::E4M3:
    into = MatrixType::E4M3;
    return true;
  case Type::E5M2:
    into = MatrixType::E5M2;
    return true;
  case Type::S8:
    into = MatrixType::S8;
    return true;
  case Type::U8:
    into = MatrixType::U8;
    return true;
  case Type::S32:
    into = MatrixType::S32;
    return true;
  default:
    return false;
  }
}

/// "m64n128k16" to its numbers.
bool shapeNamed(const std::string &text, unsigned &m, unsigned &n,
                unsigned &k) {
  unsigned *parts[3] = {&m, &n, &k};
  const char letters[3] = {'m', 'n', 'k'};
  size_t at = 0;
  for (unsigned p = 0; p < 3; ++p) {
    if (at >= text.size() || text[at] != letters[p])
      return false;
    ++at;
    unsigned value = 0, digits = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' &&
           digits < 4) {
      value = value * 10 + unsigned(text[at] - '0');
      ++at;
      ++digits;
    }
    if (!digits)
      return false;
    *parts[p] = value;
  }
  return at == text.size();
}
} // namespace

void Decoder::matrixLoadStore() {
  // ldmatrix.sync.aligned.m8n8.num{.trans}{.space}.b16 r, [p]; stmatrix ...
  // [p], r
  bool isStore = statement->opcode == "stmatrix";
  take("sync");
  take("aligned");
  made.control = Control::Aligned;
  bool shape = take("m8n8");
  made.elements = take("x4") ? 4 : take("x2") ? 2 : take("x1") ? 1 : 0;
  if (take("trans"))
    made.flags |= FlagTransposed;
  Space space = takeSpace(Space::Generic);
  if (!shape || !made.elements || takeType() != Type::B16 ||
      !operandCount(2, 2))
    return fail("'" + statement->opcode +
                "' expects '.m8n8', '.x1', '.x2' or '.x4', and '.b16'");
  if (!address(statement->operands[isStore ? 0 : 1], space, made.a))
    return;
  const Operand &registers = statement->operands[isStore ? 1 : 0];
  const Operand *list = &registers;
  size_t count = 1;
  if (registers.kind == Operand::Kind::Vector) {
    list = registers.elements.data();
    count = registers.elements.size();
  }
  if (count != made.elements)
    return fail("'" + statement->opcode + "' expects " +
                std::to_string(made.elements) + " registers, got " +
                std::to_string(count));
  std::vector<Reference> references;
  for (size_t n = 0; n < count; ++n)
    references.push_back(isStore ? sourceOf(list[n], Type::B32, CheckItem::Use)
                                 : destinationOf(list[n], Type::B32));
  made.list = beginList();
  made.count = uint16_t(count);
  for (Reference reference : references)
    addToList(reference);
  handler(isStore ? handlers::storeMatrix : handlers::loadMatrix);
}

void Decoder::moveMatrix() {
  take("sync");
  take("aligned");
  made.control = Control::Aligned;
  if (!take("m8n8") || !take("trans") || takeType() != Type::B16 ||
      !operandCount(2, 2))
    return fail("'movmatrix' expects '.m8n8.trans.b16'");
  made.a = source(1, Type::B32, CheckItem::Use);
  made.d = destination(0, Type::B32);
  handler(handlers::moveMatrix);
}

void Decoder::matrixMultiply() {
  // mma.sync.aligned.shape.row.col{.satfinite}.d.a.b.c d, a, b, c
  take("sync");
  take("aligned");
  made.control = Control::Aligned;
  MatrixForm form;
  bool shaped = false;
  for (size_t n = 0; n < taken.size(); ++n)
    if (!taken[n] && !shaped &&
        shapeNamed(statement->modifiers[n], form.mma.m, form.mma.n, form.mma.k))
      shaped = taken[n] = true;
  bool row = take("row"), column = take("col");
  form.mma.satFinite = take("satfinite");
  MatrixType *types[4] = {&form.mma.d, &form.mma.a, &form.mma.b, &form.mma.c};
  bool known = true;
  for (MatrixType *type : types)
    known &= matrixType(takeType(), *type);
  if (!shaped || !row || !column || !known || !operandCount(4, 4))
    return fail(
        "'mma' expects a shape, '.row.col', four types and four operands");
  std::string error;
  if (!checkMmaForm(form.mma, form.mmaRegisters, error))
    return fail("this form of 'mma' is not known: " + error);
  bool is64 = form.mma.d == MatrixType::F64;
  Type type = is64 ? Type::F64 : Type::B32;
  unsigned counts[4] = {form.mmaRegisters.d, form.mmaRegisters.a,
                        form.mmaRegisters.b, form.mmaRegisters.c};
  std::vector<Reference> references;
  // Sources before the destination, as the checks want it.
  for (unsigned operand : {1u, 2u, 3u, 0u}) {
    const Operand &vector = statement->operands[operand];
    const Operand *list = &vector;
    size_t count = 1;
    if (vector.kind == Operand::Kind::Vector) {
      list = vector.elements.data();
      count = vector.elements.size();
    }
    if (count != counts[operand])
      return fail("operand " + std::to_string(operand) + " of this 'mma' has " +
                  std::to_string(counts[operand]) + " registers, got " +
                  std::to_string(count));
    for (size_t n = 0; n < count; ++n)
      references.push_back(operand == 0
                               ? destinationOf(list[n], type)
                               : sourceOf(list[n], type, CheckItem::Use));
  }
  made.list = beginList();
  made.count = uint16_t(references.size());
  for (Reference reference : references)
    addToList(reference);
  made.extra = uint32_t(layout.kernel.matrixForms.size());
  layout.kernel.matrixForms.push_back(form);
  handler(handlers::multiplyMatrix);
}

void Decoder::warpgroup() {
  if (take("fence") || take("commit_group") || take("wait_group")) {
    bool isWait = !statement->modifiers.empty() &&
                  statement->modifiers[0] == "wait_group";
    bool isFence =
        !statement->modifiers.empty() && statement->modifiers[0] == "fence";
    take("sync");
    take("aligned");
    made.control = Control::Aligned;
    if (isWait) {
      int64_t left = 0;
      if (!operandCount(1, 1) || !immediate(0, left, 0, 1 << 20))
        return;
      made.extra = uint32_t(left);
    } else if (!operandCount(0, 0)) {
      return;
    }
    return handler(isWait    ? handlers::warpgroupWait
                   : isFence ? handlers::warpgroupFence
                             : handlers::warpgroupCommit);
  }
  // wgmma.mma_async.sync.aligned.shape.d.a.b{.satfinite} d, a, b-desc,
  // scale-d{, imm-scale-a, imm-scale-b{, trans-a}, trans-b}
  if (!take("mma_async"))
    return fail("'wgmma' expects '.mma_async', '.fence', '.commit_group' or "
                "'.wait_group'");
  take("sync");
  take("aligned");
  made.control = Control::Warpgroup;
  MatrixForm form;
  form.isWarpgroup = true;
  unsigned m = 0;
  bool shaped = false;
  for (size_t n = 0; n < taken.size(); ++n)
    if (!taken[n] && !shaped &&
        shapeNamed(statement->modifiers[n], m, form.wgmma.n, form.wgmma.k))
      shaped = taken[n] = true;
  form.wgmma.satFinite = take("satfinite");
  Type d = takeType(), a = takeType(), b = takeType();
  if (!shaped || m != 64 || !matrixType(d, form.wgmma.d) ||
      !matrixType(a, form.wgmma.a) || !matrixType(b, form.wgmma.b))
    return fail("'wgmma.mma_async' expects a shape of m64 and three types");
  bool isInteger = form.wgmma.d == MatrixType::S32;
  bool is16 =
      form.wgmma.a == MatrixType::F16 || form.wgmma.a == MatrixType::BF16;
  if (!operandCount(4, 8))
    return;
  form.wgmma.aInRegisters =
      statement->operands[1].kind == Operand::Kind::Vector;
  size_t expected = isInteger ? 4
                    : is16    ? (form.wgmma.aInRegisters ? 7 : 8)
                              : 6;
  if (!operandCount(expected, expected))
    return;
  int64_t value = 0;
  if (!isInteger) {
    for (unsigned n = 0; n < 2; ++n) {
      if (!immediate(4 + n, value, -1, 1))
        return;
      if (value == 0)
        return fail("the scales of 'wgmma' are 1 or -1");
      (n == 0 ? form.wgmma.negateA : form.wgmma.negateB) = value < 0;
    }
    if (is16) {
      size_t at = 6;
      if (!form.wgmma.aInRegisters) {
        if (!immediate(at++, value, 0, 1))
          return;
        form.wgmma.aTransposed = value;
      }
      if (!immediate(at, value, 0, 1))
        return;
      form.wgmma.bTransposed = value;
    }
  }
  std::string error;
  if (!checkWgmmaForm(form.wgmma, form.wgmmaRegisters, error))
    return fail("this form of 'wgmma' is not known: " + error);
  const Operand &accumulators = statement->operands[0];
  if (accumulators.kind != Operand::Kind::Vector ||
      accumulators.elements.size() != form.wgmmaRegisters.d)
    return fail("the accumulator of this 'wgmma' has " +
                std::to_string(form.wgmmaRegisters.d) + " registers");
  std::vector<Reference> references;
  if (form.wgmma.aInRegisters) {
    const Operand &vector = statement->operands[1];
    if (vector.elements.size() != form.wgmmaRegisters.a)
      return fail("A of this 'wgmma' has " +
                  std::to_string(form.wgmmaRegisters.a) + " registers, got " +
                  std::to_string(vector.elements.size()));
    for (const Operand &each : vector.elements) {
      references.push_back(sourceOf(each, Type::B32, CheckItem::Use));
      if (!out.checks.empty() && each.kind == Operand::Kind::Register) {
        form.aRegisters.push_back(each.index);
        out.checks.back().isAsync = true;
      }
    }
  } else {
    made.a = source(1, Type::B64, CheckItem::Use);
  }
  made.b = source(2, Type::B64, CheckItem::Use);
  made.c = predicateSource(statement->operands[3], CheckItem::Use);
  for (const Operand &each : accumulators.elements) {
    references.push_back(destinationOf(each, Type::B32, false, nullptr, true));
    if (each.kind == Operand::Kind::Register)
      form.dRegisters.push_back(each.index);
  }
  made.list = beginList();
  made.count = uint16_t(references.size());
  for (Reference reference : references)
    addToList(reference);
  made.extra = uint32_t(layout.kernel.matrixForms.size());
  layout.kernel.matrixForms.push_back(std::move(form));
  handler(handlers::warpgroupMultiply);
}
