// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The C ABI of the hash.
#include "Api.h"
#include "Hash.h"
#include <cstring>
#include <new>

using namespace trine::runtime;
using namespace trine::runtime::engram;

struct trine_engram_hash {
  Hash hash;
};

extern "C" trine_status
trine_engram_hash_create(const trine_engram_hash_rule *rule,
                         trine_engram_hash_variant variant,
                         trine_engram_hash **hash) {
  if (!hash)
    return setError(TRINE_ERROR_INVALID_ARGUMENT, "'hash' must not be NULL");
  *hash = nullptr;
  if (!rule || rule->struct_size < sizeof(*rule))
    return setError(TRINE_ERROR_INVALID_ARGUMENT,
                    "'rule' must be given, with its struct_size");
  auto *made = new (std::nothrow) trine_engram_hash();
  if (!made) // No test: only when memory runs out.
    return setError(TRINE_ERROR_OUT_OF_MEMORY, "no memory for a hash");
  if (Status status = made->hash.create(*rule, variant); !status.ok()) {
    delete made;
    return setError(status);
  }
  *hash = made;
  return TRINE_OK;
}

extern "C" void trine_engram_hash_destroy(trine_engram_hash *hash) {
  delete hash;
}

extern "C" trine_status
trine_engram_hash_run(const trine_engram_hash *hash, const int64_t *token_ids,
                      uint64_t sequences, uint64_t tokens,
                      const int64_t *history, int64_t *rows, int64_t *present) {
  if (!hash || ((!token_ids || !rows) && sequences > 0 && tokens > 0))
    return setError(TRINE_ERROR_INVALID_ARGUMENT,
                    "'hash', 'token_ids' and 'rows' must not be NULL");
  return setError(
      hash->hash.run(token_ids, sequences, tokens, history, rows, present));
}
