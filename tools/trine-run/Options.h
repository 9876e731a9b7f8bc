// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The command line of trine-run.
#ifndef TRINE_TOOLS_TRINE_RUN_OPTIONS_H
#define TRINE_TOOLS_TRINE_RUN_OPTIONS_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace trine::run {

/// Exit codes.
enum : int { ExitSuccess = 0, ExitFailure = 1, ExitUsage = 2 };

/// What --generate is to do.
struct GenerateOptions {
  std::vector<std::string> prompts; // ids with commas, or a .npy
  uint64_t maxNewTokens = 16;
  double temperature = 0, topP = 1; // 0: the largest logit
  uint64_t seed = 0;
  std::vector<int64_t> stopIds;
  std::string outputIds, loadState, saveState;
  uint64_t promptChunk = 0; // tokens of a prompt that one step takes; 0: all
  bool tokenTimes = false;
};

struct Options {
  std::string package;
  std::vector<std::pair<std::string, std::string>> inputs; // name, file
  std::vector<std::string> inputFiles;
  std::string outputFolder, outputFile, profileFile, expectedFile;
  /// Symbols and their sizes, for inputs that no file gives.
  std::vector<std::pair<std::string, uint64_t>> randomSizes;
  bool random = false;
  std::string device; // "": what the package is made for
  uint32_t threads = 0;
  uint64_t repeat = 1, warmup = 0;
  bool verify = true;
  bool information = false;
  int32_t tableTier = 0; // a trine_engram_tier; 0: chosen
  uint64_t tableCache = 256u << 20, tableDeadline = 60000;
  int32_t tableCheck = 0; // a trine_engram_check
  std::string tableFolder, tableChecksums;
  bool verifyTables = false;
  bool statistics = false;
  bool generate = false;
  GenerateOptions generation;
};

/// Numbers with commas; says on stderr what is wrong.
bool parseIds(const char *option, const char *text, std::vector<int64_t> &ids);

/// Reads the command line. Gives false when the program is to end at once, with
/// `exitCode`: after --help and --version, or with what is wrong on stderr.
bool parseOptions(int count, char **arguments, Options &options, int &exitCode);

} // namespace trine::run

#endif
