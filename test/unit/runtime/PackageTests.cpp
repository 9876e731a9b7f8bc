// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Opening packages: what is told about good ones, and every refusal.
#include "TestPackage.h"
#include "core/CpuFeatures.h"
#include "trine/Runtime/engram.h"
#include <filesystem>
#include <gmock/gmock.h>

using namespace trine::runtime;
using namespace trine::runtime::test;
using testing::HasSubstr;

namespace {
struct Opened {
  explicit Opened(const std::string &path, bool verify = true) {
    trine_package_options options = TRINE_PACKAGE_OPTIONS_INIT;
    options.verify_hashes = verify;
    status = trine_package_open(path.c_str(), &options, &package);
    if (status != TRINE_OK)
      message = trine_status_message();
  }
  ~Opened() { trine_package_close(package); }
  trine_package *package = nullptr;
  trine_status status;
  std::string message;
};
} // namespace

static void expectRefused(const TestPackage &package, trine_status status,
                          const std::string &message) {
  Opened opened(package.getPath());
  EXPECT_EQ(opened.status, status);
  EXPECT_EQ(opened.package, nullptr);
  EXPECT_EQ(opened.message, "package '" + package.getPath() + "': " + message);
}

TEST(Package, TellsWhatItIs) {
  TestPackage package;
  Opened opened(package.getPath());
  ASSERT_EQ(opened.status, TRINE_OK) << opened.message;
  trine_package_info info;
  info.struct_size = sizeof(info);
  ASSERT_EQ(trine_package_describe(opened.package, &info), TRINE_OK);
  EXPECT_STREQ(info.name, "hand-written");
  EXPECT_STREQ(info.producer, "test 1");
  EXPECT_STREQ(info.target, "host: any");
  EXPECT_EQ(info.format_major, 1u);
  EXPECT_EQ(info.program_abi, 1u);
  EXPECT_EQ(info.weights_bytes, 16u);
  EXPECT_EQ(info.input_count, 4u);
  EXPECT_EQ(info.output_count, 3u);
  EXPECT_EQ(info.symbol_count, 3u);
  EXPECT_EQ(info.kernel_count, 5u);

  trine_tensor_info tensor;
  tensor.struct_size = sizeof(tensor);
  ASSERT_EQ(trine_package_input(opened.package, 2, &tensor), TRINE_OK);
  EXPECT_STREQ(tensor.name, "mask");
  EXPECT_EQ(tensor.type, TRINE_TYPE_I64);
  ASSERT_EQ(tensor.rank, 2u);
  EXPECT_EQ(tensor.sizes[1], -1);
  EXPECT_STREQ(tensor.symbols[1], "past + seq");
  ASSERT_EQ(trine_package_output(opened.package, 0, &tensor), TRINE_OK);
  EXPECT_STREQ(tensor.name, "y");
  EXPECT_EQ(tensor.sizes[2], 4);
  EXPECT_EQ(tensor.symbols[2], nullptr);
  EXPECT_EQ(tensor.relative_tolerance, 1e-5);

  trine_symbol_info symbol;
  symbol.struct_size = sizeof(symbol);
  ASSERT_EQ(trine_package_symbol(opened.package, 2, &symbol), TRINE_OK);
  EXPECT_STREQ(symbol.name, "past");
  EXPECT_EQ(symbol.input, 1);
  EXPECT_EQ(symbol.dimension, 1);
  EXPECT_EQ(symbol.maximum, -1);
  EXPECT_EQ(symbol.divisor, 2);

  trine_kernel_info kernel;
  kernel.struct_size = sizeof(kernel);
  ASSERT_EQ(trine_package_kernel(opened.package, 1, &kernel), TRINE_OK);
  EXPECT_STREQ(kernel.name, "scale");
  EXPECT_STREQ(kernel.skeleton, "elementwise");
  ASSERT_EQ(kernel.node_count, 2u);
  EXPECT_STREQ(kernel.nodes[0], "Mul_1");
  EXPECT_STREQ(kernel.nodes[1], "2");
  // The manifest says nothing about this one.
  ASSERT_EQ(trine_package_kernel(opened.package, 4, &kernel), TRINE_OK);
  EXPECT_STREQ(kernel.name, "absent");
  EXPECT_STREQ(kernel.skeleton, "");
}

TEST(Package, ComputesSizes) {
  TestPackage package;
  Opened opened(package.getPath());
  int64_t symbols[3] = {2, 3, 4}, sizes[3];
  ASSERT_EQ(trine_package_input_sizes(opened.package, 2, symbols, sizes),
            TRINE_OK);
  EXPECT_EQ(sizes[0], 2);
  EXPECT_EQ(sizes[1], 7);
  symbols[2] = -1;
  ASSERT_EQ(trine_package_output_sizes(opened.package, 1, symbols, sizes),
            TRINE_OK);
  EXPECT_EQ(sizes[0], 2);
  EXPECT_EQ(sizes[1], -1);
  EXPECT_EQ(sizes[2], 4);
  EXPECT_EQ(trine_package_output_sizes(opened.package, 2, symbols, nullptr),
            TRINE_OK)
      << "a scalar has no sizes";
}

TEST(Package, QueriesCheckTheirArguments) {
  TestPackage package;
  Opened opened(package.getPath());
  trine_tensor_info tensor = {};
  auto expectFailure = [](trine_status status, const char *message) {
    EXPECT_EQ(status, TRINE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(trine_status_message(), message);
  };
  expectFailure(trine_package_input(opened.package, 0, &tensor),
                "'info.struct_size' must be at least 4, got 0");
  expectFailure(trine_package_input(opened.package, 4, &tensor),
                "there is no input 4: the package has 4");
  expectFailure(trine_package_output(opened.package, 3, &tensor),
                "there is no output 3: the package has 3");
  expectFailure(trine_package_symbol(opened.package, 3, nullptr),
                "there is no symbol 3: the package has 3");
  expectFailure(trine_package_kernel(opened.package, 5, nullptr),
                "there is no kernel 5: the package has 5");
  expectFailure(trine_package_input(opened.package, 0, nullptr),
                "'info' must not be NULL");
  expectFailure(trine_package_describe(nullptr, nullptr),
                "'package' must not be NULL");
  expectFailure(trine_package_input(nullptr, 0, &tensor),
                "'package' must not be NULL");
  int64_t symbols[3] = {}, sizes[3];
  expectFailure(trine_package_input_sizes(nullptr, 0, symbols, sizes),
                "'package' must not be NULL");
  expectFailure(trine_package_input_sizes(opened.package, 4, symbols, sizes),
                "there is no input 4: the package has 4");
  expectFailure(trine_package_output_sizes(opened.package, 3, symbols, sizes),
                "there is no output 3: the package has 3");
  expectFailure(trine_package_input_sizes(opened.package, 0, nullptr, sizes),
                "'symbols' must not be NULL");
  expectFailure(trine_package_input_sizes(opened.package, 0, symbols, nullptr),
                "'sizes' must not be NULL");
  trine_package *result;
  expectFailure(trine_package_open(nullptr, nullptr, &result),
                "'path' must not be NULL");
  expectFailure(trine_package_open("x", nullptr, nullptr),
                "'package' must not be NULL");
  trine_package_close(nullptr);
}

TEST(Package, WritesNoMoreThanTheCallerHas) {
  TestPackage package;
  Opened opened(package.getPath());
  trine_symbol_info symbol = {};
  symbol.struct_size = offsetof(trine_symbol_info, minimum);
  symbol.maximum = 1234;
  ASSERT_EQ(trine_package_symbol(opened.package, 2, &symbol), TRINE_OK);
  EXPECT_STREQ(symbol.name, "past");
  EXPECT_EQ(symbol.maximum, 1234);
  EXPECT_EQ(symbol.struct_size, offsetof(trine_symbol_info, minimum));
}

TEST(Package, Missing) {
  Opened opened("/nonexistent/model.trine");
  EXPECT_EQ(opened.status, TRINE_ERROR_NOT_FOUND);
  EXPECT_EQ(opened.message,
            "package '/nonexistent/model.trine': does not exist");
}

TEST(Package, NotAFolder) {
  TestPackage package;
  Opened opened(package.getPath() + "/manifest.json");
  EXPECT_EQ(opened.status, TRINE_ERROR_NOT_FOUND);
  EXPECT_EQ(opened.message, "package '" + package.getPath() +
                                "/manifest.json': is not a folder");
}

TEST(Package, WithoutManifest) {
  TestPackage package;
  package.removeFile("manifest.json");
  expectRefused(package, TRINE_ERROR_NOT_FOUND,
                "'manifest.json' cannot be opened: No such file or directory");
}

TEST(Package, ManifestIsNoFile) {
  TestPackage package;
  package.removeFile("manifest.json");
  std::filesystem::create_directory(package.getPath() + "/manifest.json");
  expectRefused(package, TRINE_ERROR_IO,
                "'manifest.json' must be a regular file");
}

TEST(Package, BadManifest) {
  TestPackage package;
  package.writeFile("manifest.json", "{");
  expectRefused(package, TRINE_ERROR_BAD_PACKAGE,
                "manifest.json is not valid JSON");
}

TEST(Package, MissingFiles) {
  TestPackage package;
  package.removeFile("program.so");
  package.removeFile("weights.safetensors");
  expectRefused(
      package, TRINE_ERROR_NOT_FOUND,
      "'program.so' cannot be opened: No such file or directory\n"
      "'weights.safetensors' cannot be opened: No such file or directory");
}

TEST(Package, TruncatedFile) {
  TestPackage package;
  package.writeFile("weights.safetensors",
                    package.readFile("weights.safetensors").substr(0, 143));
  expectRefused(
      package, TRINE_ERROR_BAD_PACKAGE,
      "'weights.safetensors' must have 144 bytes, got 143 (truncated?)");
}

TEST(Package, LongerFile) {
  TestPackage package;
  package.writeFile("weights.safetensors",
                    package.readFile("weights.safetensors") + "x");
  expectRefused(package, TRINE_ERROR_BAD_PACKAGE,
                "'weights.safetensors' must have 144 bytes, got 145");
}

TEST(Package, ChangedFile) {
  TestPackage package;
  std::string bytes = package.readFile("weights.safetensors");
  bytes[143] ^= 1;
  package.writeFile("weights.safetensors", bytes);
  {
    Opened opened(package.getPath());
    EXPECT_EQ(opened.status, TRINE_ERROR_HASH_MISMATCH);
    EXPECT_THAT(opened.message,
                HasSubstr("'weights.safetensors' must have SHA-256 "));
  }
  // Who does not look does not see.
  Opened opened(package.getPath(), /*verify=*/false);
  EXPECT_EQ(opened.status, TRINE_OK) << opened.message;
}

TEST(Package, BadWeights) {
  TestPackage package;
  std::string bytes = package.readFile("weights.safetensors");
  package.writeFile("weights.safetensors",
                    replaceOnce(bytes, "\"shape\":[4]", "\"shape\":[5]"));
  package.writeManifest();
  expectRefused(package, TRINE_ERROR_BAD_PACKAGE,
                "'weights.safetensors': tensor 'weight' needs 20 bytes, but "
                "has 16");
}

TEST(Package, WeightsElsewhere) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    return replaceOnce(text, "\"data_offset\": 128", "\"data_offset\": 192");
  });
  expectRefused(package, TRINE_ERROR_BAD_PACKAGE,
                "'weights.safetensors' must have its data at byte 192, got "
                "128");
}

TEST(Package, WithoutWeights) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    return replaceOnce(text,
                       "{\"path\": \"weights.safetensors\", \"data_offset\": "
                       "128}",
                       "null");
  });
  Opened opened(package.getPath());
  ASSERT_EQ(opened.status, TRINE_OK) << opened.message;
  trine_package_info info;
  info.struct_size = sizeof(info);
  ASSERT_EQ(trine_package_describe(opened.package, &info), TRINE_OK);
  EXPECT_EQ(info.weights_bytes, 0u);
}

TEST(Package, NewerMinorVersion) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    return replaceOnce(text, "\"minor\": 0", "\"minor\": 7, \"more\": [1]");
  });
  Opened opened(package.getPath());
  EXPECT_EQ(opened.status, TRINE_OK) << opened.message;
}

TEST(Package, OtherArchitecture) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    return replaceOnce(text, "\"kind\": \"host\", \"variants\"",
                       "\"kind\": \"host\", \"arch\": \"s390x\", \"variants\"");
  });
  expectRefused(package, TRINE_ERROR_CPU,
                std::string("is compiled for 's390x', but this is '") +
                    getArchitecture() + "'");
}

TEST(Package, MissingCpuFeatures) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    return replaceOnce(text, "{\"name\": \"any\", \"features\": []}",
                       "{\"name\": \"a\", \"features\": [\"warp-drive\", "
                       "\"-fma\"]}, {\"name\": \"b\", \"features\": "
                       "[\"+flux\", \"holodeck\"]}");
  });
  expectRefused(package, TRINE_ERROR_CPU,
                "this CPU lacks features: 'a' needs 'warp-drive'; 'b' needs "
                "'flux', 'holodeck'");
}

TEST(Package, OneVariantIsEnough) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    return replaceOnce(text, "{\"name\": \"any\", \"features\": []}",
                       "{\"name\": \"a\", \"features\": [\"warp-drive\"]}, "
                       "{\"name\": \"b\", \"features\": []}");
  });
  Opened opened(package.getPath());
  ASSERT_EQ(opened.status, TRINE_OK) << opened.message;
  trine_package_info info;
  info.struct_size = sizeof(info);
  ASSERT_EQ(trine_package_describe(opened.package, &info), TRINE_OK);
  EXPECT_STREQ(info.target, "host: a (warp-drive); b");
}

TEST(Package, ProgramIsNoLibrary) {
  TestPackage package;
  package.writeFile("program.so", "not ELF");
  package.writeManifest();
  Opened opened(package.getPath());
  EXPECT_EQ(opened.status, TRINE_ERROR_BAD_PACKAGE);
  EXPECT_THAT(opened.message, HasSubstr("'program.so' cannot be loaded: "));
}

TEST(Package, ProgramWithoutQuery) {
  expectRefused(TestPackage("TestProgramWithoutQuery"), TRINE_ERROR_BAD_PACKAGE,
                "'program.so' does not export 'trine_program_query'");
}

TEST(Package, ProgramOfOtherAbi) {
  expectRefused(TestPackage("TestProgramNull"), TRINE_ERROR_VERSION,
                "'program.so' does not speak program ABI 1");
  expectRefused(TestPackage("TestProgramNewAbi"), TRINE_ERROR_VERSION,
                "'program.so' speaks program ABI 2, expected 1");
  expectRefused(TestPackage("TestProgramSmall"), TRINE_ERROR_BAD_PACKAGE,
                "'program.so' describes itself with 8 bytes, expected at least "
                "32");
  expectRefused(TestPackage("TestProgramEmpty"), TRINE_ERROR_BAD_PACKAGE,
                "'program.so' has no code to run");
}

TEST(Package, ReplacedWhileOpen) {
  TestPackage package;
  auto replaceProgram = [&] {
    std::string bytes = package.readFile("program.so");
    package.removeFile("program.so");
    package.writeFile("program.so", bytes);
  };
  Opened first(package.getPath());
  ASSERT_EQ(first.status, TRINE_OK);
  EXPECT_EQ(Opened(package.getPath()).status, TRINE_OK);
  replaceProgram();
  expectRefused(package, TRINE_ERROR_INVALID_ARGUMENT,
                "'program.so' has been replaced while this process has the old "
                "one open: close all its packages and sessions first");
  trine_package_close(first.package);
  first.package = nullptr;
  EXPECT_EQ(Opened(package.getPath()).status, TRINE_OK);
}

TEST(Status, Names) {
  EXPECT_STREQ(trine_status_name(TRINE_OK), "ok");
  EXPECT_STREQ(trine_status_name(TRINE_ERROR_HASH_MISMATCH), "hash mismatch");
  EXPECT_STREQ(trine_status_name(TRINE_ERROR_PROGRAM), "step failed");
  EXPECT_STREQ(trine_status_name(TRINE_ENGRAM_ERROR_LATE), "late");
  EXPECT_STREQ(trine_status_name(TRINE_ENGRAM_ERROR_CLOSED), "closed");
  EXPECT_STREQ(trine_status_name(31), "unknown status");
  EXPECT_STREQ(trine_status_name(99), "unknown status");
  EXPECT_STREQ(trine_status_name(-1), "unknown status");
}

TEST(Version, IsTold) {
  EXPECT_EQ(trine_api_version(), uint32_t(TRINE_API_VERSION));
  EXPECT_THAT(trine_version(), testing::MatchesRegex("[0-9]+.[0-9]+.[0-9]+"));
}
