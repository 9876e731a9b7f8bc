// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The formats behind TensorFile.h.
#ifndef TRINE_RUNTIME_IO_FORMATS_H
#define TRINE_RUNTIME_IO_FORMATS_H

#include "core/Status.h"
#include "trine/Runtime/TensorFile.h"

namespace trine::runtime {

/// Reads the bytes of one .npy, of format 1, 2 or 3, little-endian or of bytes,
/// in C or Fortran order. `label` names it in messages.
Status readNpy(const uint8_t *data, uint64_t size, const std::string &label,
               HostTensor &tensor);

/// The header of a .npy for this tensor, which the data follows.
std::string makeNpyHeader(const trine_tensor &tensor);

Status readNpz(const std::string &path, std::vector<HostTensor> &tensors);
/// Writes to `path`; messages call the file `label`.
Status writeNpz(const std::string &path, const std::string &label,
                const std::vector<trine_tensor> &tensors);

/// The header of a .safetensors, its length included; the data of the tensors
/// follows without gaps.
std::string makeSafetensorsHeader(const std::vector<trine_tensor> &tensors);

} // namespace trine::runtime

#endif
