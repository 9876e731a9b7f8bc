// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sizes of results from sizes of operands, one function per op. An op that
// comes from a file is asked before its verifier, so operands may have any rank
// here.
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;

using Sizes = SmallVector<ResultSize>;

/// A static size of an operand as a number, so that results of it are static.
static ResultSize sizeOf(OpOperand &operand, unsigned dimension) {
  auto type = cast<RankedTensorType>(operand.get().getType());
  if (dimension >= type.getRank())
    return ResultSize(0);
  if (!type.isDynamicDim(dimension))
    return ResultSize(type.getDimSize(dimension));
  return ResultSize(operand, dimension);
}

/// The sizes of an operand but the last.
static Sizes outerSizesOf(OpOperand &operand) {
  Sizes sizes = getSizesOf(operand);
  if (!sizes.empty())
    sizes.pop_back();
  return sizes;
}

SmallVector<Sizes> AssembledWeightOp::getResultSizes() {
  auto type = cast<RankedTensorType>(getResult().getType());
  return {llvm::to_vector_of<ResultSize>(type.getShape())};
}

SmallVector<Sizes> RMSNormOp::getResultSizes() {
  return {getSizesOf(getInputMutable())};
}

SmallVector<Sizes> RopeOp::getResultSizes() {
  return {getSizesOf(getInputMutable())};
}

SmallVector<Sizes> AttentionOp::getResultSizes() {
  if (getPartial()) {
    OpOperand &partial = *getPartialMutable().begin();
    return {getSizesOf(partial), outerSizesOf(partial)};
  }
  Sizes lse = outerSizesOf(getQueryMutable());
  Sizes output = lse;
  output.push_back(sizeOf(getValueMutable(), 3));
  return {output, lse};
}

SmallVector<Sizes> MLAAttentionOp::getResultSizes() {
  Sizes lse = outerSizesOf(getQNopeMutable());
  Sizes output = lse;
  output.push_back(sizeOf(getWUvMutable(), 2));
  SmallVector<Sizes> sizes = {output, lse};
  if (getPast().size() != 2)
    return sizes;
  // What is cached, with the new rows behind it.
  for (unsigned i : {0u, 1u}) {
    OpOperand &past = getPastMutable()[i];
    Sizes present = getSizesOf(past);
    if (present.size() > 2)
      present[2] = sizeOf(past, 2) + sizeOf(getLatentMutable(), 1);
    sizes.push_back(present);
  }
  return sizes;
}

SmallVector<Sizes> MergeOp::getResultSizes() {
  if (getOutputs().empty())
    return {{}, {}};
  return {getSizesOf(getOutputsMutable()[0]),
          outerSizesOf(getOutputsMutable()[0])};
}

SmallVector<Sizes> MoERouteOp::getResultSizes() {
  Sizes sizes = {sizeOf(getLogitsMutable(), 0),
                 ResultSize(static_cast<int64_t>(getK()))};
  return {sizes, sizes};
}

SmallVector<Sizes> MoEExpertsOp::getResultSizes() {
  return {getSizesOf(getInputMutable())};
}

SmallVector<Sizes> GatedMLPOp::getResultSizes() {
  Sizes sizes = outerSizesOf(getInputMutable());
  sizes.push_back(sizeOf(getWDownMutable(), 1));
  return {sizes};
}

SmallVector<Sizes> MoEGroupOp::getResultSizes() {
  return {{sizeOf(getIdsMutable(), 0) * sizeOf(getIdsMutable(), 1)},
          {ResultSize(static_cast<int64_t>(getExperts()) + 1)},
          getSizesOf(getIdsMutable())};
}

SmallVector<Sizes> MoEGroupedMatMulOp::getResultSizes() {
  OpOperand &rows = getOrder() ? *getOrderMutable().begin() : getInputMutable();
  return {{sizeOf(rows, 0), sizeOf(getWeightMutable(), isGated() ? 2 : 1)}};
}

SmallVector<Sizes> MoECombineOp::getResultSizes() {
  return {{sizeOf(getWeightsMutable(), 0), sizeOf(getRowsMutable(), 1)}};
}

SmallVector<Sizes> EngramHashOp::getResultSizes() {
  int64_t orders = static_cast<int64_t>(getMaxOrder()) - 1;
  ResultSize batch = sizeOf(getTokenIdsMutable(), 0);
  return {{batch, sizeOf(getTokenIdsMutable(), 1),
           ResultSize(orders) * ResultSize(static_cast<int64_t>(getHeads()))},
          {batch, ResultSize(orders)}};
}

SmallVector<Sizes> EngramLookupOp::getResultSizes() {
  Sizes sizes = getSizesOf(getRowsMutable());
  sizes.push_back(sizeOf(getTableMutable(), 1));
  return {sizes};
}

SmallVector<Sizes> EngramGateOp::getResultSizes() {
  return {getSizesOf(getKeyMutable())};
}

SmallVector<Sizes> EngramConvOp::getResultSizes() {
  return {getSizesOf(getInputMutable()), getSizesOf(getStateMutable())};
}

SmallVector<Sizes> HyperMixOp::getResultSizes() {
  OpOperand &streams = getStreamsMutable();
  Sizes outer = {sizeOf(streams, 0), sizeOf(streams, 1)};
  Sizes mixed = outer, post = outer, comb = outer;
  mixed.push_back(sizeOf(streams, 3));
  post.push_back(sizeOf(streams, 2));
  comb.append(2, sizeOf(streams, 2));
  return {mixed, post, comb};
}

SmallVector<Sizes> HyperCombineOp::getResultSizes() {
  return {getSizesOf(getStreamsMutable())};
}
