// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The first reader of a model's bytes, and the reader of test data in .pb.
#include "FuzzTarget.h"
#include "WireMutator.h"
#include "WireScanner.h"

using namespace mlir::trine;

static void scan(llvm::ArrayRef<uint8_t> file, uint64_t inlineBytes) {
  ScanLimits limits;
  limits.inlineBytes = inlineBytes;
  llvm::Expected<StrippedModel> model = scanModel(file, limits);
  if (!model) {
    TRINE_FUZZ_EXPECT(!llvm::toString(model.takeError()).empty());
    return;
  }
  TRINE_FUZZ_EXPECT(model->bytes.size() <= file.size());
  for (const Payload &payload : model->payloads) {
    TRINE_FUZZ_EXPECT(payload.offset <= file.size());
    TRINE_FUZZ_EXPECT(payload.length <= file.size() - payload.offset);
    TRINE_FUZZ_EXPECT(payload.length > 16);
  }
  // What is left is well formed, unless it has segments, which only the scanner
  // may write.
  if (!model->payloads.empty())
    return;
  llvm::ArrayRef<uint8_t> rest(
      reinterpret_cast<const uint8_t *>(model->bytes.data()),
      model->bytes.size());
  llvm::Expected<StrippedModel> again = scanModel(rest, limits);
  TRINE_FUZZ_EXPECT(bool(again));
  TRINE_FUZZ_EXPECT(again->bytes.size() <= rest.size());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  scan({data, size}, 16);
  scan({data, size}, UINT64_MAX);
  return 0;
}
