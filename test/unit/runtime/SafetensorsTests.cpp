// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "core/Safetensors.h"
#include <gmock/gmock.h>

using namespace trine::runtime;

static std::string makeFile(const std::string &header, size_t dataBytes) {
  std::string file(8, '\0');
  for (int i = 0; i < 8; ++i)
    file[i] = static_cast<char>(uint64_t(header.size()) >> (8 * i));
  return file + header + std::string(dataBytes, 'd');
}

static Status parse(const std::string &file, SafetensorsHeader &header,
                    bool allowGaps = false) {
  return parseSafetensors(reinterpret_cast<const uint8_t *>(file.data()),
                          file.size(), "w.safetensors", allowGaps,
                          TRINE_ERROR_BAD_PACKAGE, header);
}

static std::string getProblem(const std::string &header, size_t dataBytes) {
  SafetensorsHeader result;
  Status status = parse(makeFile(header, dataBytes), result);
  EXPECT_EQ(status.getCode(), TRINE_ERROR_BAD_PACKAGE);
  return status.getMessage();
}

TEST(Safetensors, Reads) {
  SafetensorsHeader header;
  std::string text =
      R"({"__metadata__":{"format":"pt"},)"
      R"("b":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]},)"
      R"("e":{"dtype":"F32","shape":[0,3],"data_offsets":[8,8]},)"
      R"("a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})";
  Status status = parse(makeFile(text, 20), header);
  ASSERT_TRUE(status.ok()) << status.getMessage();
  EXPECT_EQ(header.dataOffset, 8 + text.size());
  ASSERT_EQ(header.entries.size(), 3u);
  EXPECT_EQ(header.entries[0].name, "a");
  EXPECT_EQ(header.entries[1].name, "e");
  EXPECT_EQ(header.entries[2].name, "b");
  EXPECT_EQ(header.entries[2].type, TRINE_TYPE_BF16);
  EXPECT_THAT(header.entries[2].sizes, testing::ElementsAre(2, 3));
  EXPECT_EQ(header.entries[2].end, 20u);
}

TEST(Safetensors, ReadsNoTensors) {
  SafetensorsHeader header;
  EXPECT_TRUE(parse(makeFile("{}", 0), header).ok());
  EXPECT_TRUE(header.entries.empty());
}

TEST(Safetensors, BadLengths) {
  SafetensorsHeader header;
  EXPECT_EQ(parse("1234567", header).getMessage(),
            "'w.safetensors' must have at least 8 bytes, got 7");
  std::string file = makeFile("{}", 0);
  file[0] = 3;
  EXPECT_EQ(parse(file, header).getMessage(),
            "'w.safetensors' has a header of 3 bytes, but only 2 follow");
  file[7] = '\xff';
  EXPECT_EQ(parse(file, header).getMessage(),
            "'w.safetensors' has a header of 18374686479671623683 bytes, but "
            "only 2 follow");
  std::string large(100'000'001, ' ');
  EXPECT_EQ(parse(makeFile(large, 0), header).getMessage(),
            "'w.safetensors' has a header of 100000001 bytes; at most "
            "100000000 are allowed");
}

TEST(Safetensors, BadHeaders) {
  EXPECT_EQ(getProblem("{", 0),
            "'w.safetensors' has a header that is not valid JSON");
  EXPECT_EQ(getProblem("[]", 0),
            "'w.safetensors' has a header that is no JSON object");
  EXPECT_EQ(getProblem("{\"a\":1,\"a\":2}", 0),
            "'w.safetensors' has a header that has the key 'a' twice");
}

TEST(Safetensors, BadEntries) {
  EXPECT_EQ(getProblem(R"({"a":{"dtype":"F33","shape":[1],)"
                       R"("data_offsets":[0,4]}})",
                       4),
            "'w.safetensors': 'a.dtype' must be a known type, got 'F33'");
  EXPECT_EQ(getProblem(R"({"a":{"dtype":"F32","shape":[-1],)"
                       R"("data_offsets":[0,4]}})",
                       4),
            "'w.safetensors': 'a.shape[0]' must be an integer of at least 0, "
            "got -1");
  EXPECT_EQ(getProblem(R"({"a":{"dtype":"F32","shape":[1],)"
                       R"("data_offsets":[0]}})",
                       4),
            "'w.safetensors': 'a.data_offsets' must have 2 elements, got 1");
  EXPECT_EQ(getProblem(R"({"a":{"dtype":"F32","shape":[1],)"
                       R"("data_offsets":[4,8]}})",
                       4),
            "'w.safetensors': tensor 'a' is at bytes [4, 8), but the data has "
            "4\n'w.safetensors': bytes [0, 4) belong to no tensor");
  EXPECT_EQ(getProblem(R"({"a":{"dtype":"F32","shape":[1],)"
                       R"("data_offsets":[4,0]}})",
                       4),
            "'w.safetensors': tensor 'a' is at bytes [4, 0), but the data has "
            "4\n'w.safetensors': bytes [0, 4) belong to no tensor");
  EXPECT_EQ(getProblem(R"({"a":{"dtype":"F32","shape":[2],)"
                       R"("data_offsets":[0,4]}})",
                       4),
            "'w.safetensors': tensor 'a' needs 8 bytes, but has 4");
  EXPECT_EQ(getProblem(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],)"
                       R"("data_offsets":[0,4]}})",
                       4),
            "'w.safetensors': tensor 'a' is too large");
}

TEST(Safetensors, DimensionsAreCountedBeforeTheyAreRead) {
  std::string shape = "1";
  for (int i = 0; i < 1000000; ++i)
    shape += ",1";
  EXPECT_EQ(getProblem(R"({"a":{"dtype":"U8","shape":[)" + shape +
                           R"(],"data_offsets":[0,1]}})",
                       1),
            "'w.safetensors': 'a.shape' must have at most 32 dimensions, got "
            "1000001");
}

// Each problem has a text: a million wrong entries would take gigabytes.
TEST(Safetensors, ReadingStopsAfterManyProblems) {
  std::string text = "{";
  for (int i = 0; i < 100000; ++i)
    text += (i ? ",\"" : "\"") + std::to_string(i) + "\":0";
  std::string problem = getProblem(text + "}", 0);
  EXPECT_NE(problem.find("more problems"), std::string::npos);
  EXPECT_EQ(problem.find("0 more problems"), std::string::npos) << problem;
}

TEST(Safetensors, Overlaps) {
  EXPECT_EQ(getProblem(R"({"a":{"dtype":"U8","shape":[4],)"
                       R"("data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],)"
                       R"("data_offsets":[3,5]}})",
                       5),
            "'w.safetensors': tensors 'a' and 'b' overlap");
}

TEST(Safetensors, Gaps) {
  std::string text = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                     R"("b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}})";
  EXPECT_EQ(getProblem(text, 4),
            "'w.safetensors': bytes [2, 3) belong to no tensor");
  SafetensorsHeader header;
  EXPECT_TRUE(parse(makeFile(text, 9), header, /*allowGaps=*/true).ok());
  EXPECT_EQ(getProblem(R"({"a":{"dtype":"U8","shape":[2],)"
                       R"("data_offsets":[0,2]}})",
                       3),
            "'w.safetensors': bytes [2, 3) belong to no tensor");
}

TEST(Safetensors, SurvivesDamage) {
  std::string file =
      makeFile(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
               R"("b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
               3);
  for (size_t i = 0; i < file.size(); ++i) {
    SafetensorsHeader header;
    EXPECT_FALSE(parse(file.substr(0, i), header).ok());
    for (int c = 0; c < 256; c += 5) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(c);
      SafetensorsHeader other;
      Status status = parse(damaged, other);
      EXPECT_EQ(status.ok(), status.getMessage().empty());
    }
  }
}
