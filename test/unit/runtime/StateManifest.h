// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The manifest of a package with states, for tests of what sessions keep.
#ifndef TRINE_TEST_UNIT_RUNTIME_STATEMANIFEST_H
#define TRINE_TEST_UNIT_RUNTIME_STATEMANIFEST_H

#include <string>

/// With the symbols batch, seq and past, and the `states`, a JSON array.
inline std::string getStateManifest(const std::string &states) {
  return R"({
 "format": {"major": 1, "minor": 0}, "abi": 1, "producer": "t", "name": "m",
 "target": {"kind": "host", "variants": [{"name": "any", "features": []}]},
 "devices": [{"name": "device0", "kind": "host"}],
 "symbols": [{"name": "batch", "input": 0, "dimension": 0},
             {"name": "seq", "input": 0, "dimension": 1},
             {"name": "past", "input": -1}],
 "inputs": [{"name": "x", "type": "i64", "dims": ["batch", "seq"]}],
 "outputs": [{"name": "y", "type": "f32", "dims": ["batch", "seq"]}],
 "states": )" +
         states + R"(,
 "files": [{"path": "program.so", "bytes": 1, "sha256":
 "0000000000000000000000000000000000000000000000000000000000000000"}],
 "kernels": []})";
}

#endif
