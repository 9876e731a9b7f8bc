// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels and modules: parameters, module variables, and the functions that a
// kernel calls.
#include "Decoder.h"
#include <algorithm>
#include <cstring>

using namespace trine::sim;

namespace {

uint64_t alignTo(uint64_t value, uint64_t alignment) {
  return alignment ? (value + alignment - 1) / alignment * alignment : value;
}

/// Storage of .global and .const variables, with guard space after each.
void placeVariables(const ModuleSyntax &syntax, ModuleContents &into,
                    DiagnosticSink &sink) {
  uint64_t total = 0;
  for (const Variable &variable : syntax.variables) {
    ModuleVariable made;
    made.name = variable.name;
    made.bytes = variable.bytes;
    made.isConst = variable.space == Space::Const;
    if (variable.space == Space::Global || variable.space == Space::Const) {
      total += variable.bytes;
      if (total > (4ull << 30)) {
        sink.error(variable.line, "module variables take more than 4 GiB");
        return;
      }
      uint64_t alignment = std::max<uint64_t>(variable.alignment, 256);
      into.storage.emplace_back(new uint8_t[variable.bytes + 2 * alignment]());
      auto base = reinterpret_cast<uintptr_t>(into.storage.back().get());
      made.address = reinterpret_cast<uint8_t *>(alignTo(base, alignment));
      if (!variable.initial.empty())
        std::memcpy(made.address, variable.initial.data(),
                    variable.initial.size());
    }
    into.variables.push_back(made);
  }
  for (size_t i = 0; i < syntax.variables.size(); ++i)
    for (const Relocation &relocation : syntax.variables[i].relocations) {
      uint8_t *target = nullptr;
      for (const ModuleVariable &other : into.variables)
        if (other.name == relocation.symbol)
          target = other.address;
      if (!target) {
        // Functions' addresses are their names' places among the module's
        // functions, tagged.
        for (size_t f = 0; f < syntax.functions.size() && !target; ++f)
          if (syntax.functions[f].name == relocation.symbol)
            target = reinterpret_cast<uint8_t *>(
                uintptr_t(0x4000000000000000ull | f));
      }
      if (!target) {
        sink.error(syntax.variables[i].line,
                   "'" + relocation.symbol + "' in the initialiser of '" +
                       syntax.variables[i].name + "' is not declared");
        continue;
      }
      uint64_t value = uint64_t(reinterpret_cast<uintptr_t>(target)) +
                       uint64_t(relocation.addend);
      std::memcpy(into.variables[i].address + relocation.offset, &value, 8);
    }
}

void describeKernel(const FunctionSyntax &syntax, Kernel &kernel,
                    DiagnosticSink &sink) {
  kernel.info.name = syntax.name;
  kernel.info.requiredBlock = syntax.requiredBlock;
  kernel.info.maximumBlock = syntax.maximumBlock;
  kernel.info.requiredCluster = syntax.requiredCluster;
  kernel.maximumRegisters = syntax.maximumRegisters;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < syntax.parameters; ++i) {
    const Variable &variable = syntax.variables[i];
    bytes = alignTo(bytes, std::max(variable.alignment, 1u));
    kernel.info.parameters.push_back({variable.name, uint32_t(variable.bytes),
                                      variable.alignment, uint32_t(bytes)});
    bytes += variable.bytes;
    if (bytes > 32764) {
      sink.error(variable.line, "the parameters of '" + syntax.name +
                                    "' take more than 32764 bytes");
      return;
    }
  }
  kernel.info.parameterBytes = uint32_t(bytes);
}

void decodeFunctions(KernelLayout &layout, size_t entry) {
  layout.kernel.functions.clear();
  layout.kernel.sharedVariables.clear();
  layout.kernel.matrixForms.clear();
  layout.functionNames.assign(1, layout.syntax.functions[entry].name);
  // The list grows while functions are decoded.
  for (size_t i = 0; i < layout.functionNames.size() && !layout.sink.full();
       ++i) {
    for (const FunctionSyntax &candidate : layout.syntax.functions) {
      if (candidate.name != layout.functionNames[i])
        continue;
      Function made;
      Decoder(layout, candidate, made, uint32_t(i)).run();
      layout.kernel.functions.push_back(std::move(made));
      break;
    }
  }
}

} // namespace

void trine::sim::decodeModule(const ModuleSyntax &syntax, ModuleContents &into,
                              DiagnosticSink &sink) {
  into.files = syntax.files;
  for (const FunctionSyntax &function : syntax.functions)
    into.functionNames.push_back(function.name);
  placeVariables(syntax, into, sink);
  if (sink.any())
    return;
  for (size_t i = 0; i < syntax.functions.size(); ++i) {
    const FunctionSyntax &function = syntax.functions[i];
    if (!function.isEntry || !function.hasBody)
      continue;
    Kernel kernel;
    describeKernel(function, kernel, sink);
    KernelLayout first{syntax, into, sink, kernel, 0, 16, false, {}, {}};
    kernel.dynamicSharedOffset = sharedReserved;
    decodeFunctions(first, i);
    if (sink.any())
      continue;
    if (first.usesDynamic) {
      // Dynamic shared memory begins after all static variables, which are
      // known only now.
      kernel.dynamicSharedOffset = uint32_t(
          alignTo(sharedReserved + first.sharedBytes, first.dynamicAlignment));
      KernelLayout second{syntax, into, sink, kernel, 0, 16, false, {}, {}};
      decodeFunctions(second, i);
      kernel.info.staticSharedBytes =
          kernel.dynamicSharedOffset - sharedReserved;
      kernel.info.usesDynamicShared = true;
    } else {
      kernel.info.staticSharedBytes = first.sharedBytes;
      kernel.dynamicSharedOffset = sharedReserved + first.sharedBytes;
    }
    for (const Function &decoded : kernel.functions) {
      kernel.info.instructions += uint32_t(decoded.code.size());
      kernel.info.registers += uint32_t(decoded.registerOffsets.size());
    }
    into.kernels.push_back(std::move(kernel));
  }
}
