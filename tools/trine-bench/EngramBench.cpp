// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// engram-bench: speeds of the Engram store and hash, as tables.
#include "EngramBench.h"
#include <cstring>

using namespace trine::bench;

static int printUsage() {
  fputs("usage: engram-bench hash\n", stderr);
  return 2;
}

int main(int argc, char **argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty())
    return printUsage();
  if (arguments[0] == "hash")
    return runHashBench();
  return printUsage();
}
