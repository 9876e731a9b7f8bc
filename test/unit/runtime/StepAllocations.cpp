// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// StepAllocations PACKAGE: how many heap allocations steps make once the
/// largest of them has run. Inputs are zeros; every symbol has one of two
/// sizes. Text tests run it on compiled models.
#include "AllocationCounter.h"
#include "trine/Runtime/trine.h"
#include <algorithm>
#include <cstdio>
#include <vector>

using trine::runtime::test::getAllocationCount;

namespace {
struct Step {
  std::vector<std::vector<char>> memory;
  std::vector<trine_tensor> inputs;
};
} // namespace

static int fail() {
  fprintf(stderr, "error: %s\n", trine_status_message());
  return 1;
}

/// Inputs where every symbol is about `size`; false on failure.
static bool makeStep(const trine_package *package,
                     const trine_package_info &info, int64_t size, Step &step) {
  std::vector<int64_t> symbols(std::max<uint32_t>(info.symbol_count, 1));
  for (uint32_t i = 0; i < info.symbol_count; ++i) {
    trine_symbol_info symbol = {};
    symbol.struct_size = sizeof(symbol);
    if (trine_package_symbol(package, i, &symbol) != TRINE_OK)
      return false;
    int64_t value = std::max(size, symbol.minimum);
    if (symbol.maximum >= 0)
      value = std::min(value, symbol.maximum);
    symbols[i] = value / symbol.divisor * symbol.divisor;
  }
  for (uint32_t i = 0; i < info.input_count; ++i) {
    trine_tensor_info declared = {};
    declared.struct_size = sizeof(declared);
    trine_tensor input = {};
    if (trine_package_input(package, i, &declared) != TRINE_OK ||
        trine_package_input_sizes(package, i, symbols.data(), input.sizes) !=
            TRINE_OK)
      return false;
    input.name = declared.name;
    input.type = declared.type;
    input.rank = declared.rank;
    input.bytes = trine_type_size(declared.type);
    for (uint32_t dim = 0; dim < declared.rank; ++dim)
      input.bytes *= static_cast<uint64_t>(input.sizes[dim]);
    step.memory.emplace_back(input.bytes + 1);
    input.data = step.memory.back().data();
    step.inputs.push_back(input);
  }
  return true;
}

int main(int count, char **arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: StepAllocations PACKAGE\n");
    return 2;
  }
  trine_package *package;
  trine_package_info info = {};
  info.struct_size = sizeof(info);
  trine_session *session;
  trine_session_options options = TRINE_SESSION_OPTIONS_INIT;
  options.threads = 2;
  Step large, small;
  if (trine_package_open(arguments[1], nullptr, &package) != TRINE_OK ||
      trine_package_describe(package, &info) != TRINE_OK ||
      trine_session_create(package, &options, &session) != TRINE_OK ||
      !makeStep(package, info, 20, large) || !makeStep(package, info, 2, small))
    return fail();
  auto run = [&](const Step &step) {
    return trine_session_run(session, step.inputs.data(),
                             static_cast<uint32_t>(step.inputs.size()), nullptr,
                             0) == TRINE_OK;
  };
  uint64_t start = getAllocationCount();
  if (!run(large))
    return fail();
  if (getAllocationCount() == start) {
    fprintf(stderr, "error: the counter does not count\n");
    return 1;
  }
  uint64_t before = getAllocationCount();
  bool good = run(large) && run(small) && run(small) && run(large);
  uint64_t allocations = getAllocationCount() - before;
  if (!good)
    return fail();
  printf("%llu allocations in 4 steps\n",
         static_cast<unsigned long long>(allocations));
  trine_session_destroy(session);
  trine_package_close(package);
  return allocations != 0;
}
