// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The part of a session that a running program sees. The program is trusted
/// code, but is checked where it costs nothing: a wrong compiler should give a
/// message, and not a crash.
#include "ElementType.h"
#include "Session.h"
#include <algorithm>

using namespace trine::runtime;

const trine_program_services Session::services = {
    TRINE_PROGRAM_ABI_VERSION,
    sizeof(trine_program_services),
    serveArena,
    serveOutput,
    serveLaunch,
    serveRead,
    serveFail,
    servePrefetchIssue,
    servePrefetchAwait,
    serveEngramHash,
    servePrefetchSend};

Status Session::callProgram() {
  stepStatus = Status();
  trine_program_call call = {};
  call.struct_size = sizeof(call);
  call.input_count = static_cast<uint32_t>(programInputs.size());
  call.context = this;
  call.services = &services;
  call.inputs = programInputs.data();
  call.weights = weights;

  device->beginStep();
  int32_t code = shareInputs();
  tables->beginStep(programInputs.data());
  if (code == TRINE_OK)
    code = package->getProgram().run(&call);
  if (trine_status failure = device->synchronize())
    failStep(failure, device->getMessage());
  if (stepStatus.ok() && code == TRINE_OK)
    if (trine_status failure = device->collectOutputs())
      failStep(failure, device->getMessage());
  tables->endStep(stepStatus.ok() && code == TRINE_OK);
  device->endStep();
  device->collectProfile(profileRecords);
  std::sort(profileRecords.begin(), profileRecords.end(),
            [](const trine_profile_record &a, const trine_profile_record &b) {
              return a.start != b.start ? a.start < b.start
                                        : a.thread < b.thread;
            });
  for (Arena &arena : arenas)
    arena.reset();

  if (!stepStatus.ok())
    return stepStatus;
  if (code != 0)
    return Status(TRINE_ERROR_PROGRAM, concat("the program failed with status ",
                                              code, " and no message"));
  for (size_t i = 0; i < outputs.size(); ++i)
    if (!outputs[i].produced)
      return Status(TRINE_ERROR_PROGRAM,
                    concat("the program did not produce output ",
                           quote(outputTensors[i]->name)));
  return Status();
}

/// The program sees inputs where the device does.
int32_t Session::shareInputs() {
  const std::vector<ManifestTensor> &declared = package->getManifest().inputs;
  for (size_t i = 0; i < declared.size(); ++i) {
    uint64_t bytes = 0;
    // checkInputs() has found that it fits.
    (void)getTensorBytes(programInputs[i].sizes,
                         static_cast<uint32_t>(declared[i].sizes.size()),
                         trine_type_size(declared[i].type), bytes);
    if (trine_status code = device->shareInput(programInputs[i].data, bytes,
                                               &programInputs[i].data))
      return failStep(code, device->getMessage());
  }
  // States lie on the device; the lengths of their slots do not.
  if (state) {
    trine_program_tensor &lengths = programInputs[declared.size()];
    if (trine_status code = device->shareInput(
            lengths.data,
            static_cast<uint64_t>(lengths.sizes[0]) * sizeof(int64_t),
            &lengths.data))
      return failStep(code, device->getMessage());
  }
  return TRINE_OK;
}

int32_t Session::failStep(trine_status code, std::string message) {
  if (stepStatus.ok())
    stepStatus = Status(code, std::move(message));
  return code;
}

int32_t Session::checkDevice(uint32_t index) {
  if (index == 0)
    return TRINE_OK;
  return failStep(TRINE_ERROR_PROGRAM, concat("the program used device ", index,
                                              ", but the session has 1"));
}

int32_t Session::serveArena(void *context, uint32_t device, uint32_t space,
                            uint64_t bytes, void **base) {
  Session *session = static_cast<Session *>(context);
  *base = nullptr;
  if (int32_t code = session->checkDevice(device))
    return code;
  if (space >= session->arenas.size())
    return session->failStep(TRINE_ERROR_PROGRAM,
                             concat("the program asked for memory in space ",
                                    space, ", which has none"));
  if (trine_status code = session->arenas[space].allocate(bytes, base))
    return session->failStep(code, session->device->getMessage());
  return TRINE_OK;
}

/// The sizes of a result against the manifest and the step's symbols.
Status Session::checkOutputSizes(uint32_t index, uint32_t rank,
                                 const int64_t *sizes) const {
  const ManifestTensor &declared = *outputTensors[index];
  if (rank != declared.sizes.size())
    return Status(TRINE_ERROR_PROGRAM,
                  concat("the program gave output ", quote(declared.name),
                         " rank ", rank, ", expected ", declared.sizes.size()));
  for (uint32_t d = 0; d < rank; ++d) {
    int64_t expected = declared.sizes[d];
    if (expected < 0)
      expected = declared.expressions[d].evaluate(symbolValues);
    if (sizes[d] < 0 || (expected >= 0 && sizes[d] != expected))
      return Status(
          TRINE_ERROR_PROGRAM,
          concat("the program gave output ", quote(declared.name),
                 " dimension ", d, " as ", sizes[d], ", expected ",
                 declared.sizes[d] < 0 ? quote(declared.symbols[d]) + " = "
                                       : "",
                 expected < 0 ? "at least 0" : std::to_string(expected)));
  }
  return Status();
}

int32_t Session::serveOutput(void *context, uint32_t index, uint32_t rank,
                             const int64_t *sizes, void **data) {
  Session *session = static_cast<Session *>(context);
  *data = nullptr;
  if (index >= session->outputs.size())
    return session->failStep(TRINE_ERROR_PROGRAM,
                             concat("the program gave output ", index,
                                    ", but the model has ",
                                    session->outputs.size()));
  const ManifestTensor &declared = *session->outputTensors[index];
  Output &output = session->outputs[index];
  if (output.produced)
    return session->failStep(
        TRINE_ERROR_PROGRAM,
        concat("the program gave output ", quote(declared.name), " twice"));
  Status status = session->checkOutputSizes(index, rank, sizes);
  if (!status.ok())
    return session->failStep(status.getCode(), status.getMessage());
  if (!getTensorBytes(sizes, rank, trine_type_size(declared.type),
                      output.bytes))
    return session->failStep(
        TRINE_ERROR_OUT_OF_MEMORY,
        concat("output ", quote(declared.name),
               " is too large: ", formatSizes(sizes, rank)));
  if (output.callerData) {
    if (output.bytes > output.callerBytes)
      return session->failStep(
          TRINE_ERROR_BAD_OUTPUT,
          concat("output ", quote(declared.name), " needs ", output.bytes,
                 " bytes for ", formatSizes(sizes, rank), " of ",
                 trine_type_name(declared.type), ", got ", output.callerBytes));
    output.data = output.callerData;
  } else {
    if (trine_status code = output.block.reserve(output.bytes))
      return session->failStep(code, session->device->getMessage());
    output.data = output.block.getData();
  }
  std::fill(std::copy(sizes, sizes + rank, output.sizes),
            output.sizes + TRINE_MAX_RANK, 0);
  output.produced = true;
  // States that are replaced lie on the device.
  if (index >= session->package->getManifest().outputs.size())
    *data = output.data;
  else if (trine_status code =
               session->device->shareOutput(output.data, output.bytes, data))
    return session->failStep(code, session->device->getMessage());
  return TRINE_OK;
}

int32_t Session::serveLaunch(void *context, uint32_t device, uint32_t queue,
                             uint32_t kernel, uint64_t workgroups,
                             const uint64_t *arguments,
                             uint32_t argumentCount) {
  Session *session = static_cast<Session *>(context);
  if (int32_t code = session->checkDevice(device))
    return code;
  if (trine_status code = session->device->launch(queue, kernel, workgroups,
                                                  arguments, argumentCount))
    return session->failStep(code, session->device->getMessage());
  return TRINE_OK;
}

int32_t Session::serveRead(void *context, uint32_t device, uint32_t queue,
                           const void *source, void *host, uint64_t bytes) {
  Session *session = static_cast<Session *>(context);
  if (int32_t code = session->checkDevice(device))
    return code;
  if (trine_status code = session->device->read(queue, source, host, bytes))
    return session->failStep(code, session->device->getMessage());
  return TRINE_OK;
}

int32_t Session::serveFail(void *context, const char *message) {
  return static_cast<Session *>(context)->failStep(
      TRINE_ERROR_PROGRAM,
      message && *message ? message : "the program failed without a reason");
}

int32_t Session::finishTableService(uint32_t index, const Status &status) {
  if (int32_t code = checkDevice(index))
    return code;
  return status.ok() ? TRINE_OK
                     : failStep(status.getCode(), status.getMessage());
}

int32_t Session::servePrefetchIssue(void *context, uint32_t device,
                                    uint32_t queue, uint32_t table,
                                    const int64_t *rows, uint64_t count,
                                    uint64_t *ticket) {
  Session *session = static_cast<Session *>(context);
  return session->finishTableService(
      device, session->tables->issue(queue, table, rows, count, ticket));
}

int32_t Session::servePrefetchSend(void *context, uint32_t device,
                                   uint64_t ticket, uint32_t type) {
  Session *session = static_cast<Session *>(context);
  return session->finishTableService(device,
                                     session->tables->send(ticket, type));
}

int32_t Session::servePrefetchAwait(void *context, uint32_t device,
                                    uint32_t queue, uint64_t ticket,
                                    uint32_t type, void *destination,
                                    uint64_t bytes) {
  Session *session = static_cast<Session *>(context);
  return session->finishTableService(
      device, session->tables->await(queue, ticket, type, destination, bytes));
}

int32_t Session::serveEngramHash(void *context, uint32_t device, uint32_t queue,
                                 const int64_t *rule, const void *tokenMap,
                                 uint64_t tokenMapSize, const int64_t *tokenIds,
                                 uint64_t sequences, uint64_t tokens,
                                 const int64_t *history, int64_t *rows,
                                 int64_t *present) {
  Session *session = static_cast<Session *>(context);
  return session->finishTableService(
      device, session->tables->hash(queue, {rule, tokenMap, tokenMapSize,
                                            tokenIds, sequences, tokens,
                                            history, rows, present}));
}
