// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// engram-bench: speeds of the Engram store and hash, as tables.
#include "EngramBench.h"
#include <cstdlib>
#include <cstring>

using namespace trine::bench;

static int printUsage() {
  fputs("usage: engram-bench PART [--folder=PATH] [--gib=N] [--cache-mib=N] "
        "[--threads=N]\n"
        "       engram-bench packages --inputs=FILE [--rounds=N] "
        "PACKAGE[@TIER]...\n"
        "parts: hash       row ids per second, by variant\n"
        "       memory     random rows from memory against a raw loop\n"
        "       layout     records of several sizes, from memory and disk\n"
        "       disk       a prefill chunk and decode steps from disk\n"
        "       reference  a sparse table in place, with known rows\n"
        "       steps      prefetch on and off, by tier and batch\n"
        "       overlap    a slow disk behind layers of a known time\n"
        "       packages   steps of compiled packages in turns; --folder is "
        "where their\n                  tables may be, TIER 1 to 3 as in "
        "engram.h\n"
        "Tables are made in --folder (default /tmp) and removed at the end.\n",
        stderr);
  return 2;
}

static bool parse(int argc, char **argv, BenchOptions &options) {
  for (int i = 2; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument.compare(0, 2, "--") != 0) {
      options.packages.push_back(argument);
      continue;
    }
    size_t equals = argument.find('=');
    if (equals == std::string::npos)
      return false;
    std::string name = argument.substr(0, equals),
                value = argument.substr(equals + 1);
    if (name == "--folder")
      options.folder = value;
    else if (name == "--gib")
      options.gib = atof(value.c_str());
    else if (name == "--cache-mib")
      options.cacheMib = atof(value.c_str());
    else if (name == "--threads")
      options.threads = atoi(value.c_str());
    else if (name == "--rounds")
      options.rounds = atoi(value.c_str());
    else if (name == "--inputs")
      options.inputs = value;
    else
      return false;
  }
  return options.threads > 0 && options.rounds > 0;
}

int main(int argc, char **argv) {
  BenchOptions options;
  if (argc < 2 || !parse(argc, argv, options))
    return printUsage();
  setvbuf(stdout, nullptr, _IOLBF, 0);
  std::string part = argv[1];
  if (part == "hash")
    return runHashBench();
  if (part == "memory")
    return runMemoryBench(options);
  if (part == "layout")
    return runLayoutBench(options);
  if (part == "disk")
    return runDiskBench(options);
  if (part == "reference")
    return runReferenceBench(options);
  if (part == "steps")
    return runStepBench(options);
  if (part == "overlap")
    return runOverlapBench(options);
  if (part == "packages" && !options.packages.empty())
    return runPackageBench(options);
  return printUsage();
}
