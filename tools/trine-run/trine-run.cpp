// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Runs a package on tensors from files.
#include "Check.h"
#include "Generate.h"
#include "Information.h"
#include "Options.h"
#include "Profile.h"
#include "Statistics.h"
#include "trine/Runtime/TensorFile.h"
#include "trine/Runtime/trine.h"
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>

using namespace trine::run;
using namespace trine::runtime;

static int fail(const std::string &text) {
  // A line for each problem, each by itself.
  size_t begin = 0;
  while (begin <= text.size()) {
    size_t end = std::min(text.find('\n', begin), text.size());
    fprintf(stderr, "trine-run: error: %s\n",
            text.substr(begin, end - begin).c_str());
    begin = end + 1;
  }
  return ExitFailure;
}

static int failStatus() { return fail(trine_status_message()); }

static bool readInputs(const Options &options, std::vector<HostTensor> &tensors,
                       std::string &error) {
  for (const std::string &file : options.inputFiles)
    if (!readTensors(file, tensors, error))
      return false;
  for (const auto &[name, file] : options.inputs) {
    size_t before = tensors.size();
    if (!readTensors(file, tensors, error))
      return false;
    if (tensors.size() != before + 1) {
      error = "'" + file + "' must hold one tensor for '--input', got " +
              std::to_string(tensors.size() - before);
      return false;
    }
    tensors.back().name = name;
  }
  return true;
}

/// The input's declared type, or NONE when the model has no such input.
static trine_type getInputType(const trine_package *package,
                               const std::string &name) {
  trine_tensor_info info = {};
  info.struct_size = sizeof(info);
  for (uint32_t i = 0; trine_package_input(package, i, &info) == TRINE_OK; ++i)
    if (name == info.name)
      return info.type;
  return TRINE_TYPE_NONE;
}

/// Borrows the tensors for a run; false when one cannot be put so.
static bool makeInputs(const trine_package *package,
                       const std::vector<HostTensor> &tensors,
                       std::vector<trine_tensor> &inputs, std::string &error) {
  for (const HostTensor &tensor : tensors) {
    trine_tensor input = {};
    input.name = tensor.name.c_str();
    input.data = tensor.getData();
    input.bytes = tensor.bytes;
    input.type = tensor.type;
    if (tensor.opaque) {
      // numpy has no name for these.
      trine_type wanted = getInputType(package, tensor.name);
      bool isNameless =
          wanted == TRINE_TYPE_BF16 ||
          (wanted >= TRINE_TYPE_I4 && wanted <= TRINE_TYPE_F4E2M1FN);
      if (isNameless && trine_type_size(wanted) == trine_type_size(tensor.type))
        input.type = wanted;
    }
    if (tensor.sizes.size() > TRINE_MAX_RANK) {
      error = "input '" + tensor.name + "' must have at most " +
              std::to_string(TRINE_MAX_RANK) + " dimensions, got " +
              std::to_string(tensor.sizes.size());
      return false;
    }
    input.rank = static_cast<uint32_t>(tensor.sizes.size());
    std::copy(tensor.sizes.begin(), tensor.sizes.end(), input.sizes);
    inputs.push_back(input);
  }
  return true;
}

/// A name as a file's: what would be a path or hidden becomes '_'.
static std::string getFileName(const char *name) {
  std::string result = name;
  for (char &c : result)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20)
      c = '_';
  if (result.empty() || result[0] == '.')
    result = "_" + result;
  return result;
}

static bool writeOutputs(const Options &options,
                         const std::vector<trine_tensor> &outputs,
                         std::string &error) {
  if (!options.outputFile.empty() &&
      !writeTensors(options.outputFile, outputs, error))
    return false;
  const std::string &folder = options.outputFolder;
  if (folder.empty())
    return true;
  if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) {
    error = "folder '" + folder + "' cannot be made: " + strerror(errno);
    return false;
  }
  for (const trine_tensor &output : outputs)
    if (!writeTensors(folder + "/" + getFileName(output.name) + ".npy",
                      {output}, error))
      return false;
  return true;
}

static void printTimes(std::vector<double> times, uint64_t warmup) {
  std::sort(times.begin(), times.end());
  size_t half = times.size() / 2;
  double median =
      times.size() % 2 ? times[half] : (times[half - 1] + times[half]) / 2;
  printf("time of a step: median %.3f ms, minimum %.3f ms, maximum %.3f ms "
         "(%zu measured after %llu)\n",
         median, times.front(), times.back(), times.size(),
         static_cast<unsigned long long>(warmup));
}

/// All that happens once the session is there.
static int runSteps(const Options &options, const trine_package *package,
                    trine_session *session) {
  std::vector<HostTensor> tensors;
  std::vector<trine_tensor> inputs;
  std::string error;
  if (!readInputs(options, tensors, error) ||
      (options.random && !makeRandomInputs(options, package, tensors, error)) ||
      !makeInputs(package, tensors, inputs, error))
    return fail(error);

  using Clock = std::chrono::steady_clock;
  Profile profile;
  std::vector<double> times;
  Clock::time_point first;
  for (uint64_t i = 0; i < options.warmup + options.repeat; ++i) {
    Clock::time_point start = Clock::now();
    if (i == options.warmup)
      first = start;
    if (trine_session_run(session, inputs.data(),
                          static_cast<uint32_t>(inputs.size()), nullptr,
                          0) != TRINE_OK)
      return failStatus();
    Clock::duration duration = Clock::now() - start;
    if (i < options.warmup)
      continue;
    times.push_back(
        std::chrono::duration<double, std::milli>(duration).count());
    if (!options.profileFile.empty())
      profile.addStep(session, std::chrono::nanoseconds(start - first).count(),
                      std::chrono::nanoseconds(duration).count());
  }

  std::vector<trine_tensor> outputs;
  trine_tensor output;
  for (uint32_t i = 0; trine_session_output(session, i, &output) == TRINE_OK;
       ++i) {
    printf("output '%s': %s\n", output.name, formatType(output).c_str());
    outputs.push_back(output);
  }
  printTimes(times, options.warmup);
  if (!writeOutputs(options, outputs, error) ||
      (!options.expectedFile.empty() &&
       !compareOutputs(options.expectedFile, package, outputs, error)))
    return fail(error);
  if (!options.profileFile.empty()) {
    profile.print(package);
    if (!profile.write(options.profileFile, package, error))
      return fail(error);
  }
  return ExitSuccess;
}

/// A full disk behind stdout is a failure too.
static int finish(int exitCode) {
  return fflush(stdout) == 0 ? exitCode : fail("stdout cannot be written");
}

int main(int count, char **arguments) {
  Options options;
  int exitCode;
  if (!parseOptions(count, arguments, options, exitCode))
    return exitCode;
  trine_package_options packageOptions = TRINE_PACKAGE_OPTIONS_INIT;
  packageOptions.verify_hashes = options.verify;
  packageOptions.table_tier = options.tableTier;
  packageOptions.table_cache_bytes = options.tableCache;
  packageOptions.table_check = options.tableCheck;
  packageOptions.table_deadline_milliseconds = options.tableDeadline;
  if (!options.tableFolder.empty())
    packageOptions.table_folder = options.tableFolder.c_str();
  if (!options.tableChecksums.empty())
    packageOptions.table_checksums = options.tableChecksums.c_str();
  trine_package *package;
  if (trine_package_open(options.package.c_str(), &packageOptions, &package) !=
      TRINE_OK)
    return failStatus();
  if (options.information) {
    printInformation(package);
    trine_package_close(package);
    return finish(ExitSuccess);
  }
  if (options.verifyTables) {
    exitCode =
        verifyTables(package) && saveChecksums(options.tableChecksums, package)
            ? ExitSuccess
            : ExitFailure;
    trine_package_close(package);
    return finish(exitCode);
  }
  trine_session_options sessionOptions = TRINE_SESSION_OPTIONS_INIT;
  sessionOptions.threads = options.threads;
  sessionOptions.device =
      options.device.empty() ? nullptr : options.device.c_str();
  sessionOptions.profile = !options.profileFile.empty();
  trine_session *session;
  if (trine_session_create(package, &sessionOptions, &session) != TRINE_OK)
    exitCode = failStatus();
  else if (std::string error; options.generate)
    exitCode =
        generate(options, package, session, error) ? ExitSuccess : fail(error);
  else
    exitCode = runSteps(options, package, session);
  if (exitCode == ExitSuccess &&
      !saveChecksums(options.tableChecksums, package))
    exitCode = ExitFailure;
  if (options.statistics && exitCode == ExitSuccess)
    printStatistics(package);
  trine_session_destroy(session);
  trine_package_close(package);
  return finish(exitCode);
}
