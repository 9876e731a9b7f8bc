// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads, stores, atomics, hints, and the instructions in which the lanes of a
// warp work together.
#include "Decoder.h"
#include "Handlers.h"

using namespace trine::sim;

namespace {
struct Order {
  uint32_t flags = 0;
};
} // namespace

void Decoder::load() {
  // ld{.weak|.relaxed|.acquire|.volatile}{.scope}{.space}{.nc}{hints}{.vec}.type
  // d, [a]{, policy}
  made.control = Control::Plain;
  if (take("volatile"))
    made.flags |= FlagVolatile | FlagStrong;
  take("weak");
  if (take("relaxed"))
    made.flags |= FlagStrong;
  if (take("acquire"))
    made.flags |= FlagAcquire | FlagStrong;
  take("mmio");
  for (const char *scope : {"cta", "cluster", "gpu", "sys"})
    take(scope);
  if (take("nc"))
    made.flags |= FlagReadOnly;
  take("unified");
  bool hasPolicy = take("L2::cache_hint");
  takeCacheHints();
  Space space =
      takeSpace(statement->opcode == "ldu" ? Space::Global : Space::Generic);
  made.elements = take("v8") ? 8 : take("v4") ? 4 : take("v2") ? 2 : 1;
  Type type = takeType();
  unsigned bytes = bytesOf(type);
  if (bytes == 0 || bytes > 16 ||
      !operandCount(hasPolicy ? 3 : 2, hasPolicy ? 3 : 2))
    return fail("'ld' expects a type of 8 to 128 bits and two operands");
  if (unsigned(made.elements) * bytes > 32)
    return fail("a vector of 'ld' has at most 32 bytes");
  made.type = type;
  made.bytes = uint8_t(bytes);
  if (hasPolicy)
    source(2, Type::B64);
  if (!address(statement->operands[1], space, made.a))
    return;
  const Operand &to = statement->operands[0];
  const Operand *single = &to;
  size_t count = 1;
  if (to.kind == Operand::Kind::Vector) {
    single = to.elements.data();
    count = to.elements.size();
  }
  if (count != made.elements)
    return fail("'ld' expects " + std::to_string(made.elements) +
                " result registers, got " + std::to_string(count));
  std::vector<Reference> references;
  for (size_t i = 0; i < count; ++i) {
    unsigned have = 0;
    references.push_back(destinationOf(single[i], type, true, &have));
    if (single[i].kind == Operand::Kind::Sink)
      have = bytes < 2 ? 2 : bytes;
    if (made.registerBytes && made.registerBytes != have)
      return fail("the registers of a vector must have one size");
    made.registerBytes = uint8_t(have);
  }
  made.d = references.empty() ? 0 : references[0];
  made.list = beginList();
  made.count = uint16_t(count);
  for (Reference reference : references)
    addToList(reference);
  handler(handlers::load);
}

void Decoder::store() {
  if (take("async")) {
    // st.async.weak.shared::cluster.mbarrier::complete_tx::bytes{.vec}.type
    // [a], b, [mbar]
    take("weak");
    Space space = takeSpace(Space::Generic);
    bool completes = take("mbarrier::complete_tx::bytes");
    made.elements = take("v4") ? 4 : take("v2") ? 2 : 1;
    Type type = takeType();
    unsigned bytes = bytesOf(type);
    if (space != Space::Shared || !completes || (bytes != 4 && bytes != 8) ||
        !operandCount(3, 3))
      return fail(
          "'st.async' expects '.shared::cluster.mbarrier::complete_tx::bytes' "
          "and a type of 32 or 64 bits");
    made.type = type;
    made.bytes = made.registerBytes = uint8_t(bytes);
    // The barrier's address first: the flags of the data's address stay.
    if (!address(statement->operands[2], space, made.b))
      return;
    made.extra = uint32_t(made.offset);
    if (!address(statement->operands[0], space, made.a))
      return;
  } else {
    if (take("volatile"))
      made.flags |= FlagVolatile | FlagStrong;
    take("weak");
    if (take("relaxed"))
      made.flags |= FlagStrong;
    if (take("release"))
      made.flags |= FlagRelease | FlagStrong;
    take("mmio");
    for (const char *scope : {"cta", "cluster", "gpu", "sys"})
      take(scope);
    bool hasPolicy = take("L2::cache_hint");
    takeCacheHints();
    Space space = takeSpace(Space::Generic);
    made.elements = take("v8") ? 8 : take("v4") ? 4 : take("v2") ? 2 : 1;
    Type type = takeType();
    unsigned bytes = bytesOf(type);
    if (bytes == 0 || bytes > 16 ||
        !operandCount(hasPolicy ? 3 : 2, hasPolicy ? 3 : 2))
      return fail("'st' expects a type of 8 to 128 bits and two operands");
    if (unsigned(made.elements) * bytes > 32)
      return fail("a vector of 'st' has at most 32 bytes");
    made.type = type;
    made.bytes = uint8_t(bytes);
    if (hasPolicy)
      source(2, Type::B64);
    if (!address(statement->operands[0], space, made.a))
      return;
    if (made.space == Space::Const ||
        (made.space == Space::Param && !made.has(FlagFrame)))
      return fail("'st' cannot write to this space");
    handler(handlers::store);
  }
  const Operand &from = statement->operands[1];
  const Operand *single = &from;
  size_t count = 1;
  if (from.kind == Operand::Kind::Vector) {
    single = from.elements.data();
    count = from.elements.size();
  }
  if (count != made.elements)
    return fail("'st' expects " + std::to_string(made.elements) +
                " source registers, got " + std::to_string(count));
  std::vector<Reference> references;
  unsigned registerBytes = 0;
  // Values stored to a call's parameters may be undefined: unused arguments.
  CheckItem::Role role =
      made.has(FlagFrame) ? CheckItem::Source : CheckItem::Use;
  for (size_t i = 0; i < count; ++i) {
    unsigned have = 0;
    references.push_back(sourceOf(single[i], made.type, role, true, &have));
    if (single[i].kind != Operand::Kind::Register)
      continue;
    if (registerBytes && registerBytes != have)
      return fail("the registers of a vector must have one size");
    registerBytes = have;
  }
  if (!registerBytes)
    registerBytes = made.bytes < 2 ? 2 : made.bytes;
  // Constants of the vector get the registers' width.
  for (size_t i = 0; i < count && !failed(); ++i)
    if (single[i].kind == Operand::Kind::Integer)
      references[i] = constant(registerBytes, single[i].value);
  made.registerBytes = uint8_t(registerBytes);
  made.list = beginList();
  made.count = uint16_t(count);
  for (Reference reference : references)
    addToList(reference);
  if (!made.handler)
    handler(handlers::storeAsync);
}

void Decoder::atomic() {
  // atom{.sem}{.scope}{.space}.op{.noftz}{.vec}.type d, [a], b{, c}; red
  // without d.
  bool isRed = statement->opcode == "red";
  if (isRed && take("async"))
    return reduceAsync();
  if (take("relaxed"))
    made.flags |= 0;
  if (take("acquire"))
    made.flags |= FlagAcquire;
  if (take("release"))
    made.flags |= FlagRelease;
  if (take("acq_rel"))
    made.flags |= FlagAcquire | FlagRelease;
  made.flags |= FlagStrong;
  for (const char *scope : {"cta", "cluster", "gpu", "sys"})
    take(scope);
  bool hasPolicy = take("L2::cache_hint");
  takeCacheHints();
  Space space = takeSpace(Space::Generic);
  static const std::pair<const char *, AtomicOp> ops[] = {
      {"add", AtomicOp::Add},       {"min", AtomicOp::Min},
      {"max", AtomicOp::Max},       {"and", AtomicOp::And},
      {"or", AtomicOp::Or},         {"xor", AtomicOp::Xor},
      {"exch", AtomicOp::Exchange}, {"cas", AtomicOp::CompareSwap},
      {"inc", AtomicOp::Increment}, {"dec", AtomicOp::Decrement}};
  bool known = false;
  for (auto &[name, op] : ops)
    if (!known && take(name)) {
      made.operation = uint8_t(op);
      known = true;
    }
  take("noftz");
  take("ftz");
  made.elements = take("v8") ? 8 : take("v4") ? 4 : take("v2") ? 2 : 1;
  Type type = takeType();
  AtomicOp op = AtomicOp(made.operation);
  unsigned bytes = bytesOf(type);
  if (!known || bytes < 2 || bytes > 16)
    return fail("'" + statement->opcode + "' expects an operation and a type");
  bool isHalf = type == Type::F16 || type == Type::F16x2 ||
                type == Type::BF16 || type == Type::BF16x2;
  bool valid = true;
  switch (op) {
  case AtomicOp::Add:
    valid = type == Type::U32 || type == Type::S32 || type == Type::U64 ||
            type == Type::S64 || type == Type::F32 || type == Type::F64 ||
            isHalf;
    break;
  case AtomicOp::Min:
  case AtomicOp::Max:
    valid = type == Type::U32 || type == Type::S32 || type == Type::U64 ||
            type == Type::S64 || isHalf;
    break;
  case AtomicOp::And:
  case AtomicOp::Or:
  case AtomicOp::Xor:
    valid = type == Type::B32 || type == Type::B64;
    break;
  case AtomicOp::Exchange:
    valid = !isRed &&
            (type == Type::B32 || type == Type::B64 || type == Type::B128);
    break;
  case AtomicOp::CompareSwap:
    valid = !isRed && (type == Type::B16 || type == Type::B32 ||
                       type == Type::B64 || type == Type::B128);
    break;
  case AtomicOp::Increment:
  case AtomicOp::Decrement:
    valid = type == Type::U32;
    break;
  }
  if (bytes == 16)
    return fail("128-bit atomics are not supported");
  if (!valid)
    return fail("'" + statement->opcode + "' has no such operation on '." +
                std::string(nameOf(type)) + "'");
  size_t first = isRed ? 0 : 1;
  size_t count =
      first + (op == AtomicOp::CompareSwap ? 3 : 2) + (hasPolicy ? 1 : 0);
  if (!operandCount(count, count))
    return;
  made.type = type;
  made.bytes = made.registerBytes = uint8_t(bytes);
  if (!address(statement->operands[first], space, made.a))
    return;
  if (made.space != Space::Generic && made.space != Space::Global &&
      made.space != Space::Shared)
    return fail("atomics work on global and shared memory alone");
  const Operand &value = statement->operands[first + 1];
  if (made.elements > 1) {
    if (!isRed || value.kind != Operand::Kind::Vector ||
        value.elements.size() != made.elements)
      return fail("vector atomics are known for 'red' with a vector of " +
                  std::to_string(made.elements));
    std::vector<Reference> references;
    for (const Operand &part : value.elements)
      references.push_back(sourceOf(part, type, CheckItem::Use));
    made.list = beginList();
    made.count = made.elements;
    for (Reference reference : references)
      addToList(reference);
    return handler(handlers::atomicVector);
  }
  made.b = sourceOf(value, type, CheckItem::Use);
  if (op == AtomicOp::CompareSwap)
    made.c = source(first + 2, type, CheckItem::Use);
  if (!isRed)
    made.d = destination(0, type);
  handler(handlers::atomic);
}

void Decoder::prefetch() {
  // prefetch{.space}.level, prefetchu, prefetch.tensormap, discard,
  // applypriority: hints.
  bool isDiscard = statement->opcode == "discard";
  bool isMap = take("tensormap");
  Space space = takeSpace(Space::Generic);
  for (const char *level : {"L1", "L2", "L2::evict_last", "L2::evict_normal"})
    take(level);
  if (!operandCount(1, 2))
    return;
  if (isDiscard) {
    int64_t bytes = 0;
    if (!immediate(1, bytes, 128, 128))
      return;
  } else if (statement->operands.size() == 2) {
    int64_t bytes = 0;
    immediate(1, bytes, 0, 1 << 20);
  }
  (void)isMap;
  if (!address(statement->operands[0], space, made.a))
    return;
  made.bytes = 128;
  handler(isDiscard ? handlers::discard : handlers::nothing);
}

void Decoder::policy() {
  // createpolicy: a 64-bit value that hints take.
  for (const char *modifier :
       {"fractional", "range", "cvt", "global", "L2", "L2::evict_first",
        "L2::evict_last", "L2::evict_normal", "L2::evict_unchanged"})
    while (take(modifier)) {
    }
  Type type = takeType();
  if (type != Type::B64 || !operandCount(1, 5))
    return fail("'createpolicy' expects '.b64'");
  made.d = destination(0, type);
  handler(handlers::constantPolicy);
}

void Decoder::mapAddress() {
  // mapa{.space}.type d, a, b and getctarank{.space}.type d, a
  bool isRank = statement->opcode == "getctarank";
  Space space = takeSpace(Space::Generic);
  Type type = takeType();
  if ((type != Type::U32 && type != Type::U64) ||
      !operandCount(isRank ? 2 : 3, isRank ? 2 : 3))
    return fail("'" + statement->opcode + "' expects '.u32' or '.u64'");
  made.space = space;
  made.bytes = uint8_t(bytesOf(type));
  made.operation = isRank;
  made.a = source(1, isRank && space == Space::Generic ? Type::U64 : type,
                  CheckItem::Use);
  if (!isRank)
    made.b = source(2, Type::U32, CheckItem::Use);
  made.d = destination(0, isRank ? Type::U32 : type);
  layout.kernel.usesCluster = true;
  handler(handlers::mapAddress);
}

void Decoder::memberMask(size_t index) {
  made.control = Control::Collective;
  if (!take("sync"))
    return fail("'" + statement->opcode + "' expects '.sync'");
  made.e = source(index, Type::B32, CheckItem::Use);
}

void Decoder::shuffle() {
  // shfl.sync.mode.b32 d{|p}, a, b, c, membermask
  static const std::pair<const char *, ShuffleMode> modes[] = {
      {"up", ShuffleMode::Up},
      {"down", ShuffleMode::Down},
      {"bfly", ShuffleMode::Butterfly},
      {"idx", ShuffleMode::Index}};
  bool known = false;
  for (auto &[name, mode] : modes)
    if (!known && take(name)) {
      made.operation = uint8_t(mode);
      known = true;
    }
  Type type = takeType();
  if (!known || type != Type::B32 || !operandCount(5, 5))
    return fail("'shfl' expects a mode, '.b32' and five operands");
  made.a = source(1, type);
  made.b = source(2, Type::U32, CheckItem::Use);
  made.c = source(3, Type::U32, CheckItem::Use);
  memberMask(4);
  const Operand *first, *second;
  pairOrSingle(statement->operands[0], first, second);
  made.d = destinationOf(*first, type);
  made.list = beginList();
  made.count = second ? 1 : 0;
  if (second)
    addToList(predicateDestination(*second));
  handler(handlers::shuffle);
}

void Decoder::vote() {
  static const std::pair<const char *, VoteMode> modes[] = {
      {"all", VoteMode::All},
      {"any", VoteMode::Any},
      {"uni", VoteMode::Uniform},
      {"ballot", VoteMode::Ballot}};
  bool known = false;
  for (auto &[name, mode] : modes)
    if (!known && take(name)) {
      made.operation = uint8_t(mode);
      known = true;
    }
  Type type = takeType();
  bool isBallot = VoteMode(made.operation) == VoteMode::Ballot;
  if (!known || type != (isBallot ? Type::B32 : Type::Pred) ||
      !operandCount(3, 3))
    return fail("'vote' expects a mode, its type and three operands");
  made.a = predicateSource(statement->operands[1], CheckItem::Use);
  memberMask(2);
  made.d = destination(0, type);
  handler(handlers::vote);
}

void Decoder::match() {
  bool any = take("any"), all = take("all");
  Type type = takeType();
  if (any == all || (type != Type::B32 && type != Type::B64) ||
      !operandCount(3, 3))
    return fail("'match' expects '.any' or '.all', and '.b32' or '.b64'");
  made.operation = all;
  made.bytes = uint8_t(bytesOf(type));
  made.a = source(1, type, CheckItem::Use);
  memberMask(2);
  const Operand *first, *second;
  pairOrSingle(statement->operands[0], first, second);
  made.d = destinationOf(*first, Type::B32);
  made.list = beginList();
  made.count = second ? 1 : 0;
  if (second)
    addToList(predicateDestination(*second));
  handler(handlers::match);
}

void Decoder::reduceAcross() {
  static const std::pair<const char *, AtomicOp> ops[] = {
      {"add", AtomicOp::Add}, {"min", AtomicOp::Min}, {"max", AtomicOp::Max},
      {"and", AtomicOp::And}, {"or", AtomicOp::Or},   {"xor", AtomicOp::Xor}};
  bool known = false;
  for (auto &[name, op] : ops)
    if (!known && take(name)) {
      made.operation = uint8_t(op);
      known = true;
    }
  Type type = takeType();
  if (!known || bytesOf(type) != 4 || isFloat(type) || !operandCount(3, 3))
    return fail("'redux' expects an operation and a 32-bit integer type");
  made.type = type;
  made.a = source(1, type, CheckItem::Use);
  memberMask(2);
  made.d = destination(0, type);
  handler(handlers::reduceAcross);
}

void Decoder::activeMask() {
  if (takeType() != Type::B32 || !operandCount(1, 1))
    return fail("'activemask' expects '.b32'");
  made.d = destination(0, Type::B32);
  handler(handlers::activeMask);
}

void Decoder::elect() {
  // elect.sync d|p, membermask
  if (!operandCount(2, 2))
    return;
  memberMask(1);
  const Operand *first, *second;
  pairOrSingle(statement->operands[0], first, second);
  if (!second)
    return fail("'elect' expects two results, 'd|p'");
  made.d = destinationOf(*first, Type::B32);
  made.list = beginList();
  made.count = 1;
  addToList(predicateDestination(*second));
  handler(handlers::elect);
}
