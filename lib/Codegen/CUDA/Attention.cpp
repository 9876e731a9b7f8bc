// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Attention.h"

#include "Scalars.h"
#include "SkeletonWriter.h"
#include "TensorMaps.h"
#include "WorkgroupCount.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

/// Shared memory that a workgroup may have.
static int sharedBytesOf(kernels::Architecture architecture) {
  return architecture == kernels::Architecture::SM90a ? 232448 : 166912;
}

/// Whether the skeleton takes the configuration (checkAttention).
static bool isValid(const kernels::AttentionConfiguration &c) {
  using namespace kernels;
  bool wgmma = c.architecture == Architecture::SM90a;
  // Warps that share rows need 16 keys and whole columns each.
  int threads = attentionThreads(c), columns = attentionPadded(c.valueSize);
  int sharing = threads / 32 * 16 / c.tileRows;
  return sharing >= 1 && c.tileKeys / sharing >= 16 &&
         columns / sharing % (wgmma ? 64 : 16) == 0 &&
         c.tileRows * columns <= 128 * threads &&
         attentionSharedBytes(c) <= sharedBytesOf(c.architecture);
}

bool cuda::configureAttention(kernels::AttentionConfiguration &c,
                              kernels::Architecture architecture,
                              bool vectors) {
  using namespace kernels;
  c.architecture = Architecture::SM80;
  c.load = Load::Element;
  if (c.element == Element::F32) {
    c.tileRows = 16;
    c.tileKeys = 32;
    c.stages = 1;
    return attentionSharedBytes(c) <= sharedBytesOf(c.architecture);
  }
  if (vectors)
    c.load = Load::Vector;
  auto findTile = [&](int rows) {
    for (int stages : {2, 1})
      for (int keys : {64, 32}) {
        c.tileRows = rows;
        c.tileKeys = keys;
        c.stages = stages;
        if (isValid(c))
          return true;
      }
    return false;
  };
  // Products of wgmma have 64 rows: prefill without shared keys, or heads that
  // fill them.
  if (architecture == Architecture::SM90a &&
      (c.headsPerGroup == 1 || c.headsPerGroup >= 64)) {
    c.architecture = Architecture::SM90a;
    if (findTile(64))
      return true;
    c.architecture = Architecture::SM80;
  }
  // Heads on one latent are the rows of a step with one token.
  bool isNarrow = c.valueIsKey && c.headsPerGroup <= 16;
  for (int rows : {c.headsPerGroup == 1 ? 64 : isNarrow ? 16 : 32, 32, 16})
    if (findTile(rows))
      return true;
  return false;
}

namespace {
class AttentionWriter : SkeletonWriter {
public:
  AttentionWriter(plan::KernelOp kernel, std::string &why)
      : SkeletonWriter(kernel, why) {}
  bool match();
  bool write(ModuleOp module, ArrayRef<std::string> architectures,
             CUDAKernel &result);

private:
  std::optional<StridedRead> read(Value tensor);
  /// The tensor maps of all keys and values, for tiles of `tileKeys`; false if
  /// one has none.
  bool findMaps(int tileKeys, MapParameters &maps, std::string &assignments);

  AttentionOp op;
  /// Keys of each part, and values, and how they lie in memory.
  SmallVector<std::pair<Value, StridedRead>> loaded;
  BlockArgument output, lse;
  kernels::AttentionConfiguration configuration;
  /// Whether all rows read begin at multiples of 16 bytes.
  bool vectors = true;
};
} // namespace

std::optional<StridedRead> AttentionWriter::read(Value tensor) {
  std::optional<StridedRead> result = findStridedRead(tensor, sizes);
  if (!result) {
    refuse("an operand is computed in the kernel");
    return std::nullopt;
  }
  if (result->strides.back() != "1" && !result->strides.empty()) {
    refuse("columns of an operand are not neighbours");
    return std::nullopt;
  }
  vectors &= isMultipleOfEight(result->offset);
  for (const std::string &stride : ArrayRef(result->strides).drop_back())
    vectors &= isMultipleOfEight(stride);
  vectors &=
      cast<RankedTensorType>(tensor.getType()).getShape().back() % 8 == 0;
  return result;
}

bool AttentionWriter::match() {
  using namespace kernels;
  op = dyn_cast_or_null<AttentionOp>(findRoot());
  if (!op)
    return refuse("there is no attention");
  if (!findDestination(op.getOutput(), output) ||
      !findDestination(op.getLse(), lse))
    return false;
  if (!output)
    return refuse("the output is not used");
  Type element = getElementTypeOrSelf(op.getValue());
  std::optional<Element> known = elementOf(element);
  if (!known)
    return refuse("its type is neither f32, f16 nor bf16");
  AttentionConfiguration &c = configuration;
  c.element = *known;
  SmallVector<Value> queries = op.getQueryParts(), keys = op.getKeyParts();
  if (queries.size() > 3)
    return refuse("it has more than three parts");
  c.parts = queries.size();
  auto dim = [](Value value, int64_t position) {
    return cast<RankedTensorType>(value.getType()).getDimSize(position);
  };
  int64_t heads = dim(op.getQuery(), 1), separate = dim(op.getValue(), 1);
  for (auto [part, key] : llvm::enumerate(keys)) {
    c.partSize[part] = dim(key, 3);
    separate = std::max(separate, dim(key, 1));
    if (dim(key, 1) <= 0 || dim(key, 3) <= 0)
      return refuse("heads are not known");
  }
  c.valueSize = dim(op.getValue(), 3);
  if (heads <= 0 || c.valueSize <= 0 || dim(op.getValue(), 1) <= 0)
    return refuse("heads are not known");
  bool sharesAlike =
      heads % separate == 0 && separate % dim(op.getValue(), 1) == 0 &&
      llvm::all_of(keys,
                   [&](Value key) { return separate % dim(key, 1) == 0; });
  c.headsPerGroup = sharesAlike ? heads / separate : 1;
  c.mask = op.getMaskKind() == mlir::trine::MaskKind::None
               ? kernels::MaskKind::None
           : op.getMaskKind() == mlir::trine::MaskKind::Causal
               ? kernels::MaskKind::Causal
               : kernels::MaskKind::Additive;
  c.maskedRow = op.getMaskedRow() == mlir::trine::MaskedRow::Zero
                    ? kernels::MaskedRow::Zero
                : op.getMaskedRow() == mlir::trine::MaskedRow::Uniform
                    ? kernels::MaskedRow::Uniform
                    : kernels::MaskedRow::NaN;
  c.softCap = op.getSoftCap().has_value();
  c.split = static_cast<bool>(op.getPartial());
  c.ranges = c.split;
  if (c.split && !lse)
    return refuse("partial results without their log-sum-exp");
  if (op.getOffset() && !isa<BlockArgument>(op.getOffset()))
    return refuse("the offset is computed in the kernel");
  return true;
}

static const char *name(kernels::MaskKind kind) {
  return kind == kernels::MaskKind::None     ? "MaskKind::None"
         : kind == kernels::MaskKind::Causal ? "MaskKind::Causal"
                                             : "MaskKind::Additive";
}

static const char *name(kernels::MaskedRow row) {
  return row == kernels::MaskedRow::Zero      ? "MaskedRow::Zero"
         : row == kernels::MaskedRow::Uniform ? "MaskedRow::Uniform"
                                              : "MaskedRow::NaN";
}

static std::string configurationText(const kernels::AttentionConfiguration &c) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "constexpr AttentionConfiguration configuration = {\n"
         << "    .architecture = "
         << (c.architecture == kernels::Architecture::SM90a
                 ? "Architecture::SM90a"
                 : "Architecture::SM80")
         << ", .element = " << elementName(c.element)
         << ",\n    .parts = " << c.parts << ", .partSize = {" << c.partSize[0]
         << ", " << (c.parts > 1 ? c.partSize[1] : 0) << ", "
         << (c.parts > 2 ? c.partSize[2] : 0)
         << "}, .valueSize = " << c.valueSize
         << ", .valueIsKey = " << flagText(c.valueIsKey)
         << ",\n    .headsPerGroup = " << c.headsPerGroup
         << ", .tileRows = " << c.tileRows << ", .tileKeys = " << c.tileKeys
         << ", .stages = " << c.stages << ",\n    .mask = " << name(c.mask)
         << ", .maskedRow = " << name(c.maskedRow)
         << ", .softCap = " << flagText(c.softCap)
         << ",\n    .split = " << flagText(c.split)
         << ", .ranges = " << flagText(c.ranges)
         << ", .load = " << loadName(c.load) << "};\n";
  return text;
}

bool AttentionWriter::findMaps(int tileKeys, MapParameters &maps,
                               std::string &assignments) {
  unsigned parts = configuration.parts;
  MapParameters found;
  for (auto [index, each] : llvm::enumerate(loaded)) {
    auto &[tensor, read] = each;
    std::string pointer = read.pointer();
    MapOperand operand;
    operand.element = configuration.element;
    operand.pointer = pointer;
    for (int64_t dim : {3, 2, 1, 0}) {
      FailureOr<std::string> size = sizes.dimension(tensor, dim);
      if (failed(size))
        return false;
      operand.sizes.push_back(*size);
      if (dim != 3)
        operand.strides.push_back(read.strides[dim]);
    }
    operand.box = {64, static_cast<uint32_t>(tileKeys), 1, 1};
    std::optional<TensorMapRecord> record = findTensorMap(kernel, operand);
    if (!record)
      return false;
    std::string number = std::to_string(index);
    std::string name = index < parts ? "mapKey" + number : "mapValue";
    found.add(name, *record);
    assignments += (index < parts ? "  arguments.part[" + number + "].keyMap"
                                  : std::string("  arguments.valueMap")) +
                   " = &" + name + ";\n";
  }
  maps = found;
  return true;
}

bool AttentionWriter::write(ModuleOp module,
                            ArrayRef<std::string> architectures,
                            CUDAKernel &result) {
  using namespace kernels;
  AttentionConfiguration &c = configuration;
  std::string element = typeName(getElementTypeOrSelf(op.getValue().getType()));
  std::string out = typeName(getElementTypeOrSelf(output.getType()));
  std::string mask = "float", call;
  auto add = [&](const std::string &member, const std::string &value) {
    call += "  arguments." + member + " = " + value + ";\n";
  };
  auto strides = [](const StridedRead &read) {
    return "{" + read.strides[0] + ", " + read.strides[1] + ", " +
           read.strides[2] + "}";
  };
  auto size = [&](Value tensor, int64_t dim) {
    FailureOr<std::string> text = sizes.dimension(tensor, dim);
    return failed(text) ? std::string() : *text;
  };
  std::string batch = size(op.getQuery(), 0), heads = size(op.getQuery(), 1),
              rows = size(op.getQuery(), 2), keys = size(op.getValue(), 2);
  std::string splits = c.split ? size(op.getPartial(), 0) : "1";
  LaunchSize batchSize, rowSize, splitSize;
  // The destination says the sizes as the launch does.
  int64_t front = c.split ? 1 : 0;
  if (batch.empty() || heads.empty() || rows.empty() || keys.empty() ||
      splits.empty() || !batchSize.multiply(kernel, size(output, front)) ||
      !rowSize.multiply(kernel, size(output, front + 2)) ||
      (c.split && !splitSize.multiply(kernel, size(output, 0))))
    return refuse("a size is computed in the kernel");
  add("batch", batch);
  add("heads", heads);
  add("queries", rows);
  add("keys", keys);
  std::optional<StridedRead> value = read(op.getValue());
  if (!value)
    return false;
  std::string sharedKey;
  SmallVector<Value> queryParts = op.getQueryParts(),
                     keyParts = op.getKeyParts();
  for (auto [index, query, key] : llvm::enumerate(queryParts, keyParts)) {
    std::optional<StridedRead> queryRead = read(query), keyRead = read(key);
    if (!queryRead || !keyRead)
      return false;
    if (index == 0)
      c.valueIsKey = *keyRead == *value && c.partSize[0] == c.valueSize &&
                     keyParts[0].getType() == op.getValue().getType();
    std::string part = "part[" + std::to_string(index) + "].";
    add(part + "query", queryRead->pointer());
    add(part + "queryStrides", strides(*queryRead));
    add(part + "key", keyRead->pointer());
    add(part + "keyHeads", size(key, 1));
    add(part + "keyStrides", strides(*keyRead));
    loaded.push_back({key, *keyRead});
  }
  if (!c.valueIsKey)
    loaded.push_back({op.getValue(), *value});
  add("value", value->pointer());
  add("valueHeads", size(op.getValue(), 1));
  add("valueStrides", strides(*value));
  if (op.getMask()) {
    std::optional<StridedRead> maskRead = findStridedRead(op.getMask(), sizes);
    auto type = cast<RankedTensorType>(op.getMask().getType());
    mask = typeName(type.getElementType());
    if (!maskRead || mask.empty() || type.getElementType().isF64())
      return refuse("the mask is computed in the kernel");
    add("mask", maskRead->pointer());
    const char *members[] = {"maskBatch", "maskHead", "maskQuery", "maskKey"};
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      // One element for all is a broadcast.
      std::string extent = size(op.getMask(), dim);
      std::string stride = maskRead->strides[dim];
      if (extent != "1" && !asNumber(extent))
        stride = extent + " == 1 ? 0 : " + stride;
      add(members[4 - type.getRank() + dim], extent == "1" ? "0" : stride);
    }
  }
  if (op.getOffset()) {
    add("offset", argumentName(cast<BlockArgument>(op.getOffset())));
    // One for each sequence, as sequences of different lengths have.
    if (cast<RankedTensorType>(op.getOffset().getType()).getRank() != 0)
      add("offsetBatch", "1");
  }
  add("scale", floatText(op.getScale().convertToDouble()));
  if (op.getSoftCap())
    add("softCap", floatText(op.getSoftCap()->convertToDouble()));
  if (c.split) {
    add("scratch", argumentName(output));
    add("partialLse", argumentName(lse));
    add("splits", splits);
  } else {
    add("out", argumentName(output));
    if (lse)
      add("lse", argumentName(lse));
  }
  AttentionConfiguration newer = c;
  if (!configureAttention(c, Architecture::SM80, vectors) ||
      !configureAttention(newer, Architecture::SM90a, vectors))
    return refuse("no tile fits into shared memory");
  MapParameters maps;
  std::string useMaps;
  if (newer.architecture == Architecture::SM90a && newer.load == Load::Vector &&
      findMaps(newer.tileKeys, maps, useMaps))
    newer.load = Load::TensorMap;
  std::string definitions = configurationText(c);
  if (newer.architecture != c.architecture)
    definitions = "#if defined(__CUDA_ARCH_FEAT_SM90_ALL)\n" +
                  configurationText(newer) + "#else\n" + definitions +
                  "#endif\n";
  std::string body = sizes.getText() + "  AttentionArguments<" + element +
                     ", " + mask + ", " + out + "> arguments;\n" + call +
                     maps.guard(useMaps);
  // A launch has as many workgroups as the smaller tiles need.
  int tileRows = std::min(c.tileRows, newer.tileRows);
  if (newer.tileRows != c.tileRows)
    body += "  if (blockIdx.x >= attentionWorkgroups(configuration, "
            "arguments.batch, arguments.heads,\n"
            "      arguments.queries, arguments.splits))\n    return;\n";
  body += "  attention<configuration>(arguments, Identity{});\n";
  result.source = sourceText({"Attention.h"}, definitions,
                             "attentionThreads(configuration), 1", body,
                             maps.parameterText());
  result.workgroupsPerBlock = 1;
  for (auto [architecture, launch] :
       llvm::zip(architectures, result.launches)) {
    const AttentionConfiguration &each = architecture == "sm_90a" ? newer : c;
    launch.threads = attentionThreads(each);
    launch.sharedBytes = attentionSharedBytes(each);
  }
  maps.describe(architectures, result);
  int64_t groups = *asNumber(heads) / c.headsPerGroup;
  defineWorkgroups(
      kernel, module, [&](ImplicitLocOpBuilder &builder, Value words) -> Value {
        rowSize.constant *= c.headsPerGroup;
        batchSize.constant *= groups;
        Value tiles = cuda::divideUp(
            builder, materialize(builder, words, rowSize), tileRows);
        tiles = arith::MulIOp::create(builder, tiles,
                                      materialize(builder, words, batchSize));
        return arith::MulIOp::create(builder, tiles,
                                     materialize(builder, words, splitSize));
      });
  return true;
}

bool cuda::writeAttention(plan::KernelOp kernel, ModuleOp module,
                          ArrayRef<std::string> architectures,
                          CUDAKernel &result, std::string &why) {
  AttentionWriter writer(kernel, why);
  return writer.match() && writer.write(module, architectures, result);
}
