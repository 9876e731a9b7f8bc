// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the package's writers say of planned modules that no compilation gives,
// but a file of IR may.
#include "Manifest.h"
#include "TableFiles.h"
#include "WeightsFile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/Support/FileSystem.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::trine;

namespace {
/// A planned module, and what was said about it.
struct Planned {
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::string errors;

  explicit Planned(StringRef text) {
    context.loadDialect<plan::PlanDialect, TrineDialect, func::FuncDialect,
                        memref::MemRefDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
      errors += diagnostic.str();
      return success();
    });
  }
};
} // namespace

static std::string manifestError(StringRef text) {
  Planned planned(text);
  FailureOr<llvm::json::Value> manifest =
      makeManifest(*planned.module, HostReport(), PackageOptions(), {}, 0, {});
  EXPECT_TRUE(failed(manifest));
  return planned.errors;
}

TEST(ManifestMessages, OneEach) {
  EXPECT_EQ(manifestError("module {}"), "a planned module must define 'main'");
  EXPECT_EQ(manifestError("func.func @main(%n: index) { return }"),
            "input 0 must be a ranked memref, got 'index'");
  EXPECT_EQ(manifestError("func.func @main(%x: memref<2xf32>) { return }"),
            "input or output of type 'memref<2xf32>' must have a name and an "
            "element type that packages know");
  EXPECT_EQ(manifestError("func.func @main() attributes {plan.results = [{}]} "
                          "{ return }"),
            "'plan.results' must give each result a ranked type");
  EXPECT_EQ(manifestError("func.func @main() attributes {plan.states = "
                          "{lengths = 0, entries = [{}]}} { return }"),
            "'plan.states' must give each state an argument, names and sizes");
}

TEST(WeightsMessages, OneEach) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("trine-messages", folder));
  std::error_code code;
  {
    llvm::raw_fd_ostream file((folder + "/m").str(), code);
    file << "12345678";
  }
  auto error = [&](StringRef source, StringRef type) {
    Planned planned(("plan.weight @w \"w\" " + source + " : tensor<" + type +
                     "> permutation [0] outer [] inner [] tiles [] stored "
                     "tensor<" +
                     type + ">")
                        .str());
    auto file = HashedFile::create((folder + "/out").str());
    EXPECT_TRUE(static_cast<bool>(file));
    uint64_t dataOffset = 0;
    ModelFolder models(folder);
    EXPECT_TRUE(
        failed(writeWeights(*planned.module, models, **file, dataOffset)));
    llvm::consumeError((*file)->finish().takeError());
    return planned.errors;
  };
  EXPECT_EQ(error("from \"m\" at 0 length 2", "2xi4"),
            "weight 'w' cannot be stored: the weights file has no element type "
            "'i4'");
  EXPECT_EQ(error("value dense_resource<r> : tensor<2xf32>", "2xf32"),
            "weight 'w' must have a dense value");
  EXPECT_THAT(error("from \"gone\" at 0 length 8", "2xf32"),
              testing::HasSubstr("weight 'w': file 'gone' cannot be opened: "));
  EXPECT_THAT(
      error("pieces [#trine.piece<\"gone\" at 0 strides [1] into [0] sizes "
            "[2]>]",
            "2xf32"),
      testing::HasSubstr("weight 'w': file 'gone' cannot be opened: "));
  EXPECT_EQ(error("from \"m\" at 4 length 8", "2xf32"),
            "weight 'w': file 'm' has 8 bytes, too few for 8 at 4");
  EXPECT_EQ(error("from \"../m\" at 0 length 8", "2xf32"),
            "weight 'w': file '../m' must be a relative path that stays in the "
            "model's folder");
  EXPECT_THAT(error("pieces [#trine.piece<\"m\" at 0 strides [4] into [0] "
                    "sizes [2]>]",
                    "2xf32"),
              testing::HasSubstr("weight 'w' must lie within 'm' of 8 bytes, "
                                 "got #trine.piece"));
  llvm::sys::fs::remove_directories(folder);
}

TEST(TableMessages, References) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("trine-tables", folder));
  auto error = [&](StringRef source) {
    Planned planned(("plan.weight @v \"v\" " + source +
                     " : tensor<4x2xf32> permutation [0, 1] outer [] inner [] "
                     "tiles [] stored tensor<4x2xf32>\n"
                     "plan.table @t \"memory\" values @v")
                        .str());
    ModelFolder models(folder);
    EXPECT_TRUE(failed(writeTables(*planned.module, models, folder,
                                   /*references=*/StringRef(folder))));
    return planned.errors;
  };
  EXPECT_EQ(error("pieces [#trine.piece<\"m\" at 0 strides [2, 1] into [0, 0] "
                  "sizes [4, 2]>]"),
            "table 'memory' cannot stay where it is: it is not in one place of "
            "one file");
  EXPECT_THAT(error("from \"gone\" at 0 length 32"),
              testing::AllOf(testing::HasSubstr(
                                 "table 'memory' cannot stay where it is: "),
                             testing::HasSubstr("gone' cannot be opened")));
  llvm::sys::fs::remove_directories(folder);
}
