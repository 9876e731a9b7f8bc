#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A tester for trine-reduce: interesting.sh PATTERN COMMAND... FILE runs COMMAND FILE and ends with 1 (interesting, for the reducer) when what it
# prints matches the extended regular expression, with 0 otherwise. It ends a command that hangs after 60 s.
set -u
pattern="$1"
shift
if timeout 60 "$@" 2>&1 | grep -qE -- "$pattern"; then exit 1; fi
exit 0
