// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// From the record of a tensor map to its numbers, and what a manifest says of
/// records.
#include "TestPackage.h"
#include "core/Manifest.h"
#include "device/TensorMaps.h"
#include <gmock/gmock.h>

using namespace trine::runtime;
using namespace trine::runtime::test;

/// Rows of 96 elements of a tensor [word 1, word 2, 128], from element 8 on.
static TensorMapRecord makeRecord() {
  TensorMapRecord record;
  record.element = MapElement::F16;
  record.word = 0;
  record.offset = {16, {}};
  record.sizes = {{96, {}}, {1, {2}}, {1, {1}}};
  record.strides = {{256, {}}, {256, {2}}};
  record.box = {64, 128, 1};
  return record;
}

static std::string evaluate(const TensorMapRecord &record,
                            const std::vector<uint64_t> &words,
                            TensorMapValues &values) {
  std::string problem;
  bool good =
      evaluateTensorMap(record, words.data(),
                        static_cast<uint32_t>(words.size()), values, problem);
  EXPECT_EQ(good, problem.empty());
  return problem;
}

TEST(TensorMaps, TakeSizesFromTheWords) {
  TensorMapValues values, others;
  EXPECT_EQ(evaluate(makeRecord(), {0x1000, 3, 5}, values), "");
  EXPECT_EQ(values.element, MapElement::F16);
  EXPECT_EQ(values.rank, 3u);
  EXPECT_EQ(values.address, 0x1010u);
  EXPECT_THAT(values.sizes, testing::ElementsAre(96, 5, 3, 1, 1));
  EXPECT_THAT(values.strides, testing::ElementsAre(256, 1280, 0, 0));
  EXPECT_THAT(values.box, testing::ElementsAre(64, 128, 1, 1, 1));
  EXPECT_EQ(evaluate(makeRecord(), {0x1000, 3, 5}, others), "");
  EXPECT_TRUE(values == others);
  EXPECT_EQ(values.hash(), others.hash());
  EXPECT_EQ(evaluate(makeRecord(), {0x1000, 3, 6}, others), "");
  EXPECT_FALSE(values == others);
  EXPECT_NE(values.hash(), others.hash());
}

TEST(TensorMaps, HaveNoEmptyDimensions) {
  TensorMapValues values;
  // The stride of a dimension of one element says nothing: it is what lies
  // within it, so that the driver has nothing to refuse.
  EXPECT_EQ(evaluate(makeRecord(), {0x1000, 0, 0}, values), "");
  EXPECT_THAT(values.sizes, testing::ElementsAre(96, 1, 1, 1, 1));
  EXPECT_THAT(values.strides, testing::ElementsAre(192, 192, 0, 0));
  TensorMapRecord record = makeRecord();
  record.strides[1] = {0, {}};
  record.sizes[2] = {1, {}};
  EXPECT_EQ(evaluate(record, {0x1000, 3, 5}, values), "");
  EXPECT_THAT(values.strides, testing::ElementsAre(256, 1216, 0, 0));
  // As far as strides go.
  record.strides[0] = {int64_t(1) << 39, {}};
  EXPECT_EQ(evaluate(record, {0x1000, 3, 2147483647}, values), "");
  EXPECT_EQ(values.strides[1], uint64_t(1) << 39);
}

TEST(TensorMaps, AreRefusedBeyondTheirLimits) {
  TensorMapValues values;
  EXPECT_EQ(evaluate(makeRecord(), {0x1008, 3, 5}, values),
            "its address is no multiple of 16 bytes");
  EXPECT_EQ(evaluate(makeRecord(), {0x1000, 3, 2147483648}, values),
            "dimension 1 has more than 2147483647 elements");
  EXPECT_EQ(evaluate(makeRecord(), {0x1000, 3, UINT64_MAX}, values),
            "dimension 1 has more than 2147483647 elements");
  TensorMapRecord record = makeRecord();
  record.sizes[1] = {1, {2, 2, 2}};
  EXPECT_EQ(evaluate(record, {0x1000, 3, 4194304}, values),
            "dimension 1 has more than 2147483647 elements");
  record = makeRecord();
  record.strides[1] = {int64_t(1) << 30, {2}};
  EXPECT_EQ(evaluate(record, {0x1000, 3, 1023}, values), "");
  EXPECT_EQ(evaluate(record, {0x1000, 3, 1024}, values),
            "the stride of dimension 2 is no multiple of 16 bytes below 2^40");
  record.strides[1] = {8, {}};
  EXPECT_EQ(evaluate(record, {0x1000, 3, 5}, values),
            "the stride of dimension 2 is no multiple of 16 bytes below 2^40");
  EXPECT_EQ(evaluate(makeRecord(), {0x1000, 3}, values),
            "dimension 1 has more than 2147483647 elements");
  EXPECT_EQ(evaluate(makeRecord(), {}, values),
            "its address is not in the words of the launch");
  record = makeRecord();
  record.box.pop_back();
  EXPECT_EQ(evaluate(record, {0x1000, 3, 5}, values),
            "it has 3 sizes, 2 strides and a box of 2");
}

/// A manifest whose kernel 1 has this map on sm_90a.
static std::string withMap(const std::string &map) {
  return replaceOnce(
      getPlainManifest(), "\"nodes\": [\"Mul_1\", 2]",
      ("\"nodes\": [\"Mul_1\", 2], \"workgroups_per_block\": 1, \"code\": "
       "[{\"arch\": \"sm_90a\", \"path\": \"program.so\", \"threads\": 128, "
       "\"shared_bytes\": 0, \"maps\": [" +
       map + "]}]")
          .c_str());
}

static const char *const kMap =
    "{\"type\": \"f16\", \"word\": 3, \"offset\": [16], \"sizes\": [[96], [1, "
    "2], [4, 0, 5]], \"strides\": [[256], [256, 2]], \"box\": [64, 128, 1]}";

TEST(TensorMaps, AreReadFromTheManifest) {
  Manifest manifest;
  Status status = parseManifest(withMap(kMap), manifest);
  ASSERT_TRUE(status.ok()) << status.getMessage();
  ASSERT_EQ(manifest.kernels[1].code.size(), 1u);
  ASSERT_EQ(manifest.kernels[1].code[0].maps.size(), 1u);
  const TensorMapRecord &map = manifest.kernels[1].code[0].maps[0];
  EXPECT_EQ(map.element, MapElement::F16);
  EXPECT_EQ(map.word, 3u);
  EXPECT_EQ(map.offset.factor, 16);
  ASSERT_EQ(map.sizes.size(), 3u);
  EXPECT_EQ(map.sizes[2].factor, 4);
  EXPECT_THAT(map.sizes[2].words, testing::ElementsAre(0, 5));
  EXPECT_THAT(map.strides[1].words, testing::ElementsAre(2));
  EXPECT_THAT(map.box, testing::ElementsAre(64, 128, 1));
}

TEST(TensorMaps, OfManifestsAreChecked) {
  auto problem = [](const char *from, const char *to) {
    Manifest manifest;
    Status status =
        parseManifest(withMap(replaceOnce(kMap, from, to)), manifest);
    EXPECT_EQ(status.getCode(), TRINE_ERROR_BAD_PACKAGE);
    std::string text = status.getMessage();
    const std::string place = "manifest.json: 'kernels[1].code[0].maps[0]";
    EXPECT_EQ(text.substr(0, place.size()), place);
    return text.substr(std::min(place.size(), text.size()));
  };
  EXPECT_EQ(problem("f16", "f32"), ".type' must be f16 or bf16, got 'f32'");
  EXPECT_EQ(problem("\"f16\"", "1"), ".type' must be a string, got 1");
  EXPECT_EQ(problem("3", "256"),
            ".word' must be an integer in [0, 255], got 256");
  EXPECT_EQ(problem("[16]", "[]"),
            ".offset' must be a number, then words, got an array");
  EXPECT_EQ(problem("[16]", "[16, -1]"),
            ".offset[1]' must be an integer in [0, 255], got -1");
  EXPECT_EQ(problem("[256, 2]", "[256, 300]"),
            ".strides[1][1]' must be an integer in [0, 255], got 300");
  EXPECT_EQ(problem("[64, 128, 1]", "[64, 257, 1]"),
            ".box[1]' must be an integer in [1, 256], got 257");
  EXPECT_EQ(problem("[64, 128, 1]", "[64, 128]"),
            "' must have a stride less than sizes, and a box of as many");
  EXPECT_EQ(problem("[[96], [1, 2], [4, 0, 5]]", "[[96]]"),
            ".sizes' must be 2 to 5 sizes, got an array");
}
