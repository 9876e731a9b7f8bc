// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "WeightsFile.h"

#include "Repack.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include <sys/mman.h>

using namespace mlir;
using namespace mlir::trine;

/// The safetensors name of an element type; empty for one that it lacks.
static StringRef typeName(Type type) {
  if (type.isInteger(1))
    return "BOOL";
  if (auto integer = dyn_cast<IntegerType>(type))
    switch (integer.getWidth()) {
    case 8:
      return integer.isUnsigned() ? "U8" : "I8";
    case 16:
      return integer.isUnsigned() ? "U16" : "I16";
    case 32:
      return integer.isUnsigned() ? "U32" : "I32";
    case 64:
      return integer.isUnsigned() ? "U64" : "I64";
    default:
      return "";
    }
  return llvm::TypeSwitch<Type, StringRef>(type)
      .Case<Float64Type>([](Type) { return "F64"; })
      .Case<Float32Type>([](Type) { return "F32"; })
      .Case<Float16Type>([](Type) { return "F16"; })
      .Case<BFloat16Type>([](Type) { return "BF16"; })
      .Case<Float8E4M3FNType>([](Type) { return "F8_E4M3"; })
      .Case<Float8E5M2Type>([](Type) { return "F8_E5M2"; })
      .Case<Float8E8M0FNUType>([](Type) { return "F8_E8M0"; })
      .Default([](Type) { return ""; });
}

/// The header, padded so that the data section begins on a page. Gaps that
/// alignment leaves are tensors of bytes: the format allows no holes.
static FailureOr<std::string> makeHeader(const WeightLayout &layout) {
  constexpr uint64_t page = 4096;
  llvm::json::Object header;
  uint64_t end = 0;
  auto addPadding = [&](uint64_t begin) {
    if (begin > end)
      header["padding." + std::to_string(end)] = llvm::json::Object{
          {"dtype", "U8"},
          {"shape", llvm::json::Array{int64_t(begin - end)}},
          {"data_offsets", llvm::json::Array{int64_t(end), int64_t(begin)}}};
  };
  for (const WeightPlace &place : layout.places) {
    auto weight = place.weight;
    auto type = cast<RankedTensorType>(weight.getStoredType());
    StringRef name = typeName(type.getElementType());
    if (name.empty())
      return weight.emitError() << "weight '" << weight.getName()
                                << "' cannot be stored: the weights file has "
                                   "no element type "
                                << type.getElementType();
    addPadding(place.offset);
    end = place.offset + place.bytes;
    llvm::json::Array shape;
    for (int64_t size : type.getShape())
      shape.push_back(size);
    header[weight.getSymName()] = llvm::json::Object{
        {"dtype", name},
        {"shape", std::move(shape)},
        {"data_offsets",
         llvm::json::Array{int64_t(place.offset), int64_t(end)}}};
  }
  addPadding(layout.bytes);
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(header));
  text.resize(llvm::alignTo(text.size() + 8, page) - 8, ' ');
  std::string bytes;
  for (unsigned i = 0; i < 8; ++i)
    bytes.push_back(static_cast<char>(uint64_t(text.size()) >> (8 * i)));
  return bytes + text;
}

/// The bytes of a small computed constant, one element after the other.
static FailureOr<std::vector<uint8_t>> constantBytes(plan::WeightOp weight,
                                                     uint64_t elementBytes) {
  auto value = dyn_cast<DenseElementsAttr>(*weight.getValue());
  if (!value)
    return weight.emitError()
           << "weight '" << weight.getName() << "' must have a dense value";
  std::vector<uint8_t> bytes;
  bytes.reserve(value.getNumElements() * elementBytes);
  auto append = [&](const APInt &bits) {
    for (uint64_t i = 0; i < elementBytes; ++i)
      bytes.push_back(static_cast<uint8_t>(
          bits.lshr(std::min<uint64_t>(8 * i, bits.getBitWidth()))
              .getZExtValue()));
  };
  if (isa<FloatType>(value.getElementType()))
    for (const APFloat &element : value.getValues<APFloat>())
      append(element.bitcastToAPInt());
  else
    for (const APInt &element : value.getValues<APInt>())
      append(element);
  return bytes;
}

/// The bytes of a weight's source in a file of the model's folder, mapped for
/// as long as the result lives.
static FailureOr<std::unique_ptr<llvm::MemoryBuffer>>
mapSource(plan::WeightOp weight, ModelFolder &folder) {
  auto buffer =
      folder.map(*weight.getFile(), weight.getOffset(), weight.getLength());
  if (!buffer)
    return weight.emitError() << "weight '" << weight.getName()
                              << "': " << llvm::toString(buffer.takeError());
  return std::move(*buffer);
}

namespace {
/// Parts of files, mapped: what pieces need, and no more, as a file may be
/// larger than the address space that a process may use.
class MappedParts {
public:
  /// Bytes [begin, end) of a file will be read.
  void add(StringRef file, uint64_t begin, uint64_t end) {
    if (begin < end)
      parts[file].push_back({begin, end, nullptr});
  }
  /// Maps what was added.
  llvm::Error map(ModelFolder &folder);
  /// Byte `offset` of a file, which some added part holds.
  const uint8_t *find(StringRef file, uint64_t offset) const;
  void release() const;

private:
  struct Part {
    uint64_t begin, end;
    std::unique_ptr<llvm::MemoryBuffer> buffer;
  };
  llvm::StringMap<std::vector<Part>> parts;
};
} // namespace

llvm::Error MappedParts::map(ModelFolder &folder) {
  for (auto &entry : parts) {
    std::vector<Part> &list = entry.second;
    llvm::sort(list, [](const Part &a, const Part &b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::vector<Part> joined;
    for (Part &part : list)
      if (!joined.empty() && part.begin <= joined.back().end)
        joined.back().end = std::max(joined.back().end, part.end);
      else
        joined.push_back(std::move(part));
    list = std::move(joined);
    for (Part &part : list) {
      auto buffer =
          folder.map(entry.first(), part.begin, part.end - part.begin);
      if (!buffer)
        return buffer.takeError();
      part.buffer = std::move(*buffer);
    }
  }
  return llvm::Error::success();
}

const uint8_t *MappedParts::find(StringRef file, uint64_t offset) const {
  auto entry = parts.find(file);
  if (entry == parts.end())
    return nullptr;
  auto part = llvm::partition_point(
      entry->second, [&](const Part &part) { return part.end <= offset; });
  if (part == entry->second.end() || part->begin > offset)
    return nullptr;
  return reinterpret_cast<const uint8_t *>(part->buffer->getBufferStart()) +
         (offset - part->begin);
}

/// The pieces of a weight in files of the model's folder, which `parts` keeps
/// mapped.
static FailureOr<SmallVector<SourcePiece>> mapPieces(plan::WeightOp weight,
                                                     ModelFolder &folder,
                                                     uint64_t elementBytes,
                                                     MappedParts &parts) {
  auto fail = [&](llvm::Error error) {
    return weight.emitError() << "weight '" << weight.getName()
                              << "': " << llvm::toString(std::move(error));
  };
  auto isEmpty = [](WeightPieceAttr piece) {
    return llvm::is_contained(piece.getSizes(), 0);
  };
  for (auto piece : weight.getPieces()->getAsRange<WeightPieceAttr>()) {
    StringRef name = piece.getFile().getValue();
    llvm::Expected<uint64_t> fileBytes = folder.getSize(name);
    if (!fileBytes)
      return fail(fileBytes.takeError());
    // The last element's end; numbers of a file of IR may be anything.
    int64_t last = 0, end = 0;
    bool overflow = false;
    for (auto [stride, size] :
         llvm::zip(piece.getStrides(), piece.getSizes())) {
      int64_t step = 0;
      overflow |= llvm::MulOverflow<int64_t>(stride, size - 1, step) ||
                  llvm::AddOverflow(last, step, last);
    }
    overflow |= llvm::AddOverflow<int64_t>(last, 1, end) ||
                llvm::MulOverflow<int64_t>(end, elementBytes, end) ||
                llvm::AddOverflow<int64_t>(end, piece.getOffset(), end);
    if (isEmpty(piece))
      continue;
    if (overflow || end > static_cast<int64_t>(*fileBytes))
      return weight.emitError()
             << "weight '" << weight.getName() << "' must lie within '" << name
             << "' of " << *fileBytes << " bytes, got " << piece;
    parts.add(name, piece.getOffset(), end);
  }
  if (llvm::Error error = parts.map(folder))
    return fail(std::move(error));
  SmallVector<SourcePiece> pieces;
  for (auto piece : weight.getPieces()->getAsRange<WeightPieceAttr>())
    pieces.push_back(
        {isEmpty(piece)
             ? nullptr
             : parts.find(piece.getFile().getValue(), piece.getOffset()),
         llvm::to_vector(piece.getStrides()), llvm::to_vector(piece.getInto()),
         llvm::to_vector(piece.getSizes())});
  return pieces;
}

/// Gives back the pages of a mapped file that were read: they stay in the
/// system's cache, not in this process. (MemoryBuffer::dontNeedIfMmap calls
/// posix_madvise, which does nothing in glibc.)
static void releasePages(const llvm::MemoryBuffer &buffer) {
  static const uintptr_t page = llvm::sys::Process::getPageSizeEstimate();
  uintptr_t begin = reinterpret_cast<uintptr_t>(buffer.getBufferStart());
  uintptr_t aligned = begin / page * page;
  if (buffer.getBufferKind() == llvm::MemoryBuffer::MemoryBuffer_MMap)
    (void)::madvise(reinterpret_cast<void *>(aligned),
                    begin - aligned + buffer.getBufferSize(), MADV_DONTNEED);
}

void MappedParts::release() const {
  for (const auto &entry : parts)
    for (const Part &part : entry.second)
      releasePages(*part.buffer);
}

LogicalResult
mlir::trine::readWeight(plan::WeightOp weight, ModelFolder &modelFolder,
                        llvm::function_ref<void(ArrayRef<uint8_t>)> sink) {
  MappedParts parts;
  std::unique_ptr<llvm::MemoryBuffer> mapped;
  constexpr uint64_t keptBytes = uint64_t(64) << 20;
  uint64_t since = 0;
  auto source = cast<RankedTensorType>(weight.getSourceType());
  Type stored = cast<RankedTensorType>(weight.getStoredType()).getElementType();
  std::vector<uint8_t> narrow;
  auto release = [&](ArrayRef<uint8_t> bytes) {
    if (stored == source.getElementType()) {
      sink(bytes);
    } else {
      narrowElements(bytes, stored, narrow);
      sink(narrow);
    }
    since += bytes.size();
    if (since < keptBytes)
      return;
    since = 0;
    if (mapped)
      releasePages(*mapped);
    parts.release();
  };
  uint64_t elementBytes = getStoredElementBytes(source.getElementType());
  uint64_t expected = source.getNumElements() * elementBytes;
  if (weight.getPieces()) {
    FailureOr<SmallVector<SourcePiece>> pieces =
        mapPieces(weight, modelFolder, elementBytes, parts);
    if (failed(pieces))
      return failure();
    repackWeight(weight, *pieces, elementBytes, release);
    return success();
  }
  std::vector<uint8_t> computed;
  ArrayRef<uint8_t> bytes;
  if (weight.getFile()) {
    FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
        mapSource(weight, modelFolder);
    if (failed(buffer))
      return failure();
    mapped = std::move(*buffer);
    bytes =
        ArrayRef(reinterpret_cast<const uint8_t *>(mapped->getBufferStart()),
                 mapped->getBufferSize());
  } else {
    FailureOr<std::vector<uint8_t>> constant =
        constantBytes(weight, elementBytes);
    if (failed(constant))
      return failure();
    computed = std::move(*constant);
    bytes = computed;
  }
  if (bytes.size() != expected)
    return weight.emitError()
           << "weight '" << weight.getName() << "' must have " << expected
           << " bytes, got " << bytes.size();
  repackWeight(weight, wholeSource(weight, bytes.data()), elementBytes,
               release);
  return success();
}

LogicalResult mlir::trine::writeWeights(ModuleOp module,
                                        ModelFolder &modelFolder,
                                        HashedFile &file,
                                        uint64_t &dataOffset) {
  WeightLayout layout = placeWeights(module);
  FailureOr<std::string> header = makeHeader(layout);
  if (failed(header))
    return failure();
  file.write(StringRef(*header));
  dataOffset = file.size();
  for (const WeightPlace &place : layout.places) {
    file.pad(dataOffset + place.offset - file.size());
    if (failed(readWeight(place.weight, modelFolder,
                          [&](ArrayRef<uint8_t> bytes) { file.write(bytes); })))
      return failure();
  }
  file.pad(dataOffset + layout.bytes - file.size());
  return success();
}
