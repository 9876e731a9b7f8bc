// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "WireScanner.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace mlir::trine;

namespace {

std::string varint(uint64_t value) {
  std::string result;
  for (; value >= 0x80; value >>= 7)
    result.push_back(char(value | 0x80));
  result.push_back(char(value));
  return result;
}

std::string field(unsigned number, const std::string &content) {
  return varint(number << 3 | 2) + varint(content.size()) + content;
}
std::string number(unsigned field, uint64_t value) {
  return varint(field << 3) + varint(value);
}

llvm::Expected<StrippedModel> scan(const std::string &bytes,
                                   const ScanLimits &limits = {}) {
  return scanModel(
      llvm::ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()),
                     bytes.size()),
      limits);
}

/// The scan's error; empty if there is none.
std::string scanError(const std::string &bytes, const ScanLimits &limits = {}) {
  llvm::Expected<StrippedModel> model = scan(bytes, limits);
  return model ? "" : llvm::toString(model.takeError());
}

/// Reads wire format back: the content of the fields `path`, the first of each
/// number.
std::string find(const std::string &bytes, std::vector<unsigned> path) {
  size_t position = 0;
  auto read = [&] {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      uint8_t byte = bytes.at(position++);
      value |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return value;
    }
  };
  while (position < bytes.size()) {
    uint64_t tag = read();
    size_t start = position;
    uint64_t length = read();
    if ((tag & 7) == 0) {
      if (path.size() == 1 && tag >> 3 == path[0])
        return bytes.substr(start, position - start);
      continue;
    }
    std::string content = bytes.substr(position, length);
    EXPECT_EQ(content.size(), length);
    if (tag >> 3 == path[0])
      return path.size() == 1 ? content
                              : find(content, {path.begin() + 1, path.end()});
    position += length;
  }
  return "absent";
}

TEST(WireScanner, KeepsSmallTensors) {
  std::string tensor =
      number(2, 1) + field(8, "w") + field(9, std::string(1024, 'x'));
  std::string bytes = field(7, field(5, tensor));
  llvm::Expected<StrippedModel> model = scan(bytes);
  ASSERT_TRUE(bool(model));
  EXPECT_TRUE(model->payloads.empty());
  EXPECT_EQ(model->bytes, bytes);
}

TEST(WireScanner, TakesOutLargeTensorsWhereverTheyAre) {
  std::string data(2000, 'x'),
      tensor = field(8, "w") + field(9, data) + number(2, 1);
  std::string attribute = field(1, "value") + field(5, tensor);
  struct Place {
    std::string bytes;
    std::vector<unsigned> path;
  } places[] = {
      {field(7, field(5, tensor)), {7, 5}},                // initialiser
      {field(7, field(15, field(1, tensor))), {7, 15, 1}}, // sparse initialiser
      {field(7, field(1, field(5, attribute))), {7, 1, 5, 5}}, // Constant
      {field(7, field(1, field(5, field(6, field(5, tensor))))),
       {7, 1, 5, 6, 5}}, // in a subgraph
      {field(25, field(7, field(5, attribute))),
       {25, 7, 5, 5}},                                // in a function
      {field(25, field(11, attribute)), {25, 11, 5}}, // a function's default
      {field(7, field(1, field(5, field(22, field(1, tensor))))),
       {7, 1, 5, 22, 1}}, // sparse constant
  };
  for (const Place &place : places) {
    llvm::Expected<StrippedModel> model = scan(place.bytes);
    ASSERT_TRUE(bool(model));
    ASSERT_EQ(model->payloads.size(), 1u);
    const Payload &payload = model->payloads[0];
    EXPECT_EQ(payload.offset, place.bytes.find(data));
    EXPECT_EQ(payload.length, 2000u);
    EXPECT_EQ(payload.field, PayloadField::RawData);
    EXPECT_LT(model->bytes.size(), 60u);
    std::vector<unsigned> path = place.path;
    path.push_back(8);
    EXPECT_EQ(find(model->bytes, path), "w");
    path.back() = 3; // segment
    EXPECT_EQ(find(model->bytes, path), number(1, 0));
    path.back() = 2;
    EXPECT_EQ(find(model->bytes, path), std::string(1, 1));
    path.back() = 9;
    EXPECT_EQ(find(model->bytes, path), "absent");
  }
}

TEST(WireScanner, CountsPayloadsInOrder) {
  std::string bytes = field(7, field(5, field(4, std::string(4000, 'a'))) +
                                   field(5, field(10, std::string(8000, 'b'))));
  llvm::Expected<StrippedModel> model = scan(bytes);
  ASSERT_TRUE(bool(model));
  ASSERT_EQ(model->payloads.size(), 2u);
  EXPECT_EQ(model->payloads[0].field, PayloadField::FloatData);
  EXPECT_EQ(model->payloads[0].offset, bytes.find('a'));
  EXPECT_EQ(model->payloads[1].field, PayloadField::DoubleData);
  EXPECT_EQ(model->payloads[1].offset, bytes.find("bbbb"));
  EXPECT_EQ(model->payloads[1].length, 8000u);
}

TEST(WireScanner, LeavesDataInSeveralFields) {
  std::string tensor =
      field(9, std::string(2000, 'a')) + field(4, std::string(2000, 'b'));
  llvm::Expected<StrippedModel> model = scan(field(7, field(5, tensor)));
  ASSERT_TRUE(bool(model));
  EXPECT_TRUE(model->payloads.empty());
  // Integers have no byte image: they are numbers of varying length.
  model = scan(field(7, field(5, field(7, std::string(2000, 1)))));
  ASSERT_TRUE(bool(model));
  EXPECT_TRUE(model->payloads.empty());
}

TEST(WireScanner, DropsWhatIsNeverRead) {
  std::string node =
      field(4, "Add") + field(6, "documentation") + field(9, "metadata");
  std::string graph = field(1, node) + field(13, "value_info") + field(2, "g");
  llvm::Expected<StrippedModel> model =
      scan(field(2, "p") + field(6, "documentation") + field(7, graph) +
           field(20, "training"));
  ASSERT_TRUE(bool(model));
  EXPECT_EQ(model->bytes, field(2, "p") + field(7, field(1, field(4, "Add")) +
                                                       field(2, "g")));
}

TEST(WireScanner, HonoursTheInlineLimit) {
  ScanLimits limits;
  limits.inlineBytes = 0;
  std::string small = field(7, field(5, field(9, std::string(16, 'x'))));
  llvm::Expected<StrippedModel> model = scan(small, limits);
  ASSERT_TRUE(bool(model));
  // What takes the place of a payload must not be larger than it.
  EXPECT_TRUE(model->payloads.empty());
  model = scan(field(7, field(5, field(9, std::string(17, 'x')))), limits);
  ASSERT_TRUE(bool(model));
  EXPECT_EQ(model->payloads.size(), 1u);
}

TEST(WireScanner, RefusesWhatIsNotWireFormat) {
  using testing::HasSubstr;
  EXPECT_THAT(scanError("\xff"), HasSubstr("byte 0: a number is cut off"));
  EXPECT_THAT(scanError(std::string(10, '\xff') + '\1'),
              HasSubstr("byte 0: a number does not fit 64 bits"));
  EXPECT_THAT(scanError(std::string(9, '\xff') + '\2'),
              HasSubstr("byte 0: a number does not fit 64 bits"));
  EXPECT_THAT(scanError(std::string(1, '\2')),
              HasSubstr("byte 0: field number 0 is not valid"));
  EXPECT_THAT(scanError(varint(uint64_t(1) << 32)),
              HasSubstr("byte 0: field number 536870912 is not valid"));
  EXPECT_THAT(scanError(number(1, 8) + varint(7 << 3 | 3)),
              HasSubstr("byte 2: wire type 3 is not valid"));
  EXPECT_THAT(scanError(varint(7 << 3 | 2) + varint(5) + "abc"),
              HasSubstr("byte 0: field 7 needs 5 bytes, but 3 are left"));
  EXPECT_THAT(scanError(varint(7 << 3 | 2) + varint(UINT64_MAX)),
              HasSubstr("needs 18446744073709551615 bytes, but 0 are left"));
  EXPECT_THAT(scanError(varint(1 << 3 | 1) + "1234567"),
              HasSubstr("field 1 needs 8 bytes, but 7 are left"));
  EXPECT_THAT(scanError(varint(1 << 3 | 5) + "123"),
              HasSubstr("field 1 needs 4 bytes, but 3 are left"));
  EXPECT_THAT(
      scanError(field(7, field(5, field(3, "")))),
      HasSubstr("byte 4: tensors stored in segments are not supported"));
  EXPECT_EQ(scanError(""), "");
}

TEST(WireScanner, BoundsTheNesting) {
  std::string graph;
  for (int i = 0; i < 32; ++i)
    graph = field(1, field(5, field(6, graph)));
  EXPECT_EQ(scanError(field(7, graph)), "");
  graph = field(1, field(5, field(6, field(1, field(5, field(6, graph))))));
  EXPECT_THAT(scanError(field(7, graph)),
              testing::HasSubstr("messages nest deeper than 100 levels"));
}

TEST(WireScanner, AcceptsPaddedLengths) {
  // A length of 3, written in two bytes.
  std::string bytes =
      varint(7 << 3 | 2) + "\x83" + std::string(1, '\0') + field(2, "g");
  llvm::Expected<StrippedModel> model = scan(bytes);
  ASSERT_TRUE(bool(model));
  EXPECT_EQ(find(model->bytes, {7, 2}), "g");
}

} // namespace
