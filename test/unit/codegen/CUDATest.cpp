// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Attention.h"
#include "Experts.h"
#include "Gemm.h"
#include "NVRTC.h"
#include "Rows.h"
#include "Scalars.h"
#include "TensorMaps.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::trine::cuda;
using namespace ::trine::kernels;

/// Every configuration must satisfy the skeleton's conditions (Gemm.h).
static void expectValid(const GemmProblem &problem) {
  for (Architecture architecture : {Architecture::SM80, Architecture::SM90a}) {
    GemmConfiguration c = configureGemm(problem, architecture);
    EXPECT_EQ(c.architecture, architecture);
    EXPECT_EQ(c.element, problem.element);
    EXPECT_TRUE(c.tileM == 64 || c.tileM == 128);
    EXPECT_TRUE(c.tileN == 64 || c.tileN == 128);
    EXPECT_GE(c.stages, 2);
    EXPECT_LE(c.stages, 8);
    EXPECT_LE(gemmSharedBytes(c),
              architecture == Architecture::SM80 ? 166912 : 232448);
    EXPECT_LE(gemmThreads(c), 1024);
    if (problem.element == Element::F32) {
      EXPECT_EQ(c.tileM, 64);
      EXPECT_EQ(c.tileN, 64);
      EXPECT_EQ(c.stages, 2);
      EXPECT_EQ(c.loadA, Load::Element);
      EXPECT_EQ(c.loadB, Load::Element);
    }
    if (!problem.copiesA)
      EXPECT_EQ(c.loadA, Load::Element);
    if (!problem.copiesB)
      EXPECT_EQ(c.loadB, Load::Element);
  }
}

TEST(ConfigureGemm, IsValidForEveryProblem) {
  for (Element element : {Element::F32, Element::F16, Element::BF16})
    for (int64_t m : {-1, 0, 1, 64, 65, 4096})
      for (int64_t n : {-1, 0, 1, 64, 65, 102400})
        for (int64_t k : {-1, 0, 1, 64, 7168})
          for (bool copies : {false, true})
            expectValid(
                {element, m, n, k, copies, !copies, WeightLayout::RowMajor});
}

TEST(ConfigureGemm, HasOneNumberOfWorkgroupsForAllArchitectures) {
  for (int64_t n : {-1, 24, 512})
    for (int64_t m : {-1, 1, 512}) {
      GemmProblem problem{Element::BF16,         m, n, 64, true, true,
                          WeightLayout::RowMajor};
      GemmConfiguration a = configureGemm(problem, Architecture::SM80);
      GemmConfiguration b = configureGemm(problem, Architecture::SM90a);
      EXPECT_EQ(gemmWorkgroups(a, 3, 777, 555), gemmWorkgroups(b, 3, 777, 555));
    }
}

TEST(ConfigureGemm, TakesTensorMapsOnSM90aAlone) {
  for (bool mapsA : {false, true})
    for (bool mapsB : {false, true}) {
      GemmProblem problem{
          Element::F16, -1,   512, 512, true, true, WeightLayout::Transposed,
          mapsA,        mapsB};
      GemmConfiguration c = configureGemm(problem, Architecture::SM90a);
      EXPECT_EQ(c.loadA, mapsA ? Load::TensorMap : Load::Vector);
      EXPECT_EQ(c.loadB, mapsB ? Load::TensorMap : Load::Vector);
      c = configureGemm(problem, Architecture::SM80);
      EXPECT_EQ(c.loadA, Load::Vector);
      EXPECT_EQ(c.loadB, Load::Vector);
      GroupedProblem grouped{Element::BF16, 512, 512, true, true, true, mapsB};
      c = configureGrouped(grouped, Architecture::SM90a);
      // Rows are gathered.
      EXPECT_EQ(c.loadA, Load::Vector);
      EXPECT_EQ(c.loadB, mapsB ? Load::TensorMap : Load::Vector);
      EXPECT_EQ(configureGrouped(grouped, Architecture::SM80).loadB,
                Load::Vector);
    }
}

/// A weight [word 1, 512] of bf16, 8 rows behind its address.
static TensorMapRecord makeMap() {
  TensorMapRecord record;
  record.offset = {8 * 1024, {}};
  record.sizes = {{512, {}}, {1, {1}}, {1, {}}};
  record.strides = {{1024, {}}, {0, {}}};
  record.box = {64, 128, 1};
  return record;
}

TEST(TensorMap, IsRefusedForWhatItCannotSay) {
  // The stride of a single matrix says nothing.
  EXPECT_EQ(refuseTensorMap(makeMap()), nullptr);
  auto why = [](auto change) {
    TensorMapRecord record = makeMap();
    change(record);
    const char *text = refuseTensorMap(record);
    return std::string(text ? text : "");
  };
  const char *address = "its address is no multiple of 16 bytes";
  EXPECT_EQ(why([](auto &r) { r.offset = {8, {}}; }), address);
  EXPECT_EQ(why([](auto &r) { r.offset = {24, {2}}; }), address);
  EXPECT_EQ(why([](auto &r) { r.offset = {-16, {}}; }), address);
  EXPECT_EQ(why([](auto &r) { r.offset = {16, {2, 2}}; }), "");
  const char *stride = "a stride is no multiple of 16 bytes";
  EXPECT_EQ(why([](auto &r) { r.strides[0] = {1032, {}}; }), stride);
  EXPECT_EQ(why([](auto &r) { r.strides[0] = {2, {2}}; }), stride);
  EXPECT_EQ(why([](auto &r) { r.strides[0] = {16, {2}}; }), "");
  EXPECT_EQ(why([](auto &r) { r.strides[0] = {0, {}}; }), stride);
  EXPECT_EQ(why([](auto &r) { r.sizes[2] = {1, {2}}; }), stride);
  EXPECT_EQ(why([](auto &r) { r.sizes[2] = {2, {}}; }), stride);
  EXPECT_EQ(why([](auto &r) { r.strides[0] = {int64_t(1) << 40, {}}; }),
            "a stride is not below 2^40 bytes");
  EXPECT_EQ(why([](auto &r) { r.strides[0] = {(int64_t(1) << 40) - 16, {}}; }),
            "");
  EXPECT_EQ(why([](auto &r) { r.sizes[0] = {int64_t(1) << 31, {}}; }),
            "a dimension has more than 2147483647 elements");
  EXPECT_EQ(why([](auto &r) { r.box[1] = 257; }), "a box has at most 256 rows");
  EXPECT_EQ(why([](auto &r) { r.box[1] = 0; }), "a box has at most 256 rows");
  EXPECT_EQ(why([](auto &r) { r.box[0] = 32; }),
            "rows of a box have 64 elements");
  EXPECT_EQ(why([](auto &r) { r.word = 256; }),
            "its address is beyond the words of a launch");
  EXPECT_EQ(why([](auto &r) { r.sizes[1].words[0] = 256; }),
            "a size is beyond the words of a launch");
  EXPECT_EQ(why([](auto &r) { r.sizes.pop_back(); }),
            "a map has 2 to 5 dimensions");
  EXPECT_EQ(why([](auto &r) {
              r.sizes.resize(6);
              r.strides.resize(5);
              r.box.resize(6);
            }),
            "a map has 2 to 5 dimensions");
}

TEST(ConfigureGemm, GrowsWithTheProblem) {
  GemmProblem small{Element::BF16,         1, 24, 64, true, true,
                    WeightLayout::RowMajor};
  GemmProblem large{Element::BF16,         512, 4096, 4096, true, true,
                    WeightLayout::RowMajor};
  GemmConfiguration a = configureGemm(small, Architecture::SM80);
  GemmConfiguration b = configureGemm(large, Architecture::SM80);
  EXPECT_EQ(a.tileM, 64);
  EXPECT_EQ(a.tileN, 64);
  EXPECT_EQ(a.stages, 2);
  EXPECT_EQ(b.tileM, 128);
  EXPECT_EQ(b.tileN, 128);
  EXPECT_EQ(b.stages, 4);
}

TEST(ScalarText, FoldsWhatIsKnown) {
  EXPECT_EQ(sumText("3", "4"), "7");
  EXPECT_EQ(sumText("a", "0"), "a");
  EXPECT_EQ(sumText("a", "-2"), "a - 2");
  EXPECT_EQ(productText("a + b", "4"), "(a + b) * 4");
  EXPECT_EQ(productText("a", "1"), "a");
  EXPECT_EQ(productText("0", "a"), "0");
}

TEST(KernelCache, FindsWhatWasStored) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("trine-cache", folder));
  // A '%' in the path is a letter like others.
  std::string inner = (folder + "/50% inner").str();
  KernelCache cache(inner);
  std::string key = KernelCache::key("source", "sm_80", "13.0"), text;
  EXPECT_NE(key, KernelCache::key("source ", "sm_80", "13.0"));
  EXPECT_NE(key, KernelCache::key("source", "sm_90a", "13.0"));
  EXPECT_NE(key, KernelCache::key("source", "sm_80", "13.1"));
  EXPECT_FALSE(cache.find(key, text));
  cache.store(key, "ptx");
  EXPECT_TRUE(cache.find(key, text));
  EXPECT_EQ(text, "ptx");
  // Nothing else is left in the folder.
  std::error_code error;
  int files = 0;
  for (llvm::sys::fs::directory_iterator entry(inner, error), end;
       !error && entry != end; entry.increment(error))
    ++files;
  EXPECT_EQ(files, 1);
  KernelCache none("");
  none.store(key, "ptx");
  EXPECT_FALSE(none.find(key, text));
  // A folder that cannot be written is no error.
  KernelCache("/proc/none").store(key, "ptx");
  llvm::sys::fs::remove_directories(folder);
}

TEST(NVRTC, SaysWhatWasTried) {
  llvm::Expected<NVRTC> absent = NVRTC::open("/nowhere/libnvrtc.so");
  ASSERT_FALSE(static_cast<bool>(absent));
  std::string message = llvm::toString(absent.takeError());
  EXPECT_NE(message.find("Tried: /nowhere/libnvrtc.so"), std::string::npos)
      << message;
  EXPECT_NE(message.find("nvidia-cuda-nvrtc"), std::string::npos) << message;
  std::vector<std::string> candidates = nvrtcCandidates();
  EXPECT_EQ(candidates.front(), "libnvrtc.so.13");
  EXPECT_GT(candidates.size(), 3u);
}

TEST(NVRTC, GoesOnBehindWhatIsOldOrNone) {
  std::vector<std::string> found = {"/nowhere/libnvrtc.so", "libm.so.6",
                                    TRINE_FAKE_NVRTC11};
  llvm::Expected<NVRTC> old = NVRTC::open(found);
  ASSERT_FALSE(static_cast<bool>(old));
  EXPECT_EQ(llvm::toString(old.takeError()),
            "'libm.so.6' is no NVRTC: it lacks 'nvrtcVersion'; NVRTC must be "
            "of CUDA 12 or newer, got 11.3 in '" TRINE_FAKE_NVRTC11 "'");
  found.push_back(TRINE_FAKE_NVRTC12);
  llvm::Expected<NVRTC> good = NVRTC::open(found);
  ASSERT_TRUE(static_cast<bool>(good));
  EXPECT_EQ(good->getVersion(), "12.3");
  // One that was named is not replaced by another.
  llvm::Expected<NVRTC> named = NVRTC::open(TRINE_FAKE_NVRTC11);
  ASSERT_FALSE(static_cast<bool>(named));
  EXPECT_EQ(llvm::toString(named.takeError()),
            "NVRTC must be of CUDA 12 or newer, got 11.3 in "
            "'" TRINE_FAKE_NVRTC11 "'");
}

TEST(NVRTC, ReportsWrongSourceWithItsLine) {
  llvm::Expected<NVRTC> nvrtc = NVRTC::open("");
  if (!nvrtc) {
    llvm::consumeError(nvrtc.takeError());
    GTEST_SKIP() << "NVRTC is not on this machine";
  }
  llvm::Expected<std::string> ptx = nvrtc->compile(
      "extern \"C\" __global__ void k() {\n  x = 1;\n}\n", "k", "sm_80");
  ASSERT_FALSE(static_cast<bool>(ptx));
  std::string message = llvm::toString(ptx.takeError());
  EXPECT_NE(message.find("kernel 'k' does not compile for sm_80"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("k.cu(2)"), std::string::npos) << message;
}

/// Every header of the skeletons can be included by name.
TEST(NVRTC, MakesMachineCode) {
  llvm::Expected<NVRTC> nvrtc = NVRTC::open("");
  if (!nvrtc) {
    llvm::consumeError(nvrtc.takeError());
    GTEST_SKIP() << "NVRTC is not on this machine";
  }
  const char *source = "extern \"C\" __global__ void none() {}";
  for (const char *architecture : {"sm_80", "sm_90a"}) {
    llvm::Expected<std::string> code =
        nvrtc->assemble(source, "none", architecture);
    ASSERT_TRUE(static_cast<bool>(code)) << llvm::toString(code.takeError());
    EXPECT_EQ(code->substr(1, 3), "ELF");
  }
}

TEST(NVRTC, HasTheSkeletons) {
  std::vector<std::string> names;
  for (const KernelHeader &header : kernelHeaders())
    names.push_back(header.name);
  EXPECT_NE(std::find(names.begin(), names.end(), "Gemm.h"), names.end());
  EXPECT_NE(std::find(names.begin(), names.end(),
                      "trine/Runtime/KernelConfiguration.h"),
            names.end());
}

TEST(ConfigureGrouped, IsValidForEveryProblem) {
  for (Element element : {Element::F32, Element::F16, Element::BF16})
    for (int64_t n : {-1, 1, 32, 33, 64, 65, 2048})
      for (int64_t k : {-1, 1, 64, 7168})
        for (bool gated : {false, true})
          for (bool copies : {false, true}) {
            GroupedProblem problem{element, n, k, gated, copies, !copies};
            GemmConfiguration a = configureGrouped(problem, Architecture::SM80),
                              b = configureGrouped(problem,
                                                   Architecture::SM90a);
            for (const GemmConfiguration &c : {a, b}) {
              EXPECT_EQ(c.layoutB, WeightLayout::Transposed);
              EXPECT_EQ(c.gate,
                        gated ? GateLayout::Concatenated : GateLayout::None);
              EXPECT_EQ(c.tileM, 64);
              EXPECT_TRUE(c.tileN == 64 || c.tileN == 128);
              EXPECT_GE(c.stages, 2);
              EXPECT_LE(gemmSharedBytes(c), 166912);
              if (element == Element::F32 || !problem.copiesA)
                EXPECT_EQ(c.loadA, Load::Element);
              if (element == Element::F32 || !problem.copiesB)
                EXPECT_EQ(c.loadB, Load::Element);
            }
            // One function counts the workgroups of both.
            EXPECT_EQ(groupedWorkgroups(a, 77, 8, 55),
                      groupedWorkgroups(b, 77, 8, 55));
          }
}

TEST(ConfigureRows, FollowsTheRow) {
  auto by = [](int64_t rows, int64_t columns, bool isContiguous) {
    return configureRows({rows, columns, isContiguous}).by;
  };
  EXPECT_EQ(by(-1, 4, true), ReduceBy::Thread);
  EXPECT_EQ(by(-1, 9, true), ReduceBy::Warp);
  EXPECT_EQ(by(-1, 1024, true), ReduceBy::Warp);
  EXPECT_EQ(by(-1, 1025, true), ReduceBy::Workgroup);
  EXPECT_EQ(by(-1, -1, true), ReduceBy::Warp);
  EXPECT_EQ(by(1, -1, true), ReduceBy::Workgroup);
  // Neighbouring threads read neighbours, unless that leaves most of them idle.
  EXPECT_EQ(by(-1, -1, false), ReduceBy::Thread);
  EXPECT_EQ(by(4096, 2000, false), ReduceBy::Thread);
  EXPECT_EQ(by(3, 2000, false), ReduceBy::Workgroup);
}

/// A problem with the heads and sizes of a published model.
static AttentionConfiguration attentionOf(Element element,
                                          std::vector<int> parts, int value,
                                          bool valueIsKey, int headsPerGroup) {
  AttentionConfiguration c;
  c.element = element;
  c.parts = static_cast<int>(parts.size());
  for (int part = 0; part < 3; ++part)
    c.partSize[part] = part < c.parts ? parts[part] : 0;
  c.valueSize = value;
  c.valueIsKey = valueIsKey;
  c.headsPerGroup = headsPerGroup;
  return c;
}

TEST(ConfigureAttention, UsesWgmmaWhereRowsFillIt) {
  struct Case {
    AttentionConfiguration problem;
    Architecture expected;
    int tileRows;
  };
  Element bf16 = Element::BF16;
  for (auto [problem, expected, tileRows] : {
           // MLA on the latent, 128 and 16 heads; decompressed; grouped
           // queries.
           Case{attentionOf(bf16, {512, 64}, 512, true, 128),
                Architecture::SM90a, 64},
           Case{attentionOf(bf16, {512, 64}, 512, true, 16), Architecture::SM80,
                16},
           Case{attentionOf(bf16, {128, 64}, 128, false, 1),
                Architecture::SM90a, 64},
           Case{attentionOf(bf16, {128}, 128, false, 8), Architecture::SM80,
                32},
       }) {
    for (bool vectors : {false, true}) {
      AttentionConfiguration c = problem;
      ASSERT_TRUE(configureAttention(c, Architecture::SM90a, vectors));
      EXPECT_EQ(c.architecture, expected);
      EXPECT_EQ(c.tileRows, tileRows);
      EXPECT_EQ(c.load, vectors ? Load::Vector : Load::Element);
      EXPECT_LE(attentionSharedBytes(c),
                expected == Architecture::SM90a ? 232448 : 166912);
      AttentionConfiguration older = problem;
      ASSERT_TRUE(configureAttention(older, Architecture::SM80, vectors));
      EXPECT_EQ(older.architecture, Architecture::SM80);
      EXPECT_LE(older.tileRows, tileRows);
      EXPECT_LE(attentionSharedBytes(older), 166912);
    }
  }
}

TEST(ConfigureAttention, IsOneForF32) {
  AttentionConfiguration c = attentionOf(Element::F32, {192}, 128, false, 1);
  for (Architecture architecture : {Architecture::SM80, Architecture::SM90a}) {
    ASSERT_TRUE(configureAttention(c, architecture, true));
    EXPECT_EQ(c.tileRows, 16);
    EXPECT_EQ(c.tileKeys, 32);
    EXPECT_EQ(c.load, Load::Element);
  }
  // More than fits into shared memory.
  c.partSize[0] = 8192;
  EXPECT_FALSE(configureAttention(c, Architecture::SM80, false));
}

TEST(ScalarText, KnowsMultiplesOfEight) {
  for (const char *text :
       {"0", "64", "a0_1 * 64", "a0_1 * 8 * a0_2", "4 * (a0_1 * 24)"})
    EXPECT_TRUE(isMultipleOfEight(text)) << text;
  for (const char *text : {"4", "a0_1", "a0_1 * 4", "(a0_1 + 8) * 8 + 1",
                           "a0_1 * 8 + 4", "a0_1 / 8"})
    EXPECT_FALSE(isMultipleOfEight(text)) << text;
}
