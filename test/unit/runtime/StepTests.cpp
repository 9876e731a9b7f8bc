// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Steps that work: results, memory, threads, profile.
#include "AllocationCounter.h"
#include "TestPackage.h"
#include "TestProgram.h"
#include <cfenv>
#include <deque>
#include <gmock/gmock.h>
#include <thread>

using namespace trine::runtime::test;
using testing::ElementsAre;

static std::vector<float> getFloats(const trine_tensor &tensor) {
  const float *data = static_cast<const float *>(tensor.data);
  return std::vector<float>(data, data + tensor.bytes / 4);
}

static std::vector<int64_t> getSizes(const trine_tensor &tensor) {
  return std::vector<int64_t>(tensor.sizes, tensor.sizes + tensor.rank);
}

/// Runs a step and compares all outputs with what they must be.
static void checkStep(trine_session *session, const TestStep &step) {
  trine_tensor outputs[3] = {};
  outputs[0].name = "y";
  outputs[1].name = "present";
  outputs[2].name = "count";
  ASSERT_EQ(trine_session_run(session, step.inputs.data(), 4, outputs, 3),
            TRINE_OK)
      << trine_status_message();
  EXPECT_EQ(getFloats(outputs[0]), step.getExpectedY());
  EXPECT_EQ(getFloats(outputs[1]), step.getExpectedPresent());
  EXPECT_EQ(*static_cast<int64_t *>(outputs[2].data),
            step.batch * (step.seq + step.rows));
}

TEST(Step, ComputesOutputsInMemoryOfTheSession) {
  TestPackage package;
  OpenSession open(package);
  TestStep step(2, 3, 4);
  trine_tensor outputs[3] = {};
  outputs[0].name = "count"; // any order, any number
  outputs[1].name = "y";
  ASSERT_EQ(trine_session_run(open.session, step.inputs.data(), 4, outputs, 2),
            TRINE_OK)
      << trine_status_message();
  EXPECT_EQ(outputs[0].type, TRINE_TYPE_I64);
  EXPECT_EQ(outputs[0].rank, 0u);
  EXPECT_EQ(outputs[0].bytes, 8u);
  EXPECT_EQ(*static_cast<int64_t *>(outputs[0].data), 14);
  EXPECT_STREQ(outputs[1].name, "y");
  EXPECT_THAT(getSizes(outputs[1]), ElementsAre(2, 3, 4));
  EXPECT_EQ(getFloats(outputs[1]), step.getExpectedY());
  // The one not asked for is there as well.
  trine_tensor present;
  ASSERT_EQ(trine_session_output(open.session, 1, &present), TRINE_OK);
  EXPECT_STREQ(present.name, "present");
  EXPECT_THAT(getSizes(present), ElementsAre(2, 7, 4));
  EXPECT_EQ(getFloats(present), step.getExpectedPresent());
}

TEST(Step, WritesToMemoryOfTheCaller) {
  TestPackage package;
  OpenSession open(package);
  TestStep step(1, 2, 2);
  std::vector<float> y(10, -1);
  trine_tensor output = {"y", y.data(), y.size() * 4, TRINE_TYPE_NONE, 0, {}};
  ASSERT_EQ(trine_session_run(open.session, step.inputs.data(), 4, &output, 1),
            TRINE_OK)
      << trine_status_message();
  EXPECT_EQ(output.data, y.data());
  EXPECT_EQ(output.bytes, 32u);
  EXPECT_EQ(getFloats(output), step.getExpectedY());
  EXPECT_EQ(y[8], -1) << "memory behind the result must stay";
}

TEST(Step, FeedsOutputsBackAsInputs) {
  TestPackage package;
  OpenSession open(package);
  // Caller's memory, twice: a session's own would be overwritten while read.
  std::vector<float> cache[2];
  int64_t rows = 0;
  for (int i = 0; i < 4; ++i) {
    TestStep step(1, 2, rows);
    if (i)
      step.past = cache[i % 2];
    step.inputs[1].data = step.past.data();
    cache[(i + 1) % 2].resize((rows + 2) * 4);
    trine_tensor output = {"present",
                           cache[(i + 1) % 2].data(),
                           cache[(i + 1) % 2].size() * 4,
                           0,
                           0,
                           {}};
    ASSERT_EQ(
        trine_session_run(open.session, step.inputs.data(), 4, &output, 1),
        TRINE_OK)
        << trine_status_message();
    EXPECT_EQ(getFloats(output), step.getExpectedPresent());
    rows += 2;
  }
}

TEST(Step, TakesInputsInAnyOrder) {
  TestPackage package;
  OpenSession open(package);
  TestStep step(2, 1, 2);
  std::swap(step.inputs[0], step.inputs[3]);
  std::swap(step.inputs[1], step.inputs[2]);
  checkStep(open.session, step);
}

TEST(Step, TakesEmptyDimensions) {
  TestPackage package;
  OpenSession open(package);
  for (auto [batch, seq, past] : {std::tuple(1, 3, 0), std::tuple(2, 0, 2),
                                  std::tuple(0, 3, 2), std::tuple(2, 0, 0)}) {
    TestStep step(batch, seq, past);
    if (step.past.empty())
      step.inputs[1].data = nullptr;
    checkStep(open.session, step);
    trine_tensor y;
    ASSERT_EQ(trine_session_output(open.session, 0, &y), TRINE_OK);
    EXPECT_THAT(getSizes(y), ElementsAre(batch, seq, 4));
    EXPECT_NE(y.data, nullptr);
  }
}

TEST(Step, GivesArenaPiecesThatDoNotOverlap) {
  TestPackage package;
  OpenSession open(package);
  // First in many blocks, then in one.
  for (int i = 0; i < 3; ++i)
    checkStep(open.session, TestStep(4, 5, 6, COMMAND_MANY_ARENAS));
}

TEST(Step, AllocatesNothingWithinSeenCapacity) {
  TestPackage package;
  OpenSession open(package);
  TestStep large(4, 40, 6, COMMAND_MANY_ARENAS), small(2, 3, 2);
  std::vector<float> memory(small.x.size());
  trine_tensor outputs[2] = {};
  trine_tensor callers = {"y", memory.data(), memory.size() * 4, 0, 0, {}};
  auto run = [&] {
    outputs[0] = {"y", nullptr, 0, 0, 0, {}};
    outputs[1] = {"present", nullptr, 0, 0, 0, {}};
    trine_status status =
        trine_session_run(open.session, large.inputs.data(), 4, outputs, 2);
    status |=
        trine_session_run(open.session, small.inputs.data(), 4, outputs, 2);
    callers.bytes = memory.size() * 4;
    status |=
        trine_session_run(open.session, small.inputs.data(), 4, &callers, 1);
    return status;
  };
  uint64_t start = getAllocationCount();
  ASSERT_EQ(run(), TRINE_OK) << trine_status_message();
  EXPECT_GT(getAllocationCount(), start) << "the counter does not count";
  uint64_t before = getAllocationCount();
  trine_status status = TRINE_OK;
  for (int i = 0; i < 20; ++i)
    status |= run();
  uint64_t after = getAllocationCount();
  EXPECT_EQ(status, TRINE_OK);
  EXPECT_EQ(after - before, 0u);
}

TEST(Step, GrowsRarelyWhenSizesRise) {
  TestPackage package;
  OpenSession open(package, 1);
  std::deque<TestStep> steps;
  for (int64_t past = 1000; past < 1200; past += 2)
    steps.emplace_back(1, 1, past);
  trine_tensor output = {"present", nullptr, 0, 0, 0, {}};
  uint64_t before = getAllocationCount();
  trine_status status = TRINE_OK;
  for (TestStep &step : steps) {
    output.data = nullptr;
    status |=
        trine_session_run(open.session, step.inputs.data(), 4, &output, 1);
  }
  uint64_t allocations = getAllocationCount() - before;
  EXPECT_EQ(status, TRINE_OK);
  EXPECT_LE(allocations, 8u) << "100 growing steps";
}

TEST(Step, DoesNotDependOnThreadCount) {
  TestPackage package;
  TestStep step(16, 33, 8);
  for (uint32_t threads : {1, 2, 3, 8}) {
    OpenSession open(package, threads);
    for (int i = 0; i < 20; ++i)
      checkStep(open.session, step);
  }
}

TEST(Step, DoesNotDependOnFloatingPointModesOfTheCaller) {
  TestPackage package;
  OpenSession open(package, 1);
  TestStep step(1, 1, 2);
  step.x = {0.1f, 0.3f, 0.7f, 0.9f};
  step.inputs[0].data = step.x.data();
  std::vector<float> expected = step.getExpectedY();
  trine_tensor output = {"y", nullptr, 0, 0, 0, {}};
  std::fesetround(FE_UPWARD);
  trine_status status =
      trine_session_run(open.session, step.inputs.data(), 4, &output, 1);
  int after = std::fegetround();
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(status, TRINE_OK);
  EXPECT_EQ(after, FE_UPWARD) << "the caller's mode must come back";
  EXPECT_EQ(getFloats(output), expected);
}

TEST(Step, SessionsRunAtTheSameTime) {
  TestPackage package;
  trine_package *opened;
  ASSERT_EQ(trine_package_open(package.getPath().c_str(), nullptr, &opened),
            TRINE_OK);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([opened, t] {
      trine_session_options options = TRINE_SESSION_OPTIONS_INIT;
      options.threads = 1 + t % 2;
      trine_session *session;
      ASSERT_EQ(trine_session_create(opened, &options, &session), TRINE_OK);
      for (int i = 0; i < 50; ++i)
        checkStep(session, TestStep(1 + t, 1 + i % 7, 2 * t));
      trine_session_destroy(session);
    });
  for (std::thread &thread : threads)
    thread.join();
  trine_package_close(opened);
}

TEST(Step, SessionOutlivesClosedPackage) {
  TestPackage package;
  trine_package *opened;
  ASSERT_EQ(trine_package_open(package.getPath().c_str(), nullptr, &opened),
            TRINE_OK);
  trine_session *session;
  ASSERT_EQ(trine_session_create(opened, nullptr, &session), TRINE_OK);
  trine_package_close(opened);
  checkStep(session, TestStep(2, 2, 2));
  trine_session_destroy(session);
}

TEST(Step, RecordsKernelTimes) {
  TestPackage package;
  OpenSession open(package, 2, /*profile=*/true);
  for (int i = 0; i < 2; ++i) // records are those of the last step
    checkStep(open.session, TestStep(8, 4, 2));
  const trine_profile_record *records;
  uint64_t count;
  ASSERT_EQ(trine_session_profile(open.session, &records, &count), TRINE_OK);
  uint64_t workgroups[4] = {};
  for (uint64_t i = 0; i < count; ++i) {
    const trine_profile_record &record = records[i];
    EXPECT_LE(record.start, record.end);
    EXPECT_LT(record.thread, 2u);
    ASSERT_LT(record.kernel, 4u);
    EXPECT_EQ(record.launch, record.kernel); // each launched once, in order
    workgroups[record.kernel] += record.workgroups;
    if (i) {
      EXPECT_GE(record.start, records[i - 1].start);
    }
  }
  EXPECT_THAT(workgroups, ElementsAre(8, 32, 8, 1));
}

TEST(Step, RecordsNothingUnlessAsked) {
  TestPackage package;
  OpenSession open(package);
  checkStep(open.session, TestStep(1, 1, 2));
  const trine_profile_record *records;
  uint64_t count = 1;
  ASSERT_EQ(trine_session_profile(open.session, &records, &count), TRINE_OK);
  EXPECT_EQ(count, 0u);
}
