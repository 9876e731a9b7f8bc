// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files that a model names: what is opened, and what is not.
#include "trine/Support/ModelFolder.h"
#include "trine/Support/Quote.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir::trine;
using testing::HasSubstr;

namespace {

/// A folder `model` with files, and a file beside it that is out of bounds.
class ModelFolderTest : public testing::Test {
protected:
  void SetUp() override {
    llvm::SmallString<128> created;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("trine-model", created));
    root = created.str().str();
    model = root + "/model";
    ASSERT_EQ(mkdir(model.c_str(), 0700), 0);
    ASSERT_EQ(mkdir((model + "/sub").c_str(), 0700), 0);
    write("/secret.bin", "secret");
    write("/model/weights.bin", "12345678");
    write("/model/sub/more.bin", "abc");
  }
  void TearDown() override { llvm::sys::fs::remove_directories(root); }

  void write(const std::string &name, llvm::StringRef text) {
    std::error_code code;
    llvm::raw_fd_ostream(root + name, code) << text;
    ASSERT_FALSE(code);
  }
  std::string error(ModelFolder &folder, llvm::StringRef location) {
    auto size = folder.getSize(location);
    if (size)
      return "none";
    std::string text = llvm::toString(size.takeError());
    // All ways in say the same.
    auto mapped = folder.map(location);
    EXPECT_FALSE(bool(mapped));
    EXPECT_EQ(llvm::toString(mapped.takeError()), text);
    char byte;
    EXPECT_EQ(llvm::toString(folder.read(location, 0, {&byte, 1})), text);
    return text;
  }

  std::string root, model;
};

TEST_F(ModelFolderTest, ReadsInside) {
  ModelFolder folder(model);
  auto size = folder.getSize("sub/more.bin");
  ASSERT_TRUE(bool(size));
  EXPECT_EQ(*size, 3u);
  char bytes[4];
  ASSERT_FALSE(folder.read("weights.bin", 2, bytes));
  EXPECT_EQ(llvm::StringRef(bytes, 4), "3456");
  auto part = folder.map("weights.bin", 4, 4);
  ASSERT_TRUE(bool(part));
  EXPECT_EQ((*part)->getBuffer(), "5678");
  auto all = folder.map("sub/more.bin");
  ASSERT_TRUE(bool(all));
  EXPECT_EQ((*all)->getBuffer(), "abc");
}

TEST_F(ModelFolderTest, EverySpellingOutOfTheFolder) {
  ModelFolder folder(model);
  for (const char *location :
       {"../secret.bin", "sub/../../secret.bin", "..", ".", "", "/etc/passwd",
        "sub//more.bin", "./weights.bin", "sub/", "sub/."})
    EXPECT_EQ(error(folder, location),
              "file " + quote(location) +
                  " must be a relative path that stays in the model's folder");
  EXPECT_THAT(error(folder, llvm::StringRef("a\0b", 3)),
              HasSubstr("must be a relative path"));
  // Names that look like the above, and are names.
  EXPECT_THAT(error(folder, "...") + error(folder, "..\\secret.bin"),
              HasSubstr("No such file or directory"));
}

TEST_F(ModelFolderTest, LinksAndWhatIsNoFile) {
  ASSERT_EQ(symlink("../secret.bin", (model + "/link.bin").c_str()), 0);
  ASSERT_EQ(symlink("..", (model + "/up").c_str()), 0);
  ASSERT_EQ(link((root + "/secret.bin").c_str(), (model + "/hard").c_str()), 0);
  ASSERT_EQ(mkfifo((model + "/pipe").c_str(), 0600), 0);
  ModelFolder folder(model);
  const char *linked = "is a symbolic link or lies behind one; put the file "
                       "itself into the model's folder";
  EXPECT_THAT(error(folder, "link.bin"), HasSubstr(linked));
  EXPECT_THAT(error(folder, "up/secret.bin"), HasSubstr(linked));
  EXPECT_THAT(error(folder, "hard"),
              HasSubstr("has 2 hard links, so it may belong to another place; "
                        "copy it into the model's folder"));
  EXPECT_THAT(error(folder, "pipe"), HasSubstr("is not a regular file"));
  EXPECT_THAT(error(folder, "sub"), HasSubstr("is not a regular file"));
  EXPECT_THAT(error(folder, "weights.bin/x"), HasSubstr("Not a directory"));
  ModelFolder permissive(model, /*allowHardLinks=*/true);
  EXPECT_EQ(error(permissive, "hard"), "none");
  EXPECT_THAT(error(permissive, "link.bin"), HasSubstr(linked));
  // The file that the user named may be a link, and nothing else may.
  ModelFolder own(model, false, "link.bin");
  EXPECT_EQ(error(own, "link.bin"), "none");
  EXPECT_THAT(error(own, "up/secret.bin"), HasSubstr(linked));
  ModelFolder gone(root + "/nowhere");
  EXPECT_THAT(error(gone, "weights.bin"),
              HasSubstr("cannot be opened: its folder "));
}

TEST_F(ModelFolderTest, FilesThatAreShorter) {
  ModelFolder folder(model);
  for (auto [offset, length] : {std::pair<uint64_t, uint64_t>{4, 5},
                                {9, 0},
                                {UINT64_MAX, 1},
                                {1, UINT64_MAX}}) {
    auto mapped = folder.map("weights.bin", offset, length);
    ASSERT_FALSE(bool(mapped));
    EXPECT_THAT(llvm::toString(mapped.takeError()),
                HasSubstr("has 8 bytes, too few for "));
  }
  char bytes[4];
  EXPECT_THAT(llvm::toString(folder.read("weights.bin", 6, bytes)),
              HasSubstr("cannot be read at byte 8"));
}

/// What is open stays what it is, whatever its name means by then; what is
/// opened anew is checked anew.
TEST_F(ModelFolderTest, NothingIsCheckedByName) {
  ModelFolder folder(model);
  auto size = folder.getSize("weights.bin");
  ASSERT_TRUE(bool(size));
  auto mapped = folder.map("weights.bin");
  ASSERT_TRUE(bool(mapped));
  ASSERT_EQ(unlink((model + "/weights.bin").c_str()), 0);
  ASSERT_EQ(symlink("../secret.bin", (model + "/weights.bin").c_str()), 0);
  EXPECT_EQ((*mapped)->getBuffer(), "12345678");
  auto again = folder.map("weights.bin");
  ASSERT_FALSE(bool(again));
  EXPECT_THAT(llvm::toString(again.takeError()), HasSubstr("symbolic link"));
  // The folder itself, too.
  ASSERT_EQ(rename(model.c_str(), (root + "/moved").c_str()), 0);
  ASSERT_EQ(symlink(".", model.c_str()), 0);
  auto secret = folder.map("secret.bin");
  ASSERT_FALSE(bool(secret));
  EXPECT_THAT(llvm::toString(secret.takeError()),
              HasSubstr("No such file or directory"));
}

TEST_F(ModelFolderTest, FilesOfTheCompiler) {
  ModelFolder folder(model);
  EXPECT_THAT(error(folder, "/own"), HasSubstr("must be a relative path"));
  folder.addFile("/own", root + "/secret.bin");
  auto size = folder.getSize("/own");
  ASSERT_TRUE(bool(size));
  EXPECT_EQ(*size, 6u);
  auto mapped = folder.map("/own", 2, 4);
  ASSERT_TRUE(bool(mapped));
  EXPECT_EQ((*mapped)->getBuffer(), "cret");
  auto longer = folder.map("/own", 2, 5);
  ASSERT_FALSE(bool(longer));
  EXPECT_EQ(llvm::toString(longer.takeError()),
            "file '/own' has 6 bytes, too few for 5 at 2");
  folder.addFile("/gone", root + "/gone");
  EXPECT_EQ(error(folder, "/gone"),
            "file '/gone' cannot be opened: No such file or directory");
}

} // namespace
