// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Every way in which a session refuses or fails, with its message.
#include "TestPackage.h"
#include "TestProgram.h"
#include <atomic>
#include <gmock/gmock.h>
#include <thread>

using namespace trine::runtime::test;
using testing::AnyOf;
using testing::HasSubstr;

/// Runs a step that must fail; gives its message.
static std::string fail(trine_session *session, const TestStep &step,
                        trine_status expected) {
  trine_status status =
      trine_session_run(session, step.inputs.data(),
                        static_cast<uint32_t>(step.inputs.size()), nullptr, 0);
  EXPECT_EQ(status, expected) << trine_status_message();
  return trine_status_message();
}

class SessionInputs : public testing::Test {
protected:
  void expectBad(const TestStep &step, const std::string &message) {
    EXPECT_EQ(fail(open.session, step, TRINE_ERROR_BAD_INPUT), message);
  }
  TestPackage package;
  OpenSession open{package, 1};
};

TEST_F(SessionInputs, Missing) {
  TestStep step(1, 2, 2);
  step.inputs.pop_back();
  expectBad(step, "input 'command' is missing");
}

TEST_F(SessionInputs, UnknownName) {
  TestStep step(1, 2, 2);
  step.inputs[3].name = "comand";
  expectBad(step, "unknown input 'comand'; the model has 'x', 'past', 'mask', "
                  "'command'\ninput 'command' is missing");
}

TEST_F(SessionInputs, NoName) {
  TestStep step(1, 2, 2);
  step.inputs.push_back(step.inputs[0]);
  step.inputs[4].name = nullptr;
  expectBad(step, "input number 4 has no name");
}

TEST_F(SessionInputs, GivenTwice) {
  TestStep step(1, 2, 2);
  step.inputs.push_back(step.inputs[0]);
  expectBad(step, "input 'x' is given twice");
}

TEST_F(SessionInputs, WrongType) {
  TestStep step(1, 2, 2);
  step.inputs[0].type = TRINE_TYPE_I64;
  step.inputs[0].bytes *= 2;
  expectBad(step, "input 'x' must have type f32, got i64");
  step.inputs[0].type = 99;
  expectBad(step, "input 'x' must have type f32, got type 99");
}

TEST_F(SessionInputs, WrongRank) {
  TestStep step(1, 2, 2);
  step.inputs[2].rank = 3;
  expectBad(step, "input 'mask' must have rank 2 ([batch, past + seq]), got "
                  "rank 3");
  step.inputs[2].rank = 1000000;
  expectBad(step, "input 'mask' must have rank 2 ([batch, past + seq]), got "
                  "rank 1000000");
}

TEST_F(SessionInputs, WrongSize) {
  TestStep step(1, 2, 2);
  step.inputs[0].sizes[2] = 5;
  expectBad(step, "input 'x' dimension 2 must be 4, got 5");
}

TEST_F(SessionInputs, NegativeSize) {
  TestStep step(1, 2, 2);
  step.inputs[0].sizes[1] = -1;
  expectBad(step, "input 'x' dimension 1 must be at least 0, got -1");
}

TEST_F(SessionInputs, TooLarge) {
  TestStep step(1, 2, 2);
  step.inputs[0].sizes[0] = int64_t(1) << 60;
  expectBad(step, "input 'x' is too large: [1152921504606846976, 2, 4]");
}

TEST_F(SessionInputs, TooFewBytes) {
  TestStep step(1, 2, 2);
  step.inputs[0].bytes = 31;
  expectBad(step, "input 'x' needs 32 bytes for [1, 2, 4] of f32, got 31");
}

TEST_F(SessionInputs, NoData) {
  TestStep step(1, 2, 2);
  step.inputs[0].data = nullptr;
  expectBad(step, "input 'x' has no data");
}

TEST_F(SessionInputs, Unaligned) {
  TestStep step(1, 2, 2);
  step.inputs[2].data = reinterpret_cast<char *>(step.mask.data()) + 4;
  expectBad(step, "input 'mask' must be aligned to 8 bytes");
}

TEST_F(SessionInputs, SymbolsDisagree) {
  TestStep step(2, 3, 4);
  step.inputs[1].sizes[0] = 1;
  expectBad(step,
            "input 'past' dimension 0 is symbol 'batch' = 2 by input 'x', got "
            "1");
}

TEST_F(SessionInputs, ExpressionDisagrees) {
  TestStep step(1, 3, 4);
  step.inputs[2].sizes[1] = 6;
  expectBad(step, "input 'mask' dimension 1 must be 'past + seq' = 7, got 6");
}

TEST_F(SessionInputs, SymbolOutOfRange) {
  expectBad(TestStep(65, 1, 2), "input 'x' dimension 0, symbol 'batch', must "
                                "be in [0, 64], got 65");
}

TEST_F(SessionInputs, SymbolNotDivisible) {
  expectBad(TestStep(1, 1, 3), "input 'past' dimension 1, symbol 'past', must "
                               "be a multiple of 2, got 3");
}

TEST_F(SessionInputs, EverythingAtOnce) {
  TestStep step(1, 2, 2);
  step.inputs[0].type = TRINE_TYPE_F16;
  step.inputs[1].rank = 2;
  step.inputs[3].name = nullptr;
  expectBad(step, "input number 3 has no name\n"
                  "input 'x' must have type f32, got f16\n"
                  "input 'past' must have rank 3 ([batch, past, 4]), got rank "
                  "2\ninput 'command' is missing");
}

TEST(Session, SymbolBelowMinimum) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    return replaceOnce(text,
                       "\"dimension\": 1, \"minimum\": 0, \"maximum\": "
                       "null,\n   \"divisor\": 1",
                       "\"dimension\": 1, \"minimum\": 2");
  });
  OpenSession open(package, 1);
  EXPECT_EQ(fail(open.session, TestStep(1, 1, 2), TRINE_ERROR_BAD_INPUT),
            "input 'x' dimension 1, symbol 'seq', must be at least 2, got 1");
}

TEST(Session, UndeclaredSymbolsAreChecked) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    size_t begin = text.find("\"symbols\""), end = text.find("\"inputs\"");
    return text.erase(begin, end - begin);
  });
  OpenSession open(package, 1);
  TestStep step(2, 3, 4);
  step.inputs[2].sizes[0] = 1;
  EXPECT_EQ(fail(open.session, step, TRINE_ERROR_BAD_INPUT),
            "input 'mask' dimension 0 is symbol 'batch' = 2 by input 'x', got "
            "1");
}

TEST(Session, WhatIsNotUnderstoodIsNotChecked) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    return replaceOnce(text,
                       "\"mask\", \"type\": \"i64\", \"dims\": "
                       "[\"batch\", \"past + seq\"]",
                       "\"mask\", \"type\": \"i64\", \"dims\": [\"batch\", "
                       "\"(past + seq) floordiv 2\"]");
  });
  OpenSession open(package, 1);
  TestStep step(2, 3, 4);
  EXPECT_EQ(trine_session_run(open.session, step.inputs.data(), 4, nullptr, 0),
            TRINE_OK)
      << trine_status_message();
}

//===----------------------------------------------------------------------===//
// Outputs of the caller
//===----------------------------------------------------------------------===//

class SessionOutputs : public testing::Test {
protected:
  void expectBad(std::vector<trine_tensor> outputs,
                 const std::string &message) {
    EXPECT_EQ(trine_session_run(open.session, step.inputs.data(), 4,
                                outputs.data(), outputs.size()),
              TRINE_ERROR_BAD_OUTPUT);
    EXPECT_EQ(trine_status_message(), message);
  }
  TestPackage package;
  OpenSession open{package, 1};
  TestStep step{1, 2, 2};
  alignas(8) char memory[256];
};

TEST_F(SessionOutputs, UnknownName) {
  expectBad({{"z", nullptr, 0, 0, 0, {}}},
            "unknown output 'z'; the model has 'y', 'present', 'count'");
}

TEST_F(SessionOutputs, NoName) {
  expectBad({{nullptr, nullptr, 0, 0, 0, {}}}, "output number 0 has no name");
}

TEST_F(SessionOutputs, AskedForTwice) {
  expectBad({{"y", nullptr, 0, 0, 0, {}}, {"y", nullptr, 0, 0, 0, {}}},
            "output 'y' is asked for twice");
}

TEST_F(SessionOutputs, TooFewBytes) {
  expectBad({{"y", memory, 31, 0, 0, {}}},
            "output 'y' needs 32 bytes for [1, 2, 4] of f32, got 31");
}

TEST_F(SessionOutputs, Unaligned) {
  expectBad({{"y", memory + 1, 64, 0, 0, {}}},
            "output 'y' must be aligned to 4 bytes");
}

TEST_F(SessionOutputs, OverlapsInput) {
  expectBad({{"y", step.x.data(), 32, 0, 0, {}}},
            "output 'y' overlaps input 'x'");
}

TEST_F(SessionOutputs, OverlapsOutput) {
  expectBad(
      {{"y", memory, 64, 0, 0, {}}, {"present", memory + 60, 64, 0, 0, {}}},
      "output 'present' overlaps output 'y'");
}

TEST_F(SessionOutputs, NoneBeforeOrAfterAFailure) {
  trine_tensor tensor;
  const char *message = "the session has no outputs: its last run failed, or "
                        "there was none";
  EXPECT_EQ(trine_session_output(open.session, 0, &tensor),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_status_message(), message);
  ASSERT_EQ(trine_session_run(open.session, step.inputs.data(), 4, nullptr, 0),
            TRINE_OK);
  EXPECT_EQ(trine_session_output(open.session, 0, &tensor), TRINE_OK);
  EXPECT_EQ(trine_session_output(open.session, 3, &tensor),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_status_message(),
               "output 3 does not exist: the model has 3");
  fail(open.session, TestStep(1, 1, 3), TRINE_ERROR_BAD_INPUT);
  EXPECT_EQ(trine_session_output(open.session, 0, &tensor),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_status_message(), message);
}

//===----------------------------------------------------------------------===//
// Programs that fail, or do what they must not
//===----------------------------------------------------------------------===//

struct Fault {
  int64_t command;
  trine_status status;
  const char *message;
};

class SessionFaults : public testing::TestWithParam<Fault> {};

TEST_P(SessionFaults, FailTheStepAndNotTheSession) {
  TestPackage package;
  OpenSession open(package);
  EXPECT_EQ(fail(open.session, TestStep(2, 3, 4, GetParam().command),
                 GetParam().status),
            GetParam().message);
  TestStep good(2, 3, 4);
  EXPECT_EQ(trine_session_run(open.session, good.inputs.data(), 4, nullptr, 0),
            TRINE_OK)
      << trine_status_message();
}

INSTANTIATE_TEST_SUITE_P(
    , SessionFaults,
    testing::Values(
        Fault{COMMAND_FAIL, TRINE_ERROR_PROGRAM,
              "node 'Gather_7': index out of range"},
        Fault{COMMAND_FAIL_SILENTLY, TRINE_ERROR_PROGRAM,
              "the program failed with status 77 and no message"},
        Fault{COMMAND_HUGE_ARENA, TRINE_ERROR_OUT_OF_MEMORY,
              "out of memory: 4611686018427387904 bytes on device 'host'"},
        Fault{COMMAND_WRONG_SPACE, TRINE_ERROR_PROGRAM,
              "the program asked for memory in space 3, which has none"},
        Fault{COMMAND_WRONG_DEVICE, TRINE_ERROR_PROGRAM,
              "the program used device 1, but the session has 1"},
        Fault{COMMAND_WRONG_KERNEL, TRINE_ERROR_PROGRAM,
              "the program launched kernel 99, but has 5"},
        Fault{COMMAND_ABSENT_KERNEL, TRINE_ERROR_DEVICE,
              "kernel 'absent' has no code for device 'host'"},
        Fault{COMMAND_WRONG_OUTPUT, TRINE_ERROR_PROGRAM,
              "the program gave output 99, but the model has 3"},
        Fault{COMMAND_OUTPUT_TWICE, TRINE_ERROR_PROGRAM,
              "the program gave output 'y' twice"},
        Fault{COMMAND_OUTPUT_RANK, TRINE_ERROR_PROGRAM,
              "the program gave output 'y' rank 2, expected 3"},
        Fault{COMMAND_OUTPUT_SIZE, TRINE_ERROR_PROGRAM,
              "the program gave output 'y' dimension 2 as 5, expected 4"},
        Fault{COMMAND_OUTPUT_SYMBOL, TRINE_ERROR_PROGRAM,
              "the program gave output 'y' dimension 1 as 4, expected 'seq' = "
              "3"},
        Fault{COMMAND_OUTPUT_MISSING, TRINE_ERROR_PROGRAM,
              "the program did not produce output 'count'"},
        Fault{COMMAND_IGNORE_FAILURE, TRINE_ERROR_PROGRAM,
              "the program launched kernel 99, but has 5"}));

//===----------------------------------------------------------------------===//
// The calls themselves
//===----------------------------------------------------------------------===//

TEST(Session, Options) {
  TestPackage package;
  OpenSession open(package);
  trine_session *session = open.session;
  trine_session_options options = TRINE_SESSION_OPTIONS_INIT;
  options.device = "tpu";
  EXPECT_EQ(trine_session_create(open.package, &options, &session),
            TRINE_ERROR_DEVICE);
  EXPECT_STREQ(
      trine_status_message(),
      "unknown device 'tpu': this runtime has 'host', 'cuda' and 'sim'");
  EXPECT_EQ(session, nullptr);
  options.device = "host";
  options.threads = 1025;
  EXPECT_EQ(trine_session_create(open.package, &options, &session),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_status_message(),
               "'threads' must be in [0, 1024], got 1025");
  options.struct_size = 0;
  EXPECT_EQ(trine_session_create(open.package, &options, &session),
            TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(trine_status_message(),
               "'options.struct_size' must be at least 4, got 0");
  // An older caller knows no threads: the default counts.
  options.struct_size = 4;
  EXPECT_EQ(trine_session_create(open.package, &options, &session), TRINE_OK);
  trine_session_destroy(session);
}

TEST(Session, PackageForAnotherDevice) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    return replaceOnce(text, "\"target\": {\"kind\": \"host\"",
                       "\"target\": {\"kind\": \"cuda\"");
  });
  trine_package *opened;
  ASSERT_EQ(trine_package_open(package.getPath().c_str(), nullptr, &opened),
            TRINE_OK);
  trine_session *session;
  trine_session_options options = TRINE_SESSION_OPTIONS_INIT;
  options.device = "host";
  EXPECT_EQ(trine_session_create(opened, &options, &session),
            TRINE_ERROR_DEVICE);
  EXPECT_STREQ(trine_status_message(),
               "device 'host' cannot run a package made for 'cuda'");
  trine_package_close(opened);
}

TEST(Session, NullArguments) {
  TestPackage package;
  OpenSession open(package);
  trine_tensor tensor;
  const trine_profile_record *records;
  uint64_t count;
  auto expectNull = [](trine_status status, const char *name) {
    EXPECT_EQ(status, TRINE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(trine_status_message(),
              "'" + std::string(name) + "' must not be NULL");
  };
  trine_session *session;
  expectNull(trine_session_create(nullptr, nullptr, &session), "package");
  expectNull(trine_session_create(open.package, nullptr, nullptr), "session");
  expectNull(trine_session_run(nullptr, nullptr, 0, nullptr, 0), "session");
  expectNull(trine_session_run(open.session, nullptr, 1, nullptr, 0), "inputs");
  expectNull(trine_session_run(open.session, nullptr, 0, nullptr, 1),
             "outputs");
  expectNull(trine_session_output(nullptr, 0, &tensor), "session");
  expectNull(trine_session_output(open.session, 0, nullptr), "output");
  expectNull(trine_session_profile(nullptr, &records, &count), "session");
  expectNull(trine_session_profile(open.session, nullptr, &count), "records");
  expectNull(trine_session_profile(open.session, &records, nullptr), "count");
  trine_session_destroy(nullptr);
}

TEST(Session, OneStepAtATime) {
  TestPackage package;
  OpenSession open(package);
  std::atomic<bool> refused{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      TestStep step(64, 200, 200);
      for (int i = 0; i < 100000 && !refused; ++i) {
        trine_status status =
            trine_session_run(open.session, step.inputs.data(), 4, nullptr, 0);
        if (status == TRINE_OK)
          continue;
        EXPECT_EQ(status, TRINE_ERROR_INVALID_ARGUMENT);
        EXPECT_STREQ(trine_status_message(),
                     "the session is running a step already: use one session "
                     "for each thread");
        refused = true;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_TRUE(refused);
}

TEST(Session, MessagesBelongToTheThread) {
  TestPackage package;
  OpenSession open(package);
  EXPECT_EQ(trine_session_run(open.session, nullptr, 1, nullptr, 0),
            TRINE_ERROR_INVALID_ARGUMENT);
  std::thread([] { EXPECT_STREQ(trine_status_message(), ""); }).join();
  EXPECT_STREQ(trine_status_message(), "'inputs' must not be NULL");
}

// The caller's tensor is what is wrong: the slots tell how long the past is.
TEST(SessionState, PastIsThatOfTheSlots) {
  TestPackage package;
  package.writeManifest([](std::string text) {
    return replaceOnce(std::move(text), R"("states": [])",
                       R"("states": [{"name": "k", "present": "k2",
                          "type": "f32", "dims": ["batch", "past"], "axis": 1,
                          "next": "past + seq"}])");
  });
  OpenSession open(package);
  TestStep step(2, 3, 4);
  EXPECT_EQ(fail(open.session, step, TRINE_ERROR_BAD_INPUT),
            "input 'past' dimension 1 is symbol 'past' = 0 by the entries of "
            "the slots, got 4\n"
            "input 'mask' dimension 1 must be 'past + seq' = 3, got 7");
  uint32_t slots = 1;
  EXPECT_EQ(trine_state_slots(open.session, &slots), TRINE_OK);
  EXPECT_EQ(slots, 0u);
}
