// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// EngramSchedules COUNT SEED FOLDER INPUTS PLAIN PACKAGE... [--corrupt]: runs
/// COUNT random schedules of steps of one of the packages, whose tables the
/// store serves, and compares every output bit for bit with that of PLAIN, a
/// package of the same model without a store. A schedule is a tier, a size of
/// the cache, bounds of what is in flight, threads, late, short and interrupted
/// reads, announced and unannounced steps. FOLDER is where referenced tables
/// are. --corrupt: a bit of every row that is read from disk is wrong. Text
/// tests run it on compiled models.
#include "trine/Runtime/TensorFile.h"
#include "trine/Runtime/engram.h"
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using trine::runtime::HostTensor;

namespace {
/// What is done to reads: one for each schedule.
struct Disturbance {
  uint64_t seed = 0;
  uint32_t mostMicroseconds = 0;
  uint32_t shortPercent = 0, interruptedPercent = 0;
  bool corrupts = false;
  std::atomic<uint64_t> reads{0};
};

uint64_t mix(uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

int64_t disturbedRead(void *context, int file, uint64_t offset, uint64_t bytes,
                      void *buffer) {
  auto &disturbance = *static_cast<Disturbance *>(context);
  uint64_t random = mix(disturbance.seed + ++disturbance.reads * 0x9e3779b9);
  if (random % 100 < disturbance.interruptedPercent)
    return -EINTR;
  if (disturbance.mostMicroseconds)
    std::this_thread::sleep_for(
        std::chrono::microseconds(mix(random) % disturbance.mostMicroseconds));
  ssize_t got = pread(file, buffer, bytes, static_cast<off_t>(offset));
  if (got < 0)
    return -errno;
  if (disturbance.corrupts)
    for (ssize_t i = 0; i < got; i += 4)
      static_cast<uint8_t *>(buffer)[i + 2 < got ? i + 2 : i] ^= 0x10;
  if (got > 1 && (random >> 8) % 100 < disturbance.shortPercent)
    return 1 +
           static_cast<int64_t>((random >> 16) % static_cast<uint64_t>(got));
  return got;
}

struct Output {
  std::string name;
  std::vector<char> bytes;
};

[[noreturn]] void fail(const std::string &what) {
  fprintf(stderr, "error: %s\n", what.c_str());
  exit(1);
}

class Run {
public:
  Run(const std::string &package, const trine_package_options &options,
      uint32_t threads) {
    trine_session_options sessionOptions = TRINE_SESSION_OPTIONS_INIT;
    sessionOptions.threads = threads;
    if (trine_package_open(package.c_str(), &options, &opened) != TRINE_OK ||
        trine_session_create(opened, &sessionOptions, &session) != TRINE_OK)
      fail(trine_status_message());
  }
  ~Run() {
    trine_session_destroy(session);
    trine_package_close(opened);
  }
  void announce(const std::vector<trine_tensor> &inputs) {
    if (trine_session_announce(session, inputs.data(),
                               static_cast<uint32_t>(inputs.size())) !=
        TRINE_OK)
      fail(trine_status_message());
  }
  bool step(const std::vector<trine_tensor> &inputs,
            std::vector<Output> &outputs) {
    if (trine_session_run(session, inputs.data(),
                          static_cast<uint32_t>(inputs.size()), nullptr,
                          0) != TRINE_OK)
      return false;
    trine_package_info info = {};
    info.struct_size = sizeof(info);
    if (trine_package_describe(opened, &info) != TRINE_OK)
      return false;
    outputs.resize(info.output_count);
    for (uint32_t i = 0; i < info.output_count; ++i) {
      trine_tensor tensor = {};
      if (trine_session_output(session, i, &tensor) != TRINE_OK)
        return false;
      uint64_t bytes = trine_type_size(tensor.type);
      for (uint32_t d = 0; d < tensor.rank; ++d)
        bytes *= static_cast<uint64_t>(tensor.sizes[d]);
      outputs[i].name = tensor.name;
      const char *data = static_cast<const char *>(tensor.data);
      outputs[i].bytes.assign(data, data + bytes);
    }
    return true;
  }

private:
  trine_package *opened = nullptr;
  trine_session *session = nullptr;
};

template <typename Value>
Value choose(std::mt19937_64 &random, std::initializer_list<Value> values) {
  return values.begin()[random() % values.size()];
}
} // namespace

int main(int count, char **arguments) {
  bool corrupts = count > 1 && !strcmp(arguments[count - 1], "--corrupt");
  count -= corrupts;
  if (count < 7) {
    fprintf(stderr, "usage: EngramSchedules COUNT SEED FOLDER INPUTS PLAIN "
                    "PACKAGE... [--corrupt]\n");
    return 2;
  }
  uint64_t schedules = strtoull(arguments[1], nullptr, 10);
  std::mt19937_64 random(strtoull(arguments[2], nullptr, 10));
  std::vector<HostTensor> read;
  std::string error;
  if (!trine::runtime::readTensors(arguments[4], read, error))
    fail(error);
  std::vector<trine_tensor> inputs;
  for (const HostTensor &tensor : read) {
    trine_tensor input = {};
    input.name = tensor.name.c_str();
    input.data = tensor.getData();
    input.bytes = tensor.bytes;
    input.type = tensor.type;
    input.rank = static_cast<uint32_t>(tensor.sizes.size());
    std::copy(tensor.sizes.begin(), tensor.sizes.end(), input.sizes);
    inputs.push_back(input);
  }

  trine_package_options plain = TRINE_PACKAGE_OPTIONS_INIT;
  std::vector<Output> expected, found;
  if (!Run(arguments[5], plain, 1).step(inputs, expected))
    fail(trine_status_message());

  uint64_t reads = 0, steps = 0;
  for (uint64_t schedule = 0; schedule < schedules; ++schedule) {
    Disturbance disturbance;
    disturbance.seed = random();
    disturbance.mostMicroseconds = choose<uint32_t>(random, {0, 50, 500, 3000});
    disturbance.shortPercent = choose<uint32_t>(random, {0, 10, 50});
    disturbance.interruptedPercent = choose<uint32_t>(random, {0, 5});
    disturbance.corrupts = corrupts;
    trine_package_options options = TRINE_PACKAGE_OPTIONS_INIT;
    options.verify_hashes = 0;
    options.table_tier = corrupts ? 3 : choose(random, {1, 2, 3, 3, 3, 3});
    options.table_cache_bytes =
        choose<uint64_t>(random, {0, 1000, 4096, 20000, 1 << 20});
    options.table_check = choose(random, {0, 0, 1});
    options.table_tickets = choose<uint32_t>(random, {1, 2, 64});
    options.table_folder = arguments[3];
    options.table_read = disturbedRead;
    options.table_read_context = &disturbance;
    uint32_t threads = 1 + random() % 8;
    const char *package = arguments[6 + random() % (count - 6)];
    std::string label = std::string("schedule ") + std::to_string(schedule) +
                        " (" + package + ", tier " +
                        std::to_string(options.table_tier) + ", cache " +
                        std::to_string(options.table_cache_bytes) + ", " +
                        std::to_string(threads) + " threads, " +
                        std::to_string(options.table_tickets) + " tickets): ";
    Run run(package, options, threads);
    for (uint64_t last = random() % 3, step = 0; step <= last; ++step) {
      if (random() % 2)
        run.announce(inputs);
      if (!run.step(inputs, found))
        fail(label + trine_status_message());
      ++steps;
      for (size_t i = 0; i < expected.size(); ++i)
        if (found.size() != expected.size() ||
            found[i].bytes != expected[i].bytes)
          fail(label + "output '" + expected[i].name + "' differs");
    }
    reads += disturbance.reads;
  }
  printf("%llu schedules, %llu steps, %llu reads: the bits of the package "
         "without a store\n",
         static_cast<unsigned long long>(schedules),
         static_cast<unsigned long long>(steps),
         static_cast<unsigned long long>(reads));
  return 0;
}
