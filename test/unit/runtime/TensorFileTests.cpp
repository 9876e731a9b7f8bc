// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensors in files: what is written reads back, and what is bad is refused.
#include "io/Formats.h"
#include "trine/Runtime/TensorFile.h"
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sstream>

using namespace trine::runtime;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {
class TensorFile : public testing::Test {
protected:
  TensorFile() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "trine-test-XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  ~TensorFile() override { std::filesystem::remove_all(folder); }

  std::string write(const std::string &name, const std::string &bytes) {
    std::string path = folder + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::string load(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  /// Reads a file that must be bad; gives the message without the path.
  std::string getProblem(const std::string &name, const std::string &bytes) {
    std::string path = write(name, bytes), error;
    std::vector<HostTensor> tensors;
    EXPECT_FALSE(readTensors(path, tensors, error)) << name;
    EXPECT_EQ(error.substr(0, path.size() + 1), "'" + path) << error;
    return error.substr(path.size() + 1);
  }

  std::string folder;
};
} // namespace

static std::string makeNpy(const std::string &header, size_t dataBytes) {
  std::string bytes = "\x93NUMPY";
  bytes += '\1';
  bytes += '\0';
  bytes += static_cast<char>(header.size());
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  for (size_t i = 0; i < dataBytes; ++i)
    bytes += static_cast<char>(i);
  return bytes;
}

TEST_F(TensorFile, EveryTypeReadsBack) {
  char data[6 * 8];
  for (size_t i = 0; i < sizeof(data); ++i)
    data[i] = static_cast<char>(i * 7);
  for (const char *format : {"npy", "npz", "safetensors"})
    for (trine_type type = TRINE_TYPE_F64; type <= TRINE_TYPE_BOOL; ++type) {
      trine_tensor tensor = {"a name", data, 6 * trine_type_size(type),
                             type,     2,    {2, 3}};
      std::string path = folder + "/t." + format, error;
      ASSERT_TRUE(writeTensors(path, {tensor}, error)) << error;
      std::vector<HostTensor> tensors;
      ASSERT_TRUE(readTensors(path, tensors, error)) << error;
      ASSERT_EQ(tensors.size(), 1u);
      EXPECT_EQ(tensors[0].name, format == std::string("npy") ? "" : "a name");
      EXPECT_EQ(tensors[0].type, type);
      EXPECT_THAT(tensors[0].sizes, ElementsAre(2, 3));
      ASSERT_EQ(tensors[0].bytes, tensor.bytes);
      EXPECT_EQ(memcmp(tensors[0].getData(), data, tensor.bytes), 0);
    }
}

TEST_F(TensorFile, ManyTensorsReadBack) {
  float a[4] = {1, 2, 3, 4};
  int64_t b = -7;
  std::vector<trine_tensor> written = {
      {"a", a, 16, TRINE_TYPE_F32, 1, {4}},
      {"past.0/key", &b, 8, TRINE_TYPE_I64, 0, {}},
      {"empty", nullptr, 0, TRINE_TYPE_F16, 3, {2, 0, 3}}};
  for (const char *format : {"npz", "safetensors"}) {
    std::string path = folder + "/t." + format, error;
    ASSERT_TRUE(writeTensors(path, written, error)) << error;
    std::vector<HostTensor> tensors;
    ASSERT_TRUE(readTensors(path, tensors, error)) << error;
    ASSERT_EQ(tensors.size(), 3u);
    for (const trine_tensor &expected : written) {
      auto found = std::find_if(
          tensors.begin(), tensors.end(),
          [&](const HostTensor &t) { return t.name == expected.name; });
      ASSERT_NE(found, tensors.end()) << expected.name;
      EXPECT_EQ(
          found->sizes,
          std::vector<int64_t>(expected.sizes, expected.sizes + expected.rank));
      EXPECT_EQ(found->bytes, expected.bytes);
      if (expected.bytes) {
        EXPECT_EQ(memcmp(found->getData(), expected.data, expected.bytes), 0);
      }
    }
  }
}

TEST_F(TensorFile, NpyHeaderIsThatOfNumpy) {
  trine_tensor tensor = {"", nullptr, 0, TRINE_TYPE_F32, 1, {0}};
  std::string header = makeNpyHeader(tensor);
  EXPECT_EQ(header.size() % 64, 0u);
  EXPECT_THAT(header, HasSubstr("{'descr': '<f4', 'fortran_order': False, "
                                "'shape': (0,), }"));
  EXPECT_EQ(header.back(), '\n');
}

TEST_F(TensorFile, FortranOrderIsTurned) {
  // Element (i, j, k) of shape 2 x 3 x 2 is at i + 2 j + 6 k.
  std::string path = write(
      "t.npy", makeNpy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, "
                       "3, 2)}",
                       12));
  std::vector<HostTensor> tensors;
  std::string error;
  ASSERT_TRUE(readTensors(path, tensors, error)) << error;
  const uint8_t *data = static_cast<uint8_t *>(tensors[0].getData());
  EXPECT_THAT(std::vector<int>(data, data + 12),
              ElementsAre(0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11));
}

TEST_F(TensorFile, TwoBytesMayBeBfloat16) {
  std::vector<HostTensor> tensors;
  std::string error;
  for (const char *descr : {"<u2", "|V2", "<f2"}) {
    std::string header = "{'descr': '" + std::string(descr) +
                         "', 'fortran_order': False, 'shape': (1,), }";
    ASSERT_TRUE(readTensors(write("t.npy", makeNpy(header, 2)), tensors, error))
        << error;
  }
  EXPECT_EQ(tensors[0].type, TRINE_TYPE_U16);
  EXPECT_TRUE(tensors[0].opaque);
  EXPECT_EQ(tensors[1].type, TRINE_TYPE_BF16);
  EXPECT_TRUE(tensors[1].opaque);
  EXPECT_FALSE(tensors[2].opaque);
}

TEST_F(TensorFile, OneByteMayBeASmallType) {
  std::vector<HostTensor> tensors;
  std::string error;
  for (const char *descr : {"|u1", "|V1", "|i1"}) {
    std::string header = "{'descr': '" + std::string(descr) +
                         "', 'fortran_order': False, 'shape': (1,), }";
    ASSERT_TRUE(readTensors(write("t.npy", makeNpy(header, 1)), tensors, error))
        << error;
  }
  EXPECT_TRUE(tensors[0].opaque);
  EXPECT_TRUE(tensors[1].opaque);
  EXPECT_FALSE(tensors[2].opaque);
  // They are written as numpy writes those of ml_dtypes.
  char data[2] = {1, 2};
  trine_tensor tensor = {"a", data, 2, TRINE_TYPE_F8E4M3FN, 1, {2}};
  std::string path = folder + "/small.npy";
  ASSERT_TRUE(writeTensors(path, {tensor}, error)) << error;
  ASSERT_TRUE(readTensors(path, tensors, error)) << error;
  EXPECT_EQ(tensors.back().type, TRINE_TYPE_U8);
  EXPECT_EQ(tensors.back().bytes, 2u);
  // safetensors has a name for some.
  path = folder + "/small.safetensors";
  ASSERT_TRUE(writeTensors(path, {tensor}, error)) << error;
  ASSERT_TRUE(readTensors(path, tensors, error)) << error;
  EXPECT_EQ(tensors.back().type, TRINE_TYPE_F8E4M3FN);
}

TEST_F(TensorFile, BadNpy) {
  std::string good =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  EXPECT_EQ(getProblem("a.npy", "short"),
            "' is no .npy: it does not begin with \\x93NUMPY");
  std::string bytes = makeNpy(good, 8);
  bytes[6] = 4;
  EXPECT_EQ(getProblem("a.npy", bytes),
            "' is of .npy version 4, expected 1 to 3");
  EXPECT_EQ(getProblem("a.npy", makeNpy(good, 8).substr(0, 40)),
            "' is truncated in its header");
  EXPECT_EQ(getProblem("a.npy", makeNpy(good, 7)),
            "' is truncated: its data has 7 bytes, too few for [2] of f32");
  EXPECT_EQ(getProblem("a.npy", makeNpy("{'descr': '>f4', 'fortran_order': "
                                        "False, 'shape': (2,), }",
                                        8)),
            "' has element type '>f4', which Trine cannot take");
  const char *noHeader = "' has a header that is not a .npy's, or an element "
                         "type that is not simple";
  for (const char *header :
       {"", "{}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': "
        "(2,)}",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': "
        "(99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2", "{'descr",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
        "{'descr': '<f4', 'other': False, 'shape': (2,)}"})
    EXPECT_EQ(getProblem("a.npy", makeNpy(header, 8)), noHeader) << header;
  EXPECT_THAT(getProblem("a.npy", makeNpy("{'descr': '<f4', 'fortran_order': "
                                          "False, 'shape': (4294967296, "
                                          "4294967296)}",
                                          8)),
              HasSubstr("too few for"));
}

TEST_F(TensorFile, NpySurvivesDamage) {
  std::string good =
      makeNpy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", 16);
  for (size_t i = 0; i < good.size(); ++i) {
    HostTensor tensor;
    EXPECT_FALSE(
        readNpy(reinterpret_cast<const uint8_t *>(good.data()), i, "t", tensor)
            .ok());
    for (int c = 0; c < 256; c += 3) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(c);
      HostTensor other;
      Status status = readNpy(reinterpret_cast<const uint8_t *>(bytes.data()),
                              bytes.size(), "t", other);
      EXPECT_EQ(status.ok(), status.getMessage().empty());
    }
  }
}

TEST_F(TensorFile, BadNpz) {
  EXPECT_THAT(getProblem("a.npz", "no archive"),
              HasSubstr("' cannot be opened: "));
  std::string path = folder + "/good.npz", error;
  float a[4] = {1, 2, 3, 4};
  ASSERT_TRUE(
      writeTensors(path, {{"a", a, 16, TRINE_TYPE_F32, 1, {4}}}, error));
  std::string good = load(path), damaged = good;
  damaged[good.find("NUMPY")] = 'n';
  EXPECT_THAT(getProblem("a.npz", damaged),
              HasSubstr("' member 0 cannot be read: "));
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<HostTensor> tensors;
    EXPECT_FALSE(
        readTensors(write("cut.npz", good.substr(0, i)), tensors, error));
    std::string bytes = good;
    bytes[i] ^= 0x55;
    std::vector<HostTensor> others;
    bool read = readTensors(write("bad.npz", bytes), others, error);
    EXPECT_EQ(read, error.empty());
  }
}

TEST_F(TensorFile, BadSafetensors) {
  EXPECT_EQ(getProblem("a.safetensors", "1234567"),
            "' must have at least 8 bytes, got 7");
  std::string header = R"({"a":{"dtype":"C64","shape":[1],)"
                       R"("data_offsets":[0,8]}})";
  std::string bytes = {static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(getProblem("a.safetensors", bytes + header + "12345678"),
            "' tensor 'a' has type 'C64', which Trine cannot take");
}

TEST_F(TensorFile, BadPaths) {
  std::vector<HostTensor> tensors;
  std::string error, path = folder + "/x.txt";
  EXPECT_FALSE(readTensors(path, tensors, error));
  EXPECT_EQ(error, "'" + path + "' must end with .npy, .npz or .safetensors");
  EXPECT_FALSE(writeTensors(path, {}, error));
  EXPECT_EQ(error, "'" + path + "' must end with .npy, .npz or .safetensors");
  path = folder + "/x.npy";
  EXPECT_FALSE(readTensors(path, tensors, error));
  EXPECT_EQ(error,
            "'" + path + "' cannot be opened: No such file or directory");
  EXPECT_FALSE(writeTensors(path, {}, error));
  EXPECT_EQ(error, "'" + path + "' takes 1 tensor, got 0");
  path = folder + "/none/x.safetensors";
  EXPECT_FALSE(writeTensors(path, {}, error));
  EXPECT_EQ(error,
            "'" + path + "' cannot be written: No such file or directory");
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "nothing may be left";
}
