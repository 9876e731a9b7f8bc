// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// One user's steps on a package: threads, working memory, outputs.
#ifndef TRINE_RUNTIME_CORE_SESSION_H
#define TRINE_RUNTIME_CORE_SESSION_H

#include "Arena.h"
#include "Package.h"
#include "SessionTables.h"
#include "StateStore.h"
#include "Status.h"
#include "device/Device.h"
#include <atomic>
#include <memory>
#include <vector>

namespace trine::runtime {

struct SessionOptions {
  uint32_t threads = 0; // 0: as many as CPUs
  std::string device;   // "": what the package is made for
  bool profile = false;
  uint32_t undo = 4; // steps that states which are replaced can go back
};

class Session {
public:
  static Status create(std::shared_ptr<const Package> package,
                       const SessionOptions &options,
                       std::unique_ptr<Session> &result);

  /// As trine_session_run.
  Status run(const trine_tensor *inputs, uint32_t inputCount,
             trine_tensor *outputs, uint32_t outputCount,
             const StateStore::Choice &choice = StateStore::Choice());

  /// As trine_session_announce.
  Status announce(const trine_tensor *inputs, uint32_t inputCount);

  /// What the session keeps of its sequences; NULL when the package has no
  /// state.
  StateStore *getState() const { return state.get(); }
  bool isRunning() const { return running; }

  /// Output `index` of the last run.
  Status getOutput(uint32_t index, trine_tensor &output) const;

  const std::vector<trine_profile_record> &getProfile() const {
    return profileRecords;
  }

private:
  /// One output: where it goes in this step, and the session's own memory.
  struct Output {
    explicit Output(Device &device) : block(device, TRINE_SPACE_HOST) {}
    GrowingBlock block;
    void *callerData = nullptr;
    uint64_t callerBytes = 0;
    bool produced = false;
    void *data = nullptr;
    uint64_t bytes = 0;
    int64_t sizes[TRINE_MAX_RANK];
  };

  Session(std::shared_ptr<const Package> package,
          std::unique_ptr<Device> device);

  Status runStep(const trine_tensor *inputs, uint32_t inputCount,
                 trine_tensor *outputs, uint32_t outputCount);
  Status checkInputs(const trine_tensor *inputs, uint32_t inputCount);
  void checkInput(uint32_t index, const trine_tensor &given,
                  std::vector<std::string> &problems);
  void checkSymbols(std::vector<std::string> &problems);
  Status bindOutputs(const trine_tensor *inputs, uint32_t inputCount,
                     const trine_tensor *outputs, uint32_t outputCount);
  Status bindState(std::vector<std::string> &problems);
  Status callProgram();
  void fillTensor(uint32_t index, trine_tensor &tensor) const;

  // Services for the program (ProgramABI.h); `context` is the session.
  static int32_t serveArena(void *context, uint32_t device, uint32_t space,
                            uint64_t bytes, void **base);
  static int32_t serveOutput(void *context, uint32_t index, uint32_t rank,
                             const int64_t *sizes, void **data);
  static int32_t serveLaunch(void *context, uint32_t device, uint32_t queue,
                             uint32_t kernel, uint64_t workgroups,
                             const uint64_t *arguments, uint32_t argumentCount);
  static int32_t serveRead(void *context, uint32_t device, uint32_t queue,
                           const void *source, void *host, uint64_t bytes);
  static int32_t serveFail(void *context, const char *message);
  static int32_t servePrefetchIssue(void *context, uint32_t device,
                                    uint32_t queue, uint32_t table,
                                    const int64_t *rows, uint64_t count,
                                    uint64_t *ticket);
  static int32_t servePrefetchSend(void *context, uint32_t device,
                                   uint64_t ticket, uint32_t type);
  static int32_t servePrefetchAwait(void *context, uint32_t device,
                                    uint32_t queue, uint64_t ticket,
                                    uint32_t type, void *destination,
                                    uint64_t bytes);
  static int32_t serveEngramHash(void *context, uint32_t device, uint32_t queue,
                                 const int64_t *rule, const void *tokenMap,
                                 uint64_t tokenMapSize, const int64_t *tokenIds,
                                 uint64_t sequences, uint64_t tokens,
                                 const int64_t *history, int64_t *rows,
                                 int64_t *present);
  static const trine_program_services services;
  int32_t finishTableService(uint32_t device, const Status &status);

  Status checkOutputSizes(uint32_t index, uint32_t rank,
                          const int64_t *sizes) const;
  /// Keeps the first failure of a step, and gives its code.
  int32_t failStep(trine_status code, std::string message);
  int32_t checkDevice(uint32_t device);
  int32_t shareInputs();

  std::shared_ptr<const Package> package;
  std::unique_ptr<Device> device;
  const void *weights = nullptr; // where the device sees them
  std::vector<Arena> arenas;     // by space
  std::vector<Output> outputs;   // then those of states that are replaced
  std::vector<const ManifestTensor *> outputTensors; // of `outputs`
  std::unique_ptr<StateStore> state;
  StateStore::Step step;
  std::vector<trine_program_tensor> programInputs;
  std::vector<const trine_tensor *> givenInputs; // by the model's order
  std::vector<int64_t> symbolValues;             // -1: not known
  std::unique_ptr<SessionTables> tables;
  Status stepStatus;
  bool hasResult = false;
  std::atomic<bool> running{false};
  std::vector<trine_profile_record> profileRecords;
};

} // namespace trine::runtime

#endif
