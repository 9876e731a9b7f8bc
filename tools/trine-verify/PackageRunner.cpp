// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PackageRunner.h"
#include "trine/Runtime/trine.h"

using namespace mlir::trine;
using namespace mlir::trine::reference;

static llvm::Error problem(const llvm::Twine &message) {
  return llvm::createStringError(
      std::make_error_code(std::errc::invalid_argument), message);
}

/// The runtime's own words about its last failure.
static llvm::Error runtimeProblem(trine_status status) {
  return problem(llvm::Twine(trine_status_name(status)) + ": " +
                 trine_status_message());
}

/// Both sides use the same short names for element types.
static trine_type runtimeType(ElementType type) {
  for (trine_type candidate = TRINE_TYPE_F64; candidate <= TRINE_TYPE_F4E2M1FN;
       ++candidate)
    if (nameOf(type) == trine_type_name(candidate))
      return candidate;
  return TRINE_TYPE_NONE;
}

llvm::Expected<PackageRunner> PackageRunner::open(llvm::StringRef folder,
                                                  llvm::StringRef device,
                                                  unsigned threads) {
  PackageRunner runner;
  trine_package *package = nullptr;
  if (trine_status status =
          trine_package_open(folder.str().c_str(), nullptr, &package))
    return runtimeProblem(status);
  runner.package = std::shared_ptr<trine_package>(package, trine_package_close);
  trine_package_info info{};
  info.struct_size = sizeof info;
  if (trine_status status = trine_package_describe(package, &info))
    return runtimeProblem(status);
  for (bool isInput : {true, false})
    for (uint32_t i = 0; i < (isInput ? info.input_count : info.output_count);
         ++i) {
      trine_tensor_info tensor{};
      tensor.struct_size = sizeof tensor;
      if (trine_status status = isInput
                                    ? trine_package_input(package, i, &tensor)
                                    : trine_package_output(package, i, &tensor))
        return runtimeProblem(status);
      (isInput ? runner.inputNames : runner.outputNames).push_back(tensor.name);
      if (!isInput)
        runner.tolerances.push_back(tensor.relative_tolerance);
    }
  trine_session_options options = TRINE_SESSION_OPTIONS_INIT;
  std::string deviceName = device.str();
  options.threads = threads;
  options.device = deviceName.empty() ? nullptr : deviceName.c_str();
  trine_session *session = nullptr;
  if (trine_status status = trine_session_create(package, &options, &session))
    return runtimeProblem(status);
  runner.session =
      std::shared_ptr<trine_session>(session, trine_session_destroy);
  return runner;
}

llvm::Expected<std::vector<Tensor>>
PackageRunner::run(llvm::ArrayRef<Tensor> inputs) {
  if (inputs.size() != inputNames.size())
    return problem("the package has " + llvm::Twine(inputNames.size()) +
                   " inputs, got " + llvm::Twine(inputs.size()));
  std::vector<trine_tensor> given(inputs.size()), asked(outputNames.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor &tensor = inputs[i];
    if (tensor.getRank() > TRINE_MAX_RANK)
      return problem("'" + inputNames[i] + "' must have rank " +
                     llvm::Twine(TRINE_MAX_RANK) + " at most, got " +
                     llvm::Twine(tensor.getRank()));
    given[i].name = inputNames[i].c_str();
    given[i].data = const_cast<char *>(
        tensor.getBytes().data()); // never written through for inputs
    given[i].bytes = tensor.getBytes().size();
    given[i].type = runtimeType(tensor.getElementType());
    given[i].rank = static_cast<uint32_t>(tensor.getRank());
    std::copy(tensor.getShape().begin(), tensor.getShape().end(),
              given[i].sizes);
  }
  for (size_t i = 0; i < asked.size(); ++i)
    asked[i].name = outputNames[i].c_str();
  if (trine_status status = trine_session_run(
          session.get(), given.data(), static_cast<uint32_t>(given.size()),
          asked.data(), static_cast<uint32_t>(asked.size())))
    return runtimeProblem(status);
  std::vector<Tensor> results;
  for (const trine_tensor &output : asked) {
    const char *typeName = trine_type_name(output.type);
    std::optional<ElementType> type =
        elementTypeFromName(typeName ? typeName : "");
    llvm::ArrayRef<int64_t> shape(output.sizes, output.rank);
    std::optional<int64_t> count = countElements(shape);
    if (!type || !count ||
        *count * bytesPerElement(*type) > static_cast<int64_t>(output.bytes))
      // No test: the runtime gives no such output.
      return problem("output '" + llvm::Twine(output.name) +
                     "' has no valid type and shape");
    std::optional<Tensor> copy = Tensor::fromBytes(
        *type, shape,
        {static_cast<const char *>(output.data),
         static_cast<size_t>(*count * bytesPerElement(*type))});
    if (!copy)
      // No test: only when memory runs out.
      return problem("no memory for output '" + llvm::Twine(output.name) + "'");
    results.push_back(*copy);
  }
  return results;
}
