// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Syntax to decoded instructions. One method per opcode family; each takes the
// modifiers and operands it knows, and what is left is an error.
#ifndef TRINE_SIM_DECODER_H
#define TRINE_SIM_DECODER_H

#include "Lanes.h"
#include "Parser.h"
#include "Program.h"
#include <set>

namespace trine::sim {

/// Where a kernel's shared variables lie; shared by the functions that it
/// calls.
struct KernelLayout {
  const ModuleSyntax &syntax;
  ModuleContents &contents;
  DiagnosticSink &sink;
  Kernel &kernel;
  uint32_t sharedBytes = 0;
  uint32_t dynamicAlignment = 16;
  bool usesDynamic = false;
  /// "function index:variable" or ":module variable" to address; external ones
  /// are fixed up at the end.
  std::map<std::string, uint32_t> sharedOffsets;
  std::vector<std::string> functionNames;
  uint32_t functionIndex(const std::string &name);
};

inline uint64_t alignTo(uint64_t value, uint64_t alignment) {
  return alignment ? (value + alignment - 1) / alignment * alignment : value;
}

/// Of a register in its file.
inline unsigned registerBytesOf(Type type) {
  unsigned bytes = bytesOf(type);
  return type == Type::Pred ? 0 : bytes < 2 ? 2 : bytes;
}

class Decoder {
public:
  Decoder(KernelLayout &layout, const FunctionSyntax &syntax, Function &out,
          uint32_t functionNumber);
  void run();

private:
  using Method = void (Decoder::*)();
  static const std::unordered_map<std::string, Method> &methods();

  // Modifiers.
  bool take(std::string_view modifier);
  /// The next type among the modifiers, or None.
  Type takeType();
  bool takeRounding();
  void takeCacheHints();
  Space takeSpace(Space otherwise);
  void fail(std::string message);
  bool failed() const { return isFailed; }

  // Operands.
  const Operand *operand(size_t index);
  bool operandCount(size_t least, size_t most);
  Reference constant(unsigned bytes, uint64_t value);
  /// Whether a register has as many bytes as values of \p type, or at least
  /// as many with \p wider; if not, says so.
  bool fits(const Register &reg, Type type, bool wider);
  /// A register, immediate or address constant of \p bytes bytes (exactly, or
  /// at least with \p wider; then actualBytes says how many).
  Reference source(size_t index, Type type,
                   CheckItem::Role role = CheckItem::Source);
  Reference sourceOf(const Operand &operand, Type type, CheckItem::Role role,
                     bool wider = false, unsigned *actualBytes = nullptr);
  Reference destination(size_t index, Type type);
  Reference destinationOf(const Operand &operand, Type type, bool wider = false,
                          unsigned *actualBytes = nullptr,
                          bool isAsync = false);
  Reference predicateSource(const Operand &operand,
                            CheckItem::Role role = CheckItem::Source);
  Reference predicateDestination(const Operand &operand);
  bool immediate(size_t index, int64_t &value, int64_t least, int64_t most);
  void touch(CheckItem::Role role, uint32_t reg, bool isAsync = false);
  uint64_t floatBits(const Operand &operand, Type type, bool &known);
  /// Fills a, offset, space-dependent flags from an address operand.
  bool address(const Operand &operand, Space space, Reference &into,
               bool sized = true);
  uint32_t sharedAddress(const Operand &operand);
  bool label(const Operand &operand, uint32_t &target);
  uint32_t beginList();
  void addToList(Reference reference);
  void handler(Handler found);
  bool pairOrSingle(const Operand &operand, const Operand *&first,
                    const Operand *&second);
  void memberMask(size_t index);

  // Families.
  void arithmetic();
  void arithmeticFloat(Type type);
  void multiply();
  void multiplyAdd();
  void divideOrRemainder();
  void negateOrAbsolute();
  void minimumOrMaximum();
  void carryArithmetic(IntegerOp op);
  void sumOfDifferences();
  void multiply24();
  void approximation();
  void squareRootOrReciprocal();
  void copySign();
  void testProperty();
  void logic();
  void shift();
  void funnelShift();
  void countBits();
  void bitField();
  void lop3();
  void permute();
  void dotProduct();
  void bitMask();
  void setPredicate();
  void set();
  void selectByPredicate();
  void selectByCompare();
  void move();
  void convert();
  void convertAddress();
  void isSpace();
  void load();
  void store();
  void atomic();
  void prefetch();
  void policy();
  void shuffle();
  void vote();
  void match();
  void reduceAcross();
  void activeMask();
  void elect();
  void mapAddress();
  void branch();
  void branchIndexed();
  void call();
  void returnOrExit();
  void trap();
  void nanosleep();
  void barrier();
  void barrierCluster();
  void fence();
  void gridDependency();
  void setMaximumRegisters();
  void copyAsync();
  void bulkCopy(bool reduce);
  void tensorCopy(bool reduce);
  void mbarrier();
  void reduceAsync();
  void matrixLoadStore();
  void moveMatrix();
  void matrixMultiply();
  void warpgroup();
  void tensorMapReplace();

  KernelLayout &layout;
  const FunctionSyntax &syntax;
  Function &out;
  uint32_t functionNumber;
  const Statement *statement = nullptr;
  std::vector<bool> taken;
  Instruction made;
  bool isFailed = false;
  std::vector<uint32_t> registerOffset;
  std::map<std::pair<unsigned, uint64_t>, uint32_t> constants;
  std::vector<ParameterSlot> frameSlots;
  bool isEntry = false;
};

} // namespace trine::sim

#endif
