// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The C ABI: argument checks, and translation to the classes behind it.
#include "Package.h"
#include "Session.h"
#include "trine/Runtime/engram.h"
#include <algorithm>
#include <cstddef>
#include <cstring>

using namespace trine::runtime;

struct trine_package {
  std::shared_ptr<const Package> package;
};

struct trine_session {
  std::unique_ptr<Session> session;
};

static thread_local std::string lastMessage;

static trine_status finish(const Status &status) {
  if (!status.ok())
    lastMessage = status.getMessage();
  return status.getCode();
}

static trine_status failArgument(std::string message) {
  return finish(Status(TRINE_ERROR_INVALID_ARGUMENT, std::move(message)));
}

static trine_status failNull(const char *name) {
  return failArgument(concat(quote(name), " must not be NULL"));
}

/// Options of a caller who may have been compiled with an older header (then
/// the rest are defaults) or a newer one (then what we do not know is ignored).
template <typename Options>
static trine_status readOptions(const Options *given, Options &options) {
  options.struct_size = sizeof(Options);
  if (!given)
    return TRINE_OK;
  if (given->struct_size < sizeof(uint32_t))
    return failArgument(concat("'options.struct_size' must be at least ",
                               sizeof(uint32_t), ", got ", given->struct_size));
  memcpy(&options, given,
         std::min<size_t>(given->struct_size, sizeof(Options)));
  return TRINE_OK;
}

/// Gives the caller as much of the answer as their structure holds.
template <typename Info>
static trine_status writeInfo(const Info &answer, Info *info) {
  if (!info)
    return failNull("info");
  uint32_t size = info->struct_size;
  if (size < sizeof(uint32_t))
    return failArgument(concat("'info.struct_size' must be at least ",
                               sizeof(uint32_t), ", got ", size));
  memcpy(info, &answer, std::min<size_t>(size, sizeof(Info)));
  info->struct_size = size;
  return TRINE_OK;
}

static trine_status failIndex(const char *what, uint32_t index, size_t count) {
  return failArgument(
      concat("there is no ", what, " ", index, ": the package has ", count));
}

const char *trine_status_message(void) { return lastMessage.c_str(); }

const char *trine_status_name(trine_status status) {
  static const char *const names[] = {
      "ok",          "invalid argument", "not found",  "input/output",
      "bad package", "hash mismatch",    "version",    "missing CPU feature",
      "device",      "bad input",        "bad output", "out of memory",
      "step failed"};
  constexpr trine_status count = sizeof(names) / sizeof(names[0]);
  static_assert(count == TRINE_ERROR_PROGRAM + 1);
  static const char *const engramNames[] = {"bad table", "changed", "checksum",
                                            "bad row",   "late",    "cancelled",
                                            "full",      "closed"};
  constexpr trine_status first = TRINE_ENGRAM_ERROR_BAD_TABLE;
  static_assert(first + sizeof(engramNames) / sizeof(engramNames[0]) ==
                TRINE_ENGRAM_ERROR_CLOSED + 1);
  if (status >= first && status <= TRINE_ENGRAM_ERROR_CLOSED)
    return engramNames[status - first];
  return status >= 0 && status < count ? names[status] : "unknown status";
}

uint32_t trine_api_version(void) { return TRINE_API_VERSION; }

const char *trine_version(void) { return TRINE_VERSION_STRING; }

trine_status trine_package_open(const char *path,
                                const trine_package_options *given,
                                trine_package **package) {
  if (!package)
    return failNull("package");
  *package = nullptr;
  if (!path)
    return failNull("path");
  trine_package_options options = TRINE_PACKAGE_OPTIONS_INIT;
  if (trine_status code = readOptions(given, options))
    return code;
  std::shared_ptr<const Package> opened;
  TableOptions tables;
  tables.tier = options.table_tier;
  tables.cacheBytes = options.table_cache_bytes;
  tables.folder = options.table_folder ? options.table_folder : "";
  tables.check = options.table_check;
  tables.tickets = options.table_tickets;
  tables.deadlineMilliseconds = options.table_deadline_milliseconds;
  tables.checksums = options.table_checksums ? options.table_checksums : "";
  tables.read = options.table_read;
  tables.readContext = options.table_read_context;
  if (tables.tier < 0 || tables.tier > TRINE_ENGRAM_TIER_DISK)
    return failArgument(concat("'options.table_tier' must be in [0, ",
                               int32_t(TRINE_ENGRAM_TIER_DISK), "], got ",
                               tables.tier));
  Status status =
      Package::open(path, options.verify_hashes != 0, tables, opened);
  if (status.ok())
    *package = new trine_package{std::move(opened)};
  return finish(status);
}

void trine_package_close(trine_package *package) { delete package; }

trine_status trine_package_describe(const trine_package *package,
                                    trine_package_info *info) {
  if (!package)
    return failNull("package");
  const Package &p = *package->package;
  const Manifest &m = p.getManifest();
  trine_package_info answer = {};
  answer.format_major = m.formatMajor;
  answer.format_minor = m.formatMinor;
  answer.program_abi = m.abi;
  answer.name = m.name.c_str();
  answer.producer = m.producer.c_str();
  answer.target = p.getTarget().c_str();
  answer.weights_bytes = p.getWeightsBytes();
  answer.input_count = static_cast<uint32_t>(m.inputs.size());
  answer.output_count = static_cast<uint32_t>(m.outputs.size());
  answer.symbol_count = static_cast<uint32_t>(m.symbols.size());
  answer.kernel_count = p.getProgram().kernel_count;
  answer.state_count = static_cast<uint32_t>(m.states.size());
  answer.ragged = m.isRagged;
  return writeInfo(answer, info);
}

static trine_status describeTensor(const char *what,
                                   const std::vector<ManifestTensor> &tensors,
                                   uint32_t index, trine_tensor_info *info) {
  if (index >= tensors.size())
    return failIndex(what, index, tensors.size());
  const ManifestTensor &tensor = tensors[index];
  trine_tensor_info answer = {};
  answer.type = tensor.type;
  answer.name = tensor.name.c_str();
  answer.rank = static_cast<uint32_t>(tensor.sizes.size());
  answer.sizes = tensor.sizes.data();
  answer.symbols = tensor.symbolTexts.data();
  answer.relative_tolerance = tensor.relativeTolerance;
  return writeInfo(answer, info);
}

trine_status trine_package_input(const trine_package *package, uint32_t index,
                                 trine_tensor_info *info) {
  if (!package)
    return failNull("package");
  return describeTensor("input", package->package->getManifest().inputs, index,
                        info);
}

trine_status trine_package_output(const trine_package *package, uint32_t index,
                                  trine_tensor_info *info) {
  if (!package)
    return failNull("package");
  return describeTensor("output", package->package->getManifest().outputs,
                        index, info);
}

static trine_status computeSizes(const trine_package *package, bool output,
                                 uint32_t index, const int64_t *symbols,
                                 int64_t *sizes) {
  if (!package)
    return failNull("package");
  const Manifest &manifest = package->package->getManifest();
  const auto &tensors = output ? manifest.outputs : manifest.inputs;
  if (index >= tensors.size())
    return failIndex(output ? "output" : "input", index, tensors.size());
  const ManifestTensor &tensor = tensors[index];
  if (!symbols && !manifest.symbols.empty())
    return failNull("symbols");
  if (!sizes && !tensor.sizes.empty())
    return failNull("sizes");
  std::vector<int64_t> values(symbols, symbols + manifest.symbols.size());
  for (size_t d = 0; d < tensor.sizes.size(); ++d)
    sizes[d] = tensor.sizes[d] >= 0 ? tensor.sizes[d]
                                    : tensor.expressions[d].evaluate(values);
  return TRINE_OK;
}

trine_status trine_package_input_sizes(const trine_package *package,
                                       uint32_t index, const int64_t *symbols,
                                       int64_t *sizes) {
  return computeSizes(package, /*output=*/false, index, symbols, sizes);
}

trine_status trine_package_output_sizes(const trine_package *package,
                                        uint32_t index, const int64_t *symbols,
                                        int64_t *sizes) {
  return computeSizes(package, /*output=*/true, index, symbols, sizes);
}

trine_status trine_package_symbol(const trine_package *package, uint32_t index,
                                  trine_symbol_info *info) {
  if (!package)
    return failNull("package");
  const auto &symbols = package->package->getManifest().symbols;
  if (index >= symbols.size())
    return failIndex("symbol", index, symbols.size());
  const ManifestSymbol &symbol = symbols[index];
  trine_symbol_info answer = {};
  answer.name = symbol.name.c_str();
  answer.input = symbol.input;
  answer.dimension = symbol.dimension;
  answer.minimum = symbol.minimum;
  answer.maximum = symbol.maximum;
  answer.divisor = symbol.divisor;
  return writeInfo(answer, info);
}

trine_status trine_package_state(const trine_package *package, uint32_t index,
                                 trine_state_info *info) {
  if (!package)
    return failNull("package");
  const auto &states = package->package->getManifest().states;
  if (index >= states.size())
    return failIndex("state", index, states.size());
  const ManifestState &state = states[index];
  trine_state_info answer = {};
  answer.type = state.tensor.type;
  answer.name = state.tensor.name.c_str();
  answer.present = state.present.c_str();
  answer.rank = static_cast<uint32_t>(state.tensor.sizes.size());
  answer.axis = static_cast<uint32_t>(state.axis);
  answer.sizes = state.tensor.sizes.data();
  answer.symbols = state.tensor.symbolTexts.data();
  answer.initial = &state.initial;
  return writeInfo(answer, info);
}

trine_status trine_package_kernel(const trine_package *package, uint32_t index,
                                  trine_kernel_info *info) {
  if (!package)
    return failNull("package");
  uint32_t count = package->package->getProgram().kernel_count;
  if (index >= count)
    return failIndex("kernel", index, count);
  const ManifestKernel &kernel = package->package->getKernel(index);
  trine_kernel_info answer = {};
  answer.name = kernel.name.c_str();
  answer.skeleton = kernel.skeleton.c_str();
  answer.node_count = static_cast<uint32_t>(kernel.nodeTexts.size());
  answer.nodes = kernel.nodeTexts.data();
  return writeInfo(answer, info);
}

trine_status trine_package_table(const trine_package *package, uint32_t index,
                                 trine_engram_table **table) {
  if (!table)
    return failNull("table");
  *table = nullptr;
  if (!package)
    return failNull("package");
  const TableSet *tables = package->package->getTables();
  uint32_t count = tables ? tables->size() : 0;
  if (index >= count)
    return failIndex("table", index, count);
  *table = tables->getTable(index);
  return TRINE_OK;
}

trine_status trine_session_create(trine_package *package,
                                  const trine_session_options *given,
                                  trine_session **session) {
  if (!session)
    return failNull("session");
  *session = nullptr;
  if (!package)
    return failNull("package");
  trine_session_options options = TRINE_SESSION_OPTIONS_INIT;
  if (trine_status code = readOptions(given, options))
    return code;
  SessionOptions sessionOptions;
  sessionOptions.threads = options.threads;
  sessionOptions.device = options.device ? options.device : "";
  sessionOptions.profile = options.profile != 0;
  if (options.undo_steps > 1024)
    return failArgument(
        concat("'undo_steps' must be in [0, 1024], got ", options.undo_steps));
  sessionOptions.undo = options.undo_steps;
  std::unique_ptr<Session> created;
  Status status = Session::create(package->package, sessionOptions, created);
  if (status.ok())
    *session = new trine_session{std::move(created)};
  return finish(status);
}

void trine_session_destroy(trine_session *session) { delete session; }

trine_status trine_session_run(trine_session *session,
                               const trine_tensor *inputs, uint32_t inputCount,
                               trine_tensor *outputs, uint32_t outputCount) {
  if (!session)
    return failNull("session");
  if (!inputs && inputCount)
    return failNull("inputs");
  if (!outputs && outputCount)
    return failNull("outputs");
  return finish(
      session->session->run(inputs, inputCount, outputs, outputCount));
}

trine_status trine_session_step(trine_session *session,
                                const trine_step_options *given,
                                const trine_tensor *inputs, uint32_t inputCount,
                                trine_tensor *outputs, uint32_t outputCount) {
  if (!session)
    return failNull("session");
  if (!inputs && inputCount)
    return failNull("inputs");
  if (!outputs && outputCount)
    return failNull("outputs");
  trine_step_options options = TRINE_STEP_OPTIONS_INIT;
  if (trine_status code = readOptions(given, options))
    return code;
  if (options.first_slot && !session->session->getState())
    return failArgument("'first_slot' needs a package with state");
  if (options.new_entries && !session->session->getState())
    return failArgument("'new_entries' needs a package with state");
  StateStore::Choice choice;
  choice.first = options.first_slot;
  choice.counts = options.new_entries;
  choice.countCount = options.new_entry_count;
  return finish(
      session->session->run(inputs, inputCount, outputs, outputCount, choice));
}

trine_status trine_session_announce(trine_session *session,
                                    const trine_tensor *inputs,
                                    uint32_t inputCount) {
  if (!session)
    return failNull("session");
  if (!inputs && inputCount)
    return failNull("inputs");
  return finish(session->session->announce(inputs, inputCount));
}

trine_status trine_session_output(const trine_session *session, uint32_t index,
                                  trine_tensor *output) {
  if (!session)
    return failNull("session");
  if (!output)
    return failNull("output");
  return finish(session->session->getOutput(index, *output));
}

trine_status trine_session_profile(const trine_session *session,
                                   const trine_profile_record **records,
                                   uint64_t *count) {
  if (!session)
    return failNull("session");
  if (!records)
    return failNull("records");
  if (!count)
    return failNull("count");
  const std::vector<trine_profile_record> &all = session->session->getProfile();
  *records = all.data();
  *count = all.size();
  return TRINE_OK;
}

/// The session's states for a function on them; NULL after a failure, which is
/// in `code`.
static StateStore *findState(const trine_session *session, trine_status &code) {
  StateStore *state = nullptr;
  if (!session)
    code = failNull("session");
  else if (session->session->isRunning())
    code = failArgument("the session is running a step");
  else if (!(state = session->session->getState()))
    code = failArgument("the package has no state: compile the model with "
                        "'trine-compile --state'");
  return state;
}

trine_status trine_state_slots(const trine_session *session, uint32_t *slots) {
  trine_status code = TRINE_OK;
  StateStore *state = findState(session, code);
  if (!state)
    return code;
  if (!slots)
    return failNull("slots");
  *slots = state->getSlots();
  return TRINE_OK;
}

trine_status trine_state_lengths(const trine_session *session, int64_t *lengths,
                                 uint32_t count) {
  trine_status code = TRINE_OK;
  StateStore *state = findState(session, code);
  if (!state)
    return code;
  if (!lengths && count)
    return failNull("lengths");
  if (count > state->getSlots())
    return failArgument(concat("'count' must be in [0, ", state->getSlots(),
                               "], the session's slots, got ", count));
  std::copy_n(state->getLengths().begin(), count, lengths);
  return TRINE_OK;
}

trine_status trine_state_capacity(const trine_session *session,
                                  int64_t *entries) {
  trine_status code = TRINE_OK;
  StateStore *state = findState(session, code);
  if (!state)
    return code;
  if (!entries)
    return failNull("entries");
  *entries = state->getCapacity();
  return TRINE_OK;
}

trine_status trine_state_reserve(trine_session *session, uint32_t slots,
                                 int64_t entries) {
  trine_status code = TRINE_OK;
  StateStore *state = findState(session, code);
  return state ? finish(state->reserve(slots, entries)) : code;
}

trine_status trine_state_truncate(trine_session *session, uint32_t slot,
                                  int64_t length) {
  trine_status code = TRINE_OK;
  StateStore *state = findState(session, code);
  return state ? finish(state->truncate(slot, length)) : code;
}

trine_status trine_state_reset(trine_session *session, uint32_t slot) {
  trine_status code = TRINE_OK;
  StateStore *state = findState(session, code);
  return state ? finish(state->reset(slot)) : code;
}

trine_status trine_state_fork(trine_session *session, const uint32_t *sources,
                              uint32_t count) {
  trine_status code = TRINE_OK;
  StateStore *state = findState(session, code);
  if (!state)
    return code;
  if (!sources && count)
    return failNull("sources");
  return finish(state->fork(sources, count));
}

trine_status trine_state_save(const trine_session *session, const char *path,
                              uint32_t firstSlot, uint32_t count) {
  trine_status code = TRINE_OK;
  StateStore *state = findState(session, code);
  if (!state)
    return code;
  if (!path)
    return failNull("path");
  return finish(state->save(path, firstSlot, count));
}

trine_status trine_state_load(trine_session *session, const char *path,
                              uint32_t firstSlot) {
  trine_status code = TRINE_OK;
  StateStore *state = findState(session, code);
  if (!state)
    return code;
  if (!path)
    return failNull("path");
  return finish(state->load(path, firstSlot));
}
