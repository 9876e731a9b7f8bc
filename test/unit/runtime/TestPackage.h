// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Makes packages around TestProgram.c, whole ones and broken ones.
#ifndef TRINE_TEST_UNIT_RUNTIME_TESTPACKAGE_H
#define TRINE_TEST_UNIT_RUNTIME_TESTPACKAGE_H

#include "trine/Runtime/trine.h"
#include <functional>
#include <string>
#include <vector>

namespace trine::runtime::test {

/// Replaces the one place of `from` in `text`; a test that changes nothing
/// tests nothing.
std::string replaceOnce(std::string text, const std::string &from,
                        const std::string &to);

/// A manifest that is right in itself, with made-up sizes and hashes.
std::string getPlainManifest();

/// A package folder that goes away with the object.
class TestPackage {
public:
  /// `program`: which of the test programs.
  explicit TestPackage(const std::string &program = "TestProgram");
  ~TestPackage();

  const std::string &getPath() const { return path; }
  std::string readFile(const std::string &name) const;
  void writeFile(const std::string &name, const std::string &bytes) const;
  void removeFile(const std::string &name) const;
  /// Writes manifest.json for the files as they are now; `edit` may change its
  /// text.
  void writeManifest(
      const std::function<std::string(std::string)> &edit = nullptr) const;

private:
  std::string path;
};

/// Inputs for one step of the test program, in order, with their memory. They
/// point into the object, which therefore stays where it is.
struct TestStep {
  TestStep(const TestStep &) = delete;
  TestStep(int64_t batch, int64_t seq, int64_t past, int64_t command = 0);
  /// What the outputs must be, computed here.
  std::vector<float> getExpectedY() const;
  std::vector<float> getExpectedPresent() const;

  int64_t batch, seq, rows;
  std::vector<float> x, past;
  std::vector<int64_t> mask;
  int64_t command;
  std::vector<trine_tensor> inputs; // x, past, mask, command
};

/// An open package and a session on it; closes both.
class OpenSession {
public:
  explicit OpenSession(const TestPackage &package, uint32_t threads = 2,
                       bool profile = false);
  ~OpenSession();
  trine_package *package = nullptr;
  trine_session *session = nullptr;
};

/// The weights of the test program.
extern const float testWeights[4];

} // namespace trine::runtime::test

#endif
