// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Speed of the simulator on one core, in processor time: warp instructions per
// second without checks and with all of them.
#include "trine/Runtime/PTXSimulator.h"
#include "trine/Runtime/PTXTensorMap.h"
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

using namespace trine::sim;

static std::shared_ptr<Module> loadFile(const char *name) {
  std::ifstream file(std::string(TRINE_SIM_INPUTS) + "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  std::vector<Diagnostic> errors;
  auto module = Module::load(text.str(), name, errors);
  for (const Diagnostic &error : errors)
    printf("%s\n", error.str().c_str());
  return module;
}

static void measure(Machine &machine, const Module &module, const char *kernel,
                    const char *what, Launch launch,
                    const void *const *arguments, size_t count,
                    double flops = 0) {
  for (bool checked : {false, true}) {
    launch.options.checks = checked ? Checks::all() : Checks::none();
    launch.options.async = checked ? AsyncPolicy::Late : AsyncPolicy::Early;
    launch.options.threads = 1;
    uint64_t instructions = 0;
    unsigned runs = 0;
    std::clock_t begin = std::clock();
    double seconds = 0;
    do {
      Result result = machine.launch(module, kernel, launch, arguments, count);
      if (result.status != Status::Ok) {
        printf("%s: %s\n", kernel, result.text().c_str());
        return;
      }
      instructions += result.statistics.warpInstructions;
      ++runs;
      seconds = double(std::clock() - begin) / CLOCKS_PER_SEC;
    } while (seconds < 0.5);
    printf("%-34s %-11s %8.2f million warp instructions/s", what,
           checked ? "all checks" : "no checks",
           double(instructions) / seconds / 1e6);
    if (flops > 0)
      printf(", %6.2f GFLOP/s", flops * runs / seconds / 1e9);
    printf("\n");
  }
}

int main() {
  auto elementwise = loadFile("elementwise.ptx"),
       ampere = loadFile("ampere.ptx"), hopper = loadFile("hopper.ptx");
  if (!elementwise || !ampere || !hopper)
    return 1;
  Machine machine;
  const char *loop = R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry k(.param .u64 p) {
  .reg .pred %p; .reg .b32 %r<9>; .reg .f32 %f<9>;
  mov.u32 %r1, %tid.x; mov.u32 %r2, 0; cvt.rn.f32.u32 %f1, %r1; mov.f32 %f2, 0f3F800000;
LOOP:
  add.s32 %r3, %r1, %r2; mul.lo.s32 %r4, %r3, %r1; xor.b32 %r5, %r4, %r3; shl.b32 %r6, %r5, 3; and.b32 %r1, %r6, 1023;
  fma.rn.f32 %f3, %f1, %f2, %f1; add.f32 %f4, %f3, %f2; mul.f32 %f5, %f4, 0f3F000000; max.f32 %f1, %f5, %f2;
  add.s32 %r2, %r2, 1; setp.lt.u32 %p, %r2, 20000; @%p bra LOOP;
  ret; })";
  std::vector<Diagnostic> errors;
  auto simple = Module::load(loop, "loop.ptx", errors);
  void *none = nullptr;
  const void *loopArguments[] = {&none};
  Launch launch;
  launch.block.x = 128;
  measure(machine, *simple, "k", "arithmetic loop", launch, loopArguments, 1);

  int n = 1 << 14;
  auto *a = static_cast<float *>(machine.allocate(size_t(n) * 4)),
       *b = static_cast<float *>(machine.allocate(size_t(n) * 4)),
       *c = static_cast<float *>(machine.allocate(size_t(n) * 64));
  for (int i = 0; i < n; ++i)
    a[i] = float(i % 100) * 0.01f, b[i] = 1;
  launch.grid.x = unsigned(n) / 256;
  launch.block.x = 256;
  const void *addArguments[] = {&a, &b, &c, &n};
  measure(machine, *ampere, "addk", "element-wise, expf", launch, addArguments,
          4);
  const void *mathArguments[] = {&a, &c, &n};
  measure(machine, *elementwise, "math32", "CUDA's f32 functions", launch,
          mathArguments, 3);
  int side = 128;
  const void *transposeArguments[] = {&a, &c, &side};
  launch.grid = {4, 4, 1};
  launch.block = {32, 8, 1};
  measure(machine, *elementwise, "transpose", "transpose in shared memory",
          launch, transposeArguments, 3);
  launch.grid = {1, 1, 1};
  launch.block = {256, 1, 1};
  const void *reduceArguments[] = {&a, &c, &n};
  measure(machine, *ampere, "red", "reduction, shuffles", launch,
          reduceArguments, 3);

  int k = 1024, rows = 64, columns = 64;
  struct alignas(64) Map {
    uint8_t bytes[tensorMapBytes];
  } maps[2];
  auto *matrices = static_cast<uint16_t *>(
      machine.allocate(size_t(rows + columns) * size_t(k) * 2));
  memset(static_cast<void *>(matrices), 0,
         size_t(rows + columns) * size_t(k) * 2);
  for (int operand = 0; operand < 2; ++operand) {
    TensorMap map;
    map.element = TensorElement::BF16;
    map.rank = 2;
    map.globalAddress = uint64_t(
        reinterpret_cast<uintptr_t>(matrices + (operand ? rows * k : 0)));
    map.globalDim[0] = uint64_t(k);
    map.globalDim[1] = 64;
    map.globalStride[0] = uint64_t(k) * 2;
    map.boxDim[0] = map.boxDim[1] = 64;
    map.swizzle = 3;
    encodeTensorMap(map, maps[operand].bytes);
  }
  launch.block = {160, 1, 1};
  launch.dynamicSharedBytes = 32768;
  const void *gemmArguments[] = {&maps[0], &maps[1], &c, &k, &columns};
  measure(machine, *hopper, "gemm", "TMA, wgmma m64n64k16", launch,
          gemmArguments, 5, 2.0 * rows * columns * k);
  return 0;
}
