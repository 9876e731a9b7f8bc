// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Joining.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

Joining cuda::findJoining(linalg::LinalgOp op, unsigned result) {
  Joining joining;
  Block *payload = op.getBlock();
  BlockArgument carried = payload->getArgument(op.getNumDpsInputs() + result);
  Operation *join =
      payload->getTerminator()->getOperand(result).getDefiningOp();
  if (!join || join->getNumOperands() != 2 || !carried.hasOneUse() ||
      *carried.user_begin() != join || join->getBlock() != payload)
    return joining;
  Type type = carried.getType();
  std::string name = join->getName().getStringRef().str();
  if (type.isF32() || type.isF64()) {
    StringRef infinity = type.isF32()
                             ? "__uint_as_float(0x7F800000u)"
                             : "__longlong_as_double(0x7FF0000000000000ll)";
    joining.neutral =
        llvm::StringSwitch<std::string>(name)
            .Case("arith.addf", "0")
            .Case("arith.mulf", "1")
            .Cases({"arith.maximumf", "arith.maxnumf"}, ("-" + infinity).str())
            .Cases({"arith.minimumf", "arith.minnumf"}, infinity.str())
            .Default("");
  } else if (type.isInteger(1)) {
    joining.neutral = llvm::StringSwitch<std::string>(name)
                          .Cases({"arith.ori", "arith.xori"}, "false")
                          .Case("arith.andi", "true")
                          .Default("");
  } else if (type.isInteger(32) || type.isInteger(64)) {
    bool wide = type.isInteger(64);
    joining.neutral =
        llvm::StringSwitch<std::string>(name)
            .Cases({"arith.addi", "arith.ori", "arith.xori"}, "0")
            .Case("arith.muli", "1")
            .Case("arith.andi", "-1")
            .Case("arith.maxsi",
                  wide ? "(-9223372036854775807ll - 1)" : "(-2147483647 - 1)")
            .Case("arith.minsi", wide ? "9223372036854775807ll" : "2147483647")
            .Default("");
  }
  if (!joining.neutral.empty())
    joining.op = join;
  return joining;
}

bool cuda::isNeutral(Operation *joining, TypedAttr value) {
  if (auto number = dyn_cast<FloatAttr>(value)) {
    const APFloat &x = number.getValue();
    if (isa<arith::AddFOp>(joining))
      return x.isZero();
    if (isa<arith::MulFOp>(joining))
      return x.isExactlyValue(1.0);
    if (isa<arith::MaximumFOp, arith::MaxNumFOp>(joining))
      return x.isInfinity() && x.isNegative();
    return isa<arith::MinimumFOp, arith::MinNumFOp>(joining) &&
           x.isInfinity() && !x.isNegative();
  }
  auto number = dyn_cast<IntegerAttr>(value);
  if (!number)
    return false;
  const APInt &x = number.getValue();
  if (isa<arith::AddIOp, arith::OrIOp, arith::XOrIOp>(joining))
    return x.isZero();
  if (isa<arith::MulIOp>(joining))
    return x.isOne();
  if (isa<arith::AndIOp>(joining))
    return x.isAllOnes();
  if (isa<arith::MaxSIOp>(joining))
    return x.isMinSignedValue();
  return isa<arith::MinSIOp>(joining) && x.isMaxSignedValue();
}
