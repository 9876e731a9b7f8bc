// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Runtime/TensorFile.h"
#include "Formats.h"
#include "core/ElementType.h"
#include "core/Json.h"
#include "core/MappedFile.h"
#include "core/Safetensors.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unistd.h>

using namespace trine::runtime;

bool HostTensor::allocate() {
  if (!getTensorBytes(sizes.data(), static_cast<uint32_t>(sizes.size()),
                      trine_type_size(type), bytes))
    return false;
  void *data = nullptr;
  if (posix_memalign(&data, 64, bytes ? bytes : 1) != 0)
    return false;
  memory.reset(data);
  return true;
}

static bool endsWith(const std::string &text, const char *end) {
  size_t size = strlen(end);
  return text.size() >= size &&
         text.compare(text.size() - size, size, end) == 0;
}

static Status readSafetensors(const std::string &path,
                              std::vector<HostTensor> &tensors) {
  MappedFile file;
  Status status = file.open(path, path);
  if (!status.ok())
    return status;
  SafetensorsHeader header;
  status = parseSafetensors(file.getData(), file.getSize(), path,
                            /*allowGaps=*/false, TRINE_ERROR_IO, header);
  if (!status.ok())
    return status;
  for (const SafetensorsEntry &entry : header.entries) {
    HostTensor tensor;
    tensor.name = entry.name;
    tensor.type = entry.type;
    tensor.sizes = entry.sizes;
    if (entry.type == TRINE_TYPE_NONE)
      return Status(TRINE_ERROR_IO,
                    concat(quote(path), " tensor ", quote(entry.name),
                           " has type ", quote(entry.typeName),
                           ", which Trine cannot take"));
    if (!tensor.allocate())
      return Status(TRINE_ERROR_OUT_OF_MEMORY,
                    concat(quote(path), " tensor ", quote(entry.name),
                           " needs ", entry.end - entry.begin,
                           " bytes, which are not there"));
    if (tensor.bytes)
      memcpy(tensor.getData(), file.getData() + header.dataOffset + entry.begin,
             tensor.bytes);
    tensors.push_back(std::move(tensor));
  }
  return Status();
}

static Status readNpyFile(const std::string &path,
                          std::vector<HostTensor> &tensors) {
  MappedFile file;
  Status status = file.open(path, path);
  if (!status.ok())
    return status;
  HostTensor tensor;
  status = readNpy(file.getData(), file.getSize(), path, tensor);
  if (status.ok())
    tensors.push_back(std::move(tensor));
  return status;
}

static Status failFormat(const std::string &path) {
  return Status(
      TRINE_ERROR_INVALID_ARGUMENT,
      concat(quote(path), " must end with .npy, .npz or .safetensors"));
}

bool trine::runtime::readTensors(const std::string &path,
                                 std::vector<HostTensor> &tensors,
                                 std::string &error) {
  Status status = endsWith(path, ".npy")   ? readNpyFile(path, tensors)
                  : endsWith(path, ".npz") ? readNpz(path, tensors)
                  : endsWith(path, ".safetensors")
                      ? readSafetensors(path, tensors)
                      : failFormat(path);
  error = status.getMessage();
  return status.ok();
}

std::string trine::runtime::makeSafetensorsHeader(
    const std::vector<trine_tensor> &tensors) {
  nlohmann::json header = nlohmann::json::object();
  uint64_t offset = 0;
  for (const trine_tensor &tensor : tensors) {
    nlohmann::json &entry = header[tensor.name];
    // Some small types have no name there: what holds them has.
    const char *typeName = getSafetensorsTypeName(tensor.type);
    entry["dtype"] = typeName ? typeName : "U8";
    entry["shape"] =
        std::vector<int64_t>(tensor.sizes, tensor.sizes + tensor.rank);
    entry["data_offsets"] = {offset, offset + tensor.bytes};
    offset += tensor.bytes;
  }
  // Names are whatever bytes the model has: what is not UTF-8 is replaced.
  std::string text =
      header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  // Data begins at a multiple of 64.
  text.append(63 - (8 + text.size() + 63) % 64, ' ');
  std::string result;
  for (int i = 0; i < 8; ++i)
    result += static_cast<char>(uint64_t(text.size()) >> (8 * i));
  return result + text;
}

/// Headers and data to a plain file.
static Status writePlain(const std::string &path, const std::string &label,
                         const std::string &header,
                         const std::vector<trine_tensor> &tensors) {
  FILE *file = fopen(path.c_str(), "wb");
  bool good = file != nullptr;
  good = good && fwrite(header.data(), 1, header.size(), file) == header.size();
  for (const trine_tensor &tensor : tensors)
    good = good && (tensor.bytes == 0 ||
                    fwrite(tensor.data, 1, tensor.bytes, file) == tensor.bytes);
  int error = errno;
  if (file && fclose(file) != 0 && good) {
    good = false;
    error = errno;
  }
  if (good)
    return Status();
  return Status(TRINE_ERROR_IO, concat(quote(label), " cannot be written: ",
                                       describeErrno(error)));
}

bool trine::runtime::writeTensors(const std::string &path,
                                  const std::vector<trine_tensor> &tensors,
                                  std::string &error) {
  // Under another name first, so that nobody meets half a file.
  std::string temporary = concat(path, ".", getpid(), ".tmp");
  Status status;
  if (endsWith(path, ".npy") && tensors.size() != 1)
    status =
        Status(TRINE_ERROR_INVALID_ARGUMENT,
               concat(quote(path), " takes 1 tensor, got ", tensors.size()));
  else if (endsWith(path, ".npy"))
    status = writePlain(temporary, path, makeNpyHeader(tensors[0]), tensors);
  else if (endsWith(path, ".npz"))
    status = writeNpz(temporary, path, tensors);
  else if (endsWith(path, ".safetensors"))
    status =
        writePlain(temporary, path, makeSafetensorsHeader(tensors), tensors);
  else
    status = failFormat(path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0)
    status = Status(TRINE_ERROR_IO, concat(quote(path), " cannot be written: ",
                                           describeErrno(errno)));
  if (!status.ok())
    unlink(temporary.c_str());
  error = status.getMessage();
  return status.ok();
}
