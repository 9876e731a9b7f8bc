// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Every refusal of a manifest, by one edit of a good one.
#include "TestPackage.h"
#include "core/Manifest.h"
#include <gmock/gmock.h>

using namespace trine::runtime;
using namespace trine::runtime::test;

static std::string parse(const std::string &text, trine_status code) {
  Manifest manifest;
  Status status = parseManifest(text, manifest);
  EXPECT_EQ(status.getCode(), code);
  return status.getMessage();
}

TEST(Manifest, Good) {
  Manifest manifest;
  Status status = parseManifest(getPlainManifest(), manifest);
  ASSERT_TRUE(status.ok()) << status.getMessage();
  EXPECT_EQ(manifest.name, "hand-written");
  ASSERT_EQ(manifest.symbols.size(), 3u);
  EXPECT_EQ(manifest.symbols[0].maximum, 64);
  ASSERT_EQ(manifest.inputs.size(), 4u);
  EXPECT_EQ(manifest.inputs[2].symbols[1], "past + seq");
  ASSERT_EQ(manifest.kernels.size(), 3u);
  EXPECT_EQ(manifest.kernels[1].nodes[1], "2");
}

struct Edit {
  const char *from, *to, *message;
};

class ManifestProblems : public testing::TestWithParam<Edit> {};

TEST_P(ManifestProblems, AreReported) {
  EXPECT_EQ(
      parse(replaceOnce(getPlainManifest(), GetParam().from, GetParam().to),
            TRINE_ERROR_BAD_PACKAGE),
      "manifest.json: " + std::string(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    , ManifestProblems,
    testing::Values(
        Edit{"\"major\": 1, ", "",
             "'format.major' must be an integer in [1, 2147483647], got "
             "nothing"},
        Edit{"\"major\": 1", "\"major\": \"1\"",
             "'format.major' must be an integer in [1, 2147483647], got '1'"},
        Edit{"\"abi\": 1", "\"abi\": 1.5",
             "'abi' must be an integer in [1, 2147483647], got 1.5"},
        Edit{"\"producer\": \"test 1\"", "\"producer\": 3",
             "'producer' must be a string, got 3"},
        Edit{"\"name\": \"hand-written\"", "\"name\": \"a\\u0000b\"",
             "'name' must not contain a zero byte"},
        Edit{"\"target\": {\"kind\": \"host\", \"variants\": [{\"name\": "
             "\"any\", \"features\": []}]}",
             "\"target\": []", "'target' must be an object, got an array"},
        Edit{"\"features\": []", "\"features\": [true]",
             "'target.variants[0].features[0]' must be a string, got true"},
        Edit{"\"name\": \"batch\", \"input\": 0",
             "\"name\": \"batch\", \"input\": 7",
             "'symbols[0].input' must be the index of one of the 4 inputs, got "
             "7"},
        Edit{"\"input\": 1, \"dimension\": 1", "\"input\": 3, \"dimension\": 1",
             "'symbols[2].dimension' must be one of the 0 dimensions of "
             "'command', got 1"},
        Edit{"\"input\": 1, \"dimension\": 1", "\"input\": 2, \"dimension\": 1",
             "'symbols[2]' is 'past', but dimension 1 of input 'mask' is not"},
        Edit{"\"maximum\": 64", "\"maximum\": -1",
             "'symbols[0].maximum' must be an integer of at least 0, got -1"},
        Edit{"\"divisor\": 2", "\"divisor\": 0",
             "'symbols[2].divisor' must be an integer of at least 1, got 0"},
        Edit{"\"name\": \"seq\"", "\"name\": \"batch\"",
             "'symbols[1].name' is 'batch', which an earlier one has"},
        Edit{"\"name\": \"mask\"", "\"name\": \"\"",
             "'inputs[2].name' must be a name, got ''"},
        Edit{"\"name\": \"mask\"", "\"name\": \"x\"",
             "'inputs[2].name' is 'x', which an earlier one has"},
        Edit{"\"name\": \"y\", \"type\": \"f32\"",
             "\"name\": \"y\", \"type\": \"f31\"",
             "'outputs[0].type' must be an element type (f64 f32 f16 bf16 i8 "
             "i16 i32 i64 u8 u16 u32 u64 bool i4 u4 i2 u2 f8e4m3fn f8e4m3fnuz "
             "f8e5m2 f8e5m2fnuz f8e8m0fnu f4e2m1fn), got 'f31'"},
        Edit{"\"dims\": [\"batch\", \"past\", 4]",
             "\"dims\": [\"batch\", \"past\", -4]",
             "'inputs[1].dims[2]' must be an integer of at least 0, got -4"},
        Edit{"\"dims\": [\"batch\", \"past\", 4]",
             "\"dims\": [\"batch\", \"past\", null]",
             "'inputs[1].dims[2]' must be an integer or a string, got null"},
        Edit{"\"dims\": [\"batch\", \"past\", 4]",
             "\"dims\": [\"batch\", \"past\", 18446744073709551615]",
             "'inputs[1].dims[2]' must be an integer of at least 0, got "
             "18446744073709551615"},
        Edit{"\"dims\": [\"batch\", \"past\", 4]",
             "\"dims\": [1,2,3,4,5,6,7,8,9]",
             "'inputs[1].dims' must have at most 8 dimensions, got 9"},
        Edit{"\"relative\": 1e-5", "\"relative\": -1",
             "'outputs[0].tolerance.relative' must be a finite number of at "
             "least 0, got -1"},
        Edit{"\"relative\": 1e-5", "\"relative\": \"1e-5\"",
             "'outputs[0].tolerance.relative' must be a number, got '1e-5'"},
        Edit{"\"states\": []", "\"states\": [], \"ragged\": 1",
             "'ragged' must be true or false, got 1"},
        Edit{"\"states\": []",
             "\"states\": [{\"name\": \"s\", \"type\": \"f32\", \"dims\": [], "
             "\"axis\": 0}]",
             "'states[0].dims' must begin with the slots, got no dimension"},
        Edit{"\"states\": []",
             "\"states\": [{\"name\": \"s\", \"type\": \"f32\", \"dims\": "
             "[\"batch\", 5, 4], \"axis\": 3}]",
             "'states[0].axis' must be an integer in [0, 2], got 3"},
        Edit{"\"states\": []",
             "\"states\": [{\"name\": \"s\", \"type\": \"f32\", \"dims\": "
             "[\"batch\", \"past\", 4], \"axis\": 0}]",
             "'states[0].dims' dimension 1 must be a number, got 'past'"},
        Edit{"\"states\": []",
             "\"states\": [{\"name\": \"s\", \"type\": \"f32\", \"dims\": "
             "[\"batch\", 3, 4], \"axis\": 1, \"next\": \"3 + seq\"}]",
             "'states[0].dims' dimension 1, which grows, must be a symbol"},
        Edit{"\"states\": []",
             "\"states\": [{\"name\": \"s\", \"type\": \"f32\", \"dims\": "
             "[\"batch\", 4294967296, 4294967296], \"axis\": 0}]",
             "'states[0].dims' is too large"},
        Edit{"\"states\": []",
             "\"states\": [{\"name\": \"s\", \"type\": \"f32\", \"dims\": "
             "[\"batch\", 4], \"axis\": 0, \"initial\": 1}]",
             "'states[0].initial' must be an integer in [0, 0], got 1"},
        Edit{"\"states\": []",
             "\"states\": [{\"name\": \"s\", \"type\": \"f32\", \"dims\": "
             "[\"batch\", \"past\"], \"axis\": 1, \"next\": \"past + seq\"}, "
             "{\"name\": \"t\", \"type\": \"f32\", \"dims\": [\"batch\", "
             "\"seq\"], \"axis\": 1, \"next\": \"past + seq\"}]",
             "'states[1].dims' dimension 1 is 'seq', but 'past' in an earlier "
             "state"},
        Edit{"\"states\": []",
             "\"states\": [], \"tables\": [{\"name\": \"t\", \"path\": "
             "\"a/b\", \"rows\": 1, \"width\": 1, \"bytes\": 4, "
             "\"reference\": {\"type\": \"f64\", \"offset\": 0, \"stride\": 8, "
             "\"file_bytes\": 8, \"modified_nanoseconds\": 1, "
             "\"header_sha256\": \"0123456789012345678901234567890123456789"
             "012345678901234567890123\"}}]",
             "'tables[0].reference.type' must be f32, f16, bf16 or f8e4m3fn, "
             "got 'f64'"},
        Edit{"\"states\": []",
             "\"states\": [], \"tables\": [{\"name\": \"t\", \"path\": "
             "\"a/b\", \"rows\": 1, \"width\": 1, \"bytes\": 4, "
             "\"reference\": {\"type\": \"f32\", \"offset\": 0, \"stride\": 4, "
             "\"file_bytes\": 8, \"modified_nanoseconds\": 1, "
             "\"header_sha256\": \"01\"}}]",
             "'tables[0].reference.header_sha256' must be 64 hexadecimal "
             "digits, got '01'"},
        Edit{"\"name\": \"device0\", \"kind\": \"host\"}",
             "\"name\": \"device0\", \"kind\": \"host\"}, {}",
             "'devices' has several, but this runtime uses one"},
        Edit{"\"program.so\"", "\"other.so\"",
             "'files' must list 'program.so'"},
        Edit{"\"bytes\": 144", "\"bytes\": \"144\"",
             "'files[1].bytes' must be an integer of at least 0, got '144'"},
        Edit{"\"bytes\": 1, \"sha256\": \"0", "\"bytes\": 1, \"sha256\": \"A",
             "'files[0].sha256' must be 64 lower-case hexadecimal digits, got "
             "'A000000000000000000000000000000000000000000000000000000000000000"
             "'"},
        Edit{"\"path\": \"weights.safetensors\", \"bytes\"",
             "\"path\": \"program.so\", \"bytes\"",
             "'files[1].path' is 'program.so', which an earlier one "
             "has\nmanifest.json: 'weights.path' is 'weights.safetensors', "
             "which 'files' lacks"},
        Edit{"\"data_offset\": 128", "\"data_offset\": 100",
             "'weights.data_offset' must be a multiple of 64, got 100"},
        Edit{"\"nodes\": [\"Mul_1\", 2]", "\"nodes\": [{}]",
             "'kernels[1].nodes[0]' must be a string, got an object"},
        Edit{"\"nodes\": [\"Mul_1\", 2]", "\"nodes\": 2",
             "'kernels[1].nodes' must be an array, got 2"}));

TEST(Manifest, PathsStayInside) {
  for (const char *path :
       {"/etc/passwd", "../x", "a/../x", "a//b", "a/", ".", "./x", ""}) {
    std::string text = replaceOnce(
        getPlainManifest(),
        "\"weights\": {\"path\": \"weights.safetensors\", \"data_offset\": "
        "128}",
        std::string("\"weights\": {\"path\": \"") + path +
            "\", \"data_offset\": 128}");
    EXPECT_THAT(
        parse(text, TRINE_ERROR_BAD_PACKAGE),
        testing::HasSubstr("'weights.path' must be a relative path inside the "
                           "package, got '" +
                           std::string(path) + "'"));
  }
}

TEST(Manifest, Versions) {
  std::string text = getPlainManifest();
  EXPECT_EQ(parse(replaceOnce(text, "\"major\": 1", "\"major\": 3"),
                  TRINE_ERROR_VERSION),
            "manifest.json: package format 3.0 is newer than this runtime, "
            "which reads 1.x to 2.x: use a newer runtime");
  EXPECT_EQ(parse(replaceOnce(text, "\"major\": 1", "\"major\": 2"), TRINE_OK),
            "");
  EXPECT_EQ(
      parse(replaceOnce(text, "\"abi\": 1", "\"abi\": 2"), TRINE_ERROR_VERSION),
      "manifest.json: program ABI 2 is not this runtime's, which is 1: "
      "use a newer runtime");
  // The rest of a newer major version is nobody's business.
  EXPECT_EQ(parse("{\"format\": {\"major\": 9, \"minor\": 1}, \"abi\": 1}",
                  TRINE_ERROR_VERSION),
            "manifest.json: package format 9.1 is newer than this runtime, "
            "which reads 1.x to 2.x: use a newer runtime");
}

TEST(Manifest, EveryProblemAtOnce) {
  std::string text = replaceOnce(getPlainManifest(), "\"producer\": \"test 1\"",
                                 "\"producer\": 3");
  text = replaceOnce(text, "\"bytes\": 144", "\"bytes\": -1");
  EXPECT_EQ(parse(text, TRINE_ERROR_BAD_PACKAGE),
            "manifest.json: 'producer' must be a string, got 3\n"
            "manifest.json: 'files[1].bytes' must be an integer of at least 0, "
            "got -1");
}

TEST(Manifest, ManyProblemsAreCounted) {
  std::string dims;
  for (int i = 0; i < 8; ++i)
    dims += (i ? "," : "") + std::string("{}");
  std::string text = "{\"format\":{\"major\":1,\"minor\":0},\"abi\":1,"
                     "\"target\":{\"kind\":\"host\"},\"outputs\":[],"
                     "\"files\":[],\"inputs\":[";
  for (int i = 0; i < 3; ++i)
    text += (i ? ",{\"name\":\"i" : "{\"name\":\"i") + std::to_string(i) +
            "\",\"type\":\"f32\",\"dims\":[" + dims + "]}";
  EXPECT_THAT(parse(text + "]}", TRINE_ERROR_BAD_PACKAGE),
              testing::EndsWith("\n5 more problems"));
}

TEST(Manifest, NotJson) {
  EXPECT_EQ(parse("", TRINE_ERROR_BAD_PACKAGE),
            "manifest.json is not valid JSON");
  EXPECT_EQ(parse("{\"a\": \xff}", TRINE_ERROR_BAD_PACKAGE),
            "manifest.json is not valid JSON");
  EXPECT_EQ(parse("[]", TRINE_ERROR_BAD_PACKAGE),
            "manifest.json: the top level must be an object, got an array");
  EXPECT_EQ(parse("{\"a\": 1, \"a\": 2}", TRINE_ERROR_BAD_PACKAGE),
            "manifest.json has the key 'a' twice");
  EXPECT_EQ(parse("{}", TRINE_ERROR_BAD_PACKAGE).substr(0, 51),
            "manifest.json: 'format.major' must be an integer in");
}

TEST(Manifest, DeepNestingIsRefused) {
  for (const char *brackets : {"[", "{\"a\":"}) {
    std::string text;
    for (int i = 0; i < 200000; ++i)
      text += brackets;
    EXPECT_EQ(parse(text, TRINE_ERROR_BAD_PACKAGE),
              "manifest.json nests deeper than 64 levels");
  }
  std::string closed = std::string(200000, '[') + std::string(200000, ']');
  EXPECT_EQ(parse("{\"a\": " + closed + "}", TRINE_ERROR_BAD_PACKAGE),
            "manifest.json nests deeper than 64 levels");
}

/// Any one byte changed or text cut short gives a message or a manifest, and
/// nothing else.
TEST(Manifest, SurvivesDamage) {
  std::string text = getPlainManifest();
  for (size_t i = 0; i < text.size(); ++i) {
    Manifest manifest;
    EXPECT_FALSE(parseManifest(text.substr(0, i), manifest).ok());
    for (char c : {'\0', '"', '}', '9', '-', '\xff'}) {
      std::string damaged = text;
      damaged[i] = c;
      Manifest other;
      Status status = parseManifest(damaged, other);
      EXPECT_EQ(status.ok(), status.getMessage().empty());
    }
  }
}
