// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TRINE_DIALECT_PLAN_PLANOPS
#define TRINE_DIALECT_PLAN_PLANOPS

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::mlir::trine::plan";
  let dependentDialects = ["::mlir::trine::TrineDialect"];
  let summary = "When, where and in what memory: kernels, launches, buffers, weights";
  let description = [{
    A planned module holds `plan.device`, `plan.symbol`, `plan.weight`, `plan.table`, `plan.constant_program` and `plan.kernel` symbols and one
    `func.func @main`, the launch sequence. Before `trine-assign-buffers` the sequence works on tensors; after it on row-major, contiguous memrefs: its
    arguments are the model's inputs, its results are `plan.output` buffers. Kernels are pure functions of tensors; how they are
    cut into workgroups is decided below this level. Nothing here knows the host from CUDA.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;
def Plan_Storage : AnyTypeOf<[AnyRankedTensor, AnyMemRef]>;

def Plan_MemorySpace : I32EnumAttr<"MemorySpace", "Where a buffer lives", [
    I32EnumAttrCase<"Device", 0, "device">, I32EnumAttrCase<"Pinned", 1, "pinned">, I32EnumAttrCase<"Host", 2, "host">,
    I32EnumAttrCase<"Disk", 3, "disk">]> {
  let cppNamespace = "::mlir::trine::plan";
  let genSpecializedAttr = 0;
}
def Plan_MemorySpaceAttr : EnumAttr<Plan_Dialect, Plan_MemorySpace, "space"> { let assemblyFormat = "`<` $value `>`"; }

def Plan_TicketType : TypeDef<Plan_Dialect, "Ticket"> {
  let mnemonic = "ticket";
  let summary = "Rows of a table that are on their way";
}

include "PlanSymbolOps.td"
include "PlanSequenceOps.td"

#endif
