// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SessionTables.h"
#include <algorithm>

using namespace trine::runtime;

SessionTables::~SessionTables() {
  stopSending();
  for (std::vector<Fetch> *each : {&fetches, &ahead, &begun})
    drop(*each);
  for (auto &[rule, hash] : hashes)
    trine_engram_hash_destroy(hash);
}

void SessionTables::drop(std::vector<Fetch> &dropped) {
  for (Fetch &fetch : dropped)
    trine_engram_cancel(fetch.ticket);
  dropped.clear();
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

Status SessionTables::announce(const trine_tensor *tensors, uint32_t count) {
  std::vector<Announced> told;
  for (uint32_t i = 0; i < count; ++i) {
    const trine_tensor &tensor = tensors[i];
    std::string name = tensor.name ? tensor.name : "";
    auto known = std::find_if(
        declared.begin(), declared.end(),
        [&](const ManifestTensor &each) { return each.name == name; });
    if (known == declared.end())
      return Status(TRINE_ERROR_INVALID_ARGUMENT,
                    concat("the model has no input ", quote(name)));
    // Row ids are computed from integers alone.
    if (tensor.type != TRINE_TYPE_I64)
      continue;
    if (tensor.rank > TRINE_MAX_RANK)
      return Status(TRINE_ERROR_INVALID_ARGUMENT,
                    concat("input ", quote(name), ": rank must be in [0, ",
                           TRINE_MAX_RANK, "], got ", tensor.rank));
    uint64_t elements = 1;
    for (uint32_t d = 0; d < tensor.rank; ++d)
      if (tensor.sizes[d] < 0 ||
          __builtin_mul_overflow(
              elements, static_cast<uint64_t>(tensor.sizes[d]), &elements))
        return Status(TRINE_ERROR_INVALID_ARGUMENT,
                      concat("input ", quote(name), " is too large"));
    if (elements > tensor.bytes / sizeof(int64_t) ||
        (!tensor.data && elements > 0))
      return Status(TRINE_ERROR_INVALID_ARGUMENT,
                    concat("input ", quote(name), " must have ", elements,
                           " elements of 8 bytes, got ",
                           tensor.data ? tensor.bytes : 0, " bytes"));
    const int64_t *values = static_cast<const int64_t *>(tensor.data);
    told.push_back({name,
                    {values, values + elements},
                    {tensor.sizes, tensor.sizes + tensor.rank}});
  }
  announced = std::move(told);
  return Status();
}

void SessionTables::beginStep(const trine_program_tensor *stepInputs) {
  inputs = stepInputs;
  ++steps;
  drop(begun);
  begun.swap(ahead);
  expected.clear();
}

void SessionTables::endStep(bool succeeded) {
  stopSending();
  drop(fetches);
  drop(begun);
  if (!succeeded)
    drop(ahead);
  announced.clear();
  expected.clear();
  inputs = nullptr;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

Status SessionTables::readIds(uint32_t queue, const int64_t *source,
                              uint64_t count, std::vector<int64_t> &result) {
  result.resize(count);
  if (trine_status code =
          device.read(queue, source, result.data(), count * sizeof(int64_t)))
    return Status(code, device.getMessage());
  return Status();
}

/// Negative ids count from the end of the table.
static void countFromEnd(std::vector<int64_t> &ids, uint64_t rows) {
  for (int64_t &id : ids)
    if (id < 0)
      id += static_cast<int64_t>(rows);
}

Status SessionTables::issue(uint32_t queue, uint32_t table, const int64_t *rows,
                            uint64_t count, uint64_t *ticket) {
  *ticket = 0;
  if (!tables || table >= tables->size())
    return Status(TRINE_ERROR_PROGRAM,
                  concat("the program asked for rows of table ", table,
                         ", but the package has ",
                         tables ? tables->size() : 0));
  if (Status status = readIds(queue, rows, count, ids); !status.ok())
    return status;
  countFromEnd(ids, tables->getRows(table));
  Fetch fetch;
  fetch.table = table;
  fetch.count = count;
  size_t number = fetches.size();
  if (number < begun.size() && begun[number].ticket &&
      begun[number].table == table && begun[number].rows == ids) {
    fetch.ticket = begun[number].ticket;
    begun[number].ticket = nullptr;
  } else {
    trine_status code =
        trine_engram_begin(tables->getTable(table), ids.data(), count,
                           getNumber(/*isNext=*/false), &fetch.ticket);
    // When much is in flight, these rows are asked for again when they are
    // needed: what is in flight may be this step's own.
    if (code == TRINE_ENGRAM_ERROR_FULL)
      fetch.rows = ids;
    else if (code != TRINE_OK)
      return getTableStatus(code);
  }
  *ticket = number;
  fetches.push_back(std::move(fetch));
  beginAhead(table, rows, count);
  return Status();
}

SessionTables::Fetch *SessionTables::findFetch(uint64_t ticket) {
  return ticket < fetches.size() && !fetches[ticket].isTaken ? &fetches[ticket]
                                                             : nullptr;
}

Status SessionTables::send(uint64_t ticket, uint32_t type) {
  Fetch *fetch = findFetch(ticket);
  if (!fetch || fetch->job)
    return Status(
        TRINE_ERROR_PROGRAM,
        concat("the program sent ticket ", ticket, ", which is not in flight"));
  // The host's memory is written when nothing reads what was there any more.
  // Rows that found no room are begun when they are needed.
  if (device.isHostMemory() || !fetch->ticket)
    return Status();
  uint64_t bytes = fetch->count * tables->getWidth(fetch->table) *
                   (type == TRINE_TABLE_F32 ? 4 : 2);
  uint32_t slot = 0;
  void *host = nullptr;
  if (trine_status code = device.openPrefetched(bytes, &slot, &host))
    return Status(code, device.getMessage());
  if (!host)
    return Status();
  fetch->job = std::make_unique<PrefetchThread::Job>();
  fetch->job->ticket = fetch->ticket;
  fetch->job->type = static_cast<trine_engram_type>(type);
  fetch->job->slot = slot;
  fetch->job->host = host;
  fetch->job->bytes = bytes;
  fetch->ticket = nullptr;
  sender.start(*fetch->job);
  return Status();
}

Status SessionTables::await(uint32_t queue, uint64_t ticket, uint32_t type,
                            void *destination, uint64_t bytes) {
  Fetch *fetch = findFetch(ticket);
  if (!fetch)
    return Status(TRINE_ERROR_PROGRAM,
                  concat("the program awaited ticket ", ticket,
                         ", which is not in flight"));
  if (fetch->job && (static_cast<uint32_t>(fetch->job->type) != type ||
                     fetch->job->bytes != bytes))
    return Status(TRINE_ERROR_PROGRAM,
                  concat("the program sent ticket ", ticket, " as type ",
                         fetch->job->type, " and ", fetch->job->bytes,
                         " bytes, and awaited type ", type, " and ", bytes,
                         " bytes"));
  if (!fetch->job && !fetch->ticket)
    if (trine_status code = trine_engram_begin_urgent(
            tables->getTable(fetch->table), fetch->rows.data(),
            fetch->rows.size(), getNumber(/*isNext=*/false), &fetch->ticket))
      return getTableStatus(code);
  // A device with memory of its own gets a copy; the host's is written at once,
  // when nothing reads what was there any more.
  if (device.isHostMemory()) {
    if (trine_status code = device.synchronize())
      return Status(code, device.getMessage());
    return awaitOnHost(*fetch, type, destination, bytes);
  }
  if (!fetch->job)
    if (Status status = send(ticket, type); !status.ok())
      return status;
  if (fetch->job)
    return awaitSent(queue, *fetch, type, destination, bytes);
  // Too large to be sent beside the device's work.
  if (trine_status code = device.submit())
    return Status(code, device.getMessage());
  rowBytes.resize(bytes);
  if (Status status = awaitOnHost(*fetch, type, rowBytes.data(), bytes);
      !status.ok())
    return status;
  if (trine_status code =
          device.write(queue, rowBytes.data(), destination, bytes))
    return Status(code, device.getMessage());
  return Status();
}

Status SessionTables::awaitOnHost(Fetch &fetch, uint32_t type,
                                  void *destination, uint64_t bytes) {
  trine_status code =
      trine_engram_wait(fetch.ticket, static_cast<trine_engram_type>(type),
                        destination, bytes, /*deadline_milliseconds=*/-1);
  if (code != TRINE_ENGRAM_ERROR_LATE) {
    fetch.ticket = nullptr;
    fetch.isTaken = true;
  }
  return getTableStatus(code);
}

/// The copy of the rows may be over; if they are not there yet, the device
/// works while they come.
Status SessionTables::awaitSent(uint32_t queue, Fetch &fetch, uint32_t type,
                                void *destination, uint64_t bytes) {
  if (!sender.isDone(*fetch.job))
    if (trine_status code = device.submit())
      return Status(code, device.getMessage());
  Status status = sender.finish(*fetch.job);
  fetch.isTaken = true;
  uint32_t slot = fetch.job->slot;
  fetch.job.reset();
  if (!status.ok()) {
    device.dropPrefetched(slot);
    return status;
  }
  if (trine_status code =
          device.joinPrefetched(queue, slot, destination, bytes))
    return Status(code, device.getMessage());
  return Status();
}

/// Ends what was sent and not awaited. The thread may be waiting for its rows.
void SessionTables::stopSending() {
  bool isCancelled = false;
  for (Fetch &fetch : fetches) {
    if (!fetch.job)
      continue;
    if (!isCancelled)
      trine_engram_cancel_session(tables->getStore(),
                                  getNumber(/*isNext=*/false));
    isCancelled = true;
    sender.cancel(*fetch.job);
    device.dropPrefetched(fetch.job->slot);
    fetch.job.reset();
  }
}

void SessionTables::beginAhead(uint32_t table, const int64_t *rows,
                               uint64_t count) {
  if (announced.empty())
    return;
  Fetch fetch;
  fetch.table = table;
  for (const Expected &each : expected)
    if (each.rows == rows && each.count == count)
      fetch.rows = each.next;
  countFromEnd(fetch.rows, tables->getRows(table));
  // Ids that are no rows, or too much in flight: nothing is begun ahead, and
  // the step that needs the rows says what is wrong.
  if (!fetch.rows.empty() &&
      trine_engram_begin(tables->getTable(table), fetch.rows.data(),
                         fetch.rows.size(), getNumber(/*isNext=*/true),
                         &fetch.ticket) != TRINE_OK)
    fetch.ticket = nullptr;
  ahead.push_back(std::move(fetch));
}

//===----------------------------------------------------------------------===//
// Hashes
//===----------------------------------------------------------------------===//

Status SessionTables::getHash(uint32_t queue, const HashCall &call,
                              const trine_engram_hash *&result) {
  trine_engram_hash *&known = hashes[call.rule];
  if (!known) {
    std::vector<int64_t> map;
    trine_engram_hash_rule rule = {};
    rule.struct_size = sizeof(rule);
    rule.order = static_cast<uint32_t>(call.rule[TRINE_RULE_ORDER]);
    rule.heads = static_cast<uint32_t>(call.rule[TRINE_RULE_HEADS]);
    rule.reset = call.rule[TRINE_RULE_RESETS] ? TRINE_ENGRAM_RESET_AFTER_TOKEN
                                              : TRINE_ENGRAM_RESET_NEVER;
    // The same ids as a kernel's where products are said not to wrap, and do.
    rule.wrap = TRINE_ENGRAM_WRAP_TWOS_COMPLEMENT;
    rule.reset_token = call.rule[TRINE_RULE_RESET_TOKEN];
    rule.pad = call.rule[TRINE_RULE_PAD];
    rule.multipliers = call.rule + TRINE_RULE_CONSTANTS;
    rule.moduli = rule.multipliers + rule.order;
    rule.offsets =
        rule.moduli + static_cast<uint64_t>(rule.order - 1) * rule.heads;
    if (call.tokenMap) {
      bool isNarrow = call.rule[TRINE_RULE_MAP_BYTES] == 4;
      std::vector<int32_t> narrow(isNarrow ? call.tokenMapSize : 0);
      map.resize(call.tokenMapSize);
      if (trine_status code = device.read(
              queue, call.tokenMap,
              isNarrow ? static_cast<void *>(narrow.data()) : map.data(),
              call.tokenMapSize * (isNarrow ? 4 : 8)))
        return Status(code, device.getMessage());
      if (isNarrow)
        map.assign(narrow.begin(), narrow.end());
      rule.token_map = map.data();
      rule.token_map_size = call.tokenMapSize;
    }
    if (trine_status code =
            trine_engram_hash_create(&rule, TRINE_ENGRAM_HASH_BEST, &known))
      return getTableStatus(code);
  }
  result = known;
  return Status();
}

const SessionTables::Announced *
SessionTables::findAnnounced(const int64_t *data) const {
  for (size_t i = 0; inputs && i < declared.size(); ++i)
    if (inputs[i].data == data)
      for (const Announced &each : announced)
        if (each.name == declared[i].name)
          return &each;
  return nullptr;
}

/// The rows of the announced step, if its ids are known.
void SessionTables::expect(const trine_engram_hash *hash, const HashCall &call,
                           const int64_t *present) {
  const Announced *next = findAnnounced(call.tokenIds);
  if (!next || next->sizes.size() != 2)
    return;
  uint64_t before = static_cast<uint64_t>(call.rule[TRINE_RULE_ORDER] - 1);
  uint64_t columns =
      before * static_cast<uint64_t>(call.rule[TRINE_RULE_HEADS]);
  uint64_t sequences = static_cast<uint64_t>(next->sizes[0]);
  const Announced *history = findAnnounced(call.history);
  const int64_t *past = nullptr;
  if (history && history->values.size() == sequences * before)
    past = history->values.data();
  else if (call.history && sequences == call.sequences)
    past = present;
  else if (call.history)
    return;
  Expected made = {call.rows, call.sequences * call.tokens * columns, {}};
  made.next.resize(next->values.size() * columns);
  if (trine_engram_hash_run(hash, next->values.data(), sequences,
                            static_cast<uint64_t>(next->sizes[1]), past,
                            made.next.data(), nullptr) == TRINE_OK)
    expected.push_back(std::move(made));
}

Status SessionTables::hash(uint32_t queue, const HashCall &call) {
  const trine_engram_hash *hash = nullptr;
  if (Status status = getHash(queue, call, hash); !status.ok())
    return status;
  uint64_t before = static_cast<uint64_t>(call.rule[TRINE_RULE_ORDER] - 1);
  uint64_t heads = static_cast<uint64_t>(call.rule[TRINE_RULE_HEADS]);
  uint64_t tokens = call.sequences * call.tokens;
  uint64_t kept = call.sequences * before, found = tokens * before * heads;
  if (device.isHostMemory()) {
    if (trine_status code = device.synchronize())
      return Status(code, device.getMessage());
    if (trine_status code = trine_engram_hash_run(
            hash, call.tokenIds, call.sequences, call.tokens, call.history,
            call.rows, call.present))
      return getTableStatus(code);
    if (!announced.empty())
      expect(hash, call, call.present);
    return Status();
  }
  std::vector<int64_t> past(kept), present(kept), rows(found);
  if (Status status = readIds(queue, call.tokenIds, tokens, ids); !status.ok())
    return status;
  if (call.history)
    if (Status status = readIds(queue, call.history, kept, past); !status.ok())
      return status;
  if (trine_status code = trine_engram_hash_run(
          hash, ids.data(), call.sequences, call.tokens,
          call.history ? past.data() : nullptr, rows.data(), present.data()))
    return getTableStatus(code);
  if (!announced.empty())
    expect(hash, call, present.data());
  for (auto &[values, destination] :
       {std::pair<std::vector<int64_t> &, int64_t *>{rows, call.rows},
        {present, call.present}})
    if (trine_status code = device.write(queue, values.data(), destination,
                                         values.size() * sizeof(int64_t)))
      return Status(code, device.getMessage());
  return Status();
}
