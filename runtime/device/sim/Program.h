// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Decoded programs: what the executor runs. No strings at run time.
#ifndef TRINE_SIM_PROGRAM_H
#define TRINE_SIM_PROGRAM_H

#include "FloatFormat.h"
#include "MatrixForms.h"
#include "Parser.h"
#include "Syntax.h"
#include "trine/Runtime/PTXSimulator.h"

namespace trine::sim {

struct Warp;
struct Instruction;
using Handler = void (*)(Warp &, const Instruction &);

/// Where an operand's 32 lanes lie: two bits of base (Base), one of negation
/// (predicates), 29 of byte offset.
using Reference = uint32_t;
enum class Base : uint8_t { Registers, Constants, Specials };
constexpr Reference negationBit = 1u << 29;
constexpr Reference offsetMask = negationBit - 1;
/// Bytes at the start of the registers that take what is written to `_`.
constexpr uint32_t sinkBytes = 512;
constexpr uint32_t noGuard = ~0u;

/// What the executor's loop does with an instruction besides calling its
/// handler.
enum class Control : uint8_t {
  /// Handler, then the next instruction.
  Plain,
  Branch,
  BranchIndexed,
  Call,
  CallIndirect,
  CallBuiltin,
  Return,
  Exit,
  Trap,
  /// .sync with member mask in a: waits until all live members are here.
  Collective,
  /// .aligned: all live lanes of the warp must be here.
  Aligned,
  WarpSync,
  Barrier,
  ClusterBarrier,
  /// A wait on an mbarrier: may block.
  MbarrierWait,
  /// All four warps of a warpgroup must be here; the handler runs once, in the
  /// last.
  Warpgroup,
  /// Blocks until registers of the pool are free.
  SetMaxRegisters
};

enum class CompareOp : uint8_t {
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  Equ,
  Neu,
  Ltu,
  Leu,
  Gtu,
  Geu,
  Num,
  Nan
};
enum class BooleanOp : uint8_t { None, And, Or, Xor };

/// Bits of Instruction::flags.
enum Flag : uint32_t {
  FlagFtz = 1,
  FlagSaturate = 2,
  FlagRelu = 4,
  FlagNaN = 8,
  FlagXorSign = 16,
  FlagSatFinite = 32,
  FlagCarryIn = 64,
  FlagCarryOut = 128,
  FlagHigh = 256,
  FlagWide = 512,
  FlagApprox = 1024,
  FlagFull = 2048,
  FlagClamp = 4096,
  FlagVolatile = 8192,
  FlagAcquire = 1 << 14,
  FlagRelease = 1 << 15,
  /// The address is relative to the frame's local memory.
  FlagFrame = 1 << 16,
  FlagReadOnly = 1 << 17,
  /// The address register has 64 bits.
  FlagWideAddress = 1 << 18,
  FlagShiftAmount = 1 << 19,
  FlagAligned = 1 << 20,
  FlagAbs = 1 << 21,
  FlagUniform = 1 << 22,
  FlagParity = 1 << 23,
  FlagTransposed = 1 << 24,
  FlagReadWait = 1 << 25,
  FlagNoIncrement = 1 << 26,
  FlagStrong = 1 << 27
};

struct Instruction {
  Handler handler = nullptr;
  Reference d = 0, a = 0, b = 0, c = 0, e = 0;
  /// First of `count` references in Function::lists.
  uint32_t list = 0;
  /// Displacement of an address, or an immediate.
  int64_t offset = 0;
  uint32_t target = 0;
  uint32_t guard = noGuard;
  uint32_t flags = 0;
  uint32_t checkBegin = 0;
  uint16_t checkCount = 0;
  uint16_t count = 0;
  bool guardNegated = false;
  Control control = Control::Plain;
  Type type = Type::None;
  Type fromType = Type::None;
  Space space = Space::Generic;
  /// Memory: bytes of an element, elements, bytes of a register.
  uint8_t bytes = 0, elements = 1, registerBytes = 0;
  /// A CompareOp, a RoundingMode, an atomic operation: by opcode.
  uint8_t operation = 0;
  uint8_t boolean = 0;
  Rounding rounding = Rounding::NearestEven;
  /// Index of further data in a table of the program (matrix and copy forms),
  /// or a small immediate.
  uint32_t extra = 0;
  bool has(uint32_t flag) const { return (flags & flag) != 0; }
};

/// One register that an instruction touches, for the checks.
struct CheckItem {
  /// Source: an undefined value makes the results undefined. Use: must be
  /// defined. Destination: written.
  enum Role : uint8_t { Source, Use, Destination } role = Source;
  /// A wgmma accumulator or A operand of a wgmma: exempt from the check of
  /// pending registers.
  bool isAsync = false;
  /// Of selp: 1 counts where the predicate is true, 2 where it is false.
  uint8_t choice = 0;
  uint32_t reg = 0;
};

struct LineInfo {
  uint32_t line = 0;
  uint32_t sourceFile = 0, sourceLine = 0;
};

/// What a function takes and gives: offsets of its .param variables in its
/// local frame.
struct ParameterSlot {
  uint32_t offset = 0;
  uint32_t bytes = 0;
};

struct CallSite {
  uint32_t function = 0;
  /// In the caller's frame.
  std::vector<ParameterSlot> results, arguments;
  /// Registers (references) instead of slots are not supported: the parser
  /// refuses them.
};

struct Function {
  std::string name;
  std::vector<Instruction> code;
  std::vector<LineInfo> lines;
  std::vector<Reference> lists;
  std::vector<CheckItem> checks;
  std::vector<std::string> registerNames;
  /// Byte offset of each register, and bytes of all.
  std::vector<uint32_t> registerOffsets;
  uint32_t registerBytes = sinkBytes;
  std::vector<uint8_t> constants;
  uint32_t localBytes = 0;
  std::vector<ParameterSlot> results, parameters;
  std::vector<CallSite> calls;
  std::vector<std::vector<uint32_t>> tables;
};

/// Ranges of shared variables, for reports.
struct SharedVariable {
  std::string name;
  uint32_t begin = 0, end = 0;
};

struct Kernel {
  KernelInfo info;
  /// functions[0] is the entry; device functions follow.
  std::vector<Function> functions;
  std::vector<SharedVariable> sharedVariables;
  std::vector<MatrixForm> matrixForms;
  uint32_t dynamicSharedOffset = 0;
  uint32_t maximumRegisters = 0;
  bool usesCluster = false;
};

struct ModuleVariable {
  std::string name;
  uint8_t *address = nullptr;
  uint64_t bytes = 0;
  bool isConst = false;
};

struct ModuleContents {
  std::string name;
  std::vector<std::string> lines;
  std::map<uint32_t, std::string> files;
  std::vector<Kernel> kernels;
  std::vector<ModuleVariable> variables;
  std::vector<std::unique_ptr<uint8_t[]>> storage;
  /// As in the text; an address of function n is the tag of Execute.cpp plus n.
  std::vector<std::string> functionNames;
};

/// Decodes \p syntax into \p into.
void decodeModule(const ModuleSyntax &syntax, ModuleContents &into,
                  DiagnosticSink &sink);

/// Addresses. A shared address is 32 bits: byte offset in the low 24, above
/// them 0 for the executing CTA or 1 + the rank in the cluster.
constexpr uint32_t sharedOffsetBits = 24;
constexpr uint32_t sharedOffsetMask = (1u << sharedOffsetBits) - 1;
/// The first bytes of shared memory are the system's, as on sm_80 and later.
constexpr uint32_t sharedReserved = 1024;
constexpr uint64_t genericShared = 1ull << 56, genericLocal = 2ull << 56,
                   genericParam = 3ull << 56, genericTagMask = 0xffull << 56;

/// Special registers that lie in a table of the warp.
enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  Laneid,
  Warpid,
  Nwarpid,
  Smid,
  Nsmid,
  Gridid,
  ClusteridX,
  ClusteridY,
  ClusteridZ,
  NclusteridX,
  NclusteridY,
  NclusteridZ,
  ClusterCtaidX,
  ClusterCtaidY,
  ClusterCtaidZ,
  ClusterNctaidX,
  ClusterNctaidY,
  ClusterNctaidZ,
  ClusterCtarank,
  ClusterNctarank,
  LanemaskEq,
  LanemaskLe,
  LanemaskLt,
  LanemaskGe,
  LanemaskGt,
  DynamicSharedSize,
  TotalSharedSize,
  WarpSize,
  Count
};

} // namespace trine::sim

#endif
