// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// A .npz is a zip archive of .npy members.
#include "Formats.h"

using namespace trine::runtime;

#ifdef TRINE_HAS_LIBZIP
#include <algorithm>
#include <cstring>
#include <zip.h>

static std::string describe(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

static Status readMember(zip_t *archive, uint64_t index,
                         const std::string &path, HostTensor &tensor) {
  auto fail = [&](const std::string &text) {
    return Status(TRINE_ERROR_IO,
                  concat(quote(path), " member ", index, " ", text));
  };
  zip_stat_t info;
  if (zip_stat_index(archive, index, 0, &info) != 0 ||
      !(info.valid & ZIP_STAT_NAME) || !(info.valid & ZIP_STAT_SIZE))
    // No test: the archive has a member for every index below its count.
    return fail("cannot be found");
  std::string name = info.name;
  // What it claims to be is not to be trusted with an allocation: read on as
  // long as there is something.
  constexpr uint64_t step = 1 << 20;
  zip_file_t *file = zip_fopen_index(archive, index, 0);
  if (!file)
    return fail(concat("cannot be read: ", zip_strerror(archive)));
  std::vector<uint8_t> bytes;
  uint64_t have = 0;
  zip_int64_t got = 0;
  do {
    uint64_t wanted = std::max(step, have / 2);
    bytes.resize(have + std::min<uint64_t>(
                            wanted, info.size > have ? info.size - have : 1));
    got = zip_fread(file, bytes.data() + have, bytes.size() - have);
    if (got > 0)
      have += static_cast<uint64_t>(got);
  } while (got > 0 && have <= info.size);
  std::string reason = got < 0 ? zip_file_strerror(file) : "";
  int closed = zip_fclose(file);
  if (got < 0 || closed != 0)
    return fail(
        concat("cannot be read: ", got < 0 ? reason : describe(closed)));
  if (have != info.size)
    return fail(concat("must have ", info.size, " bytes, got ", have));
  Status status = readNpy(bytes.data(), have, concat(path, ":", name), tensor);
  size_t suffix = name.size() >= 4 ? name.size() - 4 : 0;
  tensor.name = name.substr(suffix) == ".npy" ? name.substr(0, suffix) : name;
  return status;
}

Status trine::runtime::readNpz(const std::string &path,
                               std::vector<HostTensor> &tensors) {
  int code = 0;
  zip_t *archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (!archive)
    return Status(code == ZIP_ER_NOENT ? TRINE_ERROR_NOT_FOUND : TRINE_ERROR_IO,
                  concat(quote(path), " cannot be opened: ", describe(code)));
  Status status;
  zip_int64_t count = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < count && status.ok(); ++i) {
    HostTensor tensor;
    status = readMember(archive, static_cast<uint64_t>(i), path, tensor);
    if (status.ok())
      tensors.push_back(std::move(tensor));
  }
  zip_discard(archive);
  return status;
}

Status trine::runtime::writeNpz(const std::string &path,
                                const std::string &label,
                                const std::vector<trine_tensor> &tensors) {
  int code = 0;
  zip_t *archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (!archive)
    return Status(TRINE_ERROR_IO,
                  concat(quote(label), " cannot be written: ", describe(code)));
  for (const trine_tensor &tensor : tensors) {
    std::string header = makeNpyHeader(tensor);
    uint64_t size = header.size() + tensor.bytes;
    // libzip reads its sources at the end, and frees them with free().
    char *bytes = static_cast<char *>(malloc(size));
    if (!bytes) {
      zip_discard(archive);
      return Status(TRINE_ERROR_OUT_OF_MEMORY,
                    concat(quote(label), " needs ", size, " bytes more"));
    }
    memcpy(bytes, header.data(), header.size());
    if (tensor.bytes)
      memcpy(bytes + header.size(), tensor.data, tensor.bytes);
    zip_source_t *source = zip_source_buffer(archive, bytes, size, 1);
    if (!source)
      free(bytes);
    zip_int64_t index =
        source ? zip_file_add(archive, concat(tensor.name, ".npy").c_str(),
                              source, ZIP_FL_ENC_UTF_8)
               : -1;
    // Like numpy.savez: not compressed.
    if (index < 0 ||
        zip_set_file_compression(archive, static_cast<uint64_t>(index),
                                 ZIP_CM_STORE, 0) != 0) {
      std::string reason = zip_strerror(archive);
      if (source && index < 0)
        zip_source_free(source);
      zip_discard(archive);
      return Status(TRINE_ERROR_IO,
                    concat(quote(label), " member ", quote(tensor.name),
                           " cannot be added: ", reason));
    }
  }
  if (zip_close(archive) != 0) {
    std::string reason = zip_strerror(archive);
    zip_discard(archive);
    return Status(TRINE_ERROR_IO,
                  concat(quote(label), " cannot be written: ", reason));
  }
  return Status();
}
#else
static Status failWithoutLibzip(const std::string &path) {
  return Status(TRINE_ERROR_IO,
                concat(quote(path), ": this program was built without libzip, "
                                    "which .npz needs; use .npy or "
                                    ".safetensors"));
}

Status trine::runtime::readNpz(const std::string &path,
                               std::vector<HostTensor> &) {
  return failWithoutLibzip(path);
}

Status trine::runtime::writeNpz(const std::string &, const std::string &label,
                                const std::vector<trine_tensor> &) {
  return failWithoutLibzip(label);
}
#endif
