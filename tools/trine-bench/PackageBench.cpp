// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// engram-bench packages: steps of several packages of one model in turns, so
/// that what else the machine does meets all alike.
#include "EngramBench.h"
#include "trine/Runtime/TensorFile.h"
#include <algorithm>
#include <cstdlib>
#include <ctime>

using namespace trine::bench;

namespace {
struct Runner {
  std::string path;
  trine_package *package = nullptr;
  trine_session *session = nullptr;
  /// Of each step: seconds, and seconds of all threads on processors.
  std::vector<double> times, processor;
};

void checkTrine(trine_status status) {
  if (status == TRINE_OK)
    return;
  fprintf(stderr, "engram-bench: %s\n", trine_status_message());
  exit(1);
}

double getProcessorTime() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

double getQuantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(part * (values.size() - 1))];
}

/// The median of how much more each of `values` is than its partner, in %.
double getExcess(const std::vector<double> &values,
                 const std::vector<double> &partners) {
  std::vector<double> ratios;
  for (size_t i = 0; i < values.size(); ++i)
    ratios.push_back(values[i] / partners[i]);
  return (getQuantile(ratios, 0.5) - 1) * 100;
}
} // namespace

int trine::bench::runPackageBench(const BenchOptions &options) {
  std::vector<trine::runtime::HostTensor> read;
  std::string error;
  if (!trine::runtime::readTensors(options.inputs, read, error)) {
    fprintf(stderr, "engram-bench: %s\n", error.c_str());
    return 1;
  }
  std::vector<Runner> runners;
  for (const std::string &argument : options.packages) {
    // PACKAGE or PACKAGE@TIER
    size_t at = argument.find('@');
    Runner runner;
    runner.path = argument;
    trine_package_options packageOptions = TRINE_PACKAGE_OPTIONS_INIT;
    packageOptions.verify_hashes = 0;
    packageOptions.table_folder = options.folder.c_str();
    packageOptions.table_cache_bytes =
        static_cast<uint64_t>(options.cacheMib * (1 << 20));
    if (at != std::string::npos)
      packageOptions.table_tier = atoi(argument.c_str() + at + 1);
    checkTrine(trine_package_open(argument.substr(0, at).c_str(),
                                  &packageOptions, &runner.package));
    trine_session_options sessionOptions = TRINE_SESSION_OPTIONS_INIT;
    sessionOptions.threads = static_cast<uint32_t>(options.threads);
    checkTrine(
        trine_session_create(runner.package, &sessionOptions, &runner.session));
    runners.push_back(std::move(runner));
  }
  std::vector<trine_tensor> inputs;
  int64_t *ids = nullptr;
  uint64_t idCount = 0;
  for (const auto &tensor : read) {
    trine_tensor input = {};
    input.name = tensor.name.c_str();
    input.data = tensor.getData();
    input.bytes = tensor.bytes;
    input.type = tensor.type;
    if (tensor.opaque)
      input.type = TRINE_TYPE_BF16;
    input.rank = static_cast<uint32_t>(tensor.sizes.size());
    std::copy(tensor.sizes.begin(), tensor.sizes.end(), input.sizes);
    if (tensor.name == "input_ids" || tensor.name == "rows") {
      ids = static_cast<int64_t *>(input.data);
      idCount = tensor.bytes / 8;
    }
    inputs.push_back(input);
  }
  uint64_t seed = 1;
  for (int round = -2; round < options.rounds; ++round) {
    // The same new ids for all: rows that nobody has asked for before.
    for (uint64_t i = 0; i < idCount; ++i) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      ids[i] = static_cast<int64_t>((seed >> 33) % 100000);
    }
    for (size_t i = 0; i < runners.size(); ++i) {
      // Each is first as often as any other.
      Runner &runner =
          runners[(i + static_cast<size_t>(round + 2)) % runners.size()];
      double start = getTime(), worked = getProcessorTime();
      checkTrine(trine_session_run(runner.session, inputs.data(),
                                   static_cast<uint32_t>(inputs.size()),
                                   nullptr, 0));
      if (round < 0)
        continue;
      runner.times.push_back(getTime() - start);
      runner.processor.push_back(getProcessorTime() - worked);
    }
  }
  printf("%-40s %10s %10s %10s %10s %14s %14s\n", "package", "least, ms",
         "median, ms", "90 %, ms", "on CPU, ms", "median pair", "on CPU");
  for (Runner &runner : runners) {
    const Runner &first = runners[0];
    printf("%-40s %10.3f %10.3f %10.3f %10.3f %+13.2f%% %+13.2f%%\n",
           runner.path.c_str(), getQuantile(runner.times, 0) * 1e3,
           getQuantile(runner.times, 0.5) * 1e3,
           getQuantile(runner.times, 0.9) * 1e3,
           getQuantile(runner.processor, 0.5) * 1e3,
           getExcess(runner.times, first.times),
           getExcess(runner.processor, first.processor));
  }
  for (Runner &runner : runners) {
    trine_session_destroy(runner.session);
    trine_package_close(runner.package);
  }
  return 0;
}
