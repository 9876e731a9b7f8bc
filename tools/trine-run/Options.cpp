// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Options.h"
#include "trine/Runtime/engram.h"
#include "trine/Runtime/trine.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace trine::run;

static const char help[] = R"(Runs a package that trine-compile made.

usage: trine-run PACKAGE [options]

inputs
  --input NAME=FILE    one input, from a .npy
  --inputs FILE        inputs by name, from a .npz or .safetensors
  --random SYMBOL=N    random numbers for inputs that no file gives, where the
                       symbol is N; once for each symbol, '--random =0' for none

outputs
  --output-dir DIR     writes each output to DIR/NAME.npy; makes DIR if needed
  --outputs FILE       writes all outputs to a .npz or .safetensors
  --expect FILE        compares outputs with those of a .npz or .safetensors,
                       by the package's tolerances

running
  --device KIND        host, cuda or sim (sim:sm_90a), perhaps with options as in
                       'cuda:direct'; default: what the package is made for
  --threads N          threads that work on a step; default: all CPUs
  --repeat N           runs the step N times and prints the times; default: 1
  --warmup N           runs it N times before that, unmeasured; default: 0
  --profile FILE       writes the time of each kernel launch of the measured
                       steps as a Chrome trace (chrome://tracing, Perfetto), and
                       prints a table
  --no-verify          does not compare the package's files with their hashes
  --table-tier TIER    where the rows of Engram tables are: resident, mapped or
                       disk; default: mapped, or disk where memory is too small
  --table-cache N      bytes of hot rows that are kept of each table on disk;
                       default: 268435456
  --table-folder DIR   the folder in which tables may be opened that the package
                       refers to; default: none
  --table-check WHEN   when blocks of tables are compared with their checksums:
                       never or touch (before their first use); default: never
  --table-deadline N   milliseconds that a step waits for rows before it fails;
                       default: 60000
  --table-checksums DIR  reads the checksums of referenced tables from there,
                       and writes what is known of them at the end
  --verify-tables      compares all blocks of all tables with their checksums,
                       and runs nothing
  --stats              prints what was read from tables

generating (packages of 'trine-compile --state' whose inputs are input_ids,
position_ids and attention_mask)
  --generate           runs a prompt and decodes new tokens, one step each
  --prompt-ids IDS     a prompt: token ids as 1,2,3, or a .npy; once for each
                       sequence
  --prompt-chunk N     tokens of a prompt that one step takes; default: all
  --max-new-tokens N   tokens of a sequence; default: 16
  --stop-ids IDS       tokens that end a sequence
  --temperature T      draws from softmax(logits / T); default: 0, the largest
  --top-p P            draws from the most probable tokens that reach P together
  --seed N             of the draws; default: 0
  --output-ids FILE    writes the tokens: .npy for one sequence, .npz or
                       .safetensors for several
  --load-state FILE    continues sequences that --save-state wrote
  --save-state FILE    writes the sequences' state at the end
  --token-times        prints the time of every step

other
  --info               prints what the package is, and runs nothing
  --help, --version

bfloat16 in .npy and .npz: numpy has no such type. It is written as two opaque
bytes ('V2'; array.view(ml_dtypes.bfloat16) in Python), and read from that or
from uint16. Types of 8, 4 and 2 bits have one byte per element ('V1'), and are
read from that or from uint8.

exit code: 0 success, 1 failure, 2 wrong use
)";

static bool parseNumber(const char *option, const char *text, uint64_t minimum,
                        uint64_t maximum, uint64_t &value) {
  value = 0;
  bool good = *text != '\0';
  for (const char *c = text; *c && good; ++c)
    good = *c >= '0' && *c <= '9' &&
           !__builtin_mul_overflow(value, uint64_t(10), &value) &&
           !__builtin_add_overflow(value, uint64_t(*c - '0'), &value);
  if (good && value >= minimum && value <= maximum)
    return true;
  fprintf(stderr,
          "trine-run: '%s' must be an integer in [%llu, %llu], got '%s'\n",
          option, static_cast<unsigned long long>(minimum),
          static_cast<unsigned long long>(maximum), text);
  return false;
}

bool trine::run::parseIds(const char *option, const char *text,
                          std::vector<int64_t> &ids) {
  std::string all = text;
  size_t begin = 0;
  while (begin <= all.size()) {
    size_t end = std::min(all.find(',', begin), all.size());
    uint64_t id;
    if (!parseNumber(option, all.substr(begin, end - begin).c_str(), 0,
                     INT64_MAX, id))
      return false;
    ids.push_back(static_cast<int64_t>(id));
    begin = end + 1;
  }
  return true;
}

static bool parseReal(const char *option, const char *text, double minimum,
                      double maximum, double &value) {
  char *end = nullptr;
  value = strtod(text, &end);
  if (end != text && !*end && value >= minimum && value <= maximum)
    return true;
  fprintf(stderr, "trine-run: '%s' must be a number in [%g, %g], got '%s'\n",
          option, minimum, maximum, text);
  return false;
}

/// Takes an option of --generate; false when it is none.
static bool takeGenerateOption(const std::string &name, const char *value,
                               GenerateOptions &options, bool &problem) {
  if (name == "--prompt-ids")
    options.prompts.push_back(value);
  else if (name == "--max-new-tokens")
    problem |= !parseNumber("--max-new-tokens", value, 1, 1000000000,
                            options.maxNewTokens);
  else if (name == "--prompt-chunk")
    problem |= !parseNumber("--prompt-chunk", value, 1, 1000000000,
                            options.promptChunk);
  else if (name == "--stop-ids")
    problem |= !parseIds("--stop-ids", value, options.stopIds);
  else if (name == "--temperature")
    problem |= !parseReal("--temperature", value, 0, 1e6, options.temperature);
  else if (name == "--top-p")
    problem |= !parseReal("--top-p", value, 0, 1, options.topP);
  else if (name == "--seed")
    problem |= !parseNumber("--seed", value, 0, UINT64_MAX, options.seed);
  else if (name == "--output-ids")
    options.outputIds = value;
  else if (name == "--load-state")
    options.loadState = value;
  else if (name == "--save-state")
    options.saveState = value;
  else
    return false;
  return true;
}

/// A choice by name; says on stderr when it is none.
static bool parseChoice(const char *option, const char *text,
                        std::initializer_list<const char *> choices,
                        const char *expected, int32_t &choice) {
  choice = 0;
  for (const char *each : choices) {
    if (strcmp(text, each) == 0)
      return true;
    ++choice;
  }
  fprintf(stderr, "trine-run: '%s' must be %s, got '%s'\n", option, expected,
          text);
  return false;
}

/// Takes an option about Engram tables; false when it is none.
static bool takeTableOption(const std::string &name, const char *value,
                            Options &options, bool &problem) {
  int32_t choice = 0;
  if (name == "--table-tier") {
    problem |=
        !parseChoice("--table-tier", value, {"resident", "mapped", "disk"},
                     "resident, mapped or disk", choice);
    options.tableTier = TRINE_ENGRAM_TIER_RESIDENT + choice;
  } else if (name == "--table-check") {
    problem |= !parseChoice("--table-check", value, {"never", "touch"},
                            "never or touch", options.tableCheck);
  } else if (name == "--table-cache") {
    problem |= !parseNumber("--table-cache", value, 0, UINT64_MAX / 2,
                            options.tableCache);
  } else if (name == "--table-deadline") {
    problem |= !parseNumber("--table-deadline", value, 0, UINT64_MAX,
                            options.tableDeadline);
  } else if (name == "--table-folder") {
    options.tableFolder = value;
  } else if (name == "--table-checksums") {
    options.tableChecksums = value;
  } else {
    return false;
  }
  return true;
}

/// Takes an option and its value; `problem` is set when either is wrong.
static void takeOption(const std::string &name, const char *value,
                       Options &options, bool &problem) {
  uint64_t number = 0;
  if (takeGenerateOption(name, value, options.generation, problem) ||
      takeTableOption(name, value, options, problem))
    return;
  if (name == "--input") {
    const char *separator = strchr(value, '=');
    if (!separator || separator == value || !separator[1]) {
      fprintf(stderr, "trine-run: '--input' must be NAME=FILE, got '%s'\n",
              value);
      problem = true;
      return;
    }
    options.inputs.emplace_back(std::string(value, separator), separator + 1);
  } else if (name == "--random") {
    const char *separator = strchr(value, '=');
    if (!separator ||
        !parseNumber("--random", separator + 1, 0, INT64_MAX, number)) {
      if (!separator)
        fprintf(stderr, "trine-run: '--random' must be SYMBOL=N, got '%s'\n",
                value);
      problem = true;
      return;
    }
    options.random = true;
    options.randomSizes.emplace_back(std::string(value, separator), number);
  } else if (name == "--expect") {
    options.expectedFile = value;
  } else if (name == "--inputs") {
    options.inputFiles.push_back(value);
  } else if (name == "--output-dir") {
    options.outputFolder = value;
  } else if (name == "--outputs") {
    options.outputFile = value;
  } else if (name == "--device") {
    options.device = value;
  } else if (name == "--profile") {
    options.profileFile = value;
  } else if (name == "--threads") {
    problem |= !parseNumber("--threads", value, 1, 1024, number);
    options.threads = static_cast<uint32_t>(number);
  } else if (name == "--repeat") {
    problem |= !parseNumber("--repeat", value, 1, 1000000000, options.repeat);
  } else {
    problem |= !parseNumber("--warmup", value, 0, 1000000000, options.warmup);
  }
}

bool trine::run::parseOptions(int count, char **arguments, Options &options,
                              int &exitCode) {
  static const char *const withValue[] = {
      "--input",           "--inputs",
      "--output-dir",      "--outputs",
      "--device",          "--threads",
      "--repeat",          "--warmup",
      "--prompt-chunk",    "--profile",
      "--prompt-ids",      "--max-new-tokens",
      "--stop-ids",        "--temperature",
      "--top-p",           "--seed",
      "--output-ids",      "--load-state",
      "--save-state",      "--table-tier",
      "--table-cache",     "--table-check",
      "--table-deadline",  "--table-folder",
      "--table-checksums", "--random",
      "--expect"};
  bool problem = false;
  exitCode = ExitSuccess;
  for (int i = 1; i < count; ++i) {
    std::string argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      fputs(help, stdout);
      return false;
    }
    if (argument == "--version") {
      printf("trine-run %s\n", trine_version());
      return false;
    }
    if (argument == "--info") {
      options.information = true;
      continue;
    }
    if (argument == "--generate") {
      options.generate = true;
      continue;
    }
    if (argument == "--token-times") {
      options.generation.tokenTimes = true;
      continue;
    }
    if (argument == "--stats") {
      options.statistics = true;
      continue;
    }
    if (argument == "--verify-tables") {
      options.verifyTables = true;
      continue;
    }
    if (argument == "--no-verify") {
      options.verify = false;
      continue;
    }
    if (argument.empty() || argument[0] != '-') {
      if (!options.package.empty()) {
        fprintf(stderr, "trine-run: one package is expected, got '%s' too\n",
                argument.c_str());
        problem = true;
      }
      options.package = argument;
      continue;
    }
    // --option value, or --option=value
    size_t equals = argument.find('=');
    std::string name = argument.substr(0, equals);
    bool known = false;
    for (const char *option : withValue)
      known |= name == option;
    if (!known) {
      fprintf(stderr, "trine-run: unknown option '%s'\n", name.c_str());
      problem = true;
    } else if (equals == std::string::npos && i + 1 == count) {
      fprintf(stderr, "trine-run: '%s' must have a value\n", name.c_str());
      problem = true;
    } else if (equals == std::string::npos) {
      takeOption(name, arguments[++i], options, problem);
    } else {
      takeOption(name, arguments[i] + equals + 1, options, problem);
    }
  }
  if (options.package.empty() && !problem) {
    fputs("trine-run: a package is expected\n", stderr);
    problem = true;
  }
  if (!problem)
    return true;
  fputs("trine-run --help tells more\n", stderr);
  exitCode = ExitUsage;
  return false;
}
