// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Check.h"
#include <algorithm>
#include <cmath>
#include <cstring>

using namespace trine::run;
using namespace trine::runtime;

/// f16 and bf16 of numbers that both hold exactly: k / 16, |k| <= 16.
static uint16_t toHalf(float value, bool isBF16) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (isBF16)
    return static_cast<uint16_t>(bits >> 16);
  uint32_t exponent = bits >> 23 & 0xFF;
  if (exponent == 0)
    return static_cast<uint16_t>(bits >> 16);
  return static_cast<uint16_t>(bits >> 16 & 0x8000) |
         static_cast<uint16_t>((exponent - 112) << 10) |
         static_cast<uint16_t>(bits >> 13 & 0x3FF);
}

static void fillRandom(HostTensor &tensor, uint64_t &state) {
  uint64_t count = 1;
  for (int64_t size : tensor.sizes)
    count *= static_cast<uint64_t>(size);
  memset(tensor.getData(), tensor.type == TRINE_TYPE_BOOL ? 1 : 0,
         tensor.bytes);
  for (uint64_t i = 0; i < count; ++i) {
    // An xorshift; any would do.
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    float value = (static_cast<float>(state >> 40 & 31) - 16) / 16;
    if (tensor.type == TRINE_TYPE_F32)
      static_cast<float *>(tensor.getData())[i] = value;
    else if (tensor.type == TRINE_TYPE_F64)
      static_cast<double *>(tensor.getData())[i] = value;
    else if (tensor.type == TRINE_TYPE_F16 || tensor.type == TRINE_TYPE_BF16)
      static_cast<uint16_t *>(tensor.getData())[i] =
          toHalf(value, tensor.type == TRINE_TYPE_BF16);
    else
      return;
  }
}

bool trine::run::makeRandomInputs(const Options &options,
                                  const trine_package *package,
                                  std::vector<HostTensor> &tensors,
                                  std::string &error) {
  trine_tensor_info info = {};
  info.struct_size = sizeof(info);
  uint64_t state = 88172645463325252ull;
  for (uint32_t i = 0; trine_package_input(package, i, &info) == TRINE_OK;
       ++i) {
    if (std::any_of(
            tensors.begin(), tensors.end(),
            [&](const HostTensor &each) { return each.name == info.name; }))
      continue;
    HostTensor tensor;
    tensor.name = info.name;
    tensor.type = info.type;
    for (uint32_t dim = 0; dim < info.rank; ++dim) {
      int64_t size = info.sizes[dim];
      std::string symbol =
          info.symbols && info.symbols[dim] ? info.symbols[dim] : "";
      for (const auto &[name, given] : options.randomSizes)
        if (size < 0 && name == symbol)
          size = static_cast<int64_t>(given);
      if (size < 0) {
        error = "input '" + tensor.name + "' has size '" + symbol +
                "', which '--random' does not give";
        return false;
      }
      tensor.sizes.push_back(size);
    }
    if (!tensor.allocate()) {
      // No test: only when memory runs out.
      error = "no memory for input '" + tensor.name + "'";
      return false;
    }
    fillRandom(tensor, state);
    tensors.push_back(std::move(tensor));
  }
  return true;
}

/// Element `i` of a float tensor.
static double readFloat(const void *data, trine_type type, uint64_t i) {
  if (type == TRINE_TYPE_F32)
    return static_cast<const float *>(data)[i];
  if (type == TRINE_TYPE_F64)
    return static_cast<const double *>(data)[i];
  uint32_t bits = static_cast<const uint16_t *>(data)[i];
  float value;
  if (type == TRINE_TYPE_BF16) {
    bits <<= 16;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
  int exponent = static_cast<int>(bits >> 10 & 31);
  double fraction = bits & 0x3FF;
  double magnitude = exponent == 31 ? (fraction != 0 ? NAN : INFINITY)
                     : exponent == 0
                         ? std::ldexp(fraction, -24)
                         : std::ldexp(fraction + 1024, exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

static bool isFloat(trine_type type) {
  return type == TRINE_TYPE_F64 || type == TRINE_TYPE_F32 ||
         type == TRINE_TYPE_F16 || type == TRINE_TYPE_BF16;
}

/// The largest difference, relative to the largest expected number.
static double compareFloats(const HostTensor &expected,
                            const trine_tensor &output) {
  uint64_t width = output.type == TRINE_TYPE_F64   ? 8
                   : output.type == TRINE_TYPE_F32 ? 4
                                                   : 2;
  double largest = 0, difference = 0;
  for (uint64_t i = 0; i < expected.bytes / width; ++i) {
    double a = readFloat(expected.getData(), output.type, i),
           b = readFloat(output.data, output.type, i);
    if (a == b || (std::isnan(a) && std::isnan(b)))
      continue;
    // An infinity or a NaN in one place alone.
    if (!std::isfinite(a) || !std::isfinite(b))
      return INFINITY;
    difference = std::max(difference, std::fabs(a - b));
    largest = std::max(largest, std::fabs(a));
  }
  return difference == 0 ? 0 : difference / std::max(largest, 1e-30);
}

bool trine::run::compareOutputs(const std::string &file,
                                const trine_package *package,
                                const std::vector<trine_tensor> &outputs,
                                std::string &error) {
  std::vector<HostTensor> all;
  if (!readTensors(file, all, error))
    return false;
  for (uint32_t i = 0; i < outputs.size(); ++i) {
    const trine_tensor &output = outputs[i];
    auto expected =
        std::find_if(all.begin(), all.end(), [&](const HostTensor &each) {
          return each.name == output.name;
        });
    std::string problem;
    double tolerance = 0, difference = 0;
    if (expected == all.end()) {
      problem = "is not in '" + file + "'";
    } else if (expected->bytes != output.bytes ||
               !std::equal(expected->sizes.begin(), expected->sizes.end(),
                           output.sizes, output.sizes + output.rank)) {
      problem = "has other sizes than in '" + file + "'";
    } else if (isFloat(output.type)) {
      trine_tensor_info info = {};
      info.struct_size = sizeof(info);
      if (trine_package_output(package, i, &info) == TRINE_OK)
        tolerance = info.relative_tolerance;
      difference = compareFloats(*expected, output);
      if (!(difference <= tolerance))
        problem = "differs by " + std::to_string(difference) +
                  " of the largest expected number, the tolerance is " +
                  std::to_string(tolerance);
    } else if (memcmp(expected->getData(), output.data, output.bytes) != 0) {
      problem = "differs";
    }
    if (problem.empty())
      printf("output '%s' agrees: error %.3g, tolerance %.3g\n", output.name,
             difference, tolerance);
    else
      error += (error.empty() ? "" : "\n") +
               ("output '" + std::string(output.name) + "' " + problem);
  }
  return error.empty();
}
