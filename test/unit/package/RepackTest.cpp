// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights in the layout that kernels read, against the definition of
// linalg.pack written out element by element.
#include "Repack.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "trine/Dialect/Trine/Trine.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::trine;

namespace {

std::vector<uint16_t> repack(StringRef text, size_t elements) {
  MLIRContext context;
  context.loadDialect<plan::PlanDialect, TrineDialect>();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  EXPECT_TRUE(module);
  if (!module)
    return {};
  std::vector<uint16_t> source(elements), stored;
  for (size_t i = 0; i < elements; ++i)
    source[i] = static_cast<uint16_t>(i + 1);
  auto weight = *module->getOps<plan::WeightOp>().begin();
  auto *data = reinterpret_cast<const uint8_t *>(source.data());
  SmallVector<SourcePiece> pieces;
  if (!weight.getPieces())
    pieces.push_back(wholeSource(weight, data));
  else
    for (auto piece : weight.getPieces()->getAsRange<WeightPieceAttr>())
      pieces.push_back({data + piece.getOffset(),
                        llvm::to_vector(piece.getStrides()),
                        llvm::to_vector(piece.getInto()),
                        llvm::to_vector(piece.getSizes())});
  repackWeight(weight, pieces, sizeof(uint16_t), [&](ArrayRef<uint8_t> bytes) {
    auto *data = reinterpret_cast<const uint16_t *>(bytes.data());
    stored.insert(stored.end(), data, data + bytes.size() / 2);
  });
  return stored;
}

TEST(Repack, KeepsRowMajorBytes) {
  std::vector<uint16_t> stored = repack(
      R"(plan.weight @w "w" from "m" at 0 length 30 : tensor<3x5xi16>
         permutation [0, 1] outer [] inner [] tiles [] stored tensor<3x5xi16>)",
      15);
  ASSERT_EQ(stored.size(), 15u);
  EXPECT_EQ(stored[7], 8);
}

TEST(Repack, Transposes) {
  std::vector<uint16_t> stored = repack(
      R"(plan.weight @w "w" from "m" at 0 length 30 : tensor<3x5xi16>
         permutation [1, 0] outer [] inner [] tiles [] stored tensor<5x3xi16>)",
      15);
  ASSERT_EQ(stored.size(), 15u);
  for (size_t row = 0; row < 5; ++row)
    for (size_t column = 0; column < 3; ++column)
      EXPECT_EQ(stored[row * 3 + column], column * 5 + row + 1);
}

TEST(Repack, MakesPanelsWithZerosAtTheBorder) {
  // K = 3 rows, N = 37 columns: [2][3][32].
  std::vector<uint16_t> stored = repack(
      R"(plan.weight @w "w" from "m" at 0 length 222 : tensor<3x37xi16>
         permutation [0, 1] outer [1, 0] inner [1] tiles [32]
         stored tensor<2x3x32xi16>)",
      111);
  ASSERT_EQ(stored.size(), 192u);
  for (size_t panel = 0; panel < 2; ++panel)
    for (size_t row = 0; row < 3; ++row)
      for (size_t lane = 0; lane < 32; ++lane) {
        size_t column = panel * 32 + lane;
        EXPECT_EQ(stored[(panel * 3 + row) * 32 + lane],
                  column < 37 ? row * 37 + column + 1 : 0)
            << panel << " " << row << " " << lane;
      }
}

TEST(Repack, MakesPairsOfRowsOfATransposedWeight) {
  // Source [N = 33, K = 5], transposed to K x N: [2][3][32][2].
  std::vector<uint16_t> stored = repack(
      R"(plan.weight @w "w" from "m" at 0 length 330 : tensor<33x5xi16>
         permutation [1, 0] outer [1, 0] inner [1, 0] tiles [32, 2]
         stored tensor<2x3x32x2xi16>)",
      165);
  ASSERT_EQ(stored.size(), 384u);
  for (size_t panel = 0; panel < 2; ++panel)
    for (size_t pair = 0; pair < 3; ++pair)
      for (size_t lane = 0; lane < 32; ++lane)
        for (size_t half = 0; half < 2; ++half) {
          size_t column = panel * 32 + lane, row = pair * 2 + half;
          EXPECT_EQ(stored[((panel * 3 + pair) * 32 + lane) * 2 + half],
                    column < 33 && row < 5 ? column * 5 + row + 1 : 0);
        }
}

TEST(Repack, AssemblesPieces) {
  // Rows 0 and 1 are two columns of a [3, 4] matrix; rows 2 and 3 lie behind
  // it.
  std::vector<uint16_t> stored = repack(
      R"(plan.weight @w "w" pieces [
           #trine.piece<"m" at 2 strides [2, 4] into [0, 0] sizes [2, 3]>,
           #trine.piece<"m" at 24 strides [3, 1] into [2, 0] sizes [2, 3]>]
         : tensor<4x3xi16> permutation [0, 1] outer [] inner [] tiles []
         stored tensor<4x3xi16>)",
      18);
  EXPECT_EQ(stored, (std::vector<uint16_t>{2, 6, 10, 4, 8, 12, 13, 14, 15, 16,
                                           17, 18}));
}

TEST(Repack, MakesPanelsAcrossPieces) {
  // Columns 0 to 19 and 20 to 39 of a [2, 40] matrix come from two places.
  std::vector<uint16_t> stored = repack(
      R"(plan.weight @w "w" pieces [
           #trine.piece<"m" at 80 strides [20, 1] into [0, 0] sizes [2, 20]>,
           #trine.piece<"m" at 0 strides [20, 1] into [0, 20] sizes [2, 20]>]
         : tensor<2x40xi16> permutation [0, 1] outer [1, 0] inner [1]
         tiles [32] stored tensor<2x2x32xi16>)",
      80);
  ASSERT_EQ(stored.size(), 128u);
  for (size_t panel = 0; panel < 2; ++panel)
    for (size_t row = 0; row < 2; ++row)
      for (size_t lane = 0; lane < 32; ++lane) {
        size_t column = panel * 32 + lane;
        size_t expected = column >= 40   ? 0
                          : column >= 20 ? row * 20 + column - 20 + 1
                                         : 40 + row * 20 + column + 1;
        EXPECT_EQ(stored[(panel * 2 + row) * 32 + lane], expected)
            << panel << " " << row << " " << lane;
      }
}

} // namespace
