// RUN: trine-opt %s --trine-plan-memory="size=n=1000,m=3" | FileCheck %s
// RUN: not trine-opt %s --trine-plan-memory="size=k=1" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not trine-opt %s --trine-plan-memory="size=n=-1" 2>&1 | FileCheck %s --check-prefix=NUMBER

// A symbol with a size of its own counts with it, others with 64: 1000 * 3 * 64 * 4 bytes.

// CHECK: plan.memory = [{buffers = 1 : i64, bytes = 768000 : i64
// NAME: error: size 'k=1' names no symbol; the model has 'n', 'm', 'other'
// NUMBER: error: size 'n=-1' must be a symbol and a number that is not negative, as past=4096
plan.device @device0
plan.symbol @n = input 0 dimension 0 range [0, 1000000] divisor 1
plan.symbol @m = input 0 dimension 1 range [0, 1000000] divisor 1
plan.symbol @other = input 1 dimension 0 range [0, 1000000] divisor 1
plan.kernel @f(%x: tensor<?x?xf32>, %n: index, %out: tensor<?x?x?xf32>) -> tensor<?x?x?xf32> attributes {skeleton = "row"} {
  plan.return %out : tensor<?x?x?xf32>
}
func.func @main(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?x?xf32>
  %m = memref.dim %x, %c1 : memref<?x?xf32>
  %o = memref.dim %y, %c0 : memref<?xf32>
  %a = plan.buffer(%n, %m, %o) on @device0 space <device> : memref<?x?x?xf32>
  plan.launch @f on @device0 queue 0 ins(%x, %n : memref<?x?xf32>, index) outs(%a : memref<?x?x?xf32>)
  return
}
