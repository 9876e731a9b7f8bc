// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelTest.h"
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

using namespace trine::sim;

namespace kerneltest {

Floats::Floats(Machine &machine, Element element, size_t count,
               const char *name)
    : element(element), count(count) {
  size_t bytes = count * (element == Element::F32 ? 4 : 2);
  memory = static_cast<uint8_t *>(machine.allocate(bytes + 1, name, true));
  std::memset(memory, 0xFF, bytes); // NaN
  this->machine = &machine;
}

Floats &Floats::randomise(unsigned seed, double scale) {
  std::mt19937 random(seed);
  for (size_t i = 0; i < count; ++i)
    set(i, (static_cast<double>(random() % 2001) / 1000 - 1) * scale);
  return *this;
}

Floats &Floats::spoilPadding(Index columns, Index pitch) {
  for (size_t i = 0; i < count; ++i)
    if (Index(i) % pitch >= columns)
      set(i, std::nan(""));
  return *this;
}

void Floats::set(size_t i, double value) {
  int bytes = element == Element::F32 ? 4 : 2;
  uint64_t bits = encodeFloat(format(element), value);
  written.resize(count);
  written[i] = decodeFloat(format(element), bits);
  std::memcpy(memory + i * bytes, &bits, bytes);
  machine->markInitialised(memory + i * bytes, bytes);
}

double Floats::get(size_t i) const {
  if (!written.empty())
    return written[i];
  int bytes = element == Element::F32 ? 4 : 2;
  uint64_t bits = 0;
  std::memcpy(&bits, memory + i * bytes, bytes);
  return decodeFloat(format(element), bits);
}

TensorMap mapOf(const Floats &data, Index batches, Index rows, Index columns,
                Index pitch, Index stride, unsigned boxRows) {
  TensorMap map;
  map.element =
      data.element == Element::BF16 ? TensorElement::BF16 : TensorElement::F16;
  map.rank = 3;
  map.globalAddress = data.address();
  map.globalDim[0] = columns;
  map.globalDim[1] = rows;
  map.globalDim[2] = batches;
  map.globalStride[0] = uint64_t(pitch) * 2;
  map.globalStride[1] = uint64_t(stride) * 2;
  map.boxDim[0] = 64;
  map.boxDim[1] = boxRows;
  map.swizzle = 3;
  std::string error;
  EXPECT_TRUE(checkTensorMap(map, error)) << error;
  return map;
}

std::vector<Options> modes() {
  // Copies as late as possible; then a random schedule, copies at random times,
  // approximations at their worst, sums cut as tensor cores cut them.
  std::vector<Options> all(2);
  for (Options &options : all) {
    options.stopAtFirstReport = true;
    options.stepLimit = 1ull << 24;
    options.threads = 1;
  }
  all[1].async = AsyncPolicy::Random;
  all[1].randomSchedule = true;
  all[1].perturbApproximations = true;
  all[1].matrix = MatrixMode::Truncate;
  all[1].seed = 7;
  return all;
}

static std::string readFile(const std::string &file,
                            Architecture architecture) {
  const char *folder = std::getenv("TRINE_KERNEL_PTX");
  std::ifstream stream(std::string(folder ? folder : TRINE_KERNEL_DIRECTORY) +
                       "/" + file + "." + nameOf(architecture) + ".ptx");
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string run(Machine &machine, const std::string &file,
                Architecture architecture, const std::string &kernel,
                const LaunchShape &shape, const Arguments &arguments,
                const Options &options) {
  static std::map<std::string, std::shared_ptr<Module>> modules;
  std::string key = file + nameOf(architecture);
  if (!modules.count(key)) {
    std::vector<Diagnostic> errors;
    modules[key] = Module::load(readFile(file, architecture), file, errors);
    if (!modules[key])
      return errors.empty() ? "no module" : errors.front().str();
  }
  if (!modules[key])
    return "no module";
  if (shape.workgroups == 0)
    return "";
  std::vector<std::array<uint8_t, tensorMapBytes>> encoded(
      arguments.maps.size());
  std::vector<const void *> pointers;
  for (const uint64_t &word : arguments.words)
    pointers.push_back(&word);
  for (size_t i = 0; i < arguments.maps.size(); ++i) {
    uint8_t bytes[tensorMapBytes];
    encodeTensorMap(arguments.maps[i], bytes);
    std::memcpy(encoded[i].data(), bytes, tensorMapBytes);
    pointers.push_back(encoded[i].data());
  }
  Launch launch;
  launch.grid = {unsigned(shape.workgroups), 1, 1};
  launch.block = {unsigned(shape.threads), 1, 1};
  launch.dynamicSharedBytes = shape.sharedBytes;
  launch.options = options;
  Result result = machine.launch(*modules[key], kernel, launch, pointers.data(),
                                 pointers.size());
  return result.status == Status::Ok ? "" : kernel + ": " + result.text();
}

std::string kernelText(const std::string &file, Architecture architecture,
                       const std::string &kernel) {
  std::string text = readFile(file, architecture);
  size_t begin = text.find(".entry " + kernel + "(");
  if (begin == std::string::npos)
    return "";
  return text.substr(begin, text.find(".entry ", begin + 1) - begin);
}

bool selected(const std::string &kernel) {
  const char *only = std::getenv("TRINE_KERNEL_ONLY");
  return !only || kernel == only;
}

std::string compare(const std::string &where, double got, double expected,
                    double tolerance) {
  if (std::fabs(got - expected) <= tolerance || got == expected ||
      (std::isnan(got) && std::isnan(expected)))
    return "";
  std::ostringstream text;
  text << where << " is " << got << ", expected " << expected << " within "
       << tolerance;
  return text.str();
}

} // namespace kerneltest
