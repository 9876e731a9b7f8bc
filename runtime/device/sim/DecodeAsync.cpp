// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cp.async, bulk and tensor copies, mbarriers.
#include "Decoder.h"
#include "Handlers.h"
#include "TensorCopy.h"

using namespace trine::sim;

void Decoder::copyAsync() {
  bool reduce = take("reduce");
  if (!take("async"))
    return fail("'cp' expects '.async'");
  if (take("bulk")) {
    if (take("commit_group")) {
      if (operandCount(0, 0))
        handler(handlers::bulkCommit);
      return;
    }
    if (take("wait_group")) {
      if (take("read"))
        made.flags |= FlagReadWait;
      int64_t left = 0;
      if (operandCount(1, 1) && immediate(0, left, 0, 1 << 20)) {
        made.extra = uint32_t(left);
        handler(handlers::bulkWait);
      }
      return;
    }
    return take("tensor") ? tensorCopy(reduce) : bulkCopy(reduce);
  }
  if (reduce)
    return fail("'cp.reduce.async' expects '.bulk'");
  if (take("commit_group")) {
    if (operandCount(0, 0))
      handler(handlers::commitCopies);
    return;
  }
  if (take("wait_all")) {
    made.flags |= FlagFull;
    if (operandCount(0, 0))
      handler(handlers::waitCopies);
    return;
  }
  if (take("wait_group")) {
    int64_t left = 0;
    if (operandCount(1, 1) && immediate(0, left, 0, 1 << 20)) {
      made.extra = uint32_t(left);
      handler(handlers::waitCopies);
    }
    return;
  }
  if (take("mbarrier")) {
    // cp.async.mbarrier.arrive{.noinc}{.shared}.b64 [mbar]
    if (!take("arrive"))
      return fail("'cp.async.mbarrier' expects '.arrive'");
    if (take("noinc"))
      made.flags |= FlagNoIncrement;
    Space space = takeSpace(Space::Generic);
    if (takeType() != Type::B64 || !operandCount(1, 1) ||
        !address(statement->operands[0], space, made.a))
      return fail("'cp.async.mbarrier.arrive' expects '.b64' and an address");
    return handler(handlers::copyArrive);
  }
  // cp.async.{ca,cg}.shared.global{hints} [dst], [src], size{, src-size}{,
  // policy}
  bool ca = take("ca"), cg = take("cg");
  bool hasPolicy = take("L2::cache_hint");
  takeCacheHints();
  bool shared = take("shared") || take("shared::cta");
  if (ca == cg || !shared || !take("global") || !operandCount(3, 5))
    return fail("'cp.async' expects '.ca' or '.cg', '.shared.global' and three "
                "to five operands");
  int64_t bytes = 0;
  if (!immediate(2, bytes, 4, 16))
    return;
  if ((bytes != 4 && bytes != 8 && bytes != 16) || (cg && bytes != 16))
    return fail(
        "'cp.async' copies 4, 8 or 16 bytes, with '.cg' 16 alone; got " +
        std::to_string(bytes));
  made.bytes = uint8_t(bytes);
  // Source: b; destination: a, whose displacement is `offset`.
  if (!address(statement->operands[1], Space::Global, made.b))
    return;
  if (made.offset != int64_t(int32_t(made.offset)))
    return fail("the displacement of an address must fit 32 bits");
  made.extra = uint32_t(made.offset);
  bool wideSource = made.has(FlagWideAddress);
  made.flags &= ~uint32_t(FlagWideAddress);
  if (!wideSource)
    return fail("the source of 'cp.async' is a 64-bit address");
  if (!address(statement->operands[0], Space::Shared, made.a))
    return;
  size_t count = statement->operands.size() - (hasPolicy ? 1 : 0);
  if (hasPolicy)
    source(count, Type::B64);
  made.count = 0;
  if (count == 4) {
    const Operand &last = statement->operands[3];
    bool isPredicate = last.kind == Operand::Kind::Register &&
                       syntax.registers[last.index].type == Type::Pred;
    made.count = isPredicate ? 2 : 1; // ignore-src predicate, or src-size
    made.c = isPredicate ? predicateSource(last, CheckItem::Use)
                         : source(3, Type::U32, CheckItem::Use);
  } else if (count != 3) {
    return fail("'cp.async' has one source size at most");
  }
  handler(handlers::copyAsync);
}

namespace {
const std::pair<const char *, TensorReduction> reductions[] = {
    {"add", TensorReduction::Add}, {"min", TensorReduction::Min},
    {"max", TensorReduction::Max}, {"inc", TensorReduction::Inc},
    {"dec", TensorReduction::Dec}, {"and", TensorReduction::And},
    {"or", TensorReduction::Or},   {"xor", TensorReduction::Xor}};
} // namespace

void Decoder::bulkCopy(bool reduce) {
  // cp.async.bulk{.prefetch.L2}.dst.src.completion [dst], [src], size{,
  // [mbar]}{, mask}{, policy}
  if (take("prefetch")) {
    take("L2");
    bool hasPolicy = take("L2::cache_hint");
    if (!take("global") || !operandCount(2, 3))
      return fail("'cp.async.bulk.prefetch.L2' expects '.global', an address "
                  "and a size");
    address(statement->operands[0], Space::Global, made.a);
    source(1, Type::U32, CheckItem::Use);
    if (hasPolicy)
      source(2, Type::B64);
    return handler(handlers::nothing);
  }
  bool group = take("bulk_group"),
       completes = take("mbarrier::complete_tx::bytes"),
       multicast = take("multicast::cluster");
  bool hasPolicy = take("L2::cache_hint");
  made.count = multicast;
  std::vector<std::string> spaces;
  for (size_t i = 0; i < taken.size(); ++i)
    if (!taken[i] && (statement->modifiers[i] == "global" ||
                      statement->modifiers[i].compare(0, 6, "shared") == 0)) {
      taken[i] = true;
      spaces.push_back(statement->modifiers[i]);
    }
  if (spaces.size() != 2 || group == completes)
    return fail("'cp.async.bulk' expects two spaces and one way of completion");
  CopyKind kind;
  if (spaces[1] == "global")
    kind = CopyKind::GlobalToShared;
  else if (spaces[0] == "global")
    kind = reduce ? CopyKind::ReduceToGlobal : CopyKind::SharedToGlobal;
  else
    kind = CopyKind::SharedToCluster;
  if (completes !=
      (kind == CopyKind::GlobalToShared || kind == CopyKind::SharedToCluster))
    return fail("this direction of 'cp.async.bulk' completes in another way");
  if (reduce) {
    bool known = false;
    for (auto &[name, op] : reductions)
      if (!known && take(name)) {
        made.boolean = uint8_t(op);
        known = true;
      }
    take("noftz");
    made.type = takeType();
    if (kind != CopyKind::ReduceToGlobal || !known || made.type == Type::None)
      return fail("'cp.reduce.async.bulk' is known from shared to global "
                  "memory, with an operation and a type");
  }
  made.operation = uint8_t(kind);
  size_t expected =
      3 + (completes ? 1 : 0) + (multicast ? 1 : 0) + (hasPolicy ? 1 : 0);
  if (!operandCount(expected, expected))
    return;
  // References in a list: destination, source, size, barrier, mask;
  // displacements follow as constants.
  bool toShared = completes;
  Space to = toShared ? Space::Shared : Space::Global,
        from = kind == CopyKind::GlobalToShared ? Space::Global : Space::Shared;
  std::vector<Reference> references;
  auto addAddress = [&](const Operand &operand, Space space) {
    made.flags &= ~uint32_t(FlagWideAddress);
    Reference reference = 0;
    if (!address(operand, space, reference))
      return;
    references.push_back(reference);
    references.push_back(constant(8, uint64_t(made.offset)));
    references.push_back(made.has(FlagWideAddress) ? 8 : 4);
  };
  addAddress(statement->operands[0], to);
  addAddress(statement->operands[1], from);
  if (completes && !failed())
    addAddress(statement->operands[3], Space::Shared);
  made.b = source(2, Type::U32, CheckItem::Use);
  if (multicast)
    made.c = source(4, Type::U16, CheckItem::Use);
  if (hasPolicy)
    source(expected - 1, Type::B64);
  made.list = beginList();
  for (Reference reference : references)
    addToList(reference);
  handler(handlers::bulkCopy);
}

void Decoder::tensorCopy(bool reduce) {
  // cp{.reduce}.async.bulk{.prefetch}.tensor.dim...
  bool prefetch = take("prefetch");
  unsigned rank = 0;
  static const char *const ranks[] = {"1d", "2d", "3d", "4d", "5d"};
  for (unsigned n = 0; n < 5; ++n)
    if (take(ranks[n]))
      rank = n + 1;
  if (!rank)
    return fail("'cp.async.bulk.tensor' expects '.1d' to '.5d'");
  take("tile");
  for (const char *mode :
       {"im2col", "im2col_no_offs", "tile::gather4", "tile::scatter4",
        "im2col::w", "im2col::w::128", "cta_group::1", "cta_group::2"})
    if (take(mode))
      return fail("'." + std::string(mode) +
                  "' of tensor copies is not supported");
  bool group = take("bulk_group"),
       completes = take("mbarrier::complete_tx::bytes"),
       multicast = take("multicast::cluster");
  bool hasPolicy = take("L2::cache_hint");
  made.registerBytes = uint8_t(rank);
  made.count = multicast;
  size_t mapAt, expected;
  std::vector<Reference> references;
  auto addAddress = [&](const Operand &operand, Space space) {
    made.flags &= ~uint32_t(FlagWideAddress);
    Reference reference = 0;
    if (!address(operand, space, reference))
      return;
    references.push_back(reference);
    references.push_back(constant(8, uint64_t(made.offset)));
    references.push_back(made.has(FlagWideAddress) ? 8 : 4);
  };
  if (prefetch) {
    take("L2");
    take("global");
    mapAt = 0;
    expected = 1 + (hasPolicy ? 1 : 0);
    if (!operandCount(expected, expected))
      return;
    made.operation = 3;
  } else {
    std::vector<std::string> spaces;
    for (size_t i = 0; i < taken.size(); ++i)
      if (!taken[i] && (statement->modifiers[i] == "global" ||
                        statement->modifiers[i].compare(0, 6, "shared") == 0)) {
        taken[i] = true;
        spaces.push_back(statement->modifiers[i]);
      }
    if (spaces.size() != 2 || group == completes ||
        completes != (spaces[1] == "global") || (reduce && completes))
      return fail("'cp.async.bulk.tensor' expects two spaces and their way of "
                  "completion");
    if (reduce) {
      bool known = false;
      for (auto &[name, op] : reductions)
        if (!known && take(name)) {
          made.boolean = uint8_t(op);
          known = true;
        }
      if (!known)
        return fail("'cp.reduce.async.bulk.tensor' expects an operation");
    }
    made.operation = completes ? 0 : reduce ? 2 : 1;
    mapAt = completes ? 1 : 0;
    expected = (completes ? 3 + (multicast ? 1 : 0) : 2) + (hasPolicy ? 1 : 0);
    if (!operandCount(expected, expected))
      return;
    addAddress(statement->operands[completes ? 0 : 1], Space::Shared);
    if (completes && !failed())
      addAddress(statement->operands[2], Space::Shared);
    if (multicast)
      made.c = source(3, Type::U16, CheckItem::Use);
  }
  if (hasPolicy)
    source(expected - 1, Type::B64);
  const Operand &map = statement->operands[mapAt];
  if (failed())
    return;
  if (map.kind != Operand::Kind::Address || map.elements.size() != 2 ||
      map.elements[1].kind != Operand::Kind::Vector ||
      map.elements[1].elements.size() != rank)
    return fail("a tensor is '[map, {" + std::to_string(rank) +
                " coordinates}]'");
  made.flags &= ~uint32_t(FlagWideAddress);
  if (!address(map, Space::Generic, made.a))
    return;
  std::vector<Reference> coordinates;
  for (const Operand &each : map.elements[1].elements)
    coordinates.push_back(sourceOf(each, Type::S32, CheckItem::Use));
  made.list = beginList();
  for (Reference reference : coordinates)
    addToList(reference);
  for (Reference reference : references)
    addToList(reference);
  handler(prefetch ? handlers::nothing : handlers::tensorCopy);
}

void Decoder::reduceAsync() {
  // red.async{.relaxed.cluster}.shared::cluster.mbarrier::complete_tx::bytes.op.type
  // [a], b, [mbar]
  take("relaxed");
  take("cluster");
  Space space = takeSpace(Space::Generic);
  bool completes = take("mbarrier::complete_tx::bytes");
  bool isAdd = take("add");
  Type type = takeType();
  unsigned bytes = bytesOf(type);
  if (space != Space::Shared || !completes || !isAdd ||
      (bytes != 4 && bytes != 8) || isFloat(type) || !operandCount(3, 3))
    return fail("'red.async' is known with "
                "'.shared::cluster.mbarrier::complete_tx::bytes.add' and an "
                "integer type");
  made.type = type;
  made.bytes = made.registerBytes = uint8_t(bytes);
  made.operation = 1;
  if (!address(statement->operands[2], space, made.b))
    return;
  made.extra = uint32_t(made.offset);
  if (!address(statement->operands[0], space, made.a))
    return;
  made.list = beginList();
  made.count = 1;
  addToList(source(1, type, CheckItem::Use));
  handler(handlers::storeAsync);
}

void Decoder::mbarrier() {
  // mbarrier.op{.sem.scope}{.space}.b64
  bool isInit = take("init"), isInval = take("inval"),
       isArrive = take("arrive"), isDrop = take("arrive_drop");
  bool isExpect = take("expect_tx"), isComplete = take("complete_tx"),
       isTest = take("test_wait"), isTry = take("try_wait");
  bool isPending = take("pending_count");
  bool noComplete = take("noComplete"), parity = take("parity");
  bool relaxed = take("relaxed"), acquire = take("acquire"),
       release = take("release");
  (void)acquire;
  (void)release;
  for (const char *scope : {"cta", "cluster"})
    take(scope);
  bool inCluster = false;
  for (size_t i = 0; i < taken.size(); ++i)
    inCluster |= statement->modifiers[i] == "shared::cluster";
  Space space = takeSpace(Space::Generic);
  if (takeType() != Type::B64)
    return fail("'mbarrier' expects '.b64'");
  made.space = space;
  if (relaxed)
    made.flags |= FlagStrong; // no order
  if (isPending) {
    if (!operandCount(2, 2))
      return;
    made.operation = uint8_t(MbarrierOp::PendingCount);
    made.b = source(1, Type::B64, CheckItem::Use);
    made.d = destination(0, Type::U32);
    return handler(handlers::mbarrier);
  }
  if (isTest || isTry) {
    // p, [a], state | phaseParity{, time limit}
    if (!operandCount(3, isTry ? 4 : 3))
      return;
    made.control = isTry ? Control::MbarrierWait : Control::Plain;
    if (parity)
      made.flags |= FlagParity;
    if (!address(statement->operands[1], space, made.a))
      return;
    made.b = source(2, parity ? Type::U32 : Type::B64, CheckItem::Use);
    if (statement->operands.size() == 4)
      source(3, Type::U32, CheckItem::Use);
    made.d = destination(0, Type::Pred);
    return handler(handlers::mbarrierTest);
  }
  if (isInit || isInval) {
    if (!operandCount(isInit ? 2 : 1, isInit ? 2 : 1) ||
        !address(statement->operands[0], space, made.a))
      return;
    made.operation =
        uint8_t(isInit ? MbarrierOp::Init : MbarrierOp::Invalidate);
    if (isInit)
      made.b = source(1, Type::U32, CheckItem::Use);
    return handler(handlers::mbarrier);
  }
  if (isArrive || isDrop) {
    // {state | _,} [a]{, count | tx}
    size_t at = 0;
    if (!statement->operands.empty() &&
        statement->operands[0].kind != Operand::Kind::Address)
      at = 1;
    if (!operandCount(at + 1, at + 2))
      return;
    made.operation = uint8_t(isDrop     ? MbarrierOp::ArriveDrop
                             : isExpect ? MbarrierOp::ArriveExpect
                                        : MbarrierOp::Arrive);
    if (noComplete)
      made.flags |= FlagNoIncrement;
    if (isDrop && isExpect)
      made.flags |= FlagFull;
    if (!address(statement->operands[at], space, made.a))
      return;
    bool hasCount = statement->operands.size() == at + 2;
    if ((isExpect || noComplete) && !hasCount)
      return fail("this 'mbarrier.arrive' expects a count");
    made.b =
        hasCount ? source(at + 1, Type::U32, CheckItem::Use) : constant(4, 1);
    if (at == 1) {
      if (inCluster && statement->operands[0].kind != Operand::Kind::Sink)
        return fail("'mbarrier.arrive' on '.shared::cluster' gives no state");
      made.d = destination(0, Type::B64);
    }
    return handler(handlers::mbarrier);
  }
  if (isExpect || isComplete) {
    if (!operandCount(2, 2) || !address(statement->operands[0], space, made.a))
      return;
    made.operation =
        uint8_t(isExpect ? MbarrierOp::ExpectTx : MbarrierOp::CompleteTx);
    made.b = source(1, Type::U32, CheckItem::Use);
    return handler(handlers::mbarrier);
  }
  fail("this form of 'mbarrier' is not known");
}

void Decoder::tensorMapReplace() {
  // tensormap.replace.tile.field{.space}.b1024.type [map], {ordinal,} value
  if (take("cp_fenceproxy")) {
    // tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release
    // .scope.sync.aligned [dst], [src], 128
    int64_t bytes = 0;
    bool spaces = take("global") && (take("shared::cta") || take("shared"));
    bool proxy = take("tensormap::generic") && take("release");
    for (const char *scope : {"cta", "cluster", "gpu", "sys"})
      take(scope);
    if (!spaces || !proxy || !take("sync") || !take("aligned") ||
        !operandCount(3, 3) || !immediate(2, bytes, 128, 128))
      return fail("'tensormap.cp_fenceproxy' expects '.global.shared::cta"
                  ".tensormap::generic.release', a scope, '.sync.aligned', two "
                  "addresses and 128");
    made.control = Control::Aligned;
    if (!address(statement->operands[1], Space::Shared, made.b))
      return;
    // The source's displacement; constants and 64-bit registers are wide.
    made.extra = uint32_t(made.offset);
    made.registerBytes = made.has(FlagWideAddress) ? 8 : 4;
    made.flags &= ~uint32_t(FlagWideAddress);
    if (!address(statement->operands[0], Space::Global, made.a))
      return;
    return handler(handlers::tensorMapCopy);
  }
  if (!take("replace") || !take("tile"))
    return fail("'tensormap' is known as 'tensormap.replace.tile'");
  struct Field {
    const char *name;
    bool hasOrdinal;
  };
  static const Field fields[] = {
      {"global_address", false}, {"rank", false},
      {"box_dim", true},         {"global_dim", true},
      {"global_stride", true},   {"element_stride", true},
      {"elemtype", false},       {"interleave_layout", false},
      {"swizzle_mode", false},   {"fill_mode", false}};
  int field = -1;
  for (int n = 0; n < 10; ++n)
    if (field < 0 && take(fields[n].name))
      field = n;
  Space space = takeSpace(Space::Generic);
  bool isMap = take("b1024");
  Type type = takeType();
  bool isWide = field == 0 || field == 4;
  if (field < 0 || !isMap || type != (isWide ? Type::B64 : Type::B32))
    return fail(
        "'tensormap.replace.tile' expects a field, '.b1024' and its type");
  size_t valueAt = fields[field].hasOrdinal ? 2 : 1;
  if (!operandCount(valueAt + 1, valueAt + 1))
    return;
  int64_t ordinal = 0;
  if (fields[field].hasOrdinal && !immediate(1, ordinal, 0, 4))
    return;
  made.operation = uint8_t(field);
  made.extra = uint32_t(ordinal);
  made.bytes = uint8_t(bytesOf(type));
  if (!address(statement->operands[0], space, made.a))
    return;
  made.b = source(valueAt, type, CheckItem::Use);
  handler(handlers::tensorMapReplace);
}
