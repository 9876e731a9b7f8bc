// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Compiles a planned module and runs it in the test's process.
#ifndef TRINE_TEST_UNIT_CODEGEN_PROGRAMRUNNER_H
#define TRINE_TEST_UNIT_CODEGEN_PROGRAMRUNNER_H

#include "mlir/IR/MLIRContext.h"
#include "trine/Codegen/Host.h"
#include "trine/Runtime/ProgramABI.h"

#include <memory>
#include <string>
#include <vector>

/// A tensor as bytes with its sizes.
struct Tensor {
  std::vector<int64_t> sizes;
  std::vector<char> bytes;

  template <typename T>
  static Tensor of(std::vector<int64_t> sizes, const std::vector<T> &values) {
    Tensor tensor{std::move(sizes), {}};
    auto *data = reinterpret_cast<const char *>(values.data());
    tensor.bytes.assign(data, data + values.size() * sizeof(T));
    return tensor;
  }
  template <typename T>
  std::vector<T> as() const {
    auto *data = reinterpret_cast<const T *>(bytes.data());
    return std::vector<T>(data, data + bytes.size() / sizeof(T));
  }
};

class ProgramRunner {
public:
  ProgramRunner();
  ~ProgramRunner();

  /// Compiles; false (with diagnostics in `messages`) if that fails.
  bool compile(const std::string &text,
               const mlir::trine::HostOptions &options = {});

  /// One step. `chunk` is how many workgroups a call of a kernel runs; 0: all.
  /// `elementBytes` gives the element sizes of the outputs. Returns the status.
  int32_t run(const std::vector<Tensor> &inputs,
              const std::vector<size_t> &elementBytes, uint64_t chunk = 0);

  std::vector<char> weights;
  /// How many bytes of services the runtime claims to have.
  uint32_t servicesBytes = sizeof(trine_program_services);
  std::vector<Tensor> outputs;
  std::vector<std::string> launched;
  std::vector<uint64_t> workgroups;
  std::string messages, failure;
  llvm::SmallVector<char, 0> sharedObject;
  mlir::trine::HostReport report;
  const trine_program *program = nullptr;
  trine_program_query_function query = nullptr;

private:
  friend struct Services;
  mlir::MLIRContext context;
  void *library = nullptr;
  std::vector<size_t> outputElementBytes;
  std::vector<std::unique_ptr<std::vector<char>>> arenas;
  uint64_t chunk = 0;
};

#endif
