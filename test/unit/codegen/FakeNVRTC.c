/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A library with the names of an NVRTC of version FAKE_MAJOR.3. */
int nvrtcVersion(int *major, int *minor) {
  *major = FAKE_MAJOR;
  *minor = 3;
  return 0;
}
#define NAME(name)                                                             \
  int name(void) { return 1; }
NAME(nvrtcCreateProgram)
NAME(nvrtcCompileProgram)
NAME(nvrtcGetPTXSize)
NAME(nvrtcGetPTX)
NAME(nvrtcGetCUBINSize)
NAME(nvrtcGetCUBIN)
NAME(nvrtcGetProgramLogSize)
NAME(nvrtcGetProgramLog)
NAME(nvrtcDestroyProgram)
NAME(nvrtcGetErrorString)
