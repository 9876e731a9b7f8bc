// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TableFiles.h"

#include "WeightsFile.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Runtime/PackageFormat.h"
#include "trine/Runtime/engram.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::trine;

static trine_engram_type typeOf(Type type) {
  if (type.isF32())
    return TRINE_ENGRAM_F32;
  if (type.isF16())
    return TRINE_ENGRAM_F16;
  return type.isBF16() ? TRINE_ENGRAM_BF16 : TRINE_ENGRAM_E4M3;
}

namespace {
/// Rows that come in blocks of any size, handed on as whole rows.
class RowWriter {
public:
  RowWriter(trine_engram_writer *writer, uint64_t rowBytes,
            ArrayRef<uint8_t> scales, uint64_t scaleBytes)
      : writer(writer), rowBytes(rowBytes), scales(scales),
        scaleBytes(scaleBytes) {}

  void write(ArrayRef<uint8_t> bytes) {
    held.insert(held.end(), bytes.begin(), bytes.end());
    uint64_t rows = held.size() / rowBytes;
    if (rows == 0 || status != TRINE_OK)
      return;
    status = trine_engram_writer_append(
        writer, held.data(),
        scales.empty() ? nullptr : scales.data() + done * scaleBytes, rows);
    done += rows;
    held.erase(held.begin(), held.begin() + rows * rowBytes);
  }

  trine_status getStatus() const { return status; }

private:
  trine_engram_writer *writer;
  uint64_t rowBytes;
  ArrayRef<uint8_t> scales;
  uint64_t scaleBytes;
  std::vector<uint8_t> held;
  uint64_t done = 0;
  trine_status status = TRINE_OK;
};
} // namespace

static LogicalResult writeTable(plan::TableOp table, SymbolTable &symbols,
                                ModelFolder &modelFolder, StringRef file) {
  auto values = symbols.lookup<plan::WeightOp>(table.getValues());
  auto type = cast<RankedTensorType>(values.getSourceType());
  // Scales are a 32nd of the values; they are read whole.
  std::vector<uint8_t> scales;
  if (table.getScales()) {
    auto weight = symbols.lookup<plan::WeightOp>(*table.getScales());
    if (failed(readWeight(weight, modelFolder, [&](ArrayRef<uint8_t> bytes) {
          scales.insert(scales.end(), bytes.begin(), bytes.end());
        })))
      return failure();
  }
  std::string path = file.str(), name = table.getName().str();
  trine_engram_table_shape shape = {};
  shape.struct_size = sizeof(shape);
  shape.type = typeOf(type.getElementType());
  shape.name = name.c_str();
  shape.rows = type.getDimSize(0);
  shape.width = type.getDimSize(1);
  trine_engram_writer *writer = nullptr;
  auto fail = [&]() -> LogicalResult {
    table.emitError() << "table '" << name
                      << "' cannot be written: " << trine_engram_message();
    trine_engram_writer_close(writer);
    return failure();
  };
  if (trine_engram_writer_open(path.c_str(), &shape, &writer) != TRINE_OK)
    return fail();
  RowWriter rows(writer,
                 shape.width * getStoredElementBytes(type.getElementType()),
                 scales, shape.width / 32);
  if (failed(readWeight(values, modelFolder,
                        [&](ArrayRef<uint8_t> bytes) { rows.write(bytes); }))) {
    trine_engram_writer_close(writer);
    return failure();
  }
  if (rows.getStatus() != TRINE_OK ||
      trine_engram_writer_finish(writer) != TRINE_OK)
    return fail();
  trine_engram_writer_close(writer);
  return success();
}

/// The manifest's entry for a table that stays in a file of the model.
static FailureOr<llvm::json::Value>
referTo(plan::TableOp table, SymbolTable &symbols, StringRef modelFolder) {
  static const char *const types[] = {"f32", "f16", "bf16", "f8e4m3fn"};
  auto values = symbols.lookup<plan::WeightOp>(table.getValues());
  auto scales = table.getScales()
                    ? symbols.lookup<plan::WeightOp>(*table.getScales())
                    : plan::WeightOp();
  if (!values.getFile() || (scales && scales.getFile() != values.getFile()))
    return table.emitError()
           << "table '" << table.getName()
           << "' cannot stay where it is: it is not in one place of one file";
  auto type = cast<RankedTensorType>(values.getSourceType());
  std::string name = table.getName().str(), path = values.getFile()->str();
  trine_engram_reference reference = {};
  reference.struct_size = sizeof(reference);
  reference.name = name.c_str();
  reference.path = path.c_str();
  std::string folder = modelFolder.empty() ? "." : modelFolder.str();
  if (trine_engram_identify(folder.c_str(), &reference) != TRINE_OK)
    return table.emitError() << "table '" << name << "' cannot stay where it "
                             << "is: " << trine_engram_message();
  int64_t width = type.getDimSize(1);
  int64_t stride = width * getStoredElementBytes(type.getElementType());
  llvm::json::Object place{
      {"type", types[typeOf(type.getElementType()) - 1]},
      {"offset", int64_t(values.getOffset())},
      {"stride", stride},
      {"file_bytes", int64_t(reference.file_bytes)},
      {"modified_nanoseconds", reference.modified_nanoseconds},
      {"header_sha256", std::string(reference.header_sha256)}};
  if (scales) {
    place["scale_offset"] = int64_t(scales.getOffset());
    place["scale_stride"] = width / 32;
  }
  int64_t rows = type.getDimSize(0);
  return llvm::json::Value(
      llvm::json::Object{{"name", name},
                         {"path", path},
                         {"rows", rows},
                         {"width", width},
                         {"bytes", rows * (stride + (scales ? width / 32 : 0))},
                         {"reference", std::move(place)}});
}

FailureOr<llvm::json::Array>
mlir::trine::writeTables(ModuleOp module, ModelFolder &modelFolder,
                         StringRef folder,
                         std::optional<StringRef> references) {
  llvm::json::Array entries;
  SymbolTable symbols(module);
  for (auto table : module.getOps<plan::TableOp>()) {
    if (references) {
      FailureOr<llvm::json::Value> entry = referTo(table, symbols, *references);
      if (failed(entry))
        return failure();
      entries.push_back(std::move(*entry));
      continue;
    }
    SmallString<256> tables(folder);
    llvm::sys::path::append(tables, TRINE_PACKAGE_TABLES);
    if (std::error_code error = llvm::sys::fs::create_directories(tables))
      return table.emitError()
             << "cannot write '" << tables << "': " << error.message();
    std::string name = (table.getSymName() + ".engram").str();
    SmallString<256> file(tables);
    llvm::sys::path::append(file, name);
    llvm::sys::fs::setPermissions(tables, llvm::sys::fs::perms(0755));
    if (failed(writeTable(table, symbols, modelFolder, file)))
      return failure();
    uint64_t bytes = 0;
    if (std::error_code error = llvm::sys::fs::file_size(file, bytes))
      return table.emitError()
             << "cannot read '" << file << "': " << error.message();
    auto values = symbols.lookup<plan::WeightOp>(table.getValues());
    auto type = cast<RankedTensorType>(values.getSourceType());
    entries.push_back(llvm::json::Object{
        {"name", table.getName().str()},
        {"path", std::string(TRINE_PACKAGE_TABLES) + "/" + name},
        {"rows", type.getDimSize(0)},
        {"width", type.getDimSize(1)},
        {"bytes", int64_t(bytes)}});
  }
  return entries;
}
