// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include <cinttypes>

using namespace mlir;
using namespace mlir::trine;

std::string cuda::typeName(Type type) {
  if (type.isIndex())
    return "Index";
  if (type.isF32())
    return "float";
  if (type.isF64())
    return "double";
  if (type.isF16())
    return "half";
  if (type.isBF16())
    return "bfloat";
  if (!type.isInteger())
    return "";
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return "bool";
  case 8:
    return "signed char";
  case 16:
    return "short";
  case 32:
    return "int";
  case 64:
    return "long long";
  }
  return "";
}

std::string cuda::unsignedTypeName(Type type) {
  if (type.isIndex())
    return "unsigned long long";
  if (!type.isInteger())
    return "";
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return "bool";
  case 8:
    return "unsigned char";
  case 16:
    return "unsigned short";
  case 32:
    return "unsigned";
  case 64:
    return "unsigned long long";
  }
  return "";
}

int64_t cuda::elementBytes(Type type) {
  if (typeName(type).empty())
    return 0;
  if (type.isIndex())
    return 8;
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

static std::string floatLiteral(const APFloat &value, Type type) {
  SmallString<32> bits;
  APInt integer = value.bitcastToAPInt();
  integer.toString(bits, 16, /*Signed=*/false, /*formatAsCLiteral=*/true);
  if (type.isF16() || type.isBF16())
    return (cuda::typeName(type) + "{" + bits + "}").str();
  bool isSingle = type.isF32();
  if (!value.isFinite())
    return isSingle ? ("__uint_as_float(" + bits + "u)").str()
                    : ("__longlong_as_double(" + bits + "ll)").str();
  SmallString<32> text;
  // Nine and 17 digits determine a float and a double.
  value.toString(text, isSingle ? 9 : 17, /*FormatMaxPadding=*/0);
  if (text.find_first_of(".eE") == StringRef::npos)
    text += ".0";
  if (isSingle)
    text += "f";
  return value.isNegative() ? ("(" + text + ")").str() : text.str().str();
}

std::string cuda::literal(TypedAttr value) {
  Type type = value.getType();
  if (auto number = dyn_cast<FloatAttr>(value))
    return typeName(type).empty() ? "" : floatLiteral(number.getValue(), type);
  auto number = dyn_cast<IntegerAttr>(value);
  if (!number || typeName(type).empty())
    return "";
  if (type.isInteger(1))
    return number.getValue().isZero() ? "false" : "true";
  int64_t integer = number.getValue().getSExtValue();
  // The smallest numbers have no literal.
  if (integer == std::numeric_limits<int64_t>::min())
    return "(-9223372036854775807ll - 1)";
  if (type.isInteger(32) && integer == std::numeric_limits<int32_t>::min())
    return "(-2147483647 - 1)";
  std::string text = std::to_string(integer);
  if (type.isInteger(64) || integer > std::numeric_limits<int32_t>::max() ||
      integer < std::numeric_limits<int32_t>::min())
    text += "ll";
  return integer < 0 ? "(" + text + ")" : text;
}

namespace {
/// $0 $1 $2: operands; $r: result type; $u: its unsigned form; $v: the
/// unsigned form of operand 0; $f: "f" for functions of float.
struct Form {
  const char *op, *text;
};
} // namespace

static const Form kForms[] = {
    {"arith.addf", "$0 + $1"},
    {"arith.subf", "$0 - $1"},
    {"arith.mulf", "$0 * $1"},
    {"arith.divf", "$0 / $1"},
    {"arith.remf", "fmod$f($0, $1)"},
    {"arith.negf", "-$0"},
    {"arith.maximumf", "nanMaximum($0, $1)"},
    {"arith.minimumf", "nanMinimum($0, $1)"},
    {"arith.maxnumf", "fmax$f($0, $1)"},
    {"arith.minnumf", "fmin$f($0, $1)"},
    {"arith.divsi", "$0 / $1"},
    {"arith.divui", "($r)(($u)$0 / ($u)$1)"},
    {"arith.remsi", "$0 % $1"},
    {"arith.remui", "($r)(($u)$0 % ($u)$1)"},
    {"arith.ceildivsi", "ceilDivide($0, $1)"},
    {"arith.ceildivui", "ceilDivide($0, $1)"},
    {"arith.floordivsi", "floorDivide($0, $1)"},
    {"arith.andi", "($r)($0 & $1)"},
    {"arith.ori", "($r)($0 | $1)"},
    {"arith.xori", "($r)($0 ^ $1)"},
    {"arith.shli", "($r)(($u)$0 << $1)"},
    {"arith.shrsi", "($r)($0 >> $1)"},
    {"arith.shrui", "($r)(($u)$0 >> $1)"},
    {"arith.minsi", "$0 < $1 ? $0 : $1"},
    {"arith.maxsi", "$0 > $1 ? $0 : $1"},
    {"arith.minui", "($u)$0 < ($u)$1 ? $0 : $1"},
    {"arith.maxui", "($u)$0 > ($u)$1 ? $0 : $1"},
    {"arith.extui", "($r)($v)$0"},
    {"arith.index_castui", "($r)($v)$0"},
    {"arith.uitofp", "($r)($v)$0"},
    {"arith.fptosi", "($r)$0"},
    {"arith.fptoui", "($r)($u)$0"},
    {"arith.extf", "($r)$0"},
    {"arith.bitcast", "bitCast<$r>($0)"},
    {"math.exp", "exp$f($0)"},
    {"math.exp2", "exp2$f($0)"},
    {"math.expm1", "expm1$f($0)"},
    {"math.log", "log$f($0)"},
    {"math.log2", "log2$f($0)"},
    {"math.log10", "log10$f($0)"},
    {"math.log1p", "log1p$f($0)"},
    {"math.sqrt", "sqrt$f($0)"},
    {"math.rsqrt", "1 / sqrt$f($0)"},
    {"math.cbrt", "cbrt$f($0)"},
    {"math.sin", "sin$f($0)"},
    {"math.cos", "cos$f($0)"},
    {"math.tan", "tan$f($0)"},
    {"math.asin", "asin$f($0)"},
    {"math.acos", "acos$f($0)"},
    {"math.atan", "atan$f($0)"},
    {"math.atan2", "atan2$f($0, $1)"},
    {"math.sinh", "sinh$f($0)"},
    {"math.cosh", "cosh$f($0)"},
    {"math.tanh", "tanh$f($0)"},
    {"math.asinh", "asinh$f($0)"},
    {"math.acosh", "acosh$f($0)"},
    {"math.atanh", "atanh$f($0)"},
    {"math.erf", "erf$f($0)"},
    {"math.erfc", "erfc$f($0)"},
    {"math.powf", "pow$f($0, $1)"},
    {"math.absf", "fabs$f($0)"},
    {"math.absi", "$0 < 0 ? ($r)(0 - ($u)$0) : $0"},
    {"math.ceil", "ceil$f($0)"},
    {"math.floor", "floor$f($0)"},
    {"math.round", "round$f($0)"},
    {"math.roundeven", "rint$f($0)"},
    {"math.trunc", "trunc$f($0)"},
    {"math.copysign", "copysign$f($0, $1)"},
    {"math.fma", "fma$f($0, $1, $2)"},
    {"math.isnan", "$0 != $0"},
    {"math.isfinite", "$0 - $0 == 0"},
    {"math.isinf", "$0 == $0 && $0 - $0 != 0"},
};

static StringRef comparison(arith::CmpIPredicate predicate, bool &isUnsigned) {
  using Predicate = arith::CmpIPredicate;
  isUnsigned = predicate >= Predicate::ult;
  switch (predicate) {
  case Predicate::eq:
    return "==";
  case Predicate::ne:
    return "!=";
  case Predicate::slt:
  case Predicate::ult:
    return "<";
  case Predicate::sle:
  case Predicate::ule:
    return "<=";
  case Predicate::sgt:
  case Predicate::ugt:
    return ">";
  case Predicate::sge:
  case Predicate::uge:
    return ">=";
  }
  return "";
}

static StringRef comparison(arith::CmpFPredicate predicate) {
  using Predicate = arith::CmpFPredicate;
  switch (predicate) {
  case Predicate::AlwaysFalse:
    return "false";
  case Predicate::AlwaysTrue:
    return "true";
  case Predicate::OEQ:
    return "$0 == $1";
  case Predicate::OGT:
    return "$0 > $1";
  case Predicate::OGE:
    return "$0 >= $1";
  case Predicate::OLT:
    return "$0 < $1";
  case Predicate::OLE:
    return "$0 <= $1";
  case Predicate::ONE:
    return "$0 < $1 || $0 > $1";
  case Predicate::ORD:
    return "$0 == $0 && $1 == $1";
  case Predicate::UEQ:
    return "!($0 < $1 || $0 > $1)";
  case Predicate::UGT:
    return "!($0 <= $1)";
  case Predicate::UGE:
    return "!($0 < $1)";
  case Predicate::ULT:
    return "!($0 >= $1)";
  case Predicate::ULE:
    return "!($0 > $1)";
  case Predicate::UNE:
    return "$0 != $1";
  case Predicate::UNO:
    return "$0 != $0 || $1 != $1";
  }
  return "";
}

static bool isHalf(Type type) { return type.isF16() || type.isBF16(); }

/// The form of an op whose text depends on more than its name.
static std::string specialForm(Operation *op) {
  StringRef name = op->getName().getStringRef();
  Type type = op->getResult(0).getType();
  if (name == "arith.addi" || name == "arith.subi" || name == "arith.muli") {
    StringRef sign = name == "arith.addi"   ? "+"
                     : name == "arith.subi" ? "-"
                                            : "*";
    if (type.isIndex())
      return ("$0 " + sign + " $1").str();
    if (type.isInteger(1))
      return sign == "*" ? "$0 && $1" : "$0 != $1";
    // Integers wrap, which only unsigned ones do in C++.
    return ("($r)(($u)$0 " + sign + " ($u)$1)").str();
  }
  if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    bool isUnsigned;
    StringRef sign = comparison(compare.getPredicate(), isUnsigned);
    // As signed numbers, true is below false.
    if (compare.getLhs().getType().isInteger(1) && !isUnsigned &&
        sign != "==" && sign != "!=")
      return ("(int)$1 " + sign + " (int)$0").str();
    return isUnsigned ? ("($v)$0 " + sign + " ($v)$1").str()
                      : ("$0 " + sign + " $1").str();
  }
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return comparison(compare.getPredicate()).str();
  if (name == "arith.select" && !isa<ShapedType>(type))
    return "$0 ? $1 : $2";
  if (name == "arith.extsi" || name == "arith.index_cast" ||
      name == "arith.sitofp")
    return op->getOperand(0).getType().isInteger(1) ? "($r)($0 ? -1 : 0)"
           : type.isInteger(1)                      ? "($0 & 1) != 0"
                                                    : "($r)$0";
  // What rounds to 16 bits takes float and double.
  if (name == "arith.truncf")
    return isHalf(type) ? "$0" : "($r)$0";
  if (name == "arith.trunci")
    return type.isInteger(1) ? "($0 & 1) != 0" : "($r)$0";
  return "";
}

std::optional<std::string>
cuda::scalarExpression(Operation *op, ArrayRef<std::string> operands) {
  static const llvm::StringMap<StringRef> forms = [] {
    llvm::StringMap<StringRef> map;
    for (const Form &form : kForms)
      map[form.op] = form.text;
    return map;
  }();
  if (op->getNumResults() != 1)
    return std::nullopt;
  Type type = op->getResult(0).getType();
  if (typeName(type).empty() || operands.size() > 3)
    return std::nullopt;
  for (Type operand : op->getOperandTypes())
    if (typeName(operand).empty())
      return std::nullopt;
  std::string form = specialForm(op);
  if (form.empty())
    form = forms.lookup(op->getName().getStringRef()).str();
  if (form.empty())
    return std::nullopt;

  // 16-bit numbers are computed with in float and rounded once; moves keep
  // their bits.
  StringRef name = op->getName().getStringRef();
  bool moves = name == "arith.select" || name == "arith.bitcast";
  bool isSingle = type.isF32() || isHalf(type);
  for (Type operand : op->getOperandTypes())
    if (isa<FloatType>(operand))
      isSingle = !operand.isF64();
  std::string text;
  for (size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '$') {
      text += form[i];
      continue;
    }
    char what = form[++i];
    if (what == 'r')
      text += isHalf(type) && !moves ? "float" : typeName(type);
    else if (what == 'u')
      text += unsignedTypeName(type);
    else if (what == 'v')
      text += unsignedTypeName(op->getOperand(0).getType());
    else if (what == 'f')
      text += isSingle ? "f" : "";
    else if (isHalf(op->getOperand(what - '0').getType()) && !moves)
      text += "toFloat(" + operands[what - '0'] + ")";
    else
      text += operands[what - '0'];
  }
  if (isHalf(type) && !moves)
    text = "roundTo<" + typeName(type) + ">(" + text + ")";
  return text;
}

std::optional<int64_t> cuda::asNumber(StringRef text) {
  int64_t value;
  if (text.getAsInteger(10, value))
    return std::nullopt;
  return value;
}

bool cuda::isMultipleOfEight(StringRef text) {
  // A product alone: parentheses in it change nothing.
  if (text.find_first_of("+-/%?") != StringRef::npos)
    return false;
  SmallVector<StringRef> factors;
  text.split(factors, '*');
  return llvm::any_of(factors, [](StringRef factor) {
    std::optional<int64_t> number = asNumber(factor.trim(" ()"));
    return number && *number % 8 == 0;
  });
}

static std::string inParentheses(const std::string &text) {
  bool simple = llvm::all_of(
      text, [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; });
  return simple ? text : "(" + text + ")";
}

std::string cuda::sumText(const std::string &a, const std::string &b) {
  std::optional<int64_t> left = asNumber(a), right = asNumber(b);
  if (left && right)
    return std::to_string(*left + *right);
  if (left && *left == 0)
    return b;
  if (right && *right == 0)
    return a;
  if (right && *right < 0)
    return a + " - " + std::to_string(-*right);
  return a + " + " + b;
}

std::string cuda::productText(const std::string &a, const std::string &b) {
  std::optional<int64_t> left = asNumber(a), right = asNumber(b);
  if (left && right)
    return std::to_string(*left * *right);
  if ((left && *left == 0) || (right && *right == 0))
    return "0";
  if (left && *left == 1)
    return b;
  if (right && *right == 1)
    return a;
  return inParentheses(a) + " * " + inParentheses(b);
}

std::string cuda::affineText(AffineExpr expression, ArrayRef<std::string> dims,
                             ArrayRef<std::string> symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return std::to_string(constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expression))
    return dims[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expression))
    return symbols[symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expression);
  // b - a reads better than a * -1 + b.
  if (binary.getKind() == AffineExprKind::Add)
    for (auto [negative, other] :
         {std::pair(binary.getLHS(), binary.getRHS()),
          std::pair(binary.getRHS(), binary.getLHS())}) {
      auto product = dyn_cast<AffineBinaryOpExpr>(negative);
      auto factor = product && product.getKind() == AffineExprKind::Mul
                        ? dyn_cast<AffineConstantExpr>(product.getRHS())
                        : AffineConstantExpr();
      if (factor && factor.getValue() == -1)
        return affineText(other, dims, symbols) + " - " +
               inParentheses(affineText(product.getLHS(), dims, symbols));
    }
  std::string left = affineText(binary.getLHS(), dims, symbols);
  std::string right = affineText(binary.getRHS(), dims, symbols);
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return sumText(left, right);
  case AffineExprKind::Mul:
    return productText(left, right);
  case AffineExprKind::FloorDiv:
    return "floorDivide(" + left + ", " + right + ")";
  case AffineExprKind::CeilDiv:
    return "ceilDivide(" + left + ", " + right + ")";
  default:
    return "floorModulo(" + left + ", " + right + ")";
  }
}
