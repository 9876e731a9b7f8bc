// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Generate.h"
#include "Profile.h"
#include "Sampler.h"
#include "trine/Runtime/TensorFile.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

using namespace trine::run;
using namespace trine::runtime;

namespace {

/// What an input of the model is made of.
enum class InputRole { Ids, Positions, Mask };

struct Input {
  InputRole role;
  std::string name;
  trine_type type;
  std::vector<unsigned char> memory;
};

struct Sequence {
  Sequence(std::vector<int64_t> prompt, Sampler sampler)
      : prompt(std::move(prompt)), sampler(std::move(sampler)) {}
  std::vector<int64_t> prompt, tokens;
  Sampler sampler;
  int64_t length = 0; // entries of its slot
  bool done = false;
};

class Generation {
public:
  Generation(const Options &options, const trine_package *package,
             trine_session *session)
      : options(options), package(package), session(session) {}

  bool run(std::string &error);

private:
  bool findInputs();
  bool findLogits();
  bool readPrompts();
  bool prepareSlots();
  bool prefill(uint32_t slot);
  bool announce(const std::vector<int64_t> &prompt, size_t at, size_t size);
  bool step(const std::vector<int64_t> &ids, uint32_t first, uint32_t batch,
            bool isPart = false);
  bool take(uint32_t first, uint32_t batch);
  bool decode();
  bool finish();
  bool fail(std::string text) {
    error = std::move(text);
    return false;
  }
  bool failStatus() { return fail(trine_status_message()); }

  const Options &options;
  const trine_package *package;
  trine_session *session;
  trine_package_info info = {};
  std::vector<Input> inputs;
  uint32_t logitsIndex = 0;
  std::vector<Sequence> sequences;
  std::vector<double> decodeTimes; // ms
  double prefillTime = 0, decodeTime = 0;
  Profile profile; // of steps that decode
  uint64_t decoded = 0;
  std::vector<float> row;
  std::string error;
};

} // namespace

static bool isInteger(trine_type type) {
  return type == TRINE_TYPE_I64 || type == TRINE_TYPE_I32;
}

static bool isFloat(trine_type type) {
  return type == TRINE_TYPE_F32 || type == TRINE_TYPE_F16 ||
         type == TRINE_TYPE_BF16 || type == TRINE_TYPE_F64;
}

/// The inputs by their names, as exporters give them.
bool Generation::findInputs() {
  trine_tensor_info tensor = {};
  tensor.struct_size = sizeof(tensor);
  bool hasIds = false;
  for (uint32_t i = 0; i < info.input_count; ++i) {
    if (trine_package_input(package, i, &tensor) != TRINE_OK)
      return failStatus();
    std::string name = tensor.name;
    Input input{InputRole::Ids, name, tensor.type, {}};
    bool known = tensor.rank == 2 && isInteger(tensor.type);
    if (name == "position_ids") {
      input.role = InputRole::Positions;
    } else if (name == "attention_mask") {
      input.role = InputRole::Mask;
      known = tensor.rank == 2 &&
              (isInteger(tensor.type) || tensor.type == TRINE_TYPE_F32 ||
               tensor.type == TRINE_TYPE_BOOL);
    } else if (name == "input_ids") {
      hasIds = true;
    } else {
      known = false;
    }
    if (!known)
      return fail("'--generate' cannot make input '" + name + "' (" +
                  trine_type_name(tensor.type) + " of rank " +
                  std::to_string(tensor.rank) +
                  "): it knows integer 'input_ids' and 'position_ids' [batch, "
                  "new tokens] and 'attention_mask' [batch, all tokens]");
    inputs.push_back(std::move(input));
  }
  return hasIds || fail("'--generate' needs an input 'input_ids'");
}

/// The output 'logits', or the only one that can be logits.
bool Generation::findLogits() {
  trine_tensor_info tensor = {};
  tensor.struct_size = sizeof(tensor);
  uint32_t found = 0;
  for (uint32_t i = 0; i < info.output_count; ++i) {
    if (trine_package_output(package, i, &tensor) != TRINE_OK)
      return failStatus();
    if (tensor.rank != 3 || !isFloat(tensor.type))
      continue;
    if (strcmp(tensor.name, "logits") == 0) {
      logitsIndex = i;
      return true;
    }
    logitsIndex = i;
    ++found;
  }
  return found == 1 ||
         fail("'--generate' needs one output of floats [batch, new tokens, "
              "tokens], or one of several called 'logits', got " +
              std::to_string(found));
}

bool Generation::readPrompts() {
  auto add = [&](std::vector<int64_t> ids) {
    Sampler sampler(options.generation, sequences.size());
    sequences.emplace_back(std::move(ids), sampler);
  };
  for (const std::string &prompt : options.generation.prompts) {
    bool isFile =
        prompt.size() > 4 && prompt.compare(prompt.size() - 4, 4, ".npy") == 0;
    if (!isFile) {
      std::vector<int64_t> ids;
      if (!parseIds("--prompt-ids", prompt.c_str(), ids))
        return fail("'--prompt-ids' must be numbers with commas, or a .npy");
      add(std::move(ids));
      continue;
    }
    std::vector<HostTensor> tensors;
    if (!readTensors(prompt, tensors, error))
      return false;
    const HostTensor &tensor = tensors[0];
    size_t rank = tensor.sizes.size();
    if (!isInteger(tensor.type) || rank < 1 || rank > 2)
      return fail("'" + prompt +
                  "' must hold i64 or i32 of rank 1 (a prompt) or 2 (prompts "
                  "of one length), got " +
                  trine_type_name(tensor.type) + " of rank " +
                  std::to_string(rank));
    int64_t count = rank == 2 ? tensor.sizes[0] : 1, size = tensor.sizes.back();
    for (int64_t p = 0; p < count; ++p) {
      std::vector<int64_t> ids;
      for (int64_t i = p * size; i < (p + 1) * size; ++i)
        ids.push_back(tensor.type == TRINE_TYPE_I64
                          ? static_cast<const int64_t *>(tensor.getData())[i]
                          : static_cast<const int32_t *>(tensor.getData())[i]);
      add(std::move(ids));
    }
  }
  for (size_t i = 0; i < sequences.size(); ++i)
    if (sequences[i].prompt.empty())
      return fail("prompt " + std::to_string(i) + " has no tokens");
  return !sequences.empty() || fail("'--generate' needs '--prompt-ids'");
}

/// Slots for all prompts, with room for what will come.
bool Generation::prepareSlots() {
  const GenerateOptions &generation = options.generation;
  if (!generation.loadState.empty() &&
      trine_state_load(session, generation.loadState.c_str(), 0) != TRINE_OK)
    return failStatus();
  uint32_t slots = 0;
  if (trine_state_slots(session, &slots) != TRINE_OK)
    return failStatus();
  uint32_t count = static_cast<uint32_t>(sequences.size());
  if (slots > count)
    return fail("'" + generation.loadState + "' has " + std::to_string(slots) +
                " sequences, but there are " + std::to_string(count) +
                " prompts");
  std::vector<int64_t> lengths(count);
  if (trine_state_lengths(session, lengths.data(), slots) != TRINE_OK)
    return failStatus();
  int64_t longest = 0;
  for (uint32_t i = 0; i < count; ++i) {
    sequences[i].length = lengths[i];
    longest = std::max<int64_t>(
        longest, lengths[i] + static_cast<int64_t>(sequences[i].prompt.size()));
  }
  // The last token is not fed again.
  longest += static_cast<int64_t>(generation.maxNewTokens) - 1;
  return trine_state_reserve(session, count, longest) == TRINE_OK ||
         failStatus();
}

/// Runs a prompt, in chunks if that is asked for. Each chunk is announced
/// before the one that comes first, so that its table rows are fetched
/// meanwhile.
bool Generation::prefill(uint32_t slot) {
  const std::vector<int64_t> &prompt = sequences[slot].prompt;
  size_t size = options.generation.promptChunk ? options.generation.promptChunk
                                               : prompt.size();
  for (size_t at = 0; at < prompt.size(); at += size) {
    size_t end = std::min(prompt.size(), at + size);
    if (end < prompt.size() && !announce(prompt, end, size))
      return false;
    if (!step({prompt.begin() + at, prompt.begin() + end}, slot, 1,
              /*isPart=*/end < prompt.size()))
      return false;
  }
  return true;
}

bool Generation::announce(const std::vector<int64_t> &prompt, size_t at,
                          size_t size) {
  std::vector<int64_t> ids(prompt.begin() + at,
                           prompt.begin() + std::min(prompt.size(), at + size));
  trine_tensor tensor = {};
  for (const Input &input : inputs)
    if (input.role == InputRole::Ids)
      tensor.name = input.name.c_str();
  tensor.data = ids.data();
  tensor.bytes = ids.size() * sizeof(int64_t);
  tensor.type = TRINE_TYPE_I64;
  tensor.rank = 2;
  tensor.sizes[0] = 1;
  tensor.sizes[1] = static_cast<int64_t>(ids.size());
  return trine_session_announce(session, &tensor, 1) == TRINE_OK ||
         failStatus();
}

/// A step on slots [first, first + batch), whose new tokens are `ids`.
/// With `isPart` more of the prompt follows, and nothing is drawn.
bool Generation::step(const std::vector<int64_t> &ids, uint32_t first,
                      uint32_t batch, bool isPart) {
  int64_t size = static_cast<int64_t>(ids.size()) / batch, longest = 0;
  for (uint32_t b = 0; b < batch; ++b)
    longest = std::max(longest, sequences[first + b].length);
  std::vector<trine_tensor> tensors;
  for (Input &input : inputs) {
    int64_t columns = input.role == InputRole::Mask ? longest + size : size;
    uint32_t bytes = trine_type_size(input.type);
    input.memory.assign(batch * static_cast<size_t>(columns) * bytes, 0);
    for (uint32_t b = 0; b < batch; ++b)
      for (int64_t i = 0; i < columns; ++i) {
        int64_t length = sequences[first + b].length;
        int64_t value = input.role == InputRole::Ids ? ids[b * size + i]
                        : input.role == InputRole::Positions
                            ? length + i
                            : i < length + size;
        unsigned char *to = &input.memory[(b * columns + i) * bytes];
        if (input.type == TRINE_TYPE_F32) {
          float number = static_cast<float>(value);
          memcpy(to, &number, bytes);
        } else {
          memcpy(to, &value, bytes); // little-endian
        }
      }
    trine_tensor tensor = {};
    tensor.name = input.name.c_str();
    tensor.data = input.memory.data();
    tensor.bytes = input.memory.size();
    tensor.type = input.type;
    tensor.rank = 2;
    tensor.sizes[0] = batch;
    tensor.sizes[1] = columns;
    tensors.push_back(tensor);
  }
  trine_step_options stepOptions = TRINE_STEP_OPTIONS_INIT;
  stepOptions.first_slot = first;
  auto start = std::chrono::steady_clock::now();
  if (trine_session_step(session, &stepOptions, tensors.data(),
                         static_cast<uint32_t>(tensors.size()), nullptr,
                         0) != TRINE_OK)
    return failStatus();
  double time = std::chrono::duration<double, std::milli>(
                    std::chrono::steady_clock::now() - start)
                    .count();
  bool isPrompt = sequences[first].tokens.empty();
  if (isPrompt) {
    prefillTime += time;
  } else {
    decodeTimes.push_back(time);
    if (!options.profileFile.empty())
      profile.addStep(session, static_cast<uint64_t>(decodeTime * 1e6),
                      static_cast<uint64_t>(time * 1e6));
    decodeTime += time;
  }
  if (options.generation.tokenTimes)
    printf("%s: slots %u..%u, past %lld, %lld new, %.3f ms\n",
           isPrompt ? "prefill" : "decode", first, first + batch - 1,
           static_cast<long long>(longest), static_cast<long long>(size), time);
  for (uint32_t b = 0; b < batch; ++b)
    sequences[first + b].length += size;
  return isPart || take(first, batch);
}

static float toFloat(const void *data, trine_type type, size_t i) {
  if (type == TRINE_TYPE_F32)
    return static_cast<const float *>(data)[i];
  if (type == TRINE_TYPE_F64)
    return static_cast<float>(static_cast<const double *>(data)[i]);
  uint16_t half = static_cast<const uint16_t *>(data)[i];
  uint32_t bits = uint32_t(half) << 16;
  float value;
  if (type == TRINE_TYPE_BF16) {
    memcpy(&value, &bits, sizeof(value));
    return value;
  }
  // f16: its exponent is 112 less, which a product of powers of two mends.
  bits = uint32_t(half & 0x7fff) << 13;
  memcpy(&value, &bits, sizeof(value));
  value = (half & 0x7c00) == 0x7c00
              ? (half & 0x3ff ? __builtin_nanf("") : __builtin_inff())
              : value * 0x1p112f;
  return half & 0x8000 ? -value : value;
}

/// The next token of each slot of the last step.
bool Generation::take(uint32_t first, uint32_t batch) {
  trine_tensor logits;
  if (trine_session_output(session, logitsIndex, &logits) != TRINE_OK)
    return failStatus();
  size_t tokens = static_cast<size_t>(logits.sizes[2]),
         rows = static_cast<size_t>(logits.sizes[1]);
  if (logits.sizes[0] != batch || rows == 0 || tokens == 0)
    // No test: the runtime checks sizes against the manifest.
    return fail("the logits of a step must be [" + std::to_string(batch) +
                ", new tokens, tokens], got [" +
                std::to_string(logits.sizes[0]) + ", " + std::to_string(rows) +
                ", " + std::to_string(tokens) + "]");
  const GenerateOptions &generation = options.generation;
  for (uint32_t b = 0; b < batch; ++b) {
    row.resize(tokens);
    // A model may give the last row only.
    for (size_t i = 0; i < tokens; ++i)
      row[i] =
          toFloat(logits.data, logits.type, ((b + 1) * rows - 1) * tokens + i);
    Sequence &sequence = sequences[first + b];
    int64_t token = sequence.sampler.choose(row);
    if (token < 0)
      return fail("sequence " + std::to_string(first + b) +
                  " has no next token after " +
                  std::to_string(sequence.length) +
                  " entries: its logits are not numbers");
    sequence.tokens.push_back(token);
    const std::vector<int64_t> &stops = generation.stopIds;
    sequence.done = sequence.tokens.size() >= generation.maxNewTokens ||
                    std::find(stops.begin(), stops.end(), token) != stops.end();
  }
  return true;
}

/// Steps neighbours together: all that the package allows.
bool Generation::decode() {
  for (;;) {
    bool any = false;
    for (uint32_t first = 0; first < sequences.size(); ++first) {
      if (sequences[first].done)
        continue;
      any = true;
      uint32_t end = first;
      std::vector<int64_t> ids;
      while (end < sequences.size() && !sequences[end].done &&
             (info.ragged || sequences[end].length == sequences[first].length))
        ids.push_back(sequences[end++].tokens.back());
      decoded += ids.size();
      if (!step(ids, first, end - first))
        return false;
      first = end - 1;
    }
    if (!any)
      return true;
  }
}

/// Prints and writes what came out.
bool Generation::finish() {
  const GenerateOptions &generation = options.generation;
  size_t prompts = 0;
  std::vector<trine_tensor> tensors;
  std::vector<std::string> names;
  names.reserve(sequences.size());
  for (size_t i = 0; i < sequences.size(); ++i) {
    Sequence &sequence = sequences[i];
    prompts += sequence.prompt.size();
    printf("sequence %zu:", i);
    for (int64_t token : sequence.tokens)
      printf(" %lld", static_cast<long long>(token));
    printf("\n");
    names.push_back("sequence_" + std::to_string(i));
    trine_tensor tensor = {};
    tensor.name = names.back().c_str();
    tensor.data = sequence.tokens.data();
    tensor.bytes = sequence.tokens.size() * sizeof(int64_t);
    tensor.type = TRINE_TYPE_I64;
    tensor.rank = 1;
    tensor.sizes[0] = static_cast<int64_t>(sequence.tokens.size());
    tensors.push_back(tensor);
  }
  printf("prefill: %zu tokens in %.3f ms, %.1f tokens/s\n", prompts,
         prefillTime, 1000 * static_cast<double>(prompts) / prefillTime);
  if (!decodeTimes.empty()) {
    double sum = 0;
    for (double time : decodeTimes)
      sum += time;
    std::sort(decodeTimes.begin(), decodeTimes.end());
    printf("decode: %llu tokens in %zu steps; a step: median %.3f ms, minimum "
           "%.3f ms, maximum %.3f ms; %.1f tokens/s\n",
           static_cast<unsigned long long>(decoded), decodeTimes.size(),
           decodeTimes[decodeTimes.size() / 2], decodeTimes.front(),
           decodeTimes.back(), 1000 * static_cast<double>(decoded) / sum);
  }
  if (!options.profileFile.empty()) {
    profile.print(package);
    if (!profile.write(options.profileFile, package, error))
      return false;
  }
  if (!generation.outputIds.empty() &&
      !writeTensors(generation.outputIds, tensors, error))
    return false;
  return generation.saveState.empty() ||
         trine_state_save(session, generation.saveState.c_str(), 0,
                          static_cast<uint32_t>(sequences.size())) ==
             TRINE_OK ||
         failStatus();
}

bool Generation::run(std::string &problem) {
  info.struct_size = sizeof(info);
  bool good =
      trine_package_describe(package, &info) == TRINE_OK || failStatus();
  if (good && info.state_count == 0)
    good = fail("'--generate' needs a package with state: compile the model "
                "with 'trine-compile --state'");
  good =
      good && findInputs() && findLogits() && readPrompts() && prepareSlots();
  for (uint32_t i = 0; good && i < sequences.size(); ++i)
    good = prefill(i);
  good = good && decode() && finish();
  problem = error;
  return good;
}

bool trine::run::generate(const Options &options, const trine_package *package,
                          trine_session *session, std::string &error) {
  return Generation(options, package, session).run(error);
}
