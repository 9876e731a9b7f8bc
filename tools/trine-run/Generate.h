// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// trine-run --generate: prompts in, tokens out, on a session's state.
#ifndef TRINE_TOOLS_TRINE_RUN_GENERATE_H
#define TRINE_TOOLS_TRINE_RUN_GENERATE_H

#include "Options.h"
#include "trine/Runtime/trine.h"
#include <string>

namespace trine::run {

/// Prefills every prompt in a slot of its own, then decodes all sequences until
/// each has its tokens. Prints tokens and times. False on failure, with
/// `error`.
bool generate(const Options &options, const trine_package *package,
              trine_session *session, std::string &error);

} // namespace trine::run

#endif
