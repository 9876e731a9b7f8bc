// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ConstantWork.h"
#include "HeadProducts.h"
#include "KernelGrouping.h"
#include "WeightJoins.h"
#include "WeightPieces.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Remarks.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Plan.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEPLANWEIGHTS
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// Columns of a panel, and rows of a pair for 16-bit types.
static constexpr int64_t panelColumns = 32;
static constexpr int64_t pairRows = 2;
/// Matrices with fewer columns would be mostly padding.
static constexpr int64_t minimumColumns = 8;

namespace {

/// What the function sees of stored bytes: transpose(source, permutation).
struct WeightForm {
  StringAttr name;
  StringAttr file;    // null for a constant and for pieces
  ElementsAttr value; // of a constant
  ArrayAttr pieces;
  int64_t offset = 0, length = 0;
  RankedTensorType source;
  SmallVector<int64_t> permutation;

  bool isTransposed() const { return !isIdentityPermutation(permutation); }
  SmallVector<int64_t> shape() const {
    return applyPermutation(ArrayRef<int64_t>(source.getShape()), permutation);
  }
};

/// How the stored form of a weight is cut into panels.
enum class Packing {
  None,
  Factor,  ///< as it is, of products other than of matrices
  Matrix,  ///< the right side of a product, [K, N]
  Grouped, ///< of a grouped product, [..., C, K]
};

/// What linalg.pack needs for a packing.
struct PackedDims {
  SmallVector<int64_t> outer, inner, tiles;
};

struct PlanWeights : trine::impl::TrinePlanWeightsBase<PlanWeights> {
  using TrinePlanWeightsBase::TrinePlanWeightsBase;

  void runOnOperation() override;

private:
  void collect(Operation *op);
  void collectFrom(Block &block);
  void foldViews(Value value);
  void reshapeAssembled(Value value);
  void foldTransposes(Value value);
  void planHeads(Value value);
  void plan(Value value, const WeightForm &form);
  Attribute rangeOf(const WeightForm &form);
  PackedDims describe(const WeightForm &form, Packing packing);
  Type storedElement(const WeightForm &form, Packing packing);
  Value load(const WeightForm &form, Packing packing, Location loc);
  Value unpack(Value stored, const WeightForm &form, Packing packing,
               Location loc);
  void readNarrow(OpOperand *use, Value weight);
  bool isPackable(const WeightForm &form);
  bool mayNarrow(const WeightForm &form) const;

  func::FuncOp function;
  std::optional<OpBuilder> symbols;
  std::optional<ComputedMatrices> computed;
  llvm::MapVector<Value, WeightForm> forms;
  llvm::DenseMap<Attribute, Value> loaded;
  llvm::DenseMap<Attribute, unsigned> layoutsOfRange;
  /// Matrices that heads read their columns of: rows are not stored in pairs.
  llvm::DenseSet<Attribute> readByHead;
  /// Where the next load goes: all loads come first.
  Operation *lastLoad = nullptr;
};

} // namespace

static PackedDims describePacking(Packing packing, int64_t rank,
                                  bool isPaired) {
  if (packing == Packing::None || packing == Packing::Factor)
    return {};
  PackedDims dims;
  if (packing == Packing::Matrix) {
    dims = {{1, 0}, {1}, {panelColumns}};
    if (isPaired)
      dims.inner.push_back(0);
  } else {
    dims = {{}, {rank - 2}, {panelColumns}};
    if (isPaired)
      dims.inner.push_back(rank - 1);
  }
  if (isPaired)
    dims.tiles.push_back(pairRows);
  return dims;
}

/// `slice` as a byte range of its source, counted in elements from its start;
/// none if it is no contiguous static range.
static std::optional<int64_t> contiguousStart(tensor::ExtractSliceOp slice) {
  RankedTensorType source = slice.getSourceType();
  if (!source.hasStaticShape() || !slice.getType().hasStaticShape() ||
      ShapedType::isDynamicShape(slice.getStaticOffsets()) ||
      ShapedType::isDynamicShape(slice.getStaticSizes()) ||
      llvm::any_of(slice.getStaticStrides(), [](int64_t s) { return s != 1; }))
    return std::nullopt;
  int64_t start = 0, stride = 1;
  bool partial = false; // a dim to the right is not taken as a whole
  for (int64_t dim = source.getRank() - 1; dim >= 0; --dim) {
    int64_t size = slice.getStaticSizes()[dim];
    if (partial && size != 1)
      return std::nullopt;
    start += slice.getStaticOffsets()[dim] * stride;
    stride *= source.getDimSize(dim);
    partial |= size != source.getDimSize(dim);
  }
  return start;
}

/// The permutation of an op that does nothing but transpose `value`.
static std::optional<SmallVector<int64_t>> transposition(Operation *op) {
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return SmallVector<int64_t>(transpose.getPermutation());
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumDpsInputs() != 1 ||
      generic.getNumDpsInits() != 1 ||
      generic.getNumLoops() != generic.getNumParallelLoops())
    return std::nullopt;
  Block &body = *generic.getBody();
  if (!llvm::hasSingleElement(body) ||
      body.getTerminator()->getOperand(0) != body.getArgument(0))
    return std::nullopt;
  AffineMap in = generic.getMatchingIndexingMap(generic.getDpsInputOperand(0));
  AffineMap out = generic.getMatchingIndexingMap(generic.getDpsInitOperand(0));
  if (!in.isPermutation() || !out.isPermutation())
    return std::nullopt;
  SmallVector<int64_t> permutation;
  for (AffineExpr loop : out.getResults())
    permutation.push_back(*in.getResultPosition(loop));
  return permutation;
}

/// The right side of a product of matrices, [K, N] or, if `transposed`, [N, K].
static bool isRightSide(OpOperand &use, bool &transposed) {
  auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
  if (!op || !isa<linalg::GenericOp, linalg::MatmulOp>(use.getOwner()) ||
      op.getNumDpsInputs() != 2 || &use != op.getDpsInputOperand(1) ||
      !isMatrixProduct(op))
    return false;
  AffineMap map = op.getMatchingIndexingMap(&use);
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (failed(dims) || map.getNumResults() != 2 ||
      !map.isProjectedPermutation() || dims->n.size() != 1 ||
      dims->k.size() != 1)
    return false;
  unsigned first = map.getDimPosition(0), second = map.getDimPosition(1);
  transposed = first == dims->n[0] && second == dims->k[0];
  return transposed || (first == dims->k[0] && second == dims->n[0]);
}

/// A matrix of a product that is none of two matrices: of each head, say.
static bool isFactor(OpOperand &use) {
  auto op = dyn_cast<linalg::GenericOp>(use.getOwner());
  return op && op.isDpsInput(&use) && op.getNumReductionLoops() > 0 &&
         cast<RankedTensorType>(use.get().getType()).getRank() >= 3 &&
         linalg::isaContractionOpInterface(op);
}

/// A part of a matrix that is read as such a factor alone.
static bool isFactorSlice(OpOperand &use) {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(use.getOwner());
  return slice && !slice->use_empty() &&
         slice.getType().getRank() == slice.getSourceType().getRank() &&
         llvm::all_of(slice->getUses(), isFactor);
}

void PlanWeights::collect(Operation *op) {
  if (auto weight = dyn_cast<WeightOp>(op)) {
    WeightForm form;
    form.name = weight.getNameAttr();
    form.file = weight.getFileAttr();
    form.offset = weight.getOffset();
    form.length = weight.getLength();
    form.source = cast<RankedTensorType>(weight.getType());
    forms.insert({weight.getResult(), form});
  } else if (auto weight = dyn_cast<AssembledWeightOp>(op)) {
    WeightForm form;
    form.name = weight.getNameAttr();
    form.pieces = weight.getPieces();
    form.source = cast<RankedTensorType>(weight.getType());
    forms.insert({weight.getResult(), form});
  } else if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto value = dyn_cast<ElementsAttr>(constant.getValue());
    auto type = dyn_cast<RankedTensorType>(constant.getType());
    if (!value || !type)
      return;
    if (value.isSplat() && type.getNumElements() > 1) {
      // One number, not a table of it.
      OpBuilder builder(op);
      Attribute element = value.getSplatValue<Attribute>();
      if (auto typed = dyn_cast<TypedAttr>(element)) {
        Value scalar = arith::ConstantOp::create(builder, op->getLoc(), typed);
        Value empty = tensor::EmptyOp::create(
            builder, op->getLoc(), type.getShape(), type.getElementType());
        constant.replaceAllUsesWith(
            linalg::FillOp::create(builder, op->getLoc(), scalar, empty)
                .getResult(0));
        op->erase();
        return;
      }
    }
    unsigned bits = type.getElementType().isIntOrFloat()
                        ? type.getElementTypeBitWidth()
                        : 64;
    if (type.getNumElements() * llvm::divideCeil(bits, 8) <= constantLimit)
      return;
    WeightForm form;
    form.name =
        StringAttr::get(&getContext(), "constant_" + Twine(forms.size()));
    form.value = value;
    form.source = type;
    forms.insert({constant.getResult(), form});
  } else {
    return;
  }
  WeightForm &form = forms.back().second;
  form.permutation =
      llvm::to_vector(llvm::seq<int64_t>(0, form.source.getRank()));
}

void PlanWeights::collectFrom(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto branch = dyn_cast<scf::IfOp>(op))
      for (Region *region : branch.getRegions())
        for (Block &inner : *region)
          collectFrom(inner);
    collect(&op);
  }
}

/// Reshapes and slices of a weight in a file are weights in that file.
void PlanWeights::foldViews(Value value) {
  WeightForm form = forms.lookup(value);
  if (form.pieces)
    return reshapeAssembled(value);
  if (!form.file)
    return;
  auto isSlice = [](Operation *user) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
    return slice && contiguousStart(slice).has_value();
  };
  // A table that is also used as a whole is not stored again in parts.
  bool sliced = llvm::all_of(value.getUsers(), isSlice);
  int64_t elements = form.source.getNumElements();
  for (Operation *user : llvm::make_early_inc_range(value.getUsers())) {
    WeightForm part = form;
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user)) {
      if (!cast<RankedTensorType>(user->getResult(0).getType())
               .hasStaticShape())
        continue;
    } else if (sliced && elements > 0) {
      auto slice = cast<tensor::ExtractSliceOp>(user);
      int64_t size = form.length / elements;
      part.offset += *contiguousStart(slice) * size;
      part.length = slice.getType().getNumElements() * size;
    } else {
      continue;
    }
    OpBuilder builder(user);
    auto type = cast<RankedTensorType>(user->getResult(0).getType());
    auto weight = WeightOp::create(builder, user->getLoc(), type, part.name,
                                   part.file, part.offset, part.length);
    user->replaceAllUsesWith(weight);
    user->erase();
    part.source = type;
    part.permutation = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
    forms.insert({weight.getResult(), part});
  }
}

/// Dimensions of an assembled weight that are split or merged are so in its
/// pieces.
void PlanWeights::reshapeAssembled(Value value) {
  WeightForm form = forms.lookup(value);
  Type element = form.source.getElementType();
  if (form.source.getNumElements() == 0 || !element.isIntOrFloat() ||
      element.getIntOrFloatBitWidth() % 8 != 0)
    return;
  unsigned elementBytes = element.getIntOrFloatBitWidth() / 8;
  for (Operation *user : llvm::make_early_inc_range(value.getUsers())) {
    WeightForm part = form;
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(user)) {
      if (!expand.getResultType().hasStaticShape())
        continue;
      part.pieces = splitPieces(form.pieces, expand.getResultType().getShape(),
                                expand.getReassociationIndices(), elementBytes);
    } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(user)) {
      if (collapse.getResultType().getRank() == 0)
        continue; // a piece has a dimension
      part.pieces =
          mergePieces(form.pieces, form.source.getShape(),
                      collapse.getReassociationIndices(), elementBytes);
    } else {
      continue;
    }
    if (!part.pieces)
      continue;
    part.source = cast<RankedTensorType>(user->getResult(0).getType());
    part.permutation =
        llvm::to_vector(llvm::seq<int64_t>(0, part.source.getRank()));
    OpBuilder builder(user);
    auto weight = AssembledWeightOp::create(
        builder, user->getLoc(), part.source, part.name, part.pieces);
    user->replaceAllUsesWith(weight);
    user->erase();
    forms.insert({weight.getResult(), part});
  }
}

void PlanWeights::foldTransposes(Value value) {
  WeightForm form = forms.lookup(value);
  for (Operation *user : llvm::make_early_inc_range(value.getUsers())) {
    std::optional<SmallVector<int64_t>> permutation = transposition(user);
    if (!permutation || user->getOperand(0) != value)
      continue;
    WeightForm transposed = form;
    transposed.permutation = applyPermutation(form.permutation, *permutation);
    forms.insert({user->getResult(0), transposed});
  }
}

/// What a weight's bytes are, whatever their layout.
Attribute PlanWeights::rangeOf(const WeightForm &form) {
  Builder attributes(&getContext());
  if (form.value)
    return form.value;
  if (form.pieces)
    return attributes.getArrayAttr({form.pieces, TypeAttr::get(form.source)});
  return attributes.getArrayAttr(
      {form.file, attributes.getI64IntegerAttr(form.offset),
       attributes.getI64IntegerAttr(form.length), TypeAttr::get(form.source)});
}

PackedDims PlanWeights::describe(const WeightForm &form, Packing packing) {
  bool isPaired = storedElement(form, packing).getIntOrFloatBitWidth() == 16 &&
                  !readByHead.contains(rangeOf(form));
  return describePacking(packing, form.source.getRank(), isPaired);
}

bool PlanWeights::mayNarrow(const WeightForm &form) const {
  // Constants of the program are small.
  if (form.value)
    return false;
  if (form.file)
    return computed->mayNarrow(form.file, form.offset);
  return llvm::all_of(form.pieces.getAsRange<WeightPieceAttr>(),
                      [&](WeightPieceAttr piece) {
                        return computed->mayNarrow(piece.getFile().getValue(),
                                                   piece.getOffset());
                      });
}

/// The element type of the stored form: matrices may be narrowed.
Type PlanWeights::storedElement(const WeightForm &form, Packing packing) {
  Type element = form.source.getElementType();
  if (packing == Packing::None || !element.isF32() || matrixType.empty() ||
      !mayNarrow(form))
    return element;
  return matrixType == "bf16" ? Type(BFloat16Type::get(&getContext()))
                              : Type(Float16Type::get(&getContext()));
}

Value PlanWeights::load(const WeightForm &form, Packing packing, Location loc) {
  OpBuilder builder(&getContext());
  Builder attributes(&getContext());
  Attribute range = rangeOf(form);
  Attribute key = attributes.getArrayAttr(
      {range, attributes.getDenseI64ArrayAttr(form.permutation),
       attributes.getI64IntegerAttr(static_cast<int64_t>(packing))});
  Value &value = loaded[key];
  if (value)
    return value;
  SmallVector<int64_t> shape = form.shape();
  Type element = storedElement(form, packing);
  PackedDims dims = describe(form, packing);
  for (auto [dim, tile] : llvm::zip(dims.inner, dims.tiles))
    shape[dim] = llvm::divideCeil(shape[dim], tile);
  if (!dims.outer.empty())
    applyPermutationToVector(shape, dims.outer);
  llvm::append_range(shape, dims.tiles);
  if (!dims.tiles.empty())
    ++numPacked;
  if (element != form.source.getElementType())
    ++numNarrowed;
  auto stored = RankedTensorType::get(shape, element);
  auto symbol = plan::WeightOp::create(
      *symbols, loc, "w" + std::to_string(loaded.size() - 1), form.name,
      form.file, form.offset, form.length, form.value, form.pieces, form.source,
      form.permutation, dims.outer, dims.inner, dims.tiles, stored);
  ++numWeights;
  // The same bytes, whatever shape they are seen as.
  Attribute bytes =
      form.file ? attributes.getArrayAttr(
                      {form.file, attributes.getI64IntegerAttr(form.offset),
                       attributes.getI64IntegerAttr(form.length)})
                : range;
  if (++layoutsOfRange[bytes] == 2) {
    ++numTwice;
    remark::missed(loc, remark::RemarkOpts::name("stored-twice")
                            .category(getArgument())
                            .function(function.getName()))
        << remark::add("weight '{0}' of {1} is stored in two layouts",
                       form.name.getValue(), form.source);
  }
  Block &entry = function.getBody().front();
  if (lastLoad)
    builder.setInsertionPointAfter(lastLoad);
  else
    builder.setInsertionPointToStart(&entry);
  auto loadOp =
      plan::LoadWeightOp::create(builder, loc, stored, symbol.getSymName());
  lastLoad = loadOp;
  value = loadOp.getResult();
  return value;
}

Value PlanWeights::unpack(Value stored, const WeightForm &form, Packing packing,
                          Location loc) {
  OpBuilder builder(&getContext());
  builder.setInsertionPointAfterValue(stored);
  SmallVector<int64_t> shape = form.shape();
  Type element = storedElement(form, packing);
  PackedDims dims = describe(form, packing);
  Value empty = tensor::EmptyOp::create(builder, loc, shape, element);
  SmallVector<OpFoldResult> tiles;
  for (int64_t tile : dims.tiles)
    tiles.push_back(builder.getIndexAttr(tile));
  auto unpacked = linalg::UnPackOp::create(builder, loc, stored, empty,
                                           dims.inner, tiles, dims.outer);
  if (lastLoad == stored.getDefiningOp())
    lastLoad = unpacked;
  return unpacked.getResult();
}

/// Makes a product read a weight of a narrower type: it widens each element.
void PlanWeights::readNarrow(OpOperand *use, Value weight) {
  unsigned number = use->getOperandNumber();
  auto generic = dyn_cast<linalg::GenericOp>(use->getOwner());
  if (!generic) {
    IRRewriter rewriter(&getContext());
    rewriter.setInsertionPoint(use->getOwner());
    FailureOr<linalg::GenericOp> general = linalg::generalizeNamedOp(
        rewriter, cast<linalg::LinalgOp>(use->getOwner()));
    if (failed(general))
      return; // a product of matrices has a general form
    generic = *general;
  }
  generic->setOperand(number, weight);
  widenElements(generic, number);
}

bool PlanWeights::isPackable(const WeightForm &form) {
  Type element = form.source.getElementType();
  return packMatrices && form.source.getNumElements() > 0 &&
         (element.isF32() || element.isF64() || element.isF16() ||
          element.isBF16());
}

/// Products of each head with its columns of a matrix [K, heads * X] read the
/// panels that the product with all of it reads.
void PlanWeights::planHeads(Value value) {
  WeightForm form = forms.lookup(value);
  if (!packMatrices || form.value || form.isTransposed() ||
      form.source.getRank() != 3 ||
      !isa<FloatType>(form.source.getElementType()))
    return;
  ArrayRef<int64_t> shape = form.source.getShape();
  if (form.source.getNumElements() == 0 || shape[2] % panelColumns != 0)
    return;
  // Uses as a whole and by slices of columns.
  SmallVector<std::pair<OpOperand *, int64_t>> products;
  auto collectUses = [&](Value tensor, int64_t first) {
    for (OpOperand &use : tensor.getUses())
      if (isHeadProduct(use, panelColumns))
        products.push_back({&use, first});
  };
  collectUses(value, 0);
  for (Operation *user : value.getUsers()) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
    if (!slice || ShapedType::isDynamicShape(slice.getStaticOffsets()) ||
        slice.getType().getRank() != 3 || !slice.hasUnitStride() ||
        slice.getType().getDimSize(0) != shape[0] ||
        slice.getType().getDimSize(1) != shape[1])
      continue;
    int64_t first = slice.getStaticOffsets()[2];
    if (first % panelColumns == 0)
      collectUses(slice.getResult(), first);
  }
  if (products.empty())
    return;
  WeightForm matrix = form;
  matrix.source = RankedTensorType::get({shape[0], shape[1] * shape[2]},
                                        form.source.getElementType());
  matrix.permutation = {0, 1};
  if (form.pieces) {
    matrix.pieces =
        mergePieces(form.pieces, shape, {{0}, {1, 2}},
                    form.source.getElementType().getIntOrFloatBitWidth() / 8);
    if (!matrix.pieces)
      return;
  }
  readByHead.insert(rangeOf(matrix));
  Value panels = load(matrix, Packing::Matrix, value.getLoc());
  for (auto [use, first] : products) {
    readHeadPanels(*use, panels, first);
    ++numHeadProducts;
  }
  for (Operation *user : llvm::make_early_inc_range(value.getUsers()))
    if (isa<tensor::ExtractSliceOp>(user) && user->use_empty())
      user->erase();
}

void PlanWeights::plan(Value value, const WeightForm &form) {
  // Uses by products of matrices, plain and transposed, and all others.
  SmallVector<OpOperand *> right[2], grouped, factors, others;
  bool packable = isPackable(form);
  int64_t rank = form.source.getRank();
  for (OpOperand &use : value.getUses()) {
    bool transposed = false;
    auto product = dyn_cast<MoEGroupedMatMulOp>(use.getOwner());
    if (packable && rank == 2 && isRightSide(use, transposed) &&
        form.source.getDimSize(form.permutation[transposed ? 0 : 1]) >=
            minimumColumns)
      right[transposed].push_back(&use);
    else if (packable && product && use == product.getWeightMutable() &&
             form.shape()[rank - 2] >= minimumColumns)
      grouped.push_back(&use);
    else if (packable && (isFactor(use) || isFactorSlice(use)) &&
             storedElement(form, Packing::Factor) !=
                 form.source.getElementType())
      factors.push_back(&use);
    else if (!forms.contains(use.getOwner()->getNumResults()
                                 ? use.getOwner()->getResult(0)
                                 : Value()))
      others.push_back(&use);
  }
  Location loc = value.getLoc();
  if (!others.empty()) {
    Value whole = load(form, Packing::None, loc);
    for (OpOperand *use : others)
      use->set(whole);
  }
  if (!factors.empty()) {
    Value narrow = load(form, Packing::Factor, loc);
    for (OpOperand *use : factors) {
      auto slice = dyn_cast<tensor::ExtractSliceOp>(use->getOwner());
      if (!slice) {
        readNarrow(use, narrow);
        continue;
      }
      OpBuilder builder(slice);
      Value part = tensor::ExtractSliceOp::create(
          builder, slice.getLoc(), narrow, slice.getMixedOffsets(),
          slice.getMixedSizes(), slice.getMixedStrides());
      SmallVector<OpOperand *> products;
      for (OpOperand &product : slice->getUses())
        products.push_back(&product);
      for (OpOperand *product : products)
        readNarrow(product, part);
      slice.erase();
    }
  }
  if (!grouped.empty()) {
    Value unpacked =
        unpack(load(form, Packing::Grouped, loc), form, Packing::Grouped, loc);
    for (OpOperand *use : grouped)
      use->set(unpacked);
  }
  for (bool transposed : {false, true}) {
    if (right[transposed].empty())
      continue;
    WeightForm matrix = form;
    if (transposed)
      std::swap(matrix.permutation[0], matrix.permutation[1]);
    Value unpacked = unpack(load(matrix, Packing::Matrix, loc), matrix,
                            Packing::Matrix, loc);
    bool isNarrow =
        storedElement(form, Packing::Matrix) != form.source.getElementType();
    for (OpOperand *use : right[transposed]) {
      if (transposed) {
        // [N, K] became [K, N].
        auto op = cast<linalg::LinalgOp>(use->getOwner());
        SmallVector<AffineMap> maps = op.getIndexingMapsArray();
        AffineMap &map = maps[use->getOperandNumber()];
        map = AffineMap::get(map.getNumDims(), 0,
                             {map.getResult(1), map.getResult(0)},
                             map.getContext());
        auto attribute = Builder(&getContext()).getAffineMapArrayAttr(maps);
        if (auto generic = dyn_cast<linalg::GenericOp>(use->getOwner()))
          generic.setIndexingMapsAttr(attribute);
        else
          cast<linalg::MatmulOp>(use->getOwner())
              .setIndexingMapsAttr(attribute);
      }
      if (isNarrow)
        readNarrow(use, unpacked);
      else
        use->set(unpacked);
    }
  }
}

void PlanWeights::runOnOperation() {
  function = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal()) {
    getOperation().emitError() << "module must have a function '@main'";
    return signalPassFailure();
  }
  if (!llvm::is_contained({"", "bf16", "f16"}, matrixType)) {
    getOperation().emitError()
        << "'matrix-type' must be 'bf16' or 'f16', got '" << matrixType << "'";
    return signalPassFailure();
  }
  forms.clear();
  loaded.clear();
  layoutsOfRange.clear();
  readByHead.clear();
  lastLoad = nullptr;
  symbols.emplace(function);
  computed.emplace(getOperation());
  numJoined += joinWeights(function.getBody().front());
  collectFrom(function.getBody().front());
  // Both add entries for what they make, which are visited in turn.
  for (size_t i = 0; i < forms.size(); ++i)
    foldViews((forms.begin() + i)->first);
  for (size_t i = 0; i < forms.size(); ++i)
    foldTransposes((forms.begin() + i)->first);
  for (auto &[value, form] : forms)
    planHeads(value);
  for (auto &[value, form] : forms)
    plan(value, form);
  // Users were made after what they use.
  for (auto &[value, form] : llvm::reverse(forms)) {
    Operation *op = value.getDefiningOp();
    if (value.use_empty())
      op->erase();
  }
}
