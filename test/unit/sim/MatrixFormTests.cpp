// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The matrix instructions as PTX, form by form, on small integers, which every
/// model of the sums has exactly: against the tables of the ISA and a triple
/// loop.
#include "FormTest.h"
#include "MatrixReference.h"
#include "device/sim/MatrixMultiply.h"
#include <random>

using namespace trine::sim;

namespace {

/// Writes PTX.
struct Text {
  std::string text;
  Text &operator<<(const std::string &part) {
    text += part;
    return *this;
  }
  Text &operator<<(unsigned number) {
    text += std::to_string(number);
    return *this;
  }
};

std::string listRegisters(const char *name, unsigned count) {
  Text list;
  for (unsigned i = 0; i < count; ++i)
    list << (i ? ", %" : "{%") << name << i;
  return list.text + "}";
}

/// Moves registers to or from a buffer: register i of thread t is at i·threads
/// + t.
std::string moveRegisters(bool store, const char *name, unsigned count,
                          const char *buffer, unsigned threads,
                          unsigned bytes) {
  Text moves;
  for (unsigned i = 0; i < count; ++i) {
    std::string address = std::string("[%") + buffer + "+" +
                          std::to_string(i * threads * bytes) + "]";
    std::string reg = std::string("%") + name + std::to_string(i);
    moves << (store ? "  st" : "  ld") << ".global.b" << 8 * bytes << " "
          << (store ? address + ", " + reg : reg + ", " + address) << ";\n";
  }
  return moves.text;
}

/// A buffer of the device, elements of registers by lane.
struct Buffer {
  uint32_t *words = nullptr;
  unsigned threads, bytes; ///< of one register
  Buffer(Machine &machine, unsigned registers, unsigned threads, unsigned bytes)
      : words(static_cast<uint32_t *>(
            machine.allocate(size_t(registers) * threads * bytes))),
        threads(threads), bytes(bytes) {
    std::memset(words, 0, size_t(registers) * threads * bytes);
  }
  void put(unsigned thread, unsigned element, unsigned elementBytes,
           uint32_t bits) {
    unsigned perRegister = bytes / elementBytes;
    words[element / perRegister * threads + thread] |=
        bits << (8 * elementBytes * (element % perRegister));
  }
  uint32_t get(unsigned thread, unsigned element, unsigned elementBytes) const {
    unsigned perRegister = bytes / elementBytes;
    return words[element / perRegister * threads + thread] >>
           (8 * elementBytes * (element % perRegister));
  }
  double *doubles() { return reinterpret_cast<double *>(words); }
};

std::vector<int> makeValues(std::mt19937 &random, size_t count, bool negative) {
  std::vector<int> values(count);
  for (int &value : values)
    value = static_cast<int>(random() % 9) - (negative ? 4 : 0);
  return values;
}

} // namespace

// mma.sync

static std::string mmaText(const MmaForm &form, const MmaRegisters &counts) {
  const bool wide = form.d == MatrixType::F64;
  const unsigned bytes = wide ? 8 : 4;
  const std::string bits = wide ? "b64" : "b32";
  Text body;
  body << "  .reg .b64 %p<5>;\n  .reg .b32 %t;\n  .reg ."
       << (wide ? "f64" : "b32")
       << " %a<8>, %b<4>, %c<4>, %d<4>;\n  mov.u32 %t, %tid.x;\n";
  for (unsigned i = 0; i < 4; ++i)
    body << "  ld.param.u64 %p" << i << ", [p" << i << "];\n  mad.wide.u32 %p"
         << i << ", %t, " << bytes << ", %p" << i << ";\n";
  body << moveRegisters(false, "a", counts.a, "p0", 32, bytes)
       << moveRegisters(false, "b", counts.b, "p1", 32, bytes)
       << moveRegisters(false, "c", counts.c, "p2", 32, bytes);
  body << "  mma.sync.aligned.m" << form.m << "n" << form.n << "k" << form.k
       << ".row.col" << (form.satFinite ? ".satfinite" : "") << "."
       << getTypeName(form.d) << "." << getTypeName(form.a) << "."
       << getTypeName(form.b) << "." << getTypeName(form.c) << " "
       << listRegisters("d", counts.d) << ", " << listRegisters("a", counts.a)
       << ", " << listRegisters("b", counts.b) << ", "
       << listRegisters("c", counts.c) << ";\n"
       << moveRegisters(true, "d", counts.d, "p3", 32, bytes);
  // FP8 products with F16 sums are newer than the others.
  std::string text = kernelText(body.text, 4);
  return text.replace(text.find("8.6"), 3, "8.7");
}

static std::vector<MmaForm> listMmaForms() {
  using T = MatrixType;
  std::vector<MmaForm> forms;
  for (unsigned k : {8u, 16u}) {
    forms.push_back({16, 8, k, T::F32, T::F16, T::F16, T::F32, false});
    forms.push_back({16, 8, k, T::F16, T::F16, T::F16, T::F16, false});
    forms.push_back({16, 8, k, T::F32, T::BF16, T::BF16, T::F32, false});
    forms.push_back({16, 8, k / 2, T::F32, T::TF32, T::TF32, T::F32, false});
    for (T a : {T::S8, T::U8})
      for (T b : {T::S8, T::U8})
        for (bool saturate : {false, true})
          forms.push_back({16, 8, 2 * k, T::S32, a, b, T::S32, saturate});
  }
  for (T a : {T::E4M3, T::E5M2})
    for (T b : {T::E4M3, T::E5M2})
      for (T d : {T::F16, T::F32})
        forms.push_back({16, 8, 32, d, a, b, d, false});
  forms.push_back({8, 8, 16, T::S32, T::S8, T::U8, T::S32, true});
  forms.push_back({8, 8, 4, T::F64, T::F64, T::F64, T::F64, false});
  for (unsigned k : {4u, 8u, 16u})
    forms.push_back({16, 8, k, T::F64, T::F64, T::F64, T::F64, false});
  return forms;
}

static void checkMma(const MmaForm &form) {
  MmaRegisters counts;
  std::string error;
  ASSERT_TRUE(checkMmaForm(form, counts, error)) << error;
  const bool wide = form.d == MatrixType::F64;
  const unsigned bytesA = getElementBytes(form.a);
  const FragmentTable *table = nullptr;
  for (const FragmentTable &each : fragmentTables)
    if (each.m == form.m && each.k == form.k &&
        each.perRegister == (wide ? 1 : 4 / bytesA))
      table = &each;
  ASSERT_NE(table, nullptr);
  std::mt19937 random(form.k + static_cast<unsigned>(form.a));
  bool negative = form.a != MatrixType::U8 && form.b != MatrixType::U8;
  std::vector<int> a = makeValues(random, form.m * form.k, negative);
  std::vector<int> b = makeValues(random, form.k * 8, negative);
  std::vector<int> c = makeValues(random, form.m * 8, negative);
  Machine machine;
  const unsigned bytes = wide ? 8 : 4, bytesC = getElementBytes(form.c);
  Buffer ra(machine, counts.a, 32, bytes), rb(machine, counts.b, 32, bytes);
  Buffer rc(machine, counts.c, 32, bytes), rd(machine, counts.d, 32, bytes);
  auto put = [&](Buffer &buffer, MatrixType type, unsigned lane, unsigned i,
                 int value) {
    if (wide)
      buffer.doubles()[i * 32 + lane] = value;
    else
      buffer.put(lane, i, getElementBytes(type), encodeElement(type, value));
  };
  for (unsigned lane = 0; lane < 32; ++lane) {
    for (unsigned i = 0; i < table->elementsA(); ++i) {
      auto [row, k] = table->a(lane, i);
      put(ra, form.a, lane, i, a[row * form.k + k]);
    }
    for (unsigned i = 0; i < table->elementsB(); ++i) {
      auto [k, column] = table->b(lane, i);
      put(rb, form.b, lane, i, b[k * 8 + column]);
    }
    for (unsigned i = 0; i < table->elementsC(); ++i) {
      auto [row, column] = table->c(lane, i);
      put(rc, form.c, lane, i, c[row * 8 + column]);
    }
  }
  Launch launch;
  launch.block = {32, 1, 1};
  std::string text = mmaText(form, counts);
  Result result = runKernel(machine, text, launch,
                            {ra.words, rb.words, rc.words, rd.words});
  ASSERT_EQ(result.status, Status::Ok) << result.text() << text;
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < table->elementsC(); ++i) {
      auto [row, column] = table->c(lane, i);
      int sum = c[row * 8 + column];
      for (unsigned k = 0; k < form.k; ++k)
        sum += a[row * form.k + k] * b[k * 8 + column];
      double got = wide ? rd.doubles()[i * 32 + lane]
                        : decodeAccumulator(form.d, rd.get(lane, i, bytesC));
      ASSERT_EQ(got, sum) << table->name << " " << getTypeName(form.d);
    }
}

TEST(PTXMatrixForms, Mma) {
  for (const MmaForm &form : listMmaForms())
    checkMma(form);
}

// ldmatrix, stmatrix, movmatrix

TEST(PTXMatrixForms, MatrixLoadsAndStores) {
  for (unsigned count : {1u, 2u, 4u})
    for (bool transpose : {false, true})
      for (bool store : {false, true}) {
        // Lane l's row is at chunk 5·l mod 32; addresses of lanes that no
        // matrix belongs to are far outside, and not aligned.
        Text body;
        body << "  .reg .b64 %p<3>;\n  .reg .b32 %t, %x<8>, %r<4>;\n"
                "  .reg .pred %q;\n  .shared .align 16 .b8 tile[512];\n"
                "  mov.u32 %t, %tid.x;\n  ld.param.u64 %p0, [p0];\n"
                "  ld.param.u64 %p1, [p1];\n  mov.u32 %x0, tile;\n"
                // Own chunk, copied plainly.
                "  shl.b32 %x1, %t, 4;\n  add.u32 %x2, %x0, %x1;\n"
                // The address for the matrix.
                "  mul.lo.u32 %x3, %t, 5;\n  and.b32 %x3, %x3, 31;\n"
                "  shl.b32 %x3, %x3, 4;\n  add.u32 %x3, %x3, %x0;\n"
                "  setp.ge.u32 %q, %t, "
             << 8 * count << ";\n  @%q mov.u32 %x3, 0xFFFFFFF1;\n";
        std::string instruction = std::string(store ? "st" : "ld") +
                                  "matrix.sync.aligned.m8n8.x" +
                                  std::to_string(count) +
                                  (transpose ? ".trans" : "") + ".shared.b16 ";
        std::string list = listRegisters("r", count);
        if (store)
          body << "  cvt.u64.u32 %p2, %x1;\n  mad.wide.u32 %p0, %t, 4, %p0;\n"
               << moveRegisters(false, "r", count, "p0", 32, 4)
               << "  mov.u32 %x4, 0;\n"
                  "  st.shared.v4.b32 [%x2], {%x4, %x4, %x4, %x4};\n"
                  "  bar.sync 0;\n  "
               << instruction << "[%x3], " << list
               << ";\n  bar.sync 0;\n"
                  "  ld.shared.v4.b32 {%x4, %x5, %x6, %x7}, [%x2];\n"
                  "  add.u64 %p1, %p1, %p2;\n"
                  "  st.global.v4.b32 [%p1], {%x4, %x5, %x6, %x7};\n";
        else
          body << "  cvt.u64.u32 %p2, %x1;\n  add.u64 %p0, %p0, %p2;\n"
                  "  ld.global.v4.b32 {%x4, %x5, %x6, %x7}, [%p0];\n"
                  "  st.shared.v4.b32 [%x2], {%x4, %x5, %x6, %x7};\n"
                  "  bar.sync 0;\n  "
               << instruction << list << ", [%x3];\n"
               << "  mad.wide.u32 %p1, %t, 4, %p1;\n"
               << moveRegisters(true, "r", count, "p1", 32, 4);
        Machine machine;
        auto *chunks = static_cast<uint16_t *>(machine.allocate(512));
        Buffer registers(machine, count, 32, 4);
        std::memset(chunks, 0, 512);
        // Element (row, column) of matrix j is 100·j + 10·row + column.
        for (unsigned lane = 0; lane < 8 * count; ++lane)
          for (unsigned column = 0; column < 8; ++column)
            chunks[5 * lane % 32 * 8 + column] = static_cast<uint16_t>(
                100 * (lane / 8) + 10 * (lane % 8) + column);
        auto visit = [&](auto function) {
          for (unsigned matrix = 0; matrix < count; ++matrix)
            for (unsigned lane = 0; lane < 32; ++lane) {
              unsigned group = lane / 4, pair = 2 * (lane % 4);
              unsigned low = 100 * matrix + (transpose ? 10 * pair + group
                                                       : 10 * group + pair);
              function(registers.words[matrix * 32 + lane],
                       low | (low + (transpose ? 10 : 1)) << 16);
            }
        };
        std::vector<uint16_t> expected(chunks, chunks + 256);
        if (store) {
          visit([](uint32_t &word, uint32_t value) { word = value; });
          std::memset(chunks, 0xFF, 512);
        }
        Launch launch;
        launch.block = {32, 1, 1};
        std::string text = kernelText(body.text, 2);
        void *memory = chunks, *lanes = registers.words;
        Result result =
            runKernel(machine, text, launch,
                      {store ? lanes : memory, store ? memory : lanes});
        ASSERT_EQ(result.status, Status::Ok) << result.text() << text;
        if (store)
          EXPECT_EQ(std::vector<uint16_t>(chunks, chunks + 256), expected);
        else
          visit([&](uint32_t word, uint32_t value) {
            EXPECT_EQ(word, value) << instruction;
          });
      }
}

TEST(PTXMatrixForms, MoveMatrix) {
  std::string text = kernelText(
      "  .reg .b64 %p<2>;\n  .reg .b32 %t, %r<2>;\n  mov.u32 %t, %tid.x;\n"
      "  ld.param.u64 %p0, [p0];\n  mad.wide.u32 %p0, %t, 4, %p0;\n"
      "  ld.global.b32 %r0, [%p0];\n"
      "  movmatrix.sync.aligned.m8n8.trans.b16 %r1, %r0;\n"
      "  st.global.b32 [%p0], %r1;\n");
  Machine machine;
  auto *words = static_cast<uint32_t *>(machine.allocate(128));
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned low = 10 * (lane / 4) + 2 * (lane % 4);
    words[lane] = low | (low + 1) << 16;
  }
  Launch launch;
  launch.block = {32, 1, 1};
  Result result = runKernel(machine, text, launch, {words});
  ASSERT_EQ(result.status, Status::Ok) << result.text();
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned low = 20 * (lane % 4) + lane / 4;
    EXPECT_EQ(words[lane], low | (low + 10) << 16);
  }
}

// wgmma

static const uint32_t offsetB = 0x2000, imageBytes = 0xA000;

static std::string wgmmaText(const WgmmaForm &form,
                             const WgmmaRegisters &counts, bool scaleD) {
  Text body;
  body << "  .reg .b64 %p<8>;\n  .reg .b32 %t, %x<8>, %a<4>, %d<128>;\n"
          "  .reg .pred %q, %s;\n  mov.u32 %t, %tid.x;\n"
          "  ld.param.u64 %p0, [p0];\n  ld.param.u64 %p1, [p1];\n"
          "  ld.param.u64 %p2, [p2];\n  ld.param.u64 %p3, [p3];\n"
          "  ld.param.u64 %p4, [p4];\n  mad.wide.u32 %p3, %t, 4, %p3;\n"
          "  mad.wide.u32 %p4, %t, 4, %p4;\n"
          // The image of shared memory, chunk by chunk.
          "  mov.u32 %x1, tile;\n  shl.b32 %x2, %t, 4;\n"
          "copy:\n  cvt.u64.u32 %p5, %x2;\n  add.u64 %p6, %p0, %p5;\n"
          "  ld.global.v4.b32 {%x4, %x5, %x6, %x7}, [%p6];\n"
          "  add.u32 %x3, %x1, %x2;\n"
          "  st.shared.v4.b32 [%x3], {%x4, %x5, %x6, %x7};\n"
          "  add.u32 %x2, %x2, 2048;\n  setp.lt.u32 %q, %x2, "
       << imageBytes
       << ";\n  @%q bra copy;\n"
          "  fence.proxy.async.shared::cta;\n  bar.sync 0;\n"
          // Descriptors count from the image's start.
          "  and.b32 %x1, %x1, 0x3FFFF;\n  shr.u32 %x1, %x1, 4;\n"
          "  cvt.u64.u32 %p5, %x1;\n  add.u64 %p1, %p1, %p5;\n"
          "  add.u64 %p2, %p2, %p5;\n";
  if (scaleD)
    body << moveRegisters(false, "d", counts.d, "p3", 128, 4);
  if (form.aInRegisters)
    body << moveRegisters(false, "a", counts.a, "p4", 128, 4);
  body << "  setp.eq.u32 %s, %t, " << (scaleD ? "%t" : "0xFFFFFFFF")
       << ";\n  wgmma.fence.sync.aligned;\n"
          "  wgmma.mma_async.sync.aligned.m64n"
       << form.n << "k" << form.k << "." << getTypeName(form.d) << "."
       << getTypeName(form.a) << "." << getTypeName(form.b)
       << (form.satFinite ? ".satfinite " : " ") << listRegisters("d", counts.d)
       << ", " << (form.aInRegisters ? listRegisters("a", 4) : "%p1")
       << ", %p2, %s";
  if (!isIntegerType(form.a)) {
    body << (form.negateA ? ", -1" : ", 1") << (form.negateB ? ", -1" : ", 1");
    if (getElementBytes(form.a) == 2) {
      if (!form.aInRegisters)
        body << (form.aTransposed ? ", 1" : ", 0");
      body << (form.bTransposed ? ", 1" : ", 0");
    }
  }
  body << ";\n  wgmma.commit_group.sync.aligned;\n"
          "  wgmma.wait_group.sync.aligned 0;\n"
       << moveRegisters(true, "d", counts.d, "p3", 128, 4);
  return kernelText(body.text, 5, "sm_90a",
                    ".extern .shared .align 1024 .b8 tile[];\n");
}

static void checkWgmma(const WgmmaForm &form, Swizzle swizzleA,
                       Swizzle swizzleB, bool scaleD) {
  WgmmaRegisters counts;
  std::string error;
  ASSERT_TRUE(checkWgmmaForm(form, counts, error)) << error;
  std::mt19937 random(form.n + static_cast<unsigned>(form.a));
  bool negative = form.a != MatrixType::U8 && form.b != MatrixType::U8;
  std::vector<int> a = makeValues(random, 64 * form.k, negative);
  std::vector<int> b = makeValues(random, form.n * form.k, negative);
  std::vector<int> c = makeValues(random, 64 * form.n, negative);
  auto valueA = [&](unsigned m, unsigned k) { return a[m * form.k + k]; };
  auto valueB = [&](unsigned n, unsigned k) { return b[n * form.k + k]; };
  SharedImage image;
  uint64_t descriptorA = 0;
  if (!form.aInRegisters)
    descriptorA = encodeMatrixDescriptor(placeTile(
        image, form.a, swizzleA, form.aTransposed, 64, form.k, 0, valueA));
  uint64_t descriptorB = encodeMatrixDescriptor(
      placeTile(image, form.b, swizzleB, form.bTransposed, form.n, form.k,
                offsetB, valueB));
  Machine machine;
  void *bytes = machine.allocate(imageBytes);
  std::memcpy(bytes, image.bytes.data(), imageBytes);
  const unsigned bytesA = getElementBytes(form.a), perA = 4 / bytesA;
  const unsigned bytesD = getElementBytes(form.d);
  Buffer registersA(machine, 4, 128, 4), d(machine, counts.d, 128, 4);
  for (unsigned thread = 0; thread < 128; ++thread) {
    for (unsigned i = 0; i < 4 * perA; ++i) {
      auto [row, k] = findWgmmaA(bytesA, thread / 32, thread % 32, i);
      registersA.put(thread, i, bytesA, encodeElement(form.a, valueA(row, k)));
    }
    for (unsigned i = 0; i < form.n / 2; ++i) {
      auto [row, column] = findWgmmaD(thread / 32, thread % 32, i);
      d.put(thread, i, bytesD, encodeElement(form.d, c[row * form.n + column]));
    }
  }
  Launch launch;
  launch.block = {128, 1, 1};
  launch.dynamicSharedBytes = imageBytes;
  std::string text = wgmmaText(form, counts, scaleD);
  Result result = runKernel(machine, text, launch,
                            {bytes, reinterpret_cast<void *>(descriptorA),
                             reinterpret_cast<void *>(descriptorB), d.words,
                             registersA.words});
  ASSERT_EQ(result.status, Status::Ok) << result.text() << text;
  int sign = (form.negateA ? -1 : 1) * (form.negateB ? -1 : 1);
  for (unsigned thread = 0; thread < 128; ++thread)
    for (unsigned i = 0; i < form.n / 2; ++i) {
      auto [row, column] = findWgmmaD(thread / 32, thread % 32, i);
      int sum = 0;
      for (unsigned k = 0; k < form.k; ++k)
        sum += valueA(row, k) * valueB(column, k);
      sum = sign * sum + (scaleD ? c[row * form.n + column] : 0);
      ASSERT_EQ(decodeAccumulator(form.d, d.get(thread, i, bytesD)), sum)
          << "n " << form.n << " " << getTypeName(form.a);
    }
}

static WgmmaForm makeForm(unsigned n, MatrixType d, MatrixType a,
                          MatrixType b) {
  WgmmaForm form;
  form.n = n;
  form.k = 32 / getElementBytes(a);
  form.d = d;
  form.a = a;
  form.b = b;
  return form;
}

TEST(PTXMatrixForms, WgmmaOfEveryType) {
  using T = MatrixType;
  const T types[][3] = {{T::F32, T::F16, T::F16},   {T::F16, T::F16, T::F16},
                        {T::F32, T::BF16, T::BF16}, {T::F32, T::TF32, T::TF32},
                        {T::F32, T::E4M3, T::E4M3}, {T::F32, T::E4M3, T::E5M2},
                        {T::F32, T::E5M2, T::E4M3}, {T::F32, T::E5M2, T::E5M2},
                        {T::F16, T::E4M3, T::E5M2}, {T::S32, T::S8, T::S8},
                        {T::S32, T::U8, T::U8},     {T::S32, T::S8, T::U8},
                        {T::S32, T::U8, T::S8}};
  for (const T(&type)[3] : types)
    for (bool inRegisters : {false, true}) {
      WgmmaForm form = makeForm(32, type[0], type[1], type[2]);
      form.aInRegisters = inRegisters;
      checkWgmma(form, Swizzle::Bytes128, Swizzle::Bytes128, true);
      form.satFinite = isIntegerType(form.a);
      checkWgmma(form, Swizzle::None, Swizzle::Bytes32, false);
    }
}

TEST(PTXMatrixForms, WgmmaOfEveryMajor) {
  for (MatrixType type : {MatrixType::F16, MatrixType::BF16})
    for (Swizzle swizzle :
         {Swizzle::None, Swizzle::Bytes32, Swizzle::Bytes64, Swizzle::Bytes128})
      for (unsigned choice = 0; choice < 8; ++choice) {
        WgmmaForm form = makeForm(64, MatrixType::F32, type, type);
        form.aInRegisters = choice & 4;
        form.aTransposed = (choice & 1) && !form.aInRegisters;
        form.bTransposed = choice & 2;
        form.negateA = choice & 1;
        form.negateB = choice == 6;
        checkWgmma(form, swizzle, swizzle, true);
      }
}

TEST(PTXMatrixForms, WgmmaOfEveryWidth) {
  for (unsigned n = 8; n <= 256; n += 8) {
    checkWgmma(makeForm(n, MatrixType::F32, MatrixType::BF16, MatrixType::BF16),
               Swizzle::Bytes128, Swizzle::Bytes128, true);
    if (n <= 32 || n % 16 == 0)
      checkWgmma(makeForm(n, MatrixType::S32, MatrixType::S8, MatrixType::S8),
                 Swizzle::Bytes64, Swizzle::Bytes64, true);
  }
}
