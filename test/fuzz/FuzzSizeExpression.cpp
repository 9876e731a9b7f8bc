// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Sizes as manifests write them.
#include "FuzzTarget.h"
#include "core/SizeExpression.h"

using namespace trine::runtime;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::vector<std::string> symbols = {"batch", "seq"};
  SizeExpression expression = SizeExpression::parse(
      std::string_view(reinterpret_cast<const char *>(data), size), symbols);
  TRINE_FUZZ_EXPECT(expression.getSymbol() < int32_t(symbols.size()));
  for (int64_t value : {int64_t(-1), int64_t(0), int64_t(3), INT64_MAX}) {
    std::vector<int64_t> values(symbols.size(), value);
    TRINE_FUZZ_EXPECT(expression.evaluate(values) >= -1);
  }
  return 0;
}
