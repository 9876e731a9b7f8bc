// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensor copies as PTX, form by form, against the definition of a box.
#include "FormTest.h"
#include "TensorReference.h"
#include "device/sim/FloatFormat.h"
#include "trine/Runtime/PTXTensorMap.h"
#include <random>

using namespace trine::sim;

namespace {

/// A tensor in device memory with a map of it (in device memory as well), and
/// the coordinates of one box.
struct Tensor {
  TensorMap map;
  int32_t coordinates[5] = {};
  uint8_t *data = nullptr, *encoded = nullptr;
  size_t bytes = 0;
  uint32_t boxBytes = 0;

  Tensor(Machine &machine, std::mt19937 &random, unsigned rank,
         TensorElement element, unsigned swizzle) {
    map.element = element;
    map.rank = static_cast<uint8_t>(rank);
    map.swizzle = static_cast<uint8_t>(swizzle);
    const unsigned size = getElementBytes(element);
    map.boxDim[0] = (swizzle ? 16u << swizzle : 32) / size;
    uint64_t stride = 0;
    boxBytes = map.boxDim[0] * size;
    for (unsigned i = 0; i < rank; ++i) {
      map.globalDim[i] = i == 0 ? 1 + random() % 64 : 1 + random() % 6;
      coordinates[i] = static_cast<int32_t>(random() % 9) - 3;
      if (i == 0) {
        stride = (map.globalDim[0] * size + 15) / 16 * 16;
        continue;
      }
      map.boxDim[i] = 1 + random() % 4;
      map.elementStride[i] = 1 + random() % 2;
      boxBytes *=
          (map.boxDim[i] + map.elementStride[i] - 1) / map.elementStride[i];
      map.globalStride[i - 1] = stride;
      stride *= map.globalDim[i];
    }
    bytes = stride;
    data = static_cast<uint8_t *>(machine.allocate(bytes, "tensor"));
    for (size_t i = 0; i < bytes; ++i)
      data[i] = static_cast<uint8_t>(random());
    map.globalAddress = reinterpret_cast<uintptr_t>(data);
    encoded = static_cast<uint8_t *>(machine.allocate(128, "map"));
    encode();
  }
  void encode() {
    uint8_t buffer[tensorMapBytes];
    encodeTensorMap(map, buffer);
    std::memcpy(encoded, buffer, sizeof(buffer));
  }
  /// By byte of the tile: where it comes from.
  std::map<uint32_t, Source> describe() const {
    return describeBox(map, coordinates, 0);
  }
  std::vector<void *> arguments(void *buffer) const {
    std::vector<void *> all = {encoded, buffer};
    for (int32_t coordinate : coordinates)
      all.push_back(
          reinterpret_cast<void *>(static_cast<intptr_t>(coordinate)));
    return all;
  }
};

} // namespace

/// Registers, parameters, and a barrier for one arrival.
static const char *const prologue =
    "  .reg .b64 %p<10>;\n  .reg .b32 %t, %c<5>, %x<10>, %n;\n"
    "  .reg .pred %q, %first;\n  .shared .align 8 .b64 bar;\n"
    "  mov.u32 %t, %tid.x;\n  setp.eq.u32 %first, %t, 0;\n"
    "  ld.param.u64 %p0, [p0];\n  ld.param.u64 %p1, [p1];\n"
    "  ld.param.b32 %c0, [p2];\n  ld.param.b32 %c1, [p3];\n"
    "  ld.param.b32 %c2, [p4];\n  ld.param.b32 %c3, [p5];\n"
    "  ld.param.b32 %c4, [p6];\n  mov.u32 %x0, tile;\n  mov.u32 %x1, bar;\n"
    "  mov.u32 %n, %dynamic_smem_size;\n"
    "  @%first mbarrier.init.shared::cta.b64 [%x1], 1;\n  bar.sync 0;\n";

/// Copies the tile to the buffer of %p1, or from it, by all threads.
static std::string copyTile(bool toShared) {
  std::string move = toShared
                         ? "  ld.global.v4.b32 {%x4, %x5, %x6, %x7}, [%p3];\n"
                           "  st.shared.v4.b32 [%x3], {%x4, %x5, %x6, %x7};\n"
                         : "  ld.shared.v4.b32 {%x4, %x5, %x6, %x7}, [%x3];\n"
                           "  st.global.v4.b32 [%p3], {%x4, %x5, %x6, %x7};\n";
  return "  shl.b32 %x2, %t, 4;\nnext:\n  setp.ge.u32 %q, %x2, %n;\n"
         "  @%q bra done;\n  cvt.u64.u32 %p2, %x2;\n  add.u64 %p3, %p1, %p2;\n"
         "  add.u32 %x3, %x0, %x2;\n" +
         move + "  add.u32 %x2, %x2, 1024;\n  bra next;\ndone:\n";
}

static std::string listCoordinates(unsigned rank) {
  std::string list = "{%c0";
  for (unsigned i = 1; i < rank; ++i)
    list += ", %c" + std::to_string(i);
  return list + "}";
}

static const char *const waitForTile =
    "wait:\n  mbarrier.try_wait.parity.shared::cta.b64 %q, [%x1], 0;\n"
    "  @!%q bra wait;\n";

static std::string tensorKernel(const std::string &body,
                                const std::string &directives = "") {
  return kernelText(prologue + body, 7, "sm_90a",
                    ".extern .shared .align 1024 .b8 tile[];\n", directives);
}

static std::string tensorLoadText(unsigned rank, const std::string &modifiers,
                                  const std::string &operands) {
  return tensorKernel(
      "  @%first mbarrier.arrive.expect_tx.shared::cta.b64 _, [%x1], %n;\n"
      "  mov.u64 %p5, 0;\n  @%first cp.async.bulk.tensor." +
      std::to_string(rank) + "d" + modifiers + " [%x0], [%p0, " +
      listCoordinates(rank) + "], [%x1]" + operands + ";\n" + waitForTile +
      copyTile(false));
}

static Launch makeLaunch(const Tensor &tensor) {
  Launch launch;
  launch.block = {64, 1, 1};
  launch.dynamicSharedBytes = tensor.boxBytes;
  return launch;
}

static void expectTile(const Tensor &tensor, const uint8_t *tile,
                       uint64_t fillValue = 0) {
  const unsigned size = getElementBytes(tensor.map.element);
  std::map<uint32_t, Source> sources = tensor.describe();
  ASSERT_EQ(sources.size(), tensor.boxBytes);
  for (auto &[at, source] : sources) {
    uint8_t expected =
        source.fill ? static_cast<uint8_t>(fillValue >> (8 * (at % size)))
                    : tensor.data[source.address - tensor.map.globalAddress];
    ASSERT_EQ(tile[at], expected) << "byte " << at;
  }
}

TEST(PTXTensorForms, Loads) {
  const char *const plain =
      ".shared::cluster.global.mbarrier::complete_tx::bytes";
  struct Form {
    std::string modifiers;
    const char *operands;
  };
  const Form forms[] = {
      {plain, ""},
      {".shared::cluster.global.tile.mbarrier::complete_tx::bytes", ""},
      {".shared::cta.global.mbarrier::complete_tx::bytes", ""},
      {std::string(plain) + ".L2::cache_hint", ", %p5"},
  };
  std::mt19937 random(1);
  const TensorElement elements[] = {TensorElement::U8, TensorElement::BF16,
                                    TensorElement::S32, TensorElement::F64};
  for (unsigned rank = 1; rank <= 5; ++rank)
    for (unsigned swizzle = 0; swizzle < 4; ++swizzle)
      for (unsigned i = 0; i < 8; ++i) {
        Machine machine;
        Tensor tensor(machine, random, rank, elements[i % 4], swizzle);
        const Form &form = forms[(i + rank) % 4];
        auto *tile =
            static_cast<uint8_t *>(machine.allocate(tensor.boxBytes, "tile"));
        std::string text = tensorLoadText(rank, form.modifiers, form.operands);
        Result result = runKernel(machine, text, makeLaunch(tensor),
                                  tensor.arguments(tile));
        ASSERT_EQ(result.status, Status::Ok) << result.text() << text;
        expectTile(tensor, tile);
      }
}

TEST(PTXTensorForms, LoadsFillWithNaN) {
  std::mt19937 random(2);
  struct Case {
    TensorElement element;
    uint64_t nan;
  };
  for (const Case &test :
       {Case{TensorElement::F16, 0x7FFF}, Case{TensorElement::BF16, 0x7FFF},
        Case{TensorElement::F32, 0x7FFFFFFF}}) {
    Machine machine;
    Tensor tensor(machine, random, 2, test.element, 1);
    tensor.map.fill = 1;
    tensor.coordinates[0] = -3;
    tensor.encode();
    auto *tile =
        static_cast<uint8_t *>(machine.allocate(tensor.boxBytes, "tile"));
    Result result = runKernel(
        machine,
        tensorLoadText(
            2, ".shared::cluster.global.mbarrier::complete_tx::bytes", ""),
        makeLaunch(tensor), tensor.arguments(tile));
    ASSERT_EQ(result.status, Status::Ok) << result.text();
    expectTile(tensor, tile, test.nan);
  }
}

static std::string storeText(unsigned rank, const std::string &instruction,
                             const std::string &modifiers) {
  return tensorKernel(
      copyTile(true) +
      "  fence.proxy.async.shared::cta;\n  bar.sync 0;\n  @%first " +
      instruction + "." + std::to_string(rank) + "d" + modifiers + " [%p0, " +
      listCoordinates(rank) +
      "], [%x0];\n  cp.async.bulk.commit_group;\n"
      "  cp.async.bulk.wait_group 0;\n");
}

TEST(PTXTensorForms, Stores) {
  std::mt19937 random(3);
  for (unsigned rank = 1; rank <= 5; ++rank)
    for (unsigned swizzle = 0; swizzle < 4; ++swizzle)
      for (TensorElement element : {TensorElement::U8, TensorElement::F16}) {
        Machine machine;
        Tensor tensor(machine, random, rank, element, swizzle);
        auto *tile =
            static_cast<uint8_t *>(machine.allocate(tensor.boxBytes, "tile"));
        for (uint32_t i = 0; i < tensor.boxBytes; ++i)
          tile[i] = static_cast<uint8_t>(random());
        std::vector<uint8_t> expected(tensor.data, tensor.data + tensor.bytes);
        for (auto &[at, source] : tensor.describe())
          if (!source.fill)
            expected[source.address - tensor.map.globalAddress] = tile[at];
        std::string text =
            storeText(rank, "cp.async.bulk.tensor",
                      rank % 2 ? ".global.shared::cta.bulk_group"
                               : ".global.shared::cta.tile.bulk_group");
        Result result = runKernel(machine, text, makeLaunch(tensor),
                                  tensor.arguments(tile));
        ASSERT_EQ(result.status, Status::Ok) << result.text() << text;
        ASSERT_EQ(std::vector<uint8_t>(tensor.data, tensor.data + tensor.bytes),
                  expected);
      }
}

TEST(PTXTensorForms, Reductions) {
  std::mt19937 random(4);
  struct Case {
    const char *operation;
    TensorElement element;
    uint64_t (*reduce)(uint64_t old, uint64_t operand);
  };
  auto addFloat = [](uint64_t old, uint64_t operand) -> uint64_t {
    return bitsFromFloat(floatFromBits(static_cast<uint32_t>(old)) +
                         floatFromBits(static_cast<uint32_t>(operand)));
  };
  auto addHalf = [](uint64_t old, uint64_t operand) -> uint64_t {
    return encodeFloat(FloatFormat::F16,
                       decodeFloat(FloatFormat::F16, old) +
                           decodeFloat(FloatFormat::F16, operand));
  };
  const Case cases[] = {
      {"add", TensorElement::U32,
       [](uint64_t a, uint64_t b) { return (a + b) & 0xFFFFFFFF; }},
      {"min", TensorElement::S32,
       [](uint64_t a, uint64_t b) { return int32_t(a) < int32_t(b) ? a : b; }},
      {"max", TensorElement::U64,
       [](uint64_t a, uint64_t b) { return a > b ? a : b; }},
      {"inc", TensorElement::U32,
       [](uint64_t a, uint64_t b) { return a >= b ? 0 : a + 1; }},
      {"dec", TensorElement::U32,
       [](uint64_t a, uint64_t b) { return a == 0 || a > b ? b : a - 1; }},
      {"and", TensorElement::U32, [](uint64_t a, uint64_t b) { return a & b; }},
      {"or", TensorElement::U64, [](uint64_t a, uint64_t b) { return a | b; }},
      {"xor", TensorElement::U32, [](uint64_t a, uint64_t b) { return a ^ b; }},
      {"add", TensorElement::F32, addFloat},
      {"add", TensorElement::F16, addHalf},
  };
  for (const Case &test : cases)
    for (unsigned rank = 1; rank <= 5; ++rank) {
      Machine machine;
      Tensor tensor(machine, random, rank, test.element, rank % 4);
      const unsigned size = getElementBytes(test.element);
      auto *tile =
          static_cast<uint8_t *>(machine.allocate(tensor.boxBytes, "tile"));
      auto fill = [&](uint8_t *bytes, size_t count) {
        for (size_t i = 0; i < count; i += size) {
          uint64_t value = random();
          if (isFloatElement(test.element))
            value = encodeFloat(test.element == TensorElement::F32
                                    ? FloatFormat::F32
                                    : FloatFormat::F16,
                                double(int(value % 2000)) / 8 - 100);
          std::memcpy(bytes + i, &value, size);
        }
      };
      fill(tensor.data, tensor.bytes / size * size);
      fill(tile, tensor.boxBytes);
      std::vector<uint8_t> expected(tensor.data, tensor.data + tensor.bytes);
      for (auto &[at, source] : tensor.describe()) {
        if (source.fill || at % size)
          continue;
        uint8_t *target = &expected[source.address - tensor.map.globalAddress];
        uint64_t old = 0, operand = 0;
        std::memcpy(&old, target, size);
        std::memcpy(&operand, tile + at, size);
        uint64_t result = test.reduce(old, operand);
        std::memcpy(target, &result, size);
      }
      std::string text =
          storeText(rank, "cp.reduce.async.bulk.tensor",
                    std::string(".global.shared::cta.") + test.operation +
                        (rank % 2 ? ".tile.bulk_group" : ".bulk_group"));
      Result result =
          runKernel(machine, text, makeLaunch(tensor), tensor.arguments(tile));
      ASSERT_EQ(result.status, Status::Ok) << result.text() << text;
      ASSERT_EQ(std::vector<uint8_t>(tensor.data, tensor.data + tensor.bytes),
                expected)
          << test.operation;
    }
}

TEST(PTXTensorForms, MulticastToACluster) {
  std::mt19937 random(5);
  for (unsigned rank = 1; rank <= 5; ++rank) {
    Machine machine;
    Tensor tensor(machine, random, rank, TensorElement::BF16, 3);
    // CTA 0 loads for CTAs 0, 1 and 3; each waits for its own barrier. CTA 2
    // must see nothing, and writes what it had.
    auto *tiles = static_cast<uint8_t *>(
        machine.allocate(size_t(tensor.boxBytes) * 4, "tiles"));
    std::memset(tiles, 0x55, size_t(tensor.boxBytes) * 4);
    std::string text = tensorKernel(
        "  .reg .b16 %mask;\n  .reg .pred %zero, %out;\n  mov.b16 %mask, 11;\n"
        "  mov.u32 %x8, %cluster_ctarank;\n  mul.wide.u32 %p4, %x8, %n;\n"
        "  add.u64 %p1, %p1, %p4;\n  setp.eq.u32 %out, %x8, 2;\n"
        "  setp.eq.and.u32 %zero, %x8, 0, %first;\n"
        "  @%first mbarrier.arrive.expect_tx.shared::cta.b64 _, [%x1], %n;\n"
        "  fence.mbarrier_init.release.cluster;\n"
        "  barrier.cluster.arrive.release.aligned;\n"
        "  barrier.cluster.wait.acquire.aligned;\n"
        "  @%zero cp.async.bulk.tensor." +
            std::to_string(rank) +
            "d.shared::cluster.global.mbarrier::complete_tx::bytes"
            ".multicast::cluster [%x0], [%p0, " +
            listCoordinates(rank) + "], [%x1], %mask;\n  @%out bra leave;\n" +
            waitForTile + copyTile(false) +
            "leave:\n  barrier.cluster.arrive.aligned;\n"
            "  barrier.cluster.wait.aligned;\n",
        " .explicitcluster .reqnctapercluster 4, 1, 1");
    Launch launch = makeLaunch(tensor);
    launch.grid = launch.cluster = {4, 1, 1};
    Result result = runKernel(machine, text, launch, tensor.arguments(tiles));
    ASSERT_EQ(result.status, Status::Ok) << result.text() << text;
    for (unsigned cta : {0, 1, 3})
      expectTile(tensor, tiles + size_t(tensor.boxBytes) * cta);
    for (uint32_t i = 0; i < tensor.boxBytes; ++i)
      ASSERT_EQ(tiles[size_t(tensor.boxBytes) * 2 + i], 0x55);
  }
}

TEST(PTXTensorForms, Prefetches) {
  std::mt19937 random(6);
  for (unsigned rank = 1; rank <= 5; ++rank) {
    Machine machine;
    Tensor tensor(machine, random, rank, TensorElement::F32, 0);
    std::string text = tensorKernel(
        "  prefetch.tensormap [%p0];\n  cp.async.bulk.prefetch.tensor." +
        std::to_string(rank) + "d.L2.global [%p0, " + listCoordinates(rank) +
        "];\n");
    Result result =
        runKernel(machine, text, makeLaunch(tensor), tensor.arguments(nullptr));
    ASSERT_EQ(result.status, Status::Ok) << result.text() << text;
  }
}

/// A map of another tensor, changed field by field in global or in shared
/// memory.
TEST(PTXTensorForms, Replacements) {
  std::mt19937 random(8);
  for (bool inShared : {false, true}) {
    Machine machine;
    Tensor tensor(machine, random, 3, TensorElement::BF16, 1);
    tensor.map.elementStride[1] = 1;
    Tensor other(machine, random, 1, TensorElement::U8, 0);
    std::memcpy(tensor.encoded, other.encoded, 128);
    const std::string map = inShared ? "[%x9]" : "[%p0]";
    std::string body;
    auto replace = [&](const std::string &field, const char *type,
                       const std::string &operands) {
      body += "  @%first tensormap.replace.tile." + field +
              (inShared ? ".shared::cta" : ".global") + ".b1024." + type + " " +
              map + ", " + operands + ";\n";
    };
    const TensorMap &wanted = tensor.map;
    auto number = [](uint64_t value) { return std::to_string(value); };
    body += "  mov.u64 %p6, " + number(wanted.globalAddress) + ";\n";
    replace("global_address", "b64", "%p6");
    replace("rank", "b32", "2");
    for (unsigned i = 0; i < 3; ++i) {
      replace("box_dim", "b32", number(i) + ", " + number(wanted.boxDim[i]));
      replace("global_dim", "b32",
              number(i) + ", " + number(wanted.globalDim[i]));
      replace("element_stride", "b32",
              number(i) + ", " + number(wanted.elementStride[i]));
    }
    for (unsigned i = 0; i < 2; ++i) {
      body += "  mov.u64 %p6, " + number(wanted.globalStride[i]) + ";\n";
      replace("global_stride", "b64", number(i) + ", %p6");
    }
    replace("elemtype", "b32", number(uint64_t(wanted.element)));
    replace("interleave_layout", "b32", "0");
    replace("swizzle_mode", "b32", number(wanted.swizzle));
    replace("fill_mode", "b32", "0");
    std::string before, after;
    if (inShared) {
      // Through shared memory and back, a word by each thread.
      const char *address = "  mov.u32 %x9, copy;\n  shl.b32 %x2, %t, 2;\n"
                            "  add.u32 %x3, %x9, %x2;\n"
                            "  cvt.u64.u32 %p7, %x2;\n"
                            "  add.u64 %p7, %p0, %p7;\n"
                            "  setp.lt.u32 %q, %t, 32;\n";
      before = std::string("  .shared .align 128 .b8 copy[128];\n") + address +
               "  @%q ld.global.b32 %x4, [%p7];\n"
               "  @%q st.shared.b32 [%x3], %x4;\n  bar.sync 0;\n";
      after = std::string("  bar.sync 0;\n") + address +
              "  @%q ld.shared.b32 %x4, [%x3];\n"
              "  @%q st.global.b32 [%p7], %x4;\n  bar.sync 0;\n";
    }
    after += "  fence.proxy.tensormap::generic.release.gpu;\n"
             "  fence.proxy.tensormap::generic.acquire.gpu [%p0], 128;\n";
    std::string text = tensorLoadText(
        3, ".shared::cluster.global.mbarrier::complete_tx::bytes", "");
    text.insert(text.find("  @%first mbarrier.arrive.expect_tx"),
                before + body + after);
    tensor.boxBytes = static_cast<uint32_t>(
        describeBox(wanted, tensor.coordinates, 0).size());
    auto *tile =
        static_cast<uint8_t *>(machine.allocate(tensor.boxBytes, "tile"));
    Result result =
        runKernel(machine, text, makeLaunch(tensor), tensor.arguments(tile));
    ASSERT_EQ(result.status, Status::Ok) << result.text() << text;
    expectTile(tensor, tile);
  }
}

TEST(PTXTensorForms, Refusals) {
  std::mt19937 random(7);
  Machine machine;
  Tensor tensor(machine, random, 2, TensorElement::F32, 2);
  auto *tile =
      static_cast<uint8_t *>(machine.allocate(tensor.boxBytes, "tile"));
  const char *const modifiers =
      ".shared::cluster.global.mbarrier::complete_tx::bytes";
  auto expectReport = [&](const std::string &text, const char *message) {
    Launch launch = makeLaunch(tensor);
    launch.options.stepLimit = 1 << 16;
    Result result = runKernel(machine, text, launch, tensor.arguments(tile));
    EXPECT_NE(result.text().find(message), std::string::npos) << result.text();
  };
  expectReport(tensorLoadText(3, modifiers, ""),
               "the tensor map has rank 2, the instruction 3");
  std::string text = tensorLoadText(2, modifiers, "");
  text.replace(text.find("mov.u32 %x0, tile;"), 18,
               "mov.u32 %x0, tile; add.u32 %x0, %x0, 128;");
  expectReport(text, "the shared address of a tensor copy must be a multiple "
                     "of 512");
  tensor.encoded[20] ^= 1;
  expectReport(tensorLoadText(2, modifiers, ""),
               "the tensor map was overwritten after it was encoded");
  std::memset(tensor.encoded, 0, 128);
  expectReport(tensorLoadText(2, modifiers, ""),
               "the 128 bytes are not a tensor map of this device");

  std::vector<Diagnostic> errors;
  std::string im2col = tensorLoadText(
      3, ".shared::cluster.global.im2col.mbarrier::complete_tx::bytes", "");
  EXPECT_EQ(Module::load(im2col, "im2col.ptx", errors), nullptr);
  ASSERT_FALSE(errors.empty());
  EXPECT_NE(errors[0].str().find("im2col"), std::string::npos);
}
