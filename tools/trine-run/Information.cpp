// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Information.h"
#include <cstdio>
#include <map>

using namespace trine::run;

std::string trine::run::formatType(const trine_tensor_info &info) {
  std::string result = trine_type_name(info.type);
  result += " [";
  for (uint32_t d = 0; d < info.rank; ++d) {
    result += d ? ", " : "";
    result += info.symbols[d] ? info.symbols[d] : std::to_string(info.sizes[d]);
  }
  return result + "]";
}

std::string trine::run::formatType(const trine_tensor &tensor) {
  std::string result = trine_type_name(tensor.type);
  result += " [";
  for (uint32_t d = 0; d < tensor.rank; ++d)
    result += (d ? ", " : "") + std::to_string(tensor.sizes[d]);
  return result + "]";
}

using TensorQuery = trine_status (*)(const trine_package *, uint32_t,
                                     trine_tensor_info *);

static void printTensors(const char *title, const trine_package *package,
                         uint32_t count, TensorQuery query) {
  printf("%s\n", title);
  for (uint32_t i = 0; i < count; ++i) {
    trine_tensor_info info = {};
    info.struct_size = sizeof(info);
    if (query(package, i, &info) != TRINE_OK)
      continue;
    printf("  %s: %s", info.name, formatType(info).c_str());
    if (info.relative_tolerance > 0)
      printf(", relative tolerance %g", info.relative_tolerance);
    printf("\n");
  }
}

static void printStates(const trine_package *package,
                        const trine_package_info &info) {
  if (info.state_count == 0)
    return;
  printf("states; slots of a step %s\n",
         info.ragged ? "may have different lengths" : "have one length");
  for (uint32_t i = 0; i < info.state_count; ++i) {
    trine_state_info state = {};
    state.struct_size = sizeof(state);
    if (trine_package_state(package, i, &state) != TRINE_OK)
      continue;
    trine_tensor_info tensor = {};
    tensor.type = state.type;
    tensor.rank = state.rank;
    tensor.sizes = state.sizes;
    tensor.symbols = state.symbols;
    printf("  %s: %s, %s\n", state.name, formatType(tensor).c_str(),
           state.axis ? "grows" : "replaced");
  }
}

static void printSymbols(const trine_package *package, uint32_t count) {
  printf("symbols\n");
  for (uint32_t i = 0; i < count; ++i) {
    trine_symbol_info info = {};
    info.struct_size = sizeof(info);
    if (trine_package_symbol(package, i, &info) != TRINE_OK)
      continue;
    printf("  %s: at least %lld", info.name,
           static_cast<long long>(info.minimum));
    if (info.maximum >= 0)
      printf(", at most %lld", static_cast<long long>(info.maximum));
    if (info.divisor > 1)
      printf(", a multiple of %lld", static_cast<long long>(info.divisor));
    trine_tensor_info input = {};
    input.struct_size = sizeof(input);
    if (info.input >= 0 &&
        trine_package_input(package, static_cast<uint32_t>(info.input),
                            &input) == TRINE_OK)
      printf("; dimension %d of '%s'", info.dimension, input.name);
    printf("\n");
  }
}

void trine::run::printInformation(const trine_package *package) {
  trine_package_info info = {};
  info.struct_size = sizeof(info);
  if (trine_package_describe(package, &info) != TRINE_OK)
    return;
  printf("name: %s\nproducer: %s\nformat: %u.%u, program ABI %u\ntarget: %s\n"
         "weights: %llu bytes\n",
         info.name, info.producer, info.format_major, info.format_minor,
         info.program_abi, info.target,
         static_cast<unsigned long long>(info.weights_bytes));
  printTensors("inputs", package, info.input_count, trine_package_input);
  printTensors("outputs", package, info.output_count, trine_package_output);
  printStates(package, info);
  printSymbols(package, info.symbol_count);
  std::map<std::string, unsigned> skeletons;
  for (uint32_t i = 0; i < info.kernel_count; ++i) {
    trine_kernel_info kernel = {};
    kernel.struct_size = sizeof(kernel);
    if (trine_package_kernel(package, i, &kernel) == TRINE_OK)
      ++skeletons[*kernel.skeleton ? kernel.skeleton : "unnamed skeleton"];
  }
  printf("kernels: %u\n", info.kernel_count);
  for (const auto &[name, count] : skeletons)
    printf("  %s: %u\n", name.c_str(), count);
}
