/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names and versions of the package on disk, shared by its writer and its
 * reader. A package is a folder:
 *
 *   manifest.json         what this is: inputs, outputs, files with hashes
 *   program.so            the code (ProgramABI.h)
 *   weights.safetensors   the weights, packed as the program reads them; its
 *                         data section begins at a multiple of
 *                         TRINE_WEIGHTS_ALIGNMENT
 *   kernels/NAME.cu       target cuda: a kernel's source, for people
 *   kernels/NAME.sm_80.ptx  and its code, for each architecture
 *   kernels/NAME.sm_80.cubin  where asked for, and as machine code
 *
 * A reader accepts every minor version of the major versions that it knows:
 * minor versions only add keys that may be ignored. A writer names the oldest
 * major version that says all that the package has: 1, or 2 with tensor maps
 * ("maps" of a kernel's code). */
#ifndef TRINE_RUNTIME_PACKAGE_FORMAT_H
#define TRINE_RUNTIME_PACKAGE_FORMAT_H

#define TRINE_PACKAGE_FORMAT_MAJOR 2
#define TRINE_PACKAGE_FORMAT_OLDEST 1
#define TRINE_PACKAGE_FORMAT_MINOR 0
#define TRINE_PACKAGE_MANIFEST "manifest.json"
#define TRINE_PACKAGE_PROGRAM "program.so"
#define TRINE_PACKAGE_WEIGHTS "weights.safetensors"
#define TRINE_PACKAGE_KERNELS "kernels"
/* Engram tables, as tables/NAME.engram. */
#define TRINE_PACKAGE_TABLES "tables"
#define TRINE_WEIGHTS_ALIGNMENT 64

#endif
