// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Whole kernels, as CUDA's compiler translated them (kernels/*.cu), against a
/// plain product; and the same with one instruction spoiled, which must be
/// found.
#include "KernelFiles.h"
#include "device/sim/FloatFormat.h"
#include "trine/Runtime/PTXTensorMap.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <sstream>

using namespace trine::sim;

namespace {

struct Problem {
  int m, n, k;
};

/// What a run gave: empty when it was right, else the first thing that was
/// wrong.
using Complaint = std::string;

/// A change of a PTX text: the `occurrence`-th `from` becomes `to`.
struct Mutation {
  const char *what;
  const char *from;
  const char *to;
  int occurrence = 0;
};

/// Matrices of 16-bit floats and their product.
struct Matrices {
  Problem problem;
  FloatFormat format;
  bool bIsKMajor;
  std::vector<uint16_t> a, b;
  int pitchA,
      pitchB; ///< elements; rows of tensor maps are multiples of 16 bytes

  Matrices(Problem problem, FloatFormat format, bool bIsKMajor, bool padded)
      : problem(problem), format(format), bIsKMajor(bIsKMajor) {
    auto pad = [&](int size) { return padded ? (size + 7) / 8 * 8 : size; };
    pitchA = pad(problem.k);
    pitchB = pad(bIsKMajor ? problem.k : problem.n);
    std::mt19937 random(problem.m * 31 + problem.n * 7 + problem.k);
    auto fill = [&](std::vector<uint16_t> &values, size_t count) {
      for (size_t i = 0; i < count; ++i)
        values.push_back(static_cast<uint16_t>(encodeFloat(
            format, static_cast<double>(random() % 2001) / 1000 - 1)));
    };
    fill(a, size_t(problem.m) * pitchA);
    fill(b, size_t(bIsKMajor ? problem.n : problem.k) * pitchB);
  }
  double getA(int m, int k) const {
    return decodeFloat(format, a[size_t(m) * pitchA + k]);
  }
  double getB(int n, int k) const {
    return decodeFloat(format, bIsKMajor ? b[size_t(n) * pitchB + k]
                                         : b[size_t(k) * pitchB + n]);
  }
  /// Compares one element; each of k additions may lose a unit of 2^-23 of the
  /// sum of magnitudes, and the result half a unit of its own type.
  Complaint compare(int m, int n, double got, double resultError) const {
    double sum = 0, magnitude = 0;
    for (int k = 0; k < problem.k; ++k) {
      sum += getA(m, k) * getB(n, k);
      magnitude += std::fabs(getA(m, k) * getB(n, k));
    }
    double tolerance =
        problem.k * 0x1p-23 * magnitude + resultError * std::fabs(sum);
    if (std::fabs(got - sum) <= tolerance)
      return "";
    std::ostringstream text;
    text << "C[" << m << "][" << n << "] is " << got << ", expected " << sum
         << " within " << tolerance;
    return text.str();
  }
};

} // namespace

static void *upload(Machine &machine, const std::vector<uint16_t> &values,
                    const char *name) {
  void *memory = machine.allocate(values.size() * 2, name, true);
  std::memcpy(memory, values.data(), values.size() * 2);
  machine.markInitialised(memory, values.size() * 2);
  return memory;
}

static Complaint runSm80(const std::string &text, const char *kernel,
                         Problem problem, const Options &options) {
  Complaint complaint;
  std::shared_ptr<Module> module = loadKernels(text, complaint);
  if (!module)
    return complaint;
  FloatFormat format =
      std::string(kernel) == "gemm_bf16" ? FloatFormat::BF16 : FloatFormat::F16;
  Matrices matrices(problem, format, true, false);
  Machine machine;
  void *a = upload(machine, matrices.a, "A");
  void *b = upload(machine, matrices.b, "B");
  size_t bytes = size_t(problem.m) * problem.n * 4;
  float *c = static_cast<float *>(machine.allocate(bytes, "C", true));
  std::memset(c, 0xFF, bytes); // NaN
  Launch launch;
  launch.grid = {unsigned(problem.n + 63) / 64, unsigned(problem.m + 63) / 64,
                 1};
  launch.block = {128, 1, 1};
  launch.options = options;
  const void *arguments[] = {&a, &b, &c, &problem.m, &problem.n, &problem.k};
  Result result = machine.launch(*module, kernel, launch, arguments, 6);
  if (result.status != Status::Ok)
    return result.text();
  for (int m = 0; m < problem.m; ++m)
    for (int n = 0; n < problem.n; ++n) {
      complaint = matrices.compare(m, n, c[size_t(m) * problem.n + n], 0);
      if (!complaint.empty())
        return complaint;
    }
  return "";
}

/// A map of rows × columns 16-bit elements with boxes of 64 × 64.
static void encodeMap(uint8_t (&bytes)[tensorMapBytes], void *data, int rows,
                      int columns, int pitch) {
  TensorMap map;
  map.element = TensorElement::BF16;
  map.rank = 2;
  map.globalAddress = reinterpret_cast<uintptr_t>(data);
  map.globalDim[0] = columns;
  map.globalDim[1] = rows;
  map.globalStride[0] = uint64_t(pitch) * 2;
  map.boxDim[0] = map.boxDim[1] = 64;
  map.swizzle = 3;
  std::string error;
  EXPECT_TRUE(checkTensorMap(map, error)) << error;
  encodeTensorMap(map, bytes);
}

static Complaint runSm90(const std::string &text, const char *kernel,
                         Problem problem, const Options &options) {
  Complaint complaint;
  std::shared_ptr<Module> module = loadKernels(text, complaint);
  if (!module)
    return complaint;
  bool bIsKMajor = std::string(kernel) == "gemm_k_major";
  Matrices matrices(problem, FloatFormat::BF16, bIsKMajor, true);
  Machine machine;
  struct alignas(64) Map {
    uint8_t bytes[tensorMapBytes];
  } maps[3];
  encodeMap(maps[0].bytes, upload(machine, matrices.a, "A"), problem.m,
            problem.k, matrices.pitchA);
  encodeMap(maps[1].bytes, upload(machine, matrices.b, "B"),
            bIsKMajor ? problem.n : problem.k,
            bIsKMajor ? problem.k : problem.n, matrices.pitchB);
  int pitch = (problem.n + 7) / 8 * 8;
  std::vector<uint16_t> empty(size_t(problem.m) * pitch, 0x7FFF);
  uint16_t *d = static_cast<uint16_t *>(upload(machine, empty, "D"));
  encodeMap(maps[2].bytes, d, problem.m, problem.n, pitch);
  Launch launch;
  launch.grid = {unsigned(problem.n + 127) / 128, unsigned(problem.m + 63) / 64,
                 1};
  launch.block = {160, 1, 1};
  launch.dynamicSharedBytes = 3 * 3 * 64 * 128;
  launch.options = options;
  const void *arguments[] = {&maps[0], &maps[1], &maps[2], &problem.k};
  Result result = machine.launch(*module, kernel, launch, arguments, 4);
  if (result.status != Status::Ok)
    return result.text();
  for (int m = 0; m < problem.m; ++m)
    for (int n = 0; n < pitch; ++n) {
      uint16_t bits = d[size_t(m) * pitch + n];
      if (n >= problem.n) {
        if (bits != 0x7FFF)
          return "an element outside of D was written";
        continue;
      }
      complaint =
          matrices.compare(m, n, decodeFloat(FloatFormat::BF16, bits), 0x1p-8);
      if (!complaint.empty())
        return complaint;
    }
  return "";
}

/// Every policy and model that a right kernel must not notice.
static std::vector<Options> listOptions() {
  std::vector<Options> all;
  for (AsyncPolicy policy :
       {AsyncPolicy::Early, AsyncPolicy::Late, AsyncPolicy::Random})
    for (bool shuffled : {false, true}) {
      Options options;
      options.async = policy;
      options.randomSchedule = shuffled;
      options.seed = 3;
      all.push_back(options);
    }
  all[0].matrix = MatrixMode::Slices;
  all[1].matrix = MatrixMode::Truncate;
  return all;
}

using Runner = Complaint (*)(const std::string &, const char *, Problem,
                             const Options &);

static void expectFound(Runner run, const char *file, const char *kernel,
                        Problem problem, const Mutation &mutation) {
  std::string text = readKernelFile(file);
  size_t at = text.find(std::string(".entry ") + kernel);
  for (int i = 0; i <= mutation.occurrence && at != std::string::npos; ++i)
    at = text.find(mutation.from, at + 1);
  ASSERT_NE(at, std::string::npos) << mutation.what;
  text.replace(at, std::strlen(mutation.from), mutation.to);
  for (Options options : listOptions()) {
    options.stepLimit = 1 << 22;
    if (!run(text, kernel, problem, options).empty())
      return;
  }
  ADD_FAILURE() << mutation.what << " was not found";
}

TEST(GemmKernel, Sm80) {
  std::string text = readKernelFile("GemmSm80.ptx");
  for (const char *kernel : {"gemm_bf16", "gemm_f16"})
    for (Problem problem : {Problem{1, 1, 8}, Problem{64, 64, 32},
                            Problem{70, 130, 72}, Problem{65, 1, 40}})
      EXPECT_EQ(runSm80(text, kernel, problem, Options()), "")
          << problem.m << " " << problem.n << " " << problem.k;
  for (const Options &options : listOptions())
    EXPECT_EQ(runSm80(text, "gemm_bf16", {70, 66, 104}, options), "");
}

TEST(GemmKernel, Sm80Mutants) {
  const Mutation mutations[] = {
      {"no wait", "cp.async.wait_group 1;", ""},
      {"a wait for less", "cp.async.wait_group 1;", "cp.async.wait_group 2;"},
      {"no barrier before the products", "bar.sync \t0;", ""},
      {"no barrier after the products", "bar.sync \t0;", "", 1},
      {"no commit", "cp.async.commit_group;", ""},
      {"a row too far", "ldmatrix.sync.aligned.m8n8.x4.shared.b16",
       "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16"},
  };
  for (const Mutation &mutation : mutations)
    expectFound(runSm80, "GemmSm80.ptx", "gemm_bf16", {64, 64, 128}, mutation);
}

TEST(GemmKernel, Sm90) {
  std::string text = readKernelFile("GemmSm90.ptx");
  for (const char *kernel : {"gemm_k_major", "gemm_n_major"})
    for (Problem problem : {Problem{1, 1, 1}, Problem{64, 128, 64},
                            Problem{70, 137, 200}, Problem{130, 8, 321}})
      EXPECT_EQ(runSm90(text, kernel, problem, Options()), "")
          << kernel << " " << problem.m << " " << problem.n << " " << problem.k;
  for (const Options &options : listOptions())
    EXPECT_EQ(runSm90(text, "gemm_k_major", {65, 129, 330}, options), "");
}

TEST(GemmKernel, Sm90Mutants) {
  const Mutation mutations[] = {
      {"no wait for the products", "wgmma.wait_group.sync.aligned 0;", ""},
      {"no commit", "wgmma.commit_group.sync.aligned;", ""},
      {"no fence of registers", "wgmma.fence.sync.aligned;", ""},
      {"no proxy fence", "fence.proxy.async.shared::cta;", ""},
      {"no barrier before the store", "bar.sync 1, 128;", "", 1},
      {"no wait for the store", "cp.async.bulk.wait_group 0;", ""},
      {"too few bytes", "24576", "24560"},
      {"too many bytes", "24576", "24592"},
      {"no arrival of the consumers", "mbarrier.arrive.shared::cta.b64", "//"},
      {"no wait for a tile", "@!done bra again;", "", 1},
      {"no wait for an empty stage", "@!done bra again;", ""},
  };
  for (const Mutation &mutation : mutations)
    expectFound(runSm90, "GemmSm90.ptx", "gemm_k_major", {64, 128, 64 * 7},
                mutation);
}
