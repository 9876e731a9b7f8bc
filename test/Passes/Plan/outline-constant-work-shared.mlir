// RUN: %python %S/Inputs/constant-chain.py 400 | trine-opt --trine-outline-constant-work --remarks-filter=trine-outline-constant-work --remark-policy=all -o %t.mlir 2> %t.remarks
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: FileCheck %s --input-file=%t.remarks --check-prefix=REMARK

// Of 400 values, each made of the one before and read by the step, the last are computed once: what they share was walked through
// often enough for the others.

// REMARK:      shares its work with too many values: computed in each step
// CHECK:       plan.constant_program @constants0
// CHECK:       func.func @main
// CHECK:         linalg.exp
