// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TensorSizes.h"
#include "Sequence.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::trine;

bool mlir::trine::isStorage(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto function =
      argument
          ? dyn_cast_or_null<func::FuncOp>(argument.getOwner()->getParentOp())
          : func::FuncOp();
  return function && argument.getOwner()->isEntryBlock() &&
         function.getArgAttr(argument.getArgNumber(), "plan.storage");
}

OpOperand *mlir::trine::getTiedInit(scf::WhileOp loop, unsigned result) {
  auto before =
      dyn_cast<BlockArgument>(loop.getConditionOp().getArgs()[result]);
  if (!before || before.getOwner() != loop.getBeforeBody())
    return nullptr;
  OpOperand &initial = loop.getInitsMutable()[before.getArgNumber()];
  return initial.get().getType() == loop.getResult(result).getType() ? &initial
                                                                     : nullptr;
}

ArrayRef<OpFoldResult> TensorSizes::of(Value tensor) const {
  auto found = sizes.find(tensor);
  return found == sizes.end() ? ArrayRef<OpFoldResult>() : found->second;
}

SmallVector<Value> TensorSizes::dynamicOf(Value tensor) const {
  SmallVector<Value> dynamic;
  for (auto [dim, size] : llvm::enumerate(of(tensor)))
    if (cast<RankedTensorType>(tensor.getType()).isDynamicDim(dim))
      if (auto value = dyn_cast<Value>(size))
        dynamic.push_back(value);
  return dynamic;
}

void TensorSizes::alias(Value from, Value to) {
  SmallVector<OpFoldResult> copy(of(from));
  sizes[to] = std::move(copy);
}

void TensorSizes::analyseArguments(func::FuncOp function) {
  Block &entry = function.getBody().front();
  SmallVector<tensor::DimOp> present(entry.getOps<tensor::DimOp>());
  llvm::DenseMap<Attribute, Value> symbols;
  OpBuilder builder = OpBuilder::atBlockBegin(&entry);
  for (BlockArgument argument : entry.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      continue;
    auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                      "onnx.dims");
    SmallVector<OpFoldResult> result;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim)) {
        result.push_back(builder.getIndexAttr(type.getDimSize(dim)));
        continue;
      }
      StringAttr symbol;
      if (names && dim < static_cast<int64_t>(names.size()))
        symbol = dyn_cast<StringAttr>(names[dim]);
      Value value = symbol ? symbols.lookup(symbol) : Value();
      if (!value) {
        value = builder.createOrFold<tensor::DimOp>(argument.getLoc(), argument,
                                                    dim);
        if (symbol)
          symbols[symbol] = value;
      }
      result.push_back(value);
    }
    sizes[argument] = std::move(result);
  }
  for (tensor::DimOp dim : present) {
    std::optional<int64_t> index = dim.getConstantIndex();
    ArrayRef<OpFoldResult> found = of(dim.getSource());
    if (!index || *index < 0 || *index >= static_cast<int64_t>(found.size()) ||
        !isa<Value>(found[*index]))
      continue;
    dim.getResult().replaceAllUsesWith(cast<Value>(found[*index]));
    dim.erase();
  }
}

/// Whether a map can hold the number: two keys mean an empty slot to it.
static bool isKey(int64_t value) {
  using Info = DenseMapInfo<int64_t>;
  return value != Info::getEmptyKey() && value != Info::getTombstoneKey();
}

void KnownProducts::record(Operation *op) {
  if (auto constant = dyn_cast<arith::ConstantIndexOp>(op);
      constant && isKey(constant.value()))
    constants.try_emplace(constant.value(), constant);
  else if (auto product = dyn_cast<arith::MulIOp>(op))
    products.try_emplace({product.getLhs(), product.getRhs()}, product);
}

Value KnownProducts::constant(OpBuilder &builder, Location loc, int64_t value) {
  if (!isKey(value))
    return arith::ConstantIndexOp::create(builder, loc, value);
  Value &known = constants[value];
  if (!known)
    known = arith::ConstantIndexOp::create(builder, loc, value);
  return known;
}

Value KnownProducts::multiply(OpBuilder &builder, Location loc, Value a,
                              Value b) {
  for (auto key : {std::pair(a, b), std::pair(b, a)})
    if (Value known = products.lookup(key))
      return known;
  Value product = arith::MulIOp::create(builder, loc, a, b);
  products[{a, b}] = product;
  return product;
}

/// A sum of products of operand sizes.
static OpFoldResult sumOf(const ResultSize &size, Operation *op,
                          OpBuilder &builder, const TensorSizes &known,
                          KnownProducts &products) {
  int64_t factor = size.factor;
  Value product;
  for (auto [operand, dim] : size.operands) {
    OpFoldResult next = known.of(op->getOperand(operand))[dim];
    if (std::optional<int64_t> constant = getConstantIntValue(next))
      factor *= *constant;
    else
      product = product ? products.multiply(builder, op->getLoc(), product,
                                            cast<Value>(next))
                        : cast<Value>(next);
  }
  if (product && factor != 1)
    product =
        products.multiply(builder, op->getLoc(), product,
                          products.constant(builder, op->getLoc(), factor));
  OpFoldResult result = product ? OpFoldResult(product)
                                : OpFoldResult(builder.getIndexAttr(factor));
  for (const ResultSize &addend : size.addends) {
    OpFoldResult other = sumOf(addend, op, builder, known, products);
    std::optional<int64_t> a = getConstantIntValue(result),
                           c = getConstantIntValue(other);
    if (a && c)
      result = builder.getIndexAttr(*a + *c);
    else
      result = builder.createOrFold<arith::AddIOp>(
          op->getLoc(),
          getValueOrCreateConstantIndexOp(builder, op->getLoc(), result),
          getValueOrCreateConstantIndexOp(builder, op->getLoc(), other));
  }
  return result;
}

/// Sizes of an expand_shape or collapse_shape and similar ops; none if the op
/// does not say.
static std::optional<SmallVector<OpFoldResult>>
sizesOfResult(OpResult result, const TensorSizes &known,
              KnownProducts &products) {
  using Sizes = std::optional<SmallVector<OpFoldResult>>;
  Operation *op = result.getOwner();
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  auto copyOf = [&](Value tensor) -> Sizes {
    ArrayRef<OpFoldResult> sizes = known.of(tensor);
    auto type = dyn_cast<RankedTensorType>(tensor.getType());
    if (!type || static_cast<int64_t>(sizes.size()) != type.getRank())
      return std::nullopt;
    return SmallVector<OpFoldResult>(sizes);
  };
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return copyOf(destination.getTiedOpOperand(result)->get());
  return llvm::TypeSwitch<Operation *, Sizes>(op)
      .Case([&](tensor::EmptyOp empty) { return empty.getMixedSizes(); })
      .Case([&](tensor::ExpandShapeOp expand) {
        return expand.getMixedOutputShape();
      })
      .Case([&](tensor::CollapseShapeOp collapse) -> Sizes {
        Sizes source = copyOf(collapse.getSrc());
        if (!source)
          return std::nullopt;
        SmallVector<OpFoldResult> sizes;
        for (const ReassociationIndices &group :
             collapse.getReassociationIndices()) {
          int64_t factor = 1;
          Value product;
          for (int64_t dim : group) {
            if (std::optional<int64_t> constant =
                    getConstantIntValue((*source)[dim])) {
              factor *= *constant;
              continue;
            }
            Value size = cast<Value>((*source)[dim]);
            product = product ? products.multiply(builder, op->getLoc(),
                                                  product, size)
                              : size;
          }
          if (product && factor != 1)
            product = products.multiply(
                builder, op->getLoc(), product,
                products.constant(builder, op->getLoc(), factor));
          sizes.push_back(product ? OpFoldResult(product)
                                  : OpFoldResult(builder.getIndexAttr(factor)));
        }
        return sizes;
      })
      .Case([&](tensor::CastOp cast) { return copyOf(cast.getSource()); })
      .Case([&](tensor::ExtractSliceOp slice) -> Sizes {
        llvm::SmallBitVector dropped = slice.getDroppedDims();
        SmallVector<OpFoldResult> sizes;
        for (auto [dim, size] : llvm::enumerate(slice.getMixedSizes()))
          if (!dropped.test(dim))
            sizes.push_back(size);
        return sizes;
      })
      .Case([&](tensor::InsertSliceOp insert) {
        return copyOf(insert.getDest());
      })
      .Case([&](tensor::InsertOp insert) { return copyOf(insert.getDest()); })
      .Case([&](scf::ForOp loop) {
        return copyOf(loop.getInitArgs()[result.getResultNumber()]);
      })
      .Case([&](scf::WhileOp loop) -> Sizes {
        OpOperand *initial = getTiedInit(loop, result.getResultNumber());
        if (!initial)
          return std::nullopt;
        return copyOf(initial->get());
      })
      .Case([&](scf::ForallOp loop) {
        return copyOf(loop.getOutputs()[result.getResultNumber()]);
      })
      .Case([&](tensor::GenerateOp generate) -> Sizes {
        SmallVector<OpFoldResult> sizes;
        unsigned next = 0;
        for (int64_t size : generate.getType().getShape())
          sizes.push_back(
              ShapedType::isDynamic(size)
                  ? OpFoldResult(generate.getDynamicExtents()[next++])
                  : OpFoldResult(builder.getIndexAttr(size)));
        return sizes;
      })
      .Case([&](tensor::SplatOp splat) -> Sizes {
        SmallVector<OpFoldResult> sizes;
        unsigned next = 0;
        for (int64_t size : splat.getType().getShape())
          sizes.push_back(ShapedType::isDynamic(size)
                              ? OpFoldResult(splat.getDynamicSizes()[next++])
                              : OpFoldResult(builder.getIndexAttr(size)));
        return sizes;
      })
      .Case([&](AttentionOp attention) -> Sizes {
        bool isOutput = result.getResultNumber() == 0;
        Sizes sizes = copyOf(attention.getPartial() ? attention.getPartial()
                                                    : attention.getQuery()),
              values = copyOf(attention.getValue());
        if (!sizes || !values)
          return std::nullopt;
        if (!isOutput)
          sizes->pop_back();
        else if (!attention.getPartial())
          sizes->back() = values->back();
        return sizes;
      })
      .Case([&](ResultSizeOpInterface composite) -> Sizes {
        // The memory of the results is made before the op.
        builder.setInsertionPoint(op);
        SmallVector<SmallVector<ResultSize>> all = composite.getResultSizes();
        SmallVector<OpFoldResult> sizes;
        for (const ResultSize &size : all[result.getResultNumber()])
          sizes.push_back(sumOf(size, op, builder, known, products));
        return sizes;
      })
      .Default([](Operation *) -> Sizes { return std::nullopt; });
}

LogicalResult TensorSizes::analyseOp(Operation *op) {
  for (OpResult result : op->getResults()) {
    if (isa<UnrankedTensorType>(result.getType()))
      return op->emitOpError()
             << "must have ranked tensors, got " << result.getType();
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type)
      continue;
    std::optional<SmallVector<OpFoldResult>> found =
        sizesOfResult(result, *this, products);
    if (!found || static_cast<int64_t>(found->size()) != type.getRank()) {
      if (!type.hasStaticShape())
        return op->emitOpError()
               << "sizes of its result " << type
               << " do not follow from its operands, which is not supported";
      found.emplace();
      found->resize(type.getRank());
    }
    // What the type says is true and cheapest.
    Builder builder(op->getContext());
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (!type.isDynamicDim(dim))
        (*found)[dim] = builder.getIndexAttr(type.getDimSize(dim));
      else if (std::optional<int64_t> constant =
                   getConstantIntValue((*found)[dim]);
               constant && isa<Attribute>((*found)[dim])) {
        // A dynamic dim with a known size still needs a value.
        OpBuilder values(op);
        values.setInsertionPointAfter(op);
        (*found)[dim] =
            arith::ConstantIndexOp::create(values, op->getLoc(), *constant)
                .getResult();
      }
    sizes[result] = std::move(*found);
  }
  return success();
}

/// Moves what computes a size within a region of `select` in front of it. False
/// if it cannot be there.
static bool moveBefore(Value size, plan::SelectOp select, unsigned depth = 0) {
  Operation *op = size.getDefiningOp();
  Region *region = size.getParentRegion();
  if (llvm::none_of(select.getRegions(),
                    [&](Region *inner) { return inner->isAncestor(region); }))
    return true;
  // Deeper chains than this do not come from sizes.
  if (!op || depth > 64 || !isScalarOp(op) || isa<tensor::ExtractOp>(op) ||
      !llvm::all_of(op->getOperands(), [&](Value operand) {
        return moveBefore(operand, select, depth + 1);
      }))
    return false;
  op->moveBefore(select);
  return true;
}

LogicalResult TensorSizes::analyseChoice(plan::SelectOp select) {
  for (Region *region : select.getRegions()) {
    // What is known inside is not known behind.
    KnownProducts outside = products;
    if (failed(analyseBlock(region->front())))
      return failure();
    products = std::move(outside);
  }
  ValueRange yielded[2];
  for (auto [values, region] : llvm::zip(yielded, select.getRegions()))
    values = region->front().getTerminator()->getOperands();
  OpBuilder builder(select);
  for (auto [index, result] : llvm::enumerate(select.getOutputs())) {
    auto type = cast<RankedTensorType>(result.getType());
    SmallVector<OpFoldResult> found;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim)) {
        found.push_back(builder.getIndexAttr(type.getDimSize(dim)));
        continue;
      }
      OpFoldResult either[2];
      for (auto [size, values] : llvm::zip(either, yielded)) {
        ArrayRef<OpFoldResult> known = of(values[index]);
        if (dim < static_cast<int64_t>(known.size()))
          size = known[dim];
        auto value = dyn_cast_if_present<Value>(size);
        if (!size || (value && !moveBefore(value, select)))
          return select.emitOpError()
                 << "sizes of its result " << type
                 << " must be known before the choice is made";
      }
      Value sizeOf[2];
      sizeOf[0] =
          getValueOrCreateConstantIndexOp(builder, select.getLoc(), either[0]);
      if (either[0] != either[1]) {
        sizeOf[1] = getValueOrCreateConstantIndexOp(builder, select.getLoc(),
                                                    either[1]);
        sizeOf[0] = arith::SelectOp::create(builder, select.getLoc(),
                                            select.getCondition(), sizeOf[0],
                                            sizeOf[1]);
      }
      found.push_back(sizeOf[0]);
    }
    sizes[result] = std::move(found);
  }
  return success();
}

LogicalResult TensorSizes::analyse(func::FuncOp function) {
  analyseArguments(function);
  return analyseBlock(function.getBody().front());
}

LogicalResult TensorSizes::analyseBlock(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto select = dyn_cast<plan::SelectOp>(op)) {
      if (failed(analyseChoice(select)))
        return failure();
      continue;
    }
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      // Sizes of values inside the sequence are the values they were made from.
      std::optional<int64_t> index = dim.getConstantIndex();
      ArrayRef<OpFoldResult> found = of(dim.getSource());
      if (!index || isa<BlockArgument>(dim.getSource()) || *index < 0 ||
          *index >= static_cast<int64_t>(found.size()))
        continue;
      OpBuilder builder(dim);
      Value value;
      if (auto attribute = dyn_cast<Attribute>(found[*index]))
        value = arith::ConstantIndexOp::create(
            builder, dim.getLoc(), cast<IntegerAttr>(attribute).getInt());
      else
        value = cast<Value>(found[*index]);
      dim.getResult().replaceAllUsesWith(value);
      dim.erase();
      continue;
    }
    products.record(&op);
    if (failed(analyseOp(&op)))
      return failure();
  }
  return success();
}
