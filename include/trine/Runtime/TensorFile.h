// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensors in files: .npy, .npz and .safetensors, read and written. For tools
/// around the runtime; the runtime itself needs none of it.
///
/// numpy has no bfloat16. A .npy of '<u2' or of two opaque bytes ('V2', what
/// numpy writes for ml_dtypes' bfloat16) can be given where bf16 is expected,
/// and bf16 is written as 'V2', which ml_dtypes views back without a copy:
/// `array.view(ml_dtypes.bfloat16)`.
#ifndef TRINE_RUNTIME_TENSORFILE_H
#define TRINE_RUNTIME_TENSORFILE_H

#include "trine/Runtime/trine.h"
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace trine::runtime {

/// A tensor that owns its memory, aligned to 64.
struct HostTensor {
  std::string name;
  trine_type type = TRINE_TYPE_NONE;
  /// Two opaque bytes in the file: the type may also be bf16.
  bool opaque = false;
  std::vector<int64_t> sizes;
  uint64_t bytes = 0;

  void *getData() const { return memory.get(); }
  /// Makes room for the type and sizes; false when that is too much.
  bool allocate();

private:
  struct Free {
    void operator()(void *p) const { free(p); }
  };
  std::unique_ptr<void, Free> memory;
};

/// Reads all tensors of a file; its format is its name's end. A .npy holds one
/// tensor, which gets the name "". On failure gives false, and `error` names
/// the file and says why.
bool readTensors(const std::string &path, std::vector<HostTensor> &tensors,
                 std::string &error);

/// Writes tensors to a file; its format is its name's end. A .npy takes one.
/// The file appears whole or not at all.
bool writeTensors(const std::string &path,
                  const std::vector<trine_tensor> &tensors, std::string &error);

} // namespace trine::runtime

#endif
