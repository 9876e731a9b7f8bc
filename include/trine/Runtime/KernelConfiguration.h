/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/// What configures the skeleton kernels of runtime/kernels, and what follows
/// from it for a launch: threads, dynamic shared memory, workgroups. One header
/// for both sides: the compiler (C++17, to choose a configuration and to print
/// the launch) and the kernels (C++20 through NVRTC: a configuration is a
/// template argument). It includes nothing. The kernels' ABI is described in
/// runtime/kernels/README.md.
#ifndef TRINE_RUNTIME_KERNELCONFIGURATION_H
#define TRINE_RUNTIME_KERNELCONFIGURATION_H

#ifdef __CUDACC__
#define TRINE_HOST_DEVICE __host__ __device__
#else
#define TRINE_HOST_DEVICE
#endif

namespace trine::kernels {

/// Sizes and indices.
using Index = long long;

enum class Element : int { F32 = 0, F16 = 1, BF16 = 2 };
/// The instruction set that a kernel may use: cp.async and mma.sync, or tensor
/// copies and wgmma too.
enum class Architecture : int { SM80 = 80, SM90a = 90 };

/// How tiles of an operand come into shared memory.
enum class Load : int {
  /// Element by element, guarded: any address, any pitch, through a functor.
  Element = 0,
  /// cp.async of 16 bytes: the address is a multiple of 16 bytes, and so are
  /// row pitch and batch stride. Sizes are free.
  Vector = 1,
  /// Bulk tensor copies by a tensor map (sm_90a).
  TensorMap = 2,
};

/// How a weight matrix with K rows and N columns is stored.
enum class WeightLayout : int {
  /// [K, N]
  RowMajor = 0,
  /// [N, K]
  Transposed = 1,
};

TRINE_HOST_DEVICE constexpr Index divideUp(Index a, Index b) {
  return (a + b - 1) / b;
}
TRINE_HOST_DEVICE constexpr Index minimum(Index a, Index b) {
  return a < b ? a : b;
}
TRINE_HOST_DEVICE constexpr Index maximum(Index a, Index b) {
  return a > b ? a : b;
}
TRINE_HOST_DEVICE constexpr int elementBytes(Element element) {
  return element == Element::F32 ? 4 : 2;
}

//===----------------------------------------------------------------------===//
// Products: gemm and grouped_gemm
//===----------------------------------------------------------------------===//

/// How the two halves of a gated product lie in the rows of a weight [2I, K].
enum class GateLayout : int {
  /// No gate: one value for each column.
  None = 0,
  /// Rows 0 .. I - 1 are the gate, rows I .. 2I - 1 are up.
  Concatenated = 1,
  /// Even rows are the gate, odd rows are up.
  Interleaved = 2,
};

struct GemmConfiguration {
  Architecture architecture = Architecture::SM80;
  Element element = Element::BF16;
  /// Tile of one workgroup. 16-bit types: a tile has 64 k; tileM is 64 or 128
  /// and tileN 64 or 128 (sm_90a also 256); f32: 64 by 64.
  int tileM = 64;
  int tileN = 64;
  /// Tiles in flight: 2 .. 8.
  int stages = 3;
  Load loadA = Load::Vector;
  Load loadB = Load::Vector;
  WeightLayout layoutB = WeightLayout::RowMajor;
  GateLayout gate = GateLayout::None;
};

/// Main configuration of a product; a caller may change any member.
TRINE_HOST_DEVICE constexpr GemmConfiguration
defaultGemm(Architecture architecture, Element element) {
  GemmConfiguration c;
  c.architecture = architecture;
  c.element = element;
  if (element == Element::F32)
    c.stages = 2;
  else if (architecture == Architecture::SM90a) {
    c.tileM = 128;
    c.tileN = 128;
    c.stages = 4;
  }
  return c;
}

/// k of one tile.
TRINE_HOST_DEVICE constexpr int gemmTileK(const GemmConfiguration &c) {
  return c.element == Element::F32 ? 16 : 64;
}

/// sm_80, 16-bit types: warps that share the rows of a tile; each has 32
/// columns and 32 or 64 rows.
TRINE_HOST_DEVICE constexpr int gemmWarpsM(const GemmConfiguration &) {
  return 2;
}

/// sm_90a with 16-bit types: a warpgroup for each 64 rows multiplies, one more
/// loads. f32: 256 threads.
TRINE_HOST_DEVICE constexpr int gemmThreads(const GemmConfiguration &c) {
  if (c.element == Element::F32)
    return 256;
  if (c.architecture == Architecture::SM90a)
    return c.tileM / 64 * 128 + 128;
  return gemmWarpsM(c) * (c.tileN / 32) * 32;
}

/// Dynamic shared memory, bytes. 16-bit tiles are aligned to 1,024 bytes.
TRINE_HOST_DEVICE constexpr int gemmSharedBytes(const GemmConfiguration &c) {
  if (c.element == Element::F32)
    return c.stages * 16 * (c.tileM + c.tileN + 8) * 4;
  return c.stages * (c.tileM + c.tileN) * 128 + 1024;
}

/// Columns of the result that a tile makes.
TRINE_HOST_DEVICE constexpr int gemmTileColumns(const GemmConfiguration &c) {
  return c.gate == GateLayout::None ? c.tileN : c.tileN / 2;
}

/// Workgroups of batch products with m rows and n columns of the result.
TRINE_HOST_DEVICE constexpr Index
gemmWorkgroups(const GemmConfiguration &c, Index batch, Index m, Index n) {
  return batch * divideUp(m, c.tileM) * divideUp(n, gemmTileColumns(c));
}

/// Workgroups of a grouped product of `rows` rows in all over `experts`
/// experts: at most rows / tileM + experts row tiles are not empty, whatever
/// the offsets are.
TRINE_HOST_DEVICE constexpr Index groupedWorkgroups(const GemmConfiguration &c,
                                                    Index rows, Index experts,
                                                    Index n) {
  return (rows / c.tileM + minimum(rows, experts)) *
         divideUp(n, gemmTileColumns(c));
}

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

enum class Scoring : int {
  Softmax,
  Sigmoid,
  SqrtSoftplus,
  SoftmaxTopK,
  SigmoidTopK
};
enum class GroupScore : int { Maximum, SumTop2 };

/// The attributes of trine.moe.route.
struct RouteConfiguration {
  int experts = 1;
  int k = 1;
  Scoring scoring = Scoring::Softmax;
  int groups = 1;
  int keptGroups = 1;
  GroupScore groupScore = GroupScore::Maximum;
  /// What a masked group's choice score becomes: 0, or -infinity.
  bool maskedIsZero = false;
  bool weightsFromChoice = false;
  bool renormalize = false;
  bool scaleBeforeDivision = false;
  bool hasBias = false;
  bool hasTable = false;
  /// Each step is rounded to the type of the logits.
  bool rounded = false;
};
/// What a warp can choose among, and how many.
constexpr int kMostRoutedExperts = 4096;
constexpr int kMostChosenExperts = 128;
/// A warp for each token; fewer where their scores would not fit together.
TRINE_HOST_DEVICE constexpr int
routeTokensPerWorkgroup(const RouteConfiguration &c) {
  return c.experts > 1024 ? 1 : 4;
}
TRINE_HOST_DEVICE constexpr int routeThreads(const RouteConfiguration &c) {
  return 32 * routeTokensPerWorkgroup(c);
}
TRINE_HOST_DEVICE constexpr Index routeWorkgroups(const RouteConfiguration &c,
                                                  Index tokens) {
  return divideUp(tokens, routeTokensPerWorkgroup(c));
}

/// group: workgroup e counts and places the slots of expert e; the last one
/// those of no expert.
constexpr int groupThreads = 256;
TRINE_HOST_DEVICE constexpr Index groupWorkgroups(Index experts) {
  return experts + 1;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

enum class MaskKind : int { None, Causal, Additive };
/// What a query gives that the mask leaves without keys.
enum class MaskedRow : int { Zero, Uniform, NaN };

struct AttentionConfiguration {
  Architecture architecture = Architecture::SM80;
  Element element = Element::BF16;
  /// Parts of queries and keys, 1 .. 3, and the head size of each.
  int parts = 1;
  int partSize[3] = {128, 0, 0};
  int valueSize = 128;
  /// The value is the key of part 0, the same address and strides (MLA on the
  /// latent): loaded once.
  bool valueIsKey = false;
  /// Query heads that share all keys and values: H / max(key heads of all
  /// parts, value heads); 1 is always right. Rows of a tile are (query, head)
  /// pairs.
  int headsPerGroup = 1;
  /// Rows of a tile (query, head): f32 16; 16-bit types 16, 32 or 64, on sm_90a
  /// 64 (with fewer rows the configuration for sm_80 wastes less, and runs
  /// there as well).
  int tileRows = 64;
  /// Keys of a tile: f32 32; 16-bit types 32 or 64.
  int tileKeys = 64;
  /// Tiles of keys and values in shared memory: 2 loads one while the other is
  /// used.
  int stages = 2;
  MaskKind mask = MaskKind::None;
  MaskedRow maskedRow = MaskedRow::Zero;
  bool softCap = false;
  /// The keys are cut into `splits` ranges (a launch argument); partial outputs
  /// (f32) and log-sum-exps go to scratch memory, and attention_merge joins
  /// them.
  bool split = false;
  /// With `split`: the ranges are those of trine.attention's `partial`, of 64 ·
  /// ceil(keys / (64 · splits)) keys. Else they are even, and end where no row
  /// of the workgroup sees more.
  bool ranges = false;
  /// How keys and values are loaded; queries by Vector where this is not
  /// Element.
  Load load = Load::Vector;
};

/// Head sizes in shared memory: whole boxes of 64 elements, above 256 pairs of
/// them; the rest is zeros.
TRINE_HOST_DEVICE constexpr int attentionPadded(int size) {
  return size > 256 ? (size + 127) / 128 * 128 : (size + 63) / 64 * 64;
}
/// Columns of all parts of a query or key.
TRINE_HOST_DEVICE constexpr int
attentionQuerySize(const AttentionConfiguration &c) {
  int size = 0;
  for (int part = 0; part < c.parts; ++part)
    size += attentionPadded(c.partSize[part]);
  return size;
}

/// A thread holds at most 64 values of the output, on sm_90a 128: 128, 256 or
/// 512 threads.
TRINE_HOST_DEVICE constexpr int
attentionThreads(const AttentionConfiguration &c) {
  if (c.element == Element::F32)
    return 128;
  int each = c.architecture == Architecture::SM90a ? 128 : 64;
  int threads = c.tileRows * attentionPadded(c.valueSize) / each;
  return threads > 256 ? 512 : threads > 128 ? 256 : 128;
}

TRINE_HOST_DEVICE constexpr int
attentionSharedBytes(const AttentionConfiguration &c) {
  if (c.element == Element::F32) {
    int query = 0;
    for (int part = 0; part < c.parts; ++part)
      query += c.partSize[part];
    int width = query > c.valueSize ? query : c.valueSize;
    return 4 * (c.tileRows * (query + 1) + c.tileKeys * (width + 1) +
                c.tileRows * c.tileKeys + 3 * c.tileRows);
  }
  int query = attentionQuerySize(c);
  int value = c.valueIsKey ? 0 : attentionPadded(c.valueSize);
  return 2 * (c.tileRows * query + c.stages * c.tileKeys * (query + value) +
              c.tileRows * 64) +
         4 * 4 * c.tileRows + 1024;
}

/// Workgroups for queries [batch, heads, queries, ..]: row tiles of each group
/// of heads, times `splits` (1 without split).
TRINE_HOST_DEVICE constexpr Index
attentionWorkgroups(const AttentionConfiguration &c, Index batch, Index heads,
                    Index queries, Index splits) {
  return batch * (heads / c.headsPerGroup) *
         divideUp(queries * c.headsPerGroup, c.tileRows) * splits;
}

/// Ranges that the keys are worth cutting into, at most 64: enough workgroups
/// for the machine's multiprocessors, at least four key tiles in each.
TRINE_HOST_DEVICE constexpr Index
attentionSplits(const AttentionConfiguration &c, Index batch, Index heads,
                Index queries, Index keys, Index multiprocessors) {
  Index whole = attentionWorkgroups(c, batch, heads, queries, 1);
  Index wanted = whole > 0 ? multiprocessors / whole : 1;
  Index possible = keys / (4 * c.tileKeys);
  return maximum(1, minimum(64, minimum(wanted, possible)));
}

/// Scratch memory of a split attention, bytes: partial outputs [splits, batch,
/// heads, queries, valueSize], then log-sum-exps [splits, batch, heads,
/// queries], f32.
TRINE_HOST_DEVICE constexpr Index
attentionScratchBytes(const AttentionConfiguration &c, Index batch, Index heads,
                      Index queries, Index splits) {
  return splits * batch * heads * queries * (c.valueSize + 1) * 4;
}

/// attention_merge: a warp for each row of the output.
constexpr int mergeThreads = 128;
TRINE_HOST_DEVICE constexpr Index mergeWorkgroups(Index rows) {
  return divideUp(rows, 4);
}

//===----------------------------------------------------------------------===//
// Generic kernels
//===----------------------------------------------------------------------===//

/// elementwise: a thread does `perThread` elements in steps of the workgroup.
constexpr int elementwiseThreads = 256;
constexpr int elementwisePerThread = 4;
TRINE_HOST_DEVICE constexpr Index elementwiseWorkgroups(Index elements) {
  return divideUp(elements, elementwiseThreads * elementwisePerThread);
}

/// How many threads reduce one element of the result.
enum class ReduceBy : int { Thread = 1, Warp = 32, Workgroup = 256 };
struct ReduceConfiguration {
  ReduceBy by = ReduceBy::Warp;
};
constexpr int reduceThreads = 256;
TRINE_HOST_DEVICE constexpr Index reduceWorkgroups(const ReduceConfiguration &c,
                                                   Index elements) {
  return divideUp(elements, reduceThreads / static_cast<int>(c.by));
}

/// rows: by a warp (rows up to about 1,024 columns) or by a workgroup each.
constexpr int rowsThreads = 256;
TRINE_HOST_DEVICE constexpr Index rowsWorkgroups(const ReduceConfiguration &c,
                                                 Index rows) {
  return divideUp(rows, rowsThreads / static_cast<int>(c.by));
}

} // namespace trine::kernels

#endif // TRINE_RUNTIME_KERNELCONFIGURATION_H
