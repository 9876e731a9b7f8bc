// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Marks initializers with `trine.rounded`, {type, ranges}: pairs of elements
// between which values are rounded. Execution::readWeight obeys it.
#include "trine/Reference/RoundedWeights.h"
#include "Execution.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include <map>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// Bytes [begin, end) of files, in order.
using Ranges = std::map<std::string, std::vector<std::pair<int64_t, int64_t>>>;
} // namespace

/// Reads [[file, offset, bytes], ...].
static bool readRanges(const llvm::json::Array *array, Ranges &ranges) {
  if (!array)
    return false;
  for (const llvm::json::Value &value : *array) {
    const llvm::json::Array *range = value.getAsArray();
    if (!range || range->size() != 3)
      return false;
    std::optional<llvm::StringRef> file = (*range)[0].getAsString();
    std::optional<int64_t> offset = (*range)[1].getAsInteger(),
                           bytes = (*range)[2].getAsInteger();
    int64_t end;
    if (!file || !offset || !bytes || *offset < 0 || *bytes < 0 ||
        llvm::AddOverflow(*offset, *bytes, end))
      return false;
    ranges[file->str()].push_back({*offset, end});
  }
  for (auto &[file, list] : ranges)
    llvm::sort(list);
  return true;
}

/// The elements of an initializer of f32 that ranges hold, as pairs.
static llvm::SmallVector<int64_t> elementsIn(onnx::InitializerOp op,
                                             const Ranges &ranges) {
  llvm::SmallVector<int64_t> elements;
  auto found = ranges.find(op.getFile().str());
  if (found == ranges.end())
    return elements;
  int64_t begin = op.getOffset(), end = begin + op.getLength();
  auto it = llvm::partition_point(
      found->second, [&](auto range) { return range.second <= begin; });
  for (; it != found->second.end() && it->first < end; ++it) {
    elements.push_back((std::max(it->first, begin) - begin) / 4);
    elements.push_back((std::min(it->second, end) - begin) / 4);
  }
  return elements;
}

FailureOr<bool>
mlir::trine::reference::roundWeightsAsPackaged(func::FuncOp main,
                                               llvm::StringRef folder) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, "manifest.json");
  auto buffer = llvm::MemoryBuffer::getFile(path);
  // No test: the runtime has read it before.
  if (!buffer)
    return main.emitError()
           << "cannot read '" << path << "': " << buffer.getError().message();
  llvm::Expected<llvm::json::Value> manifest =
      llvm::json::parse((*buffer)->getBuffer());
  // No test: the runtime has parsed it before.
  if (!manifest)
    return main.emitError()
           << "'" << path
           << "' is not JSON: " << llvm::toString(manifest.takeError());
  const llvm::json::Object *root = manifest->getAsObject();
  const llvm::json::Object *weights =
      root ? root->getObject("weights") : nullptr;
  const llvm::json::Object *narrowed =
      weights ? weights->getObject("narrowed") : nullptr;
  if (!narrowed)
    return false;
  if (narrowed->getBoolean("computed").value_or(false))
    return emitError(main.getLoc())
           << "the package rounds weights that it has computed, and the model "
              "has none to round as well: compare it without '--model'";
  MLIRContext *context = main.getContext();
  std::optional<llvm::StringRef> name = narrowed->getString("type");
  Ranges ranges, kept;
  if (!name || (*name != "bf16" && *name != "f16") ||
      !readRanges(narrowed->getArray("ranges"), ranges) ||
      !readRanges(narrowed->getArray("kept"), kept))
    return main.emitError() << "'narrowed' in '" << path
                            << "' must have a type, ranges and what is kept";
  Type type = *name == "bf16" ? Type(BFloat16Type::get(context))
                              : Type(Float16Type::get(context));
  llvm::SmallVector<onnx::InitializerOp> initializers;
  main.walk([&](onnx::InitializerOp op) { initializers.push_back(op); });
  bool any = false;
  for (onnx::InitializerOp op : initializers) {
    if (!getElementTypeOrSelf(op->getResult(0).getType()).isF32())
      continue;
    llvm::SmallVector<int64_t> elements = elementsIn(op, ranges);
    if (elements.empty())
      continue;
    any = true;
    OpBuilder builder(op);
    onnx::InitializerOp rounded = op;
    if (!elementsIn(op, kept).empty()) {
      rounded = cast<onnx::InitializerOp>(builder.clone(*op));
      op->getResult(0).replaceUsesWithIf(rounded->getResult(0), [](OpOperand
                                                                       &use) {
        return !isa<onnx::GatherOp, onnx::GatherNDOp, onnx::GatherElementsOp>(
            use.getOwner());
      });
    }
    rounded->setAttr(kRounded,
                     builder.getDictionaryAttr(
                         {builder.getNamedAttr(
                              "ranges", builder.getDenseI64ArrayAttr(elements)),
                          builder.getNamedAttr("type", TypeAttr::get(type))}));
  }
  return any;
}

Tensor mlir::trine::reference::roundAsMarked(Operation *op, Tensor tensor) {
  auto mark = op->getAttrOfType<DictionaryAttr>(kRounded);
  auto ranges =
      mark ? mark.getAs<DenseI64ArrayAttr>("ranges") : DenseI64ArrayAttr();
  auto type = mark ? mark.getAs<TypeAttr>("type") : TypeAttr();
  std::optional<ElementType> element =
      type ? elementTypeOf(type.getValue()) : std::nullopt;
  if (!ranges || !element)
    return tensor;
  for (int64_t i = 0; i + 1 < ranges.size(); i += 2)
    for (int64_t at = std::max<int64_t>(ranges[i], 0),
                 end = std::min(ranges[i + 1], tensor.getNumElements());
         at < end; ++at)
      tensor.setReal(at, roundTo(*element, tensor.real(at)));
  return tensor;
}
