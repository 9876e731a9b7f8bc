// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestPackage.h"
#include "trine/Runtime/Sha256.h"
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace trine::runtime;
using namespace trine::runtime::test;

const float test::testWeights[4] = {1.5f, -2.0f, 0.25f, 3.0f};

std::string test::replaceOnce(std::string text, const std::string &from,
                              const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << "no '" << from << "' in " << text;
  if (at == std::string::npos)
    return text;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos)
      << "'" << from << "' twice in " << text;
  return text.replace(at, from.size(), to);
}

static const char manifestTemplate[] = R"({
 "format": {"major": 1, "minor": 0}, "abi": 1,
 "producer": "test 1", "name": "hand-written",
 "target": {"kind": "host", "variants": [{"name": "any", "features": []}]},
 "devices": [{"name": "device0", "kind": "host"}],
 "symbols": [
  {"name": "batch", "input": 0, "dimension": 0, "minimum": 0, "maximum": 64,
   "divisor": 1},
  {"name": "seq", "input": 0, "dimension": 1, "minimum": 0, "maximum": null,
   "divisor": 1},
  {"name": "past", "input": 1, "dimension": 1, "minimum": 0, "maximum": null,
   "divisor": 2}],
 "inputs": [
  {"name": "x", "type": "f32", "dims": ["batch", "seq", 4]},
  {"name": "past", "type": "f32", "dims": ["batch", "past", 4]},
  {"name": "mask", "type": "i64", "dims": ["batch", "past + seq"]},
  {"name": "command", "type": "i64", "dims": []}],
 "outputs": [
  {"name": "y", "type": "f32", "dims": ["batch", "seq", 4],
   "tolerance": {"relative": 1e-5}},
  {"name": "present", "type": "f32", "dims": ["batch", "past + seq", 4]},
  {"name": "count", "type": "i64", "dims": []}],
 "states": [],
 "files": [FILES],
 "weights": {"path": "weights.safetensors", "data_offset": 128},
 "kernels": [
  {"name": "sum", "skeleton": "reduction", "nodes": ["ReduceSum_0"]},
  {"name": "scale", "skeleton": "elementwise", "nodes": ["Mul_1", 2]},
  {"name": "concat", "skeleton": "copy", "nodes": []}]
})";

std::string test::getPlainManifest() {
  std::string hash(64, '0');
  return replaceOnce(
      manifestTemplate, "FILES",
      "{\"path\": \"program.so\", \"bytes\": 1, \"sha256\": \"" + hash +
          "\"}, {\"path\": \"weights.safetensors\", \"bytes\": 144, "
          "\"sha256\": \"" +
          hash + "\"}");
}

TestPackage::TestPackage(const std::string &program) {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "trine-test-XXXXXX").string();
  path = mkdtemp(pattern.data());
  // Beside this program, wherever the build is.
  std::filesystem::path programs =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() /
      "programs";
  std::filesystem::copy_file(programs / (program + ".so"),
                             path + "/program.so");
  std::string header =
      R"({"weight":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})";
  header.resize(120, ' ');
  std::string bytes = {120, 0, 0, 0, 0, 0, 0, 0};
  bytes += header;
  bytes.append(reinterpret_cast<const char *>(testWeights),
               sizeof(testWeights));
  writeFile("weights.safetensors", bytes);
  writeManifest();
}

TestPackage::~TestPackage() {
  std::error_code error;
  std::filesystem::remove_all(path, error);
}

std::string TestPackage::readFile(const std::string &name) const {
  std::ifstream file(path + "/" + name, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void TestPackage::writeFile(const std::string &name,
                            const std::string &bytes) const {
  std::ofstream(path + "/" + name, std::ios::binary) << bytes;
}

void TestPackage::removeFile(const std::string &name) const {
  std::filesystem::remove(path + "/" + name);
}

void TestPackage::writeManifest(
    const std::function<std::string(std::string)> &edit) const {
  std::string files;
  for (const char *name : {"program.so", "weights.safetensors"}) {
    std::string bytes = readFile(name);
    files += (files.empty() ? "" : ", ") + std::string("{\"path\": \"") + name +
             "\", \"bytes\": " + std::to_string(bytes.size()) +
             ", \"sha256\": \"" + computeSha256(bytes.data(), bytes.size()) +
             "\"}";
  }
  std::string text = replaceOnce(manifestTemplate, "FILES", files);
  writeFile("manifest.json", edit ? edit(text) : text);
}

TestStep::TestStep(int64_t batch, int64_t seq, int64_t past, int64_t command)
    : batch(batch), seq(seq), rows(past), x(batch * seq * 4),
      past(batch * past * 4), mask(batch * (past + seq), 1), command(command) {
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = 0.5f * i - 3;
  for (size_t i = 0; i < this->past.size(); ++i)
    this->past[i] = 0.25f * i + 1;
  inputs = {{"x", x.data(), x.size() * 4, TRINE_TYPE_F32, 3, {batch, seq, 4}},
            {"past",
             this->past.data(),
             this->past.size() * 4,
             TRINE_TYPE_F32,
             3,
             {batch, past, 4}},
            {"mask",
             mask.data(),
             mask.size() * 8,
             TRINE_TYPE_I64,
             2,
             {batch, past + seq}},
            {"command", &this->command, 8, TRINE_TYPE_I64, 0, {}}};
}

std::vector<float> TestStep::getExpectedY() const {
  std::vector<float> y(x.size());
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t c = 0; c < 4; ++c) {
      float sum = 0;
      for (int64_t r = 0; r < rows; ++r)
        sum += past[(b * rows + r) * 4 + c];
      for (int64_t s = 0; s < seq; ++s) {
        size_t at = (b * seq + s) * 4 + c;
        y[at] = x[at] * testWeights[c] + sum;
      }
    }
  return y;
}

std::vector<float> TestStep::getExpectedPresent() const {
  std::vector<float> present;
  for (int64_t b = 0; b < batch; ++b) {
    present.insert(present.end(), past.begin() + b * rows * 4,
                   past.begin() + (b + 1) * rows * 4);
    present.insert(present.end(), x.begin() + b * seq * 4,
                   x.begin() + (b + 1) * seq * 4);
  }
  return present;
}

OpenSession::OpenSession(const TestPackage &from, uint32_t threads,
                         bool profile) {
  EXPECT_EQ(trine_package_open(from.getPath().c_str(), nullptr, &package),
            TRINE_OK)
      << trine_status_message();
  trine_session_options options = TRINE_SESSION_OPTIONS_INIT;
  options.threads = threads;
  options.profile = profile;
  EXPECT_EQ(trine_session_create(package, &options, &session), TRINE_OK)
      << trine_status_message();
}

OpenSession::~OpenSession() {
  trine_session_destroy(session);
  trine_package_close(package);
}
