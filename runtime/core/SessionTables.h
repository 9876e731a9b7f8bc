// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The rows of Engram tables that a session's steps ask for, and the hashes
/// that tell which.
#ifndef TRINE_RUNTIME_CORE_SESSIONTABLES_H
#define TRINE_RUNTIME_CORE_SESSIONTABLES_H

#include "Manifest.h"
#include "PrefetchThread.h"
#include "Status.h"
#include "TableSet.h"
#include "device/Device.h"
#include "trine/Runtime/ProgramABI.h"
#include <map>
#include <memory>
#include <vector>

namespace trine::runtime {

/// What the program's services prefetch_issue, prefetch_send, prefetch_await
/// and engram_hash do. Not for several threads at once.
///
/// A step may be announced while the one before it has not begun yet. That one
/// then computes, for each of its hashes of an input's ids, the rows of the
/// announced ids behind its own, and begins their fetches behind its own, too.
/// A fetch of the announced step takes a fetch over that was begun for it if
/// both ask for the same rows; so an announcement never changes a result.
class SessionTables {
public:
  /// `tables` may be null: then every fetch fails.
  SessionTables(const TableSet *tables, Device &device,
                const std::vector<ManifestTensor> &inputs)
      : tables(tables), device(device), declared(inputs), sender(device) {}
  ~SessionTables();

  /// Copies what the step after the next one begins with.
  Status announce(const trine_tensor *inputs, uint32_t count);

  /// `inputs`: those of the model, as the program sees them.
  void beginStep(const trine_program_tensor *inputs);
  /// Gives back what a failed step left behind.
  void endStep(bool succeeded);

  Status issue(uint32_t queue, uint32_t table, const int64_t *rows,
               uint64_t count, uint64_t *ticket);
  Status send(uint64_t ticket, uint32_t type);
  Status await(uint32_t queue, uint64_t ticket, uint32_t type,
               void *destination, uint64_t bytes);
  struct HashCall {
    const int64_t *rule;
    const void *tokenMap;
    uint64_t tokenMapSize;
    const int64_t *tokenIds;
    uint64_t sequences, tokens;
    const int64_t *history;
    int64_t *rows, *present;
  };
  Status hash(uint32_t queue, const HashCall &call);

private:
  /// Rows that were asked for. Without a ticket they wait for room.
  struct Fetch {
    uint32_t table = 0;
    trine_engram_ticket *ticket = nullptr;
    std::vector<int64_t> rows; // of one without a ticket, or begun ahead
    uint64_t count = 0;
    bool isTaken = false;
    /// Has the ticket of a fetch whose rows are sent ahead.
    std::unique_ptr<PrefetchThread::Job> job;
  };
  /// Rows that the announced step will ask for, by where this step's are.
  struct Expected {
    const int64_t *rows;
    uint64_t count;
    std::vector<int64_t> next;
  };
  struct Announced {
    std::string name;
    std::vector<int64_t> values, sizes;
  };

  Status getHash(uint32_t queue, const HashCall &call,
                 const trine_engram_hash *&hash);
  void expect(const trine_engram_hash *hash, const HashCall &call,
              const int64_t *present);
  const Announced *findAnnounced(const int64_t *data) const;
  void beginAhead(uint32_t table, const int64_t *rows, uint64_t count);
  Fetch *findFetch(uint64_t ticket);
  Status awaitSent(uint32_t queue, Fetch &fetch, uint32_t type,
                   void *destination, uint64_t bytes);
  Status awaitOnHost(Fetch &fetch, uint32_t type, void *destination,
                     uint64_t bytes);
  void stopSending();
  /// For the store: what this step asks for, or the next one.
  uint64_t getNumber(bool isNext) const {
    return reinterpret_cast<uintptr_t>(this) + ((steps + isNext) & 1);
  }
  Status readIds(uint32_t queue, const int64_t *source, uint64_t count,
                 std::vector<int64_t> &ids);
  static void drop(std::vector<Fetch> &fetches);

  const TableSet *tables;
  Device &device;
  const std::vector<ManifestTensor> &declared;
  const trine_program_tensor *inputs = nullptr;
  std::map<const int64_t *, trine_engram_hash *> hashes; // by rule
  std::vector<Fetch> fetches; // of this step, by ticket number
  std::vector<Fetch> ahead;   // for the next step
  std::vector<Fetch> begun;   // for this one, by the one before
  std::vector<Announced> announced;
  std::vector<Expected> expected;
  std::vector<int64_t> ids;
  std::vector<uint8_t> rowBytes; // on their way to a device
  uint64_t steps = 0;
  PrefetchThread sender;
};

/// What the store says about its last failure on this thread.
Status getTableStatus(trine_status code);

} // namespace trine::runtime

#endif
