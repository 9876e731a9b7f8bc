// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-recache-latent: models that cache keys and values of every head cache
// latents instead.
#include "SizeSources.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Remarks.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Optimize.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERECACHELATENT
#include "trine/Passes/Optimize.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {
struct RecacheLatent : trine::impl::TrineRecacheLatentBase<RecacheLatent> {
  void runOnOperation() override;

private:
  /// Why the site cannot be changed; empty if it can.
  std::string findObstacle(MLAAttentionOp op);
  void recache(MLAAttentionOp op);
  StringAttr renamed(DictionaryAttr attributes, StringRef suffix);
  void changeArgument(BlockArgument argument, int64_t width, StringRef suffix);
  void changeResult(unsigned index, Value value, StringRef suffix);
};
} // namespace

/// The result of the function that `value` is, if that is its one use.
static std::optional<unsigned> returnedAs(Value value) {
  if (!value.hasOneUse() || !isa<func::ReturnOp>(*value.getUsers().begin()))
    return std::nullopt;
  return value.use_begin()->getOperandNumber();
}

std::string RecacheLatent::findObstacle(MLAAttentionOp op) {
  for (Value past : op.getPast()) {
    auto argument = dyn_cast<BlockArgument>(past);
    if (!argument || argument.getOwner() != &getOperation().front())
      return "what it caches is no input";
    for (Operation *user : past.getUsers()) {
      auto dim = dyn_cast<tensor::DimOp>(user);
      if (user != op && (!dim || !dim.getConstantIndex()))
        return "its cache is read elsewhere";
    }
  }
  if (op.getPast()[0] == op.getPast()[1])
    return "keys and values are one input";
  for (Value present : op.getPresent())
    if (!returnedAs(present))
      return "its next cache is not an output alone";
  return "";
}

/// The name with a suffix; keys give both parts their name.
StringAttr RecacheLatent::renamed(DictionaryAttr attributes, StringRef suffix) {
  auto name = attributes ? attributes.getAs<StringAttr>("onnx.name") : nullptr;
  if (!name)
    return nullptr;
  return StringAttr::get(&getContext(), name.getValue() + suffix);
}

/// Sizes [batch, heads, rows, width] as [batch, rows, width].
static ArrayAttr changeDims(DictionaryAttr attributes, int64_t width) {
  auto dims = attributes ? attributes.getAs<ArrayAttr>("onnx.dims") : nullptr;
  if (!dims || dims.size() != 4)
    return nullptr;
  Builder builder(dims.getContext());
  return builder.getArrayAttr(
      {dims[0], dims[2], builder.getI64IntegerAttr(width)});
}

/// The state that an argument or result is, which now grows along dimension 1.
static DictionaryAttr changeState(DictionaryAttr attributes) {
  auto state =
      attributes ? attributes.getAs<DictionaryAttr>("trine.state") : nullptr;
  if (!state)
    return nullptr;
  NamedAttrList list(state);
  list.set("axis", Builder(state.getContext()).getI64IntegerAttr(1));
  return list.getDictionary(state.getContext());
}

void RecacheLatent::changeArgument(BlockArgument argument, int64_t width,
                                   StringRef suffix) {
  func::FuncOp function = getOperation();
  unsigned index = argument.getArgNumber();
  auto type = cast<RankedTensorType>(argument.getType());
  argument.setType(RankedTensorType::get(
      {type.getDimSize(0), type.getDimSize(2), width}, type.getElementType()));
  DictionaryAttr attributes = function.getArgAttrDict(index);
  if (StringAttr name = renamed(attributes, suffix))
    function.setArgAttr(index, "onnx.name", name);
  if (ArrayAttr dims = changeDims(attributes, width))
    function.setArgAttr(index, "onnx.dims", dims);
  if (DictionaryAttr state = changeState(attributes))
    function.setArgAttr(index, "trine.state", state);
  // Sizes of the sequences and rows are asked of it; heads and columns are
  // known numbers.
  for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
    auto dim = dyn_cast<tensor::DimOp>(user);
    if (!dim)
      continue;
    int64_t old = *dim.getConstantIndex();
    OpBuilder builder(dim);
    Value size;
    if (old == 0 || old == 2)
      size = tensor::DimOp::create(builder, dim.getLoc(), argument, old / 2);
    else
      size = arith::ConstantIndexOp::create(builder, dim.getLoc(),
                                            type.getDimSize(old));
    dim.replaceAllUsesWith(size);
    dim.erase();
  }
}

void RecacheLatent::changeResult(unsigned index, Value value,
                                 StringRef suffix) {
  func::FuncOp function = getOperation();
  function.front().getTerminator()->setOperand(index, value);
  DictionaryAttr attributes = function.getResultAttrDict(index);
  int64_t width = cast<RankedTensorType>(value.getType()).getDimSize(2);
  if (StringAttr name = renamed(attributes, suffix))
    function.setResultAttr(index, "onnx.name", name);
  if (ArrayAttr dims = changeDims(attributes, width))
    function.setResultAttr(index, "onnx.dims", dims);
  if (DictionaryAttr state = changeState(attributes))
    function.setResultAttr(index, "trine.state", state);
}

/// Rows [B, C, X] with rows [B, T, X] behind them.
static Value append(ImplicitLocOpBuilder &b, Value past, Value rows,
                    Type resultType) {
  auto type = cast<RankedTensorType>(resultType);
  OpFoldResult batch = tensor::getMixedSize(b, b.getLoc(), past, 0),
               before = tensor::getMixedSize(b, b.getLoc(), past, 1),
               width = b.getIndexAttr(type.getDimSize(2)),
               zero = b.getIndexAttr(0);
  Value added = sizeSource(b, rows, 1);
  Value all = b.createOrFold<arith::AddIOp>(
      getValueOrCreateConstantIndexOp(b, b.getLoc(), before), added);
  SmallVector<Value> dynamic;
  if (type.isDynamicDim(0))
    dynamic.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), batch));
  if (type.isDynamicDim(1))
    dynamic.push_back(all);
  Value joined = tensor::EmptyOp::create(b, type, dynamic);
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  joined = tensor::InsertSliceOp::create(
      b, past, joined, SmallVector<OpFoldResult>{zero, zero, zero},
      SmallVector<OpFoldResult>{batch, before, width}, strides);
  OpFoldResult count = added;
  if (std::optional<int64_t> known = getConstantIntValue(added))
    count = b.getIndexAttr(*known);
  return tensor::InsertSliceOp::create(
      b, rows, joined, SmallVector<OpFoldResult>{zero, before, zero},
      SmallVector<OpFoldResult>{batch, count, width}, strides);
}

void RecacheLatent::recache(MLAAttentionOp op) {
  func::FuncOp function = getOperation();
  auto key = cast<BlockArgument>(op.getPast()[0]),
       value = cast<BlockArgument>(op.getPast()[1]);
  auto keyType = cast<RankedTensorType>(key.getType()),
       valueType = cast<RankedTensorType>(value.getType());
  unsigned results[2] = {*returnedAs(op.getPresent()[0]),
                         *returnedAs(op.getPresent()[1])};
  // Latents and rotated parts of earlier and new rows.
  auto latentType = cast<RankedTensorType>(op.getLatent().getType()),
       ropeType = cast<RankedTensorType>(op.getKRope().getType());
  int64_t rank = latentType.getDimSize(2), rope = ropeType.getDimSize(2);
  auto presentType = cast<RankedTensorType>(op.getPresent()[0].getType());
  auto joinedType = [&](int64_t width) {
    return RankedTensorType::get(
        {presentType.getDimSize(0), presentType.getDimSize(2), width},
        latentType.getElementType());
  };
  auto nameOf = [&](unsigned index) {
    auto name = function.getArgAttrOfType<StringAttr>(index, "onnx.name");
    return name ? name.getValue().str() : "argument " + std::to_string(index);
  };
  std::string before[2] = {nameOf(key.getArgNumber()),
                           nameOf(value.getArgNumber())};
  changeArgument(key, rank, ".latent");
  changeArgument(value, rope, ".rope");
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value latent = append(b, key, op.getLatent(), joinedType(rank)),
        kRope = append(b, value, op.getKRope(), joinedType(rope));
  auto attention = MLAAttentionOp::create(
      b, op.getOutput().getType(), op.getLse().getType(), TypeRange(),
      op.getQNope(), op.getQRope(), latent, kRope, op.getWUk(), op.getWUv(),
      ValueRange(), op.getMask(), op.getOffset(), op.getScale(),
      op.getMaskKind(), op.getMaskedRow(), LatentForm::ByShape,
      /*rope_first=*/false, op.getSoftCapAttr());
  attention->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  op.getOutput().replaceAllUsesWith(attention.getOutput());
  op.getLse().replaceAllUsesWith(attention.getLse());
  changeResult(results[0], latent, ".latent");
  changeResult(results[1], kRope, ".rope");
  int64_t heads = keyType.getDimSize(1),
          wide = heads * (keyType.getDimSize(3) + valueType.getDimSize(3));
  remark::passed(op.getLoc(), remark::RemarkOpts::name("recached")
                                  .category(getArgument())
                                  .function(function.getName()))
      << remark::add("inputs '{0}' and '{1}', {2} numbers a row, became '{3}' "
                     "and '{4}', {5} numbers a row: {6:F1} times smaller",
                     before[0], before[1], wide, nameOf(key.getArgNumber()),
                     nameOf(value.getArgNumber()), rank + rope,
                     static_cast<double>(wide) /
                         static_cast<double>(rank + rope));
  op.erase();
  ++numRecached;
}

void RecacheLatent::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isExternal())
    return;
  SmallVector<MLAAttentionOp> sites;
  function.walk([&](MLAAttentionOp op) {
    if (!op.getPast().empty())
      sites.push_back(op);
  });
  for (MLAAttentionOp op : sites) {
    std::string obstacle = findObstacle(op);
    if (obstacle.empty()) {
      recache(op);
      continue;
    }
    remark::missed(op.getLoc(), remark::RemarkOpts::name("recached")
                                    .category(getArgument())
                                    .function(function.getName()))
        << remark::add("keys and values stay cached: {0}", obstacle);
  }
  function.setFunctionType(
      FunctionType::get(&getContext(), function.front().getArgumentTypes(),
                        function.front().getTerminator()->getOperandTypes()));
}
