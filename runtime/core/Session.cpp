// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Session.h"
#include "ElementType.h"
#include "SessionDevice.h"
#include "ThreadPool.h"
#include <algorithm>
#include <cstring>

using namespace trine::runtime;

Session::Session(std::shared_ptr<const Package> package,
                 std::unique_ptr<Device> device)
    : package(std::move(package)), device(std::move(device)) {}

Status Session::create(std::shared_ptr<const Package> package,
                       const SessionOptions &options,
                       std::unique_ptr<Session> &result) {
  const Manifest &manifest = package->getManifest();
  if (options.threads > ThreadPool::maximumThreads)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("'threads' must be in [0, ",
                         ThreadPool::maximumThreads, "], got ",
                         options.threads));
  std::unique_ptr<Device> made;
  Status status = createDevice(*package, options, made);
  if (!status.ok())
    return status;

  std::unique_ptr<Session> session(
      new Session(std::move(package), std::move(made)));
  Device &device = *session->device;
  if (trine_status code = device.shareWeights(
          session->package->getWeights(), session->package->getWeightsBytes(),
          &session->weights))
    return Status(code, device.getMessage());
  for (uint32_t space :
       {TRINE_SPACE_DEVICE, TRINE_SPACE_PINNED, TRINE_SPACE_HOST})
    session->arenas.emplace_back(device, space);
  for (const ManifestTensor &output : manifest.outputs)
    session->outputTensors.push_back(&output);
  for (const ManifestState &state : manifest.states)
    if (state.axis == 0)
      session->outputTensors.push_back(&state.tensor);
  session->outputs.reserve(session->outputTensors.size());
  for (size_t i = 0; i < session->outputTensors.size(); ++i)
    session->outputs.emplace_back(device);
  session->programInputs.resize(
      manifest.inputs.size() +
      (manifest.states.empty() ? 0 : manifest.states.size() + 2));
  if (!manifest.states.empty())
    session->state =
        std::make_unique<StateStore>(device, manifest, options.undo);
  session->tables = std::make_unique<SessionTables>(
      session->package->getTables(), device, manifest.inputs);
  session->givenInputs.resize(manifest.inputs.size());
  session->symbolValues.resize(manifest.symbols.size());
  result = std::move(session);
  return Status();
}

Status Session::run(const trine_tensor *inputs, uint32_t inputCount,
                    trine_tensor *tensors, uint32_t outputCount,
                    const StateStore::Choice &choice) {
  if (running.exchange(true))
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  "the session is running a step already: use one session for "
                  "each thread");
  hasResult = false;
  step.choice = choice;
  Status status = runStep(inputs, inputCount, tensors, outputCount);
  hasResult = status.ok();
  running = false;
  return status;
}

Status Session::announce(const trine_tensor *inputs, uint32_t inputCount) {
  if (running.exchange(true))
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  "a step cannot be announced while the session runs one");
  Status status = tables->announce(inputs, inputCount);
  running = false;
  return status;
}

Status Session::runStep(const trine_tensor *inputs, uint32_t inputCount,
                        trine_tensor *tensors, uint32_t outputCount) {
  profileRecords.clear();
  Status status = checkInputs(inputs, inputCount);
  if (status.ok())
    status = bindOutputs(inputs, inputCount, tensors, outputCount);
  if (status.ok())
    status = callProgram();
  if (!status.ok())
    return status;
  if (state)
    status = state->commit(step);
  if (!status.ok())
    return status;
  const std::vector<ManifestTensor> &declared = package->getManifest().outputs;
  for (uint32_t i = 0; i < outputCount; ++i)
    for (size_t index = 0; index < declared.size(); ++index) {
      uint32_t at = static_cast<uint32_t>((index + i) % declared.size());
      if (declared[at].name != tensors[i].name)
        continue;
      const char *name = tensors[i].name;
      fillTensor(at, tensors[i]);
      tensors[i].name = name;
      break;
    }
  return status;
}

/// Index of the tensor of that name, looked for from `hint` on: most callers
/// keep the model's order. -1 when there is none.
static int64_t findTensor(const std::vector<ManifestTensor> &tensors,
                          const char *name, size_t hint) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    size_t index = (hint + i) % tensors.size();
    if (tensors[index].name == name)
      return static_cast<int64_t>(index);
  }
  return -1;
}

static std::string listNames(const std::vector<ManifestTensor> &tensors) {
  std::string result;
  for (const ManifestTensor &tensor : tensors)
    result += (result.empty() ? "" : ", ") + quote(tensor.name);
  return result.empty() ? "none" : result;
}

static std::string formatDims(const ManifestTensor &tensor) {
  std::string result = "[";
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    result += i ? ", " : "";
    result += tensor.sizes[i] < 0 ? tensor.symbols[i]
                                  : std::to_string(tensor.sizes[i]);
  }
  return result + "]";
}

static std::string joinLines(const std::vector<std::string> &lines) {
  std::string result;
  for (const std::string &line : lines)
    result += (result.empty() ? "" : "\n") + line;
  return result;
}

static int64_t getBatch(const ManifestState &state,
                        const std::vector<int64_t> &symbols);

Status Session::checkInputs(const trine_tensor *inputs, uint32_t inputCount) {
  const std::vector<ManifestTensor> &declared = package->getManifest().inputs;
  std::vector<std::string> problems; // allocates nothing while empty
  std::fill(givenInputs.begin(), givenInputs.end(), nullptr);
  for (uint32_t i = 0; i < inputCount; ++i) {
    if (!inputs[i].name) {
      problems.push_back(concat("input number ", i, " has no name"));
      continue;
    }
    int64_t index = findTensor(declared, inputs[i].name, i);
    if (index < 0)
      problems.push_back(concat("unknown input ", quote(inputs[i].name),
                                "; the model has ", listNames(declared)));
    else if (givenInputs[index])
      problems.push_back(
          concat("input ", quote(inputs[i].name), " is given twice"));
    else
      givenInputs[index] = &inputs[i];
  }
  for (uint32_t i = 0; i < declared.size(); ++i) {
    if (givenInputs[i])
      checkInput(i, *givenInputs[i], problems);
    else
      problems.push_back(
          concat("input ", quote(declared[i].name), " is missing"));
  }
  if (problems.empty())
    checkSymbols(problems);
  if (problems.empty() && state) {
    Status status = bindState(problems);
    if (!status.ok())
      return status;
  }
  if (problems.empty())
    return Status();
  return Status(TRINE_ERROR_BAD_INPUT, joinLines(problems));
}

/// The size of a step's slots, which every state begins with; -1 when nothing
/// tells.
static int64_t getBatch(const ManifestState &state,
                        const std::vector<int64_t> &symbols) {
  return state.tensor.sizes[0] >= 0
             ? state.tensor.sizes[0]
             : state.tensor.expressions[0].evaluate(symbols);
}

/// The step's part of the states. Sizes of inputs are known to fit.
Status Session::bindState(std::vector<std::string> &problems) {
  const Manifest &manifest = package->getManifest();
  bool grows = false;
  for (const ManifestState &declared : manifest.states) {
    if (getBatch(declared, symbolValues) != step.batch) {
      problems.push_back(
          concat("state ", quote(declared.tensor.name), " has ",
                 getBatch(declared, symbolValues), " slots in this step, but ",
                 quote(manifest.states[0].tensor.name), " has ", step.batch));
      continue;
    }
    if (declared.axis == 0)
      continue;
    int64_t next = declared.next.evaluate(symbolValues),
            growth = next - step.past;
    if (next < step.past || (grows && growth != step.growth))
      problems.push_back(concat("state ", quote(declared.tensor.name),
                                " cannot have ", next, " entries after ",
                                step.past));
    step.growth = growth;
    grows = true;
  }
  if (!problems.empty())
    return Status();
  // Without a state that grows, entries are steps.
  if (!grows)
    step.growth = 1;
  Status status = state->prepare(step);
  if (status.ok())
    state->bind(step, programInputs.data() + manifest.inputs.size());
  return status;
}

/// What can be said about an input by itself.
void Session::checkInput(uint32_t index, const trine_tensor &given,
                         std::vector<std::string> &problems) {
  const ManifestTensor &declared = package->getManifest().inputs[index];
  // Only failures pay for their text.
  auto report = [&](const auto &...parts) {
    problems.push_back(concat("input ", quote(declared.name), parts...));
  };
  if (given.type != declared.type) {
    const char *name = trine_type_name(given.type);
    report(" must have type ", trine_type_name(declared.type), ", got ",
           name ? name : concat("type ", given.type));
  }
  if (given.rank != declared.sizes.size())
    return report(" must have rank ", declared.sizes.size(), " (",
                  formatDims(declared), "), got rank ", given.rank);
  bool sizesFit = true;
  for (uint32_t d = 0; d < given.rank; ++d) {
    int64_t expected = declared.sizes[d], got = given.sizes[d];
    bool fits = expected < 0 ? got >= 0 : got == expected;
    sizesFit &= fits;
    if (!fits && expected < 0)
      report(" dimension ", d, " must be at least 0, got ", got);
    else if (!fits)
      report(" dimension ", d, " must be ", expected, ", got ", got);
    programInputs[index].sizes[d] = got;
  }
  programInputs[index].data = given.data;
  uint32_t elementSize = trine_type_size(declared.type);
  uint64_t bytes;
  if (!sizesFit)
    return;
  if (!getTensorBytes(given.sizes, given.rank, elementSize, bytes))
    report(" is too large: ", formatSizes(given.sizes, given.rank));
  else if (given.bytes < bytes)
    report(" needs ", bytes, " bytes for ",
           formatSizes(given.sizes, given.rank), " of ",
           trine_type_name(declared.type), ", got ", given.bytes);
  else if (bytes > 0 && !given.data)
    report(" has no data");
  else if (reinterpret_cast<uintptr_t>(given.data) % elementSize)
    report(" must be aligned to ", elementSize, " bytes");
}

/// Symbols mean one size each, in their range, wherever they stand. All inputs
/// are good by themselves.
void Session::checkSymbols(std::vector<std::string> &problems) {
  const Manifest &manifest = package->getManifest();
  for (size_t i = 0; i < manifest.symbols.size(); ++i) {
    const ManifestSymbol &symbol = manifest.symbols[i];
    symbolValues[i] = -1;
    if (symbol.input < 0)
      continue;
    int64_t value = programInputs[symbol.input].sizes[symbol.dimension];
    symbolValues[i] = value;
    bool inRange = value >= symbol.minimum &&
                   (symbol.maximum < 0 || value <= symbol.maximum);
    if (inRange && value % symbol.divisor == 0)
      continue;
    std::string expected =
        inRange ? concat("a multiple of ", symbol.divisor)
        : symbol.maximum < 0
            ? concat("at least ", symbol.minimum)
            : concat("in [", symbol.minimum, ", ", symbol.maximum, "]");
    problems.push_back(
        concat("input ", quote(manifest.inputs[symbol.input].name),
               " dimension ", symbol.dimension, ", symbol ", quote(symbol.name),
               ", must be ", expected, ", got ", value));
  }
  if (state) {
    int64_t batch = getBatch(manifest.states[0], symbolValues);
    step.batch =
        static_cast<uint32_t>(std::clamp<int64_t>(batch, 0, INT32_MAX));
    step.past = state->getLongest(step.choice.first, step.batch);
    if (manifest.pastSymbol >= 0)
      symbolValues[manifest.pastSymbol] = step.past;
  }
  for (size_t t = 0; t < manifest.inputs.size(); ++t) {
    const ManifestTensor &input = manifest.inputs[t];
    for (size_t d = 0; d < input.sizes.size(); ++d) {
      if (input.sizes[d] >= 0)
        continue;
      int64_t expected = input.expressions[d].evaluate(symbolValues);
      int64_t got = programInputs[t].sizes[d];
      if (expected < 0 || expected == got)
        continue;
      int32_t index = input.expressions[d].getSymbol();
      if (index < 0) {
        problems.push_back(concat("input ", quote(input.name), " dimension ", d,
                                  " must be ", quote(input.symbols[d]), " = ",
                                  expected, ", got ", got));
        continue;
      }
      const ManifestSymbol &symbol = manifest.symbols[index];
      // The length of the past is that of the slots, wherever it stands.
      std::string source =
          index == manifest.pastSymbol
              ? "the entries of the slots"
              : "input " + quote(manifest.inputs[symbol.input].name);
      problems.push_back(concat("input ", quote(input.name), " dimension ", d,
                                " is symbol ", quote(symbol.name), " = ",
                                expected, " by ", source, ", got ", got));
    }
  }
}

static bool overlap(const void *a, uint64_t aBytes, const void *b,
                    uint64_t bBytes) {
  uintptr_t aBegin = reinterpret_cast<uintptr_t>(a);
  uintptr_t bBegin = reinterpret_cast<uintptr_t>(b);
  return aBytes && bBytes && aBegin < bBegin + bBytes &&
         bBegin < aBegin + aBytes;
}

Status Session::bindOutputs(const trine_tensor *inputs, uint32_t inputCount,
                            const trine_tensor *tensors, uint32_t outputCount) {
  const std::vector<ManifestTensor> &declared = package->getManifest().outputs;
  std::vector<std::string> problems;
  for (Output &output : outputs) {
    output.callerData = nullptr;
    output.produced = false;
  }
  for (uint32_t i = 0; i < outputCount; ++i) {
    const trine_tensor &tensor = tensors[i];
    if (!tensor.name) {
      problems.push_back(concat("output number ", i, " has no name"));
      continue;
    }
    int64_t index = findTensor(declared, tensor.name, i);
    if (index < 0) {
      problems.push_back(concat("unknown output ", quote(tensor.name),
                                "; the model has ", listNames(declared)));
      continue;
    }
    for (uint32_t j = 0; j < i; ++j)
      if (tensors[j].name && strcmp(tensors[j].name, tensor.name) == 0)
        problems.push_back(
            concat("output ", quote(tensor.name), " is asked for twice"));
    if (!tensor.data)
      continue;
    uint32_t elementSize = trine_type_size(declared[index].type);
    if (reinterpret_cast<uintptr_t>(tensor.data) % elementSize)
      problems.push_back(concat("output ", quote(tensor.name),
                                " must be aligned to ", elementSize, " bytes"));
    for (uint32_t j = 0; j < inputCount; ++j)
      if (overlap(tensor.data, tensor.bytes, inputs[j].data, inputs[j].bytes))
        problems.push_back(concat("output ", quote(tensor.name),
                                  " overlaps input ", quote(inputs[j].name)));
    for (uint32_t j = 0; j < i; ++j)
      if (tensors[j].name &&
          overlap(tensor.data, tensor.bytes, tensors[j].data, tensors[j].bytes))
        problems.push_back(concat("output ", quote(tensor.name),
                                  " overlaps output ", quote(tensors[j].name)));
    outputs[index].callerData = tensor.data;
    outputs[index].callerBytes = tensor.bytes;
  }
  // States that are replaced are made beside their old values.
  for (size_t i = declared.size(); i < outputs.size(); ++i)
    outputs[i].callerData =
        state->getNext(step, i - declared.size(), outputs[i].callerBytes);
  if (problems.empty())
    return Status();
  return Status(TRINE_ERROR_BAD_OUTPUT, joinLines(problems));
}

void Session::fillTensor(uint32_t index, trine_tensor &tensor) const {
  const Output &output = outputs[index];
  const ManifestTensor &declared = *outputTensors[index];
  tensor.name = declared.name.c_str();
  tensor.data = output.data;
  tensor.bytes = output.bytes;
  tensor.type = declared.type;
  tensor.rank = static_cast<uint32_t>(declared.sizes.size());
  std::copy(output.sizes, output.sizes + TRINE_MAX_RANK, tensor.sizes);
}

Status Session::getOutput(uint32_t index, trine_tensor &output) const {
  size_t count = package->getManifest().outputs.size();
  if (index >= count)
    return Status(
        TRINE_ERROR_INVALID_ARGUMENT,
        concat("output ", index, " does not exist: the model has ", count));
  if (!hasResult)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  "the session has no outputs: its last run failed, or there "
                  "was none");
  fillTensor(index, output);
  return Status();
}
