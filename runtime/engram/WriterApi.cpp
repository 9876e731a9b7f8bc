// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The C ABI of writers.
#include "Api.h"
#include "Writer.h"
#include <new>

using namespace trine::runtime;
using namespace trine::runtime::engram;

struct trine_engram_writer {
  Writer writer;
};

extern "C" trine_status
trine_engram_writer_open(const char *path,
                         const trine_engram_table_shape *shape,
                         trine_engram_writer **writer) {
  if (!path || !shape || !writer)
    return setError(TRINE_ERROR_INVALID_ARGUMENT,
                    "'path', 'shape' and 'writer' must not be NULL");
  *writer = nullptr;
  auto *made = new trine_engram_writer();
  if (Status status = made->writer.open(
          path, takeOptions(shape, trine_engram_table_shape()));
      !status.ok()) {
    delete made;
    return setError(status);
  }
  *writer = made;
  return TRINE_OK;
}

extern "C" trine_status trine_engram_writer_append(trine_engram_writer *writer,
                                                   const void *values,
                                                   const uint8_t *scales,
                                                   uint64_t rows) {
  return setError(writer->writer.append(static_cast<const uint8_t *>(values),
                                        scales, rows));
}

extern "C" trine_status
trine_engram_writer_finish(trine_engram_writer *writer) {
  return setError(writer->writer.finish());
}

extern "C" void trine_engram_writer_close(trine_engram_writer *writer) {
  delete writer;
}
