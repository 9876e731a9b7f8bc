// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// StateSteps PLAIN STATE FOLDER [DEVICE]: two packages of one model, without
/// and with `--state`. Steps of the second one must give what the first one
/// gives when present is handed to past; then what a session can do with its
/// state. Text tests run it on compiled models.
#include "trine/Runtime/trine.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

[[noreturn]] void stop(const std::string &text) {
  fprintf(stderr, "error: %s\n", text.c_str());
  exit(1);
}
void check(trine_status status) {
  if (status != TRINE_OK)
    stop(trine_status_message());
}
void expect(bool good, const std::string &what) {
  if (!good)
    stop("expected " + what);
}

/// Of all sessions: the device that was asked for.
trine_session_options sessionOptions = TRINE_SESSION_OPTIONS_INIT;

using Ids = std::vector<int64_t>;
/// A tensor of a step, as f32.
using Values = std::vector<float>;

float toFloat(const void *data, trine_type type, size_t i) {
  if (type == TRINE_TYPE_F32)
    return static_cast<const float *>(data)[i];
  uint32_t bits = uint32_t(static_cast<const uint16_t *>(data)[i]) << 16;
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

/// A package, opened.
struct Model {
  explicit Model(const char *path) {
    check(trine_package_open(path, nullptr, &package));
    info.struct_size = sizeof(info);
    check(trine_package_describe(package, &info));
    trine_tensor_info output = {};
    output.struct_size = sizeof(output);
    check(trine_package_output(package, 0, &output));
    tolerance = output.relative_tolerance;
  }
  ~Model() { trine_package_close(package); }
  trine_package *package = nullptr;
  trine_package_info info = {};
  double tolerance = 0;
};

trine_tensor makeIds(const char *name, Ids &ids, int64_t batch) {
  trine_tensor tensor = {};
  tensor.name = name;
  tensor.data = ids.data();
  tensor.bytes = ids.size() * sizeof(int64_t);
  tensor.type = TRINE_TYPE_I64;
  tensor.rank = 2;
  tensor.sizes[0] = batch;
  tensor.sizes[1] = int64_t(ids.size()) / batch;
  return tensor;
}

Values takeLogits(trine_session *session) {
  trine_tensor logits;
  check(trine_session_output(session, 0, &logits));
  Values result;
  for (size_t i = 0; i < logits.bytes / trine_type_size(logits.type); ++i)
    result.push_back(toFloat(logits.data, logits.type, i));
  return result;
}

Ids makePositions(const Ids &lengths, int64_t seq) {
  Ids positions;
  for (int64_t length : lengths)
    for (int64_t i = 0; i < seq; ++i)
      positions.push_back(length + i);
  return positions;
}

/// Past and present, handed over by the caller.
class PlainRun {
public:
  PlainRun(Model &plain, Model &state) : stateModel(state) {
    check(trine_session_create(plain.package, &sessionOptions, &session));
  }
  ~PlainRun() { trine_session_destroy(session); }

  /// One sequence's next tokens.
  Values step(Ids ids) {
    Ids positions = makePositions({length}, int64_t(ids.size()));
    std::vector<trine_tensor> inputs = {makeIds("input_ids", ids, 1),
                                        makeIds("position_ids", positions, 1)};
    trine_state_info info = {};
    info.struct_size = sizeof(info);
    for (uint32_t i = 0; i < stateModel.info.state_count; ++i) {
      check(trine_package_state(stateModel.package, i, &info));
      trine_tensor tensor = {};
      tensor.name = info.name;
      tensor.type = info.type;
      tensor.rank = info.rank;
      uint32_t size = trine_type_size(info.type);
      tensor.bytes = size;
      for (uint32_t d = 0; d < info.rank; ++d) {
        tensor.sizes[d] = d == 0 ? 1 : d == info.axis ? length : info.sizes[d];
        tensor.bytes *= uint64_t(tensor.sizes[d]);
      }
      std::vector<char> &memory = past[info.name];
      if (memory.empty())
        for (uint64_t at = 0; at < tensor.bytes; at += size)
          memory.insert(memory.end(), static_cast<const char *>(info.initial),
                        static_cast<const char *>(info.initial) + size);
      expect(memory.size() == tensor.bytes, "a past of the right size");
      memory.reserve(1);
      tensor.data = memory.data();
      inputs.push_back(tensor);
    }
    check(trine_session_run(session, inputs.data(), uint32_t(inputs.size()),
                            nullptr, 0));
    Values logits = takeLogits(session);
    trine_tensor output;
    for (uint32_t i = 0; trine_session_output(session, i, &output) == TRINE_OK;
         ++i)
      for (uint32_t s = 0; s < stateModel.info.state_count; ++s) {
        check(trine_package_state(stateModel.package, s, &info));
        if (strcmp(info.present, output.name) == 0)
          past[info.name].assign(static_cast<char *>(output.data),
                                 static_cast<char *>(output.data) +
                                     output.bytes);
      }
    length += int64_t(ids.size());
    return logits;
  }

private:
  Model &stateModel;
  trine_session *session = nullptr;
  std::map<std::string, std::vector<char>> past;
  int64_t length = 0;
};

/// A session with state.
class StateRun {
public:
  explicit StateRun(Model &model) {
    check(trine_session_create(model.package, &sessionOptions, &session));
  }
  ~StateRun() { trine_session_destroy(session); }

  trine_status tryStep(Ids ids, uint32_t first, uint32_t batch,
                       const Ids *counts = nullptr,
                       trine_tensor *output = nullptr) {
    Ids lengths = getLengths();
    lengths.resize(std::max<size_t>(lengths.size(), first + batch));
    Ids mine(lengths.begin() + first, lengths.begin() + first + batch);
    Ids positions = makePositions(mine, int64_t(ids.size()) / batch);
    trine_tensor inputs[] = {makeIds("input_ids", ids, batch),
                             makeIds("position_ids", positions, batch)};
    trine_step_options options = TRINE_STEP_OPTIONS_INIT;
    options.first_slot = first;
    if (counts) {
      options.new_entries = counts->data();
      options.new_entry_count = uint32_t(counts->size());
    }
    return trine_session_step(session, &options, inputs, 2, output,
                              output ? 1 : 0);
  }
  Values step(const Ids &ids, uint32_t first = 0, uint32_t batch = 1) {
    check(tryStep(ids, first, batch));
    return takeLogits(session);
  }
  Ids getLengths() {
    uint32_t slots;
    check(trine_state_slots(session, &slots));
    Ids lengths(slots);
    check(trine_state_lengths(session, lengths.data(), slots));
    return lengths;
  }
  trine_session *session = nullptr;
};

class Comparison {
public:
  /// Both results may be off by the package's tolerance.
  explicit Comparison(double tolerance) : tolerance(2 * tolerance) {}
  void add(const Values &a, const Values &b) {
    expect(a.size() == b.size() && !a.empty(), "results of one size");
    double top = 0;
    for (float value : b)
      top = std::max(top, std::fabs(double(value)));
    for (size_t i = 0; i < a.size(); ++i) {
      equal += memcmp(&a[i], &b[i], sizeof(float)) == 0;
      double error = std::fabs(double(a[i]) - b[i]) / (top * tolerance);
      worst = !(error <= worst) ? error : worst;
    }
    all += a.size();
  }
  /// Nearly equal, or bit for bit.
  void finish(const char *what, bool exact = false) const {
    expect(exact ? equal == all : worst <= 1,
           std::string(what) + (exact ? " to be equal" : " within tolerance") +
               ", got error / tolerance " + std::to_string(worst));
    printf("%s: %s, %llu values\n", what,
           equal == all
               ? "bit for bit"
               : ("error / tolerance " + std::to_string(worst)).c_str(),
           static_cast<unsigned long long>(all));
  }

private:
  double tolerance, worst = 0;
  uint64_t equal = 0, all = 0;
};

/// One sequence in a session of its own. What is dropped is run again.
class Alone {
public:
  explicit Alone(Model &model) : model(model) {}
  Alone(const Alone &other) : model(other.model), steps(other.steps) {}

  Values step(const Ids &ids) {
    if (!run) {
      run = std::make_unique<StateRun>(model);
      for (const Ids &before : steps)
        run->step(before);
    }
    steps.push_back(ids);
    return run->step(ids);
  }
  /// Forgets the last `count` steps.
  void drop(size_t count) {
    steps.resize(steps.size() - count);
    run.reset();
  }
  int64_t getLength() const {
    size_t length = 0;
    for (const Ids &ids : steps)
      length += ids.size();
    return int64_t(length);
  }
  size_t getSteps() const { return steps.size(); }

private:
  Model &model;
  std::vector<Ids> steps;
  std::unique_ptr<StateRun> run;
};

/// Row `slot` of a step's logits.
Values rowOf(const Values &all, uint32_t slot, uint32_t batch) {
  size_t size = all.size() / batch;
  return Values(all.begin() + slot * size, all.begin() + (slot + 1) * size);
}

void expectFailure(trine_status status, const char *text) {
  expect(status != TRINE_OK, std::string("a failure: ") + text);
  expect(strstr(trine_status_message(), text),
         std::string("'") + text + "', got: " + trine_status_message());
}

class Test {
public:
  Test(const char *plain, const char *state, std::string folder)
      : plain(plain), state(state), folder(std::move(folder)) {}

  Ids draw(size_t count) {
    Ids ids;
    for (size_t i = 0; i < count; ++i)
      ids.push_back(int64_t(random() % 150));
    return ids;
  }

  /// Prompts of several lengths, then single tokens.
  void compareWithPlain() {
    Comparison all(plain.tolerance);
    for (size_t prompt : {1, 5, 37}) {
      PlainRun byHand(plain, state);
      StateRun kept(state);
      Ids ids = draw(prompt);
      all.add(kept.step(ids), byHand.step(ids));
      for (size_t count : {1, 1, 3, 1}) {
        ids = draw(count);
        all.add(kept.step(ids), byHand.step(ids));
      }
    }
    all.finish("steps with state and by hand");
  }

  /// Two sequences of different lengths in one batch.
  void compareBatch() {
    Comparison all(plain.tolerance);
    StateRun kept(state);
    PlainRun first(plain, state), second(plain, state);
    Ids a = draw(5), b = draw(state.info.ragged ? 9 : 5);
    all.add(kept.step(a, 0), first.step(a));
    all.add(kept.step(b, 1), second.step(b));
    for (size_t count : {1, 1, 2, 1}) {
      a = draw(count), b = draw(count);
      Ids both = a;
      both.insert(both.end(), b.begin(), b.end());
      Values logits = kept.step(both, 0, 2);
      all.add(rowOf(logits, 0, 2), first.step(a));
      all.add(rowOf(logits, 1, 2), second.step(b));
    }
    if (!state.info.ragged) {
      kept.step(draw(1), 1);
      expectFailure(kept.tryStep(draw(2), 0, 2), "of one length only");
    }
    all.finish(state.info.ragged ? "two sequences of different lengths"
                                 : "two sequences of one length");
  }

  /// Sequences of very different lengths, stepped together, while slots are
  /// truncated, emptied and copied: each gives what it gives alone.
  void mixLengths() {
    if (!state.info.ragged)
      return;
    Comparison all(plain.tolerance);
    StateRun kept(state);
    std::vector<Alone> alone(3, Alone(state));
    auto stepTogether = [&](size_t count) {
      uint32_t batch = uint32_t(alone.size());
      std::vector<Ids> parts;
      Ids ids;
      for (uint32_t slot = 0; slot < batch; ++slot) {
        parts.push_back(draw(count));
        ids.insert(ids.end(), parts.back().begin(), parts.back().end());
      }
      Values logits = kept.step(ids, 0, batch);
      Ids lengths = kept.getLengths();
      for (uint32_t slot = 0; slot < batch; ++slot) {
        all.add(rowOf(logits, slot, batch), alone[slot].step(parts[slot]));
        expect(lengths[slot] == alone[slot].getLength(), "a slot's own length");
      }
    };
    // The last slot is empty.
    for (auto [slot, size] : {std::pair<uint32_t, size_t>(0, 7), {1, 300}}) {
      Ids prompt = draw(size);
      all.add(kept.step(prompt, slot), alone[slot].step(prompt));
    }
    for (size_t count : {3, 1, 1, 17})
      stepTogether(count);
    alone[1].drop(2);
    check(trine_state_truncate(kept.session, 1, alone[1].getLength()));
    stepTogether(1);
    check(trine_state_reset(kept.session, 0));
    alone[0].drop(alone[0].getSteps());
    stepTogether(2);
    uint32_t sources[] = {1, 2, 0, 1};
    check(trine_state_fork(kept.session, sources, 4));
    std::vector<Alone> copies;
    for (uint32_t source : sources)
      copies.push_back(alone[source]);
    alone.swap(copies);
    for (size_t count : {1, 5, 1})
      stepTogether(count);
    all.finish("sequences of many lengths, truncated, emptied and copied");
  }

  /// Slots that take different numbers of a step's tokens.
  void padTokens() {
    StateRun kept(state);
    Ids counts = {5, 2, 0};
    trine_state_info info = {};
    info.struct_size = sizeof(info);
    for (uint32_t i = 0; i < state.info.state_count; ++i) {
      check(trine_package_state(state.package, i, &info));
      if (info.axis != 0)
        continue;
      expectFailure(kept.tryStep(draw(15), 0, 3, &counts),
                    "'new_entries' needs states that grow");
      return;
    }
    Comparison all(plain.tolerance);
    std::vector<Alone> alone(3, Alone(state));
    Ids ids = draw(15);
    check(kept.tryStep(ids, 0, 3, &counts));
    expect(kept.getLengths() == counts, "lengths 5, 2 and 0");
    Values logits = takeLogits(kept.session);
    size_t width = logits.size() / 15;
    for (uint32_t slot : {0, 1}) {
      Ids own(ids.begin() + 5 * slot, ids.begin() + 5 * slot + counts[slot]);
      Values row = rowOf(logits, slot, 3);
      row.resize(own.size() * width);
      all.add(row, alone[slot].step(own));
    }
    ids = draw(state.info.ragged ? 6 : 2);
    uint32_t batch = uint32_t(ids.size() / 2);
    logits = kept.step(ids, 0, batch);
    for (uint32_t slot = 0; slot < batch; ++slot)
      all.add(rowOf(logits, slot, batch),
              alone[slot].step({ids[2 * slot], ids[2 * slot + 1]}));
    all.finish("slots that take different numbers of tokens");
    Ids two = {1, 1}, negative = {1, -1, 1}, many = {1, 2, 1};
    expectFailure(kept.tryStep(draw(3), 0, 3, &two),
                  "'new_entry_count' must be 3, the slots of the step, got 2");
    if (!state.info.ragged)
      return;
    expectFailure(kept.tryStep(draw(3), 0, 3, &negative),
                  "'new_entries' must be in [0, 1], got -1 for slot 1");
    expectFailure(kept.tryStep(draw(3), 0, 3, &many),
                  "'new_entries' must be in [0, 1], got 2 for slot 1");
  }

  void changeState() {
    Comparison truncated(1), forked(1), emptied(1), loaded(1);
    StateRun kept(state);
    Ids prompt = draw(6), tail = draw(3);
    Values start = kept.step(prompt);
    std::vector<Values> steps;
    for (int64_t id : tail)
      steps.push_back(kept.step({id}));
    check(trine_state_truncate(kept.session, 0, 7));
    expect(kept.getLengths() == Ids{7}, "7 entries");
    truncated.add(kept.step({tail[1]}), steps[1]);
    check(trine_state_truncate(kept.session, 0, 6));
    for (size_t i = 0; i < 3; ++i)
      truncated.add(kept.step({tail[i]}), steps[i]);
    truncated.finish("steps again after truncating", true);

    uint32_t sources[] = {0, 0, 0};
    check(trine_state_truncate(kept.session, 0, 8));
    check(trine_state_fork(kept.session, sources, 3));
    expect(kept.getLengths() == (Ids{8, 8, 8}), "three slots");
    kept.step({tail[0]}, 0);
    for (uint32_t slot : {1, 2})
      forked.add(kept.step({tail[2]}, slot), steps[2]);
    forked.finish("a step of copies", true);

    check(trine_state_reset(kept.session, 1));
    expect(kept.getLengths() == (Ids{9, 0, 9}), "an empty slot");
    emptied.add(kept.step(prompt, 1), start);
    emptied.add(kept.step({tail[0]}, 1), steps[0]);
    emptied.finish("a sequence in an emptied slot", true);

    std::string path = folder + "/saved.safetensors";
    check(trine_state_save(kept.session, path.c_str(), 1, 1));
    StateRun other(state);
    other.step(draw(2));
    check(trine_state_load(other.session, path.c_str(), 1));
    expect(other.getLengths() == (Ids{2, 7}), "a second slot");
    loaded.add(other.step({tail[1]}, 1), steps[1]);
    loaded.add(other.step({tail[2]}, 1), steps[2]);
    loaded.finish("a sequence from a file", true);
    refuse(kept, path);
  }

  /// Storage that grows on the way, and storage that was there.
  void grow() {
    Comparison all(1);
    StateRun grown(state), reserved(state);
    check(trine_state_reserve(reserved.session, 2, 300));
    int64_t before = 0;
    unsigned growths = 0;
    Ids ids = draw(60);
    for (unsigned i = 0; i < 80; ++i) {
      all.add(grown.step(ids), reserved.step(ids));
      int64_t capacity;
      check(trine_state_capacity(grown.session, &capacity));
      growths += capacity > before;
      before = capacity;
      ids = draw(i % 7 == 0 ? 3 : 1);
    }
    expect(growths == 3, "3 growths, got " + std::to_string(growths));
    // Elsewhere in memory, so not the same vectors at the edges of tiles.
    all.finish("storage that grows", true);
  }

private:
  void refuse(StateRun &kept, const std::string &path) {
    trine_session *session = kept.session;
    Ids before = kept.getLengths();
    expectFailure(trine_state_reset(session, 3), "slot 3 does not exist");
    expectFailure(trine_state_truncate(session, 7, 0), "slot 7 does not exist");
    expectFailure(trine_state_truncate(session, 0, 10), "must be in [0, 9]");
    uint32_t sources[] = {0, 5};
    expectFailure(trine_state_fork(session, sources, 2),
                  "slot 5 does not exist");
    expectFailure(trine_state_save(session, path.c_str(), 2, 2),
                  "slots [2, 4) do not exist");
    expectFailure(trine_state_save(session, (folder + "/no/x").c_str(), 0, 1),
                  "cannot be written");
    expectFailure(trine_state_load(session, (folder + "/none").c_str(), 0),
                  "none");
    // A step that fails behind its kernels makes no slots.
    trine_tensor_info info = {};
    info.struct_size = sizeof(info);
    check(trine_package_output(state.package, 0, &info));
    alignas(8) char small[8];
    trine_tensor logits = {};
    logits.name = info.name;
    logits.data = small;
    logits.bytes = sizeof(small);
    expectFailure(
        kept.tryStep({1, 2}, uint32_t(before.size()), 2, nullptr, &logits),
        "needs");
    expect(kept.getLengths() == before, "no slots by a step that failed");
    std::ifstream stream(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(stream)),
                      std::istreambuf_iterator<char>());
    auto load = [&](const std::string &text) {
      std::string bad = folder + "/bad.safetensors";
      std::ofstream(bad, std::ios::binary) << text;
      return trine_state_load(session, bad.c_str(), 0);
    };
    check(load(bytes));
    check(trine_state_reset(session, 0));
    before[0] = 0;
    auto edit = [&](const std::string &from, const std::string &to) {
      std::string text = bytes;
      size_t at = text.find(from);
      expect(at != std::string::npos, "'" + from + "' in the file");
      return load(text.replace(at, from.size(), to));
    };
    expectFailure(load(bytes.substr(0, bytes.size() - 1)), "bad.safetensors");
    expectFailure(load(""), "at least 8 bytes");
    expectFailure(edit("trine-state", "trine-stale"), "is no saved state");
    expectFailure(edit("\"version\":\"1\"", "\"version\":\"9\""),
                  "version '9'");
    expectFailure(edit("\"lengths\"", "\"lengthz\""), "no tensor 'lengths'");
    expectFailure(edit("rows/0/", "rows/9/"), "no tensor 'rows/0/");
    size_t at = bytes.find("\"fingerprint\":\"") + 15;
    std::string other = bytes;
    other[at] = other[at] == '0' ? '1' : '0';
    expectFailure(load(other), "other weights");
    // Every header byte broken once: a message or a state, and never a crash.
    uint64_t header;
    memcpy(&header, bytes.data(), sizeof(header));
    for (size_t i = 0; i < 8 + header; i += 3) {
      std::string broken = bytes;
      broken[i] = char(broken[i] ^ (1 << random() % 7));
      if (load(broken) == TRINE_OK)
        check(trine_state_reset(session, 0));
    }
    expect(kept.getLengths() == before, "nothing changed by failures");
    printf("broken files and wrong slots: refused\n");
  }

  Model plain, state;
  std::string folder;
  std::mt19937_64 random{7};
};

} // namespace

int main(int count, char **arguments) {
  if (count != 4 && count != 5)
    stop("arguments must be PLAIN STATE FOLDER [DEVICE]");
  if (count == 5)
    sessionOptions.device = arguments[4];
  Test test(arguments[1], arguments[2], arguments[3]);
  test.compareWithPlain();
  test.compareBatch();
  test.mixLengths();
  test.padTokens();
  test.changeState();
  test.grow();
}
