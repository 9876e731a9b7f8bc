// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Raising.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::trine;

//===----------------------------------------------------------------------===//
// Looking at values
//===----------------------------------------------------------------------===//

/// The constant's value behind ops that only repeat or convert it; `casts` get
/// the types it passes through, last first.
static DenseElementsAttr constantBehind(Value value,
                                        SmallVectorImpl<Type> &casts) {
  for (unsigned steps = 0; value && steps < 16; ++steps) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return {};
    if (auto constant = dyn_cast<onnx::ConstantOp>(op))
      return dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!isa<onnx::CastOp, onnx::ExpandOp, onnx::ReshapeOp, onnx::UnsqueezeOp,
             onnx::SqueezeOp, onnx::IdentityOp>(op))
      return {};
    if (isa<onnx::CastOp>(op))
      casts.push_back(getElementTypeOrSelf(value.getType()));
    value = op->getOperand(0);
  }
  return {};
}

static bool isOneNumber(DenseElementsAttr value) {
  return value && value.getNumElements() > 0 && value.isSplat();
}

/// `number` rounded to a float type.
static double roundTo(double number, FloatType type) {
  APFloat rounded(number);
  bool losesInformation;
  rounded.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &losesInformation);
  rounded.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                  &losesInformation);
  return rounded.convertToDouble();
}

std::optional<double> mlir::trine::constantNumber(Value value) {
  SmallVector<Type> casts;
  DenseElementsAttr constant = constantBehind(value, casts);
  if (!isOneNumber(constant))
    return std::nullopt;
  double number;
  if (isa<FloatType>(constant.getElementType())) {
    APFloat element = constant.getSplatValue<APFloat>();
    bool losesInformation;
    element.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &losesInformation);
    number = element.convertToDouble();
  } else if (auto type = dyn_cast<IntegerType>(constant.getElementType())) {
    APInt element = constant.getSplatValue<APInt>();
    bool isSigned = !type.isUnsigned() && type.getWidth() > 1;
    if (element.getBitWidth() > 64 ||
        (isSigned ? element.abs() : element).getActiveBits() > 53)
      return std::nullopt;
    number = isSigned ? static_cast<double>(element.getSExtValue())
                      : static_cast<double>(element.getZExtValue());
  } else {
    return std::nullopt;
  }
  for (Type cast : llvm::reverse(casts)) {
    auto type = dyn_cast<FloatType>(cast);
    if (!type && !cast.isInteger(1))
      return std::nullopt;
    number = type ? roundTo(number, type) : number != 0;
  }
  return number;
}

std::optional<int64_t> mlir::trine::constantInteger(Value value) {
  SmallVector<Type> casts;
  DenseElementsAttr constant = constantBehind(value, casts);
  if (!isOneNumber(constant) || !casts.empty())
    return std::nullopt;
  auto type = dyn_cast<IntegerType>(constant.getElementType());
  if (!type || type.getWidth() > 64)
    return std::nullopt;
  APInt element = constant.getSplatValue<APInt>();
  return type.isUnsigned() || type.getWidth() == 1
             ? static_cast<int64_t>(element.getZExtValue())
             : element.getSExtValue();
}

std::optional<SmallVector<int64_t>> mlir::trine::constantIntegers(Value value) {
  auto op = producer<onnx::ConstantOp>(value);
  auto constant =
      op ? dyn_cast<DenseElementsAttr>(op.getValue()) : DenseElementsAttr();
  auto type = constant ? dyn_cast<IntegerType>(constant.getElementType())
                       : IntegerType();
  if (!type || type.getWidth() > 64)
    return std::nullopt;
  bool isSigned = !type.isUnsigned() && type.getWidth() > 1;
  SmallVector<int64_t> elements;
  for (const APInt &element : constant.getValues<APInt>())
    elements.push_back(isSigned ? element.getSExtValue()
                                : static_cast<int64_t>(element.getZExtValue()));
  return elements;
}

bool mlir::trine::isConstantNumber(Value value, double expected) {
  std::optional<double> number = constantNumber(value);
  if (!number)
    return false;
  if (auto type = dyn_cast<FloatType>(getElementTypeOrSelf(value.getType())))
    expected = roundTo(expected, type);
  return *number == expected;
}

bool mlir::trine::matchEitherOrder(
    Operation *op, llvm::function_ref<bool(Value a, Value b)> match) {
  if (!op || op->getNumOperands() != 2)
    return false;
  return match(op->getOperand(0), op->getOperand(1)) ||
         match(op->getOperand(1), op->getOperand(0));
}

std::optional<NumberOperand> mlir::trine::splitNumber(Operation *op) {
  if (!op || op->getNumOperands() != 2)
    return std::nullopt;
  for (unsigned operand : {1u, 0u})
    if (std::optional<double> number = constantNumber(op->getOperand(operand)))
      return NumberOperand{op->getOperand(1 - operand), *number};
  return std::nullopt;
}

/// Whether every number of `from` is one of `to`.
int64_t mlir::trine::dataTypeOf(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type);
      integer && integer.isUnsigned())
    return 0;
  return type.isF32()         ? 1
         : type.isInteger(32) ? 6
         : type.isInteger(64) ? 7
         : type.isInteger(1)  ? 9
         : type.isF16()       ? 10
         : type.isF64()       ? 11
         : type.isBF16()      ? 16
                              : 0;
}

static bool isWidening(Type from, Type to) {
  if (from == to)
    return true;
  if (isa<FloatType>(from) && isa<FloatType>(to)) {
    if (from.isBF16() || from.isF16())
      return to.isF32() || to.isF64();
    return from.isF32() && to.isF64();
  }
  auto a = dyn_cast<IntegerType>(from), b = dyn_cast<IntegerType>(to);
  return a && b && a.getSignedness() == b.getSignedness() && a.getWidth() > 1 &&
         a.getWidth() < b.getWidth();
}

Value mlir::trine::skipWideningCasts(Value value) {
  while (auto cast = producer<onnx::CastOp>(value)) {
    Value input = cast->getOperand(0);
    if (!isWidening(getElementTypeOrSelf(input.getType()),
                    getElementTypeOrSelf(value.getType())))
      break;
    value = input;
  }
  return value;
}

Value mlir::trine::skipFloatCasts(Value value) {
  while (auto cast = producer<onnx::CastOp>(value)) {
    Value input = cast->getOperand(0);
    // A float of 8 bits is not the number that it was rounded from.
    auto isNumber = [](Value value) {
      auto type = dyn_cast<FloatType>(getElementTypeOrSelf(value.getType()));
      return type && type.getWidth() >= 16;
    };
    if (!isNumber(input) || !isNumber(value))
      break;
    value = input;
  }
  return value;
}

SmallVector<SymbolicExpression>
mlir::trine::wideSizes(ArrayRef<SymbolicExpression> sizes) {
  SmallVector<SymbolicExpression> wide;
  for (SymbolicExpression size : sizes)
    if (!size.isConstant(1))
      wide.push_back(size);
  return wide;
}

//===----------------------------------------------------------------------===//
// Raising
//===----------------------------------------------------------------------===//

RaisingState::RaisingState(Operation *function)
    : shapes(cast<func::FuncOp>(function)), isValid(succeeded(shapes.run())) {}

RaisingState::~RaisingState() {
  for (Operation *op : unlinked)
    op->destroy();
}

Raising::Raising(func::FuncOp function, StringRef pass)
    : function(function), pass(pass),
      ownState(std::make_unique<RaisingState>(function)), state(*ownState),
      shapes(state.shapes), sizeValues(function, shapes) {}

Raising::Raising(func::FuncOp function, StringRef pass, RaisingState &state)
    : function(function), pass(pass), state(state), shapes(state.shapes),
      sizeValues(function, shapes) {}

Raising::~Raising() {
  // Kept, as the analysis may know them.
  llvm::append_range(state.unlinked, sizeValues.takeUnused());
}

bool Raising::isOnePerRow(Value value, Value tensor) {
  ArrayRef<SymbolicExpression> sizes = dims(value), rows = dims(tensor);
  if (sizes.size() > rows.size() || rows.empty())
    return false;
  // Aligned at the last dimension; missing sizes are 1.
  SmallVector<SymbolicExpression> aligned(
      rows.size() - sizes.size(), getShapes().getContext().getConstant(1));
  llvm::append_range(aligned, sizes);
  return aligned.back().isConstant(1) &&
         ArrayRef(aligned).drop_back() == rows.drop_back();
}

Value Raising::skipUnitReshapes(Value value) {
  while (auto reshape = producer<onnx::ReshapeOp>(value)) {
    if (wideSizes(dims(reshape.getData())) != wideSizes(dims(reshape)))
      break;
    value = reshape.getData();
  }
  return value;
}

Value Raising::create(Operation *before, StringRef name,
                      ArrayRef<Value> operands,
                      ArrayRef<NamedAttribute> attributes) {
  OpBuilder builder(before);
  OperationState state(before->getLoc(), ("onnx." + name).str(), operands,
                       UnrankedTensorType::get(builder.getF32Type()),
                       attributes);
  Operation *op = builder.create(state);
  // Contradictions were excluded by who asks; types stay open otherwise and
  // the next stage reports.
  (void)shapes.visit(op);
  return op->getResult(0);
}

Value Raising::integers(Operation *before, ArrayRef<int64_t> values) {
  OpBuilder builder(before);
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())},
                                    builder.getI64Type());
  return create(
      before, "Constant", {},
      builder.getNamedAttr("value", DenseElementsAttr::get(type, values)));
}

Value Raising::reshape(Operation *before, Value value,
                       ArrayRef<int64_t> sizes) {
  Builder builder(getContext());
  return create(
      before, "Reshape", {value, integers(before, sizes)},
      builder.getNamedAttr("allowzero", builder.getI64IntegerAttr(1)));
}

Value Raising::reshape(Operation *before, Value value,
                       ArrayRef<SymbolicExpression> target) {
  SmallVector<SymbolicExpression> kept(target);
  while (auto inner = value.getDefiningOp<onnx::ReshapeOp>())
    value = inner.getData();
  if (dims(value) == ArrayRef<SymbolicExpression>(kept))
    return value;
  SmallVector<int64_t> sizes;
  for (SymbolicExpression size : kept)
    sizes.push_back(size.getConstant().value_or(-1));
  if (llvm::count(sizes, -1) <= 1)
    return reshape(before, value, sizes);
  Value shape = sizeValues.list(kept, before);
  if (!shape)
    return {};
  Builder builder(getContext());
  return create(
      before, "Reshape", {value, shape},
      builder.getNamedAttr("allowzero", builder.getI64IntegerAttr(1)));
}

Value Raising::reshapeLike(Operation *before, Value value, Value like) {
  if (Value reshaped = reshape(before, value, dims(like)))
    return reshaped;
  Builder builder(getContext());
  Value shape = create(before, "Shape", {like});
  return create(
      before, "Reshape", {value, shape},
      builder.getNamedAttr("allowzero", builder.getI64IntegerAttr(1)));
}

Value Raising::cast(Operation *before, Value value, Type type) {
  if (getElementTypeOrSelf(value.getType()) == type)
    return value;
  Builder builder(getContext());
  return create(
      before, "Cast", value,
      builder.getNamedAttr("to", builder.getI64IntegerAttr(dataTypeOf(type))));
}

Value Raising::transpose(Operation *before, Value value,
                         ArrayRef<int64_t> permutation) {
  Builder builder(getContext());
  return create(
      before, "Transpose", {value},
      builder.getNamedAttr("perm", builder.getDenseI64ArrayAttr(permutation)));
}

Value Raising::concat(Operation *before, ArrayRef<Value> parts, int64_t axis) {
  if (parts.size() == 1)
    return parts.front();
  Builder builder(getContext());
  return create(before, "Concat", parts,
                builder.getNamedAttr("axis", builder.getI64IntegerAttr(axis)));
}

Value Raising::slice(Operation *before, Value value, int64_t axis,
                     int64_t begin, int64_t end) {
  return create(before, "Slice",
                {value, integers(before, begin), integers(before, end),
                 integers(before, axis), integers(before, 1)});
}

Operation *Raising::findOutsideUse(ArrayRef<Operation *> matched,
                                   ValueRange results, bool sharesViews) {
  llvm::SmallPtrSet<Operation *, 32> inside(matched.begin(), matched.end());
  // Views of views from outside are such, too.
  llvm::DenseMap<Operation *, bool> known;
  auto comesFromOutside = [&](auto &self, Operation *op) -> bool {
    if (!op || !inside.contains(op))
      return true;
    if (!isa<onnx::ReshapeOp, onnx::CastOp, onnx::ExpandOp, onnx::RangeOp>(op))
      return false;
    auto [entry, isNew] = known.try_emplace(op, false);
    if (!isNew)
      return entry->second;
    bool all = llvm::all_of(op->getOperands(), [&](Value operand) {
      return self(self, operand.getDefiningOp());
    });
    return known[op] = all;
  };
  for (Operation *op : matched) {
    if (sharesViews && comesFromOutside(comesFromOutside, op))
      continue;
    for (Value result : op->getResults()) {
      if (llvm::is_contained(results, result))
        continue;
      for (Operation *user : result.getUsers())
        if (!inside.contains(user))
          return user;
    }
  }
  return nullptr;
}

void Raising::eraseIfDead(Operation *op) {
  SmallVector<Operation *> worklist{op};
  while (!worklist.empty()) {
    Operation *next = worklist.pop_back_val();
    if (!isLinked(next) || sizeValues.owns(next) || !next->use_empty() ||
        !isMemoryEffectFree(next) || next->getNumRegions() != 0 ||
        next->hasTrait<OpTrait::IsTerminator>())
      continue;
    SmallVector<Operation *> producers;
    for (Value operand : next->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        producers.push_back(producer);
    next->remove();
    next->dropAllReferences();
    state.unlinked.push_back(next);
    // An operand that is used twice comes twice; the second time it is
    // unlinked.
    worklist.append(producers);
  }
}

/// The locations of `ops`, each once, in order of the program.
static Location fuseLocations(ArrayRef<Operation *> ops, Location fallback) {
  // Those of raised ops are flattened into the nodes that they stand for.
  llvm::SetVector<Location> locations;
  for (Operation *op : ops)
    locations.insert(op->getLoc());
  return locations.empty()
             ? fallback
             : FusedLoc::get(fallback.getContext(), locations.getArrayRef());
}

void Raising::replace(ValueRange results, Operation *raised, StringRef form,
                      ArrayRef<Operation *> matched) {
  replace(results, raised->getResults().take_front(results.size()), raised,
          form, matched);
}

void Raising::replace(ValueRange results, ValueRange values, Operation *raised,
                      StringRef form, ArrayRef<Operation *> matched) {
  raised->setLoc(fuseLocations(matched, raised->getLoc()));
  raised->setAttr("trine.form", StringAttr::get(getContext(), form));
  remark::passed(raised->getLoc(),
                 remark::RemarkOpts::name(form).category(pass).function(
                     function.getName()))
      << remark::add("{0} from {1} nodes", raised->getName().getStringRef(),
                     matched.size());
  SmallVector<Operation *> makers;
  for (auto [result, value] : llvm::zip_equal(results, values)) {
    if (!result)
      continue;
    result.replaceAllUsesWith(value);
    if (Operation *maker = result.getDefiningOp())
      makers.push_back(maker);
  }
  for (Operation *maker : makers)
    eraseIfDead(maker);
}

/// "node 412 'name' (Where)", from the location that the importer gives.
static std::string describeNode(Operation *op) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  std::optional<unsigned> index;
  StringRef name;
  op->getLoc()->walk([&](Location location) {
    if (auto file = dyn_cast<FileLineColLoc>(location); file && !index)
      index = file.getLine();
    if (auto named = dyn_cast<NameLoc>(location); named && name.empty())
      name = named.getName();
    return WalkResult::advance();
  });
  stream << "node";
  if (index)
    stream << " " << *index;
  if (!name.empty())
    stream << " '" << name << "'";
  stream << " (" << op->getName().stripDialect() << ")";
  return text;
}

void Raising::missed(Operation *anchor, StringRef what, const NearMiss &miss) {
  if (!missedAnchors.insert(anchor).second)
    return;
  Operation *node = miss.node ? miss.node : anchor;
  remark::missed(anchor->getLoc(),
                 remark::RemarkOpts::name(what).category(pass).function(
                     function.getName()))
      << remark::add("{0}: looks like {1}, but {2} at {3}",
                     describeNode(anchor), what.str(), miss.reason,
                     describeNode(node));
}
