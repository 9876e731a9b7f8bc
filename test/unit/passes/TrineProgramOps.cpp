// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops of the trine dialect, each with operands and attributes of its own.
#include "TrineProgramGenerator.h"
#include <algorithm>

using namespace mlir::trine::test;

void TrineProgramGenerator::addNorm() {
  Value x = any(), made = define(x.shape, 4);
  std::vector<Value> operands = {x};
  if (flip())
    operands.push_back(weight({x.shape[2].number}));
  // An epsilon as large as this keeps noise as small as it is.
  line(made.name + " = trine.rms_norm " + namesOf(operands) + " epsilon " +
       oneOf({"1.0e-2", "0.25"}) + " compute " + oneOf({"f32", "f64"}) +
       " cast " + oneOf({"before_weight", "after_weight"}) + " : " +
       typesOf(operands));
  keep(made);
}

void TrineProgramGenerator::addRope() {
  int64_t pairs = 1 + pick(3), begin = pick(2),
          width = 2 * pairs + begin + pick(2);
  bool hasHeads = flip();
  Value x = hasHeads ? heads(1 + pick(2), width) : bounded(hidden(width));
  // Tables for each token, for each place, or for all.
  std::vector<Value> operands = {x};
  Shape shape = {{pairs, ""}};
  if (pick(3))
    shape.insert(shape.begin(), sequence);
  if (!hasHeads && shape.size() == 2 && flip())
    shape.insert(shape.begin(), batch);
  operands.push_back(input(shape));
  operands.push_back(input(shape));
  Value made = define(x.shape, 2 * x.bound);
  line(made.name + " = trine.rope " + namesOf(operands) + " pairing " +
       oneOf({"half", "interleaved"}) + " layout " +
       oneOf({"in_place", "permuted"}) + " begin " + std::to_string(begin) +
       " : " + typesOf(operands));
  if (hasHeads)
    values.push_back(fromHeads(made));
  else
    keep(made);
}

/// An activation, and whether it is a gated one.
std::string TrineProgramGenerator::activation(bool &isGated) {
  isGated = flip();
  if (isGated)
    return oneOf({"silu_gated", "gelu_gated", "relu_gated", "gelu_tanh_gated"});
  return oneOf({"silu", "gelu", "relu", "identity", "gelu_tanh"});
}

void TrineProgramGenerator::addGatedMLP() {
  int64_t inner = 1 + pick(6), columns = 1 + pick(8);
  Value x = bounded(any());
  int64_t width = x.shape[2].number;
  if (flip())
    x = collapse(x, /*intoRows=*/true);
  bool hasUp = flip(), hasBias = flip();
  std::string kind =
      oneOf({"silu_gated", "gelu_gated", "relu_gated", "gelu_tanh_gated"});
  Value gate = weight({width, hasUp ? inner : 2 * inner}),
        down = weight({inner, columns});
  std::string text = namesOf({x}) + " " + group("weights", {gate, down});
  if (hasUp)
    text += group("up", {weight({width, inner})});
  if (hasBias)
    text += group("gate_bias", {weight({hasUp ? inner : 2 * inner})});
  if (hasBias && hasUp)
    text += group("up_bias", {weight({inner})});
  if (flip())
    text += group("down_bias", {weight({columns})});
  text += "activation " + kind;
  if (!hasUp)
    text += std::string(" gate_up ") + oneOf({"concatenated", "interleaved"});
  if (flip())
    text += " clamp 1.5";
  std::string attributes;
  if (kind == "silu_gated" && flip())
    attributes = "alpha = 1.702 : f64";
  if (pick(3) == 0)
    attributes +=
        std::string(attributes.empty() ? "" : ", ") + "beta = 1.0 : f64";
  double hiddenBound = x.bound * 0.5 * width + 2;
  Shape shape = x.shape;
  shape.back() = {columns, ""};
  Value made = define(shape, hiddenBound * hiddenBound * 0.5 * inner + 1);
  line(made.name + " = trine.gated_mlp " + text +
       (attributes.empty() ? "" : " {" + attributes + "}") + " : " + typeOf(x) +
       " -> " + typeOf(made));
  keep(shape.size() == 2 ? expand(made, {{batch, sequence}, {{columns, ""}}})
                         : made);
}

/// The operands, mask and what follows it, of an attention.
std::string TrineProgramGenerator::maskOf(const Size &queries, const Size &keys,
                                          int64_t headCount) {
  std::string text, kind = oneOf({"none", "causal", "additive"});
  if (kind == "additive") {
    Shape shape = {queries, keys};
    if (flip())
      shape.insert(shape.begin(), {flip() ? batch : Size{1, ""},
                                   {flip() ? headCount : 1, ""}});
    text += group("mask_values", {input(shape, ProgramInput::Mask)});
  }
  if (kind == "causal" && flip())
    text += group("offset", {input(flip() ? Shape{} : Shape{batch},
                                   ProgramInput::Indices, keys.number + 2)});
  // NaN would be all that is left.
  text += "scale 0.3 mask " + kind + " masked_row " +
          (pick(8) ? oneOf({"zero", "uniform"}) : "nan");
  if (pick(3) == 0)
    text += " soft_cap 2.0";
  return text;
}

void TrineProgramGenerator::addAttention() {
  int64_t count = 1 << pick(3),
          groups = 1 << pick(count == 1   ? 1
                             : count == 2 ? 2
                                          : 3),
          width = 1 + pick(5), columns = 1 + pick(5);
  std::vector<Value> queries = {heads(count, width)},
                     keys = {heads(groups, width)};
  Value value = heads(groups, columns);
  // A second part, whose key all heads share.
  if (pick(3) == 0) {
    int64_t more = 1 + pick(3);
    queries.push_back(heads(count, more));
    keys.push_back(heads(1, more));
  }
  Size length = sequence;
  if (flip()) {
    Size past = {pick(4), flip() ? "" : "%past"};
    if (!past.value.empty())
      past.value += std::to_string(names++);
    auto extend = [&](const Value &rows) {
      Shape shape = rows.shape;
      shape[2] = past;
      return shape;
    };
    std::vector<Value> older;
    for (const Value &key : keys)
      older.push_back(input(extend(key)));
    older.push_back(input(extend(value)));
    if (!past.value.empty()) {
      line("%axis" + past.value.substr(1) + " = arith.constant 2 : index");
      line(past.value + " = tensor.dim " + older[0].name + ", %axis" +
           past.value.substr(1) + " : " + typeOf(older[0]));
    }
    for (size_t i = 0; i < keys.size(); ++i)
      keys[i] = concatenate(older[i], keys[i], 2);
    value = concatenate(older.back(), value, 2);
    length = value.shape[2];
  }
  std::string mask = maskOf(sequence, length, count);
  size_t at = mask.find("scale");
  Value made =
            define({batch, {count, ""}, sequence, {columns, ""}}, value.bound),
        lse = define({batch, {count, ""}, sequence}, 100);
  // In parts, which are joined.
  int64_t parts = pick(4) == 0 ? 1 + pick(3) : 0;
  auto attend = [&](const Value &output, const Value &sums,
                    const std::string &partial) {
    line(output.name + ", " + sums.name + " = trine.attention " +
         group("query", queries) + group("key", keys) +
         group("value", {value}) + mask.substr(0, at) + partial +
         mask.substr(at) + " -> " + typesOf({output, sums}));
  };
  if (parts) {
    Value pieces = define(made.shape, made.bound),
          sums = define(lse.shape, lse.bound);
    pieces.shape.insert(pieces.shape.begin(), {parts, ""});
    sums.shape.insert(sums.shape.begin(), {parts, ""});
    attend(pieces, sums, group("partial", {empty(pieces.shape)}));
    std::vector<Value> outputs, lses;
    for (int64_t part = 0; part < parts; ++part) {
      for (auto [from, to, like] : {std::tuple(&pieces, &outputs, &made),
                                    std::tuple(&sums, &lses, &lse)}) {
        Value piece = define(like->shape, like->bound);
        std::string zeros, lengths, ones;
        for (const Size &size : like->shape) {
          zeros += ", 0";
          lengths += ", " + nameOf(size);
          ones += ", 1";
        }
        line(piece.name + " = tensor.extract_slice " + from->name + "[" +
             std::to_string(part) + zeros + "] [1" + lengths + "] [1" + ones +
             "] : " + typeOf(*from) + " to " + typeOf(piece));
        to->push_back(piece);
      }
    }
    line(made.name + ", " + lse.name + " = trine.merge " +
         group("outputs", outputs) + group("lses", lses) + "-> " +
         typesOf({made, lse}));
  } else {
    attend(made, lse, "");
  }
  if (pick(3) == 0)
    outputs.push_back(lse);
  values.push_back(fromHeads(made));
}

void TrineProgramGenerator::addMerge() {
  int64_t count = 1 + pick(3), width = 1 + pick(4);
  std::vector<Value> parts, lses;
  for (unsigned i = 0, n = 1 + pick(3); i < n; ++i) {
    parts.push_back(heads(count, width));
    lses.push_back(input({batch, {count, ""}, sequence}, ProgramInput::Mask));
  }
  Value made = define(parts[0].shape, 8), lse = define(lses[0].shape, 8);
  line(made.name + ", " + lse.name + " = trine.merge " +
       group("outputs", parts) + group("lses", lses) + "-> " +
       typesOf({made, lse}));
  if (flip())
    outputs.push_back(lse);
  values.push_back(fromHeads(made));
}

void TrineProgramGenerator::addLatentAttention() {
  int64_t count = 1 + pick(4), nope = 1 + pick(4), rope = 1 + pick(3),
          rank = 1 + pick(6), columns = 1 + pick(4);
  Value queryNope = heads(count, nope), queryRope = heads(count, rope);
  std::vector<Value> cache = {bounded(hidden(rank)), bounded(hidden(rope))};
  Size length = sequence;
  std::vector<Value> past;
  bool hasPast = pick(3) == 0;
  Size older = {pick(4), ""};
  if (hasPast) {
    past = {input({batch, {count, ""}, older, {nope + rope, ""}}),
            input({batch, {count, ""}, older, {columns, ""}})};
  } else if (flip()) {
    for (Value &latent : cache)
      latent = concatenate(input({batch, older, latent.shape[2]}), latent, 1);
  }
  length = sum(length, older);
  if (!hasPast)
    length = cache[0].shape[1];
  std::vector<Value> weights = {weight({rank, count, nope}),
                                weight({rank, count, columns})};
  std::string mask = maskOf(sequence, length, count);
  size_t at = mask.find("scale");
  std::string operands = group("query", {queryNope, queryRope}) +
                         group("cache", cache) + group("weights", weights);
  operands += group("past", past);
  if (hasPast && flip())
    operands += "rope_first ";
  Value made = define({batch, {count, ""}, sequence, {columns, ""}},
                      cache[0].bound * 0.5 * rank),
        lse = define({batch, {count, ""}, sequence}, 100);
  std::vector<Value> results = {made, lse}, present;
  if (hasPast)
    for (const Value &rows : past) {
      Shape shape = rows.shape;
      shape[2] = length;
      present.push_back(define(shape, 8));
    }
  std::vector<Value> all = results;
  all.insert(all.end(), present.begin(), present.end());
  line(namesOf(all) + " = trine.mla.attention " + operands +
       mask.substr(0, at) + mask.substr(at) + " form " +
       (hasPast ? "decompressed"
                : oneOf({"decompressed", "absorbed", "by_shape"})) +
       " -> " + typesOf(results) +
       (hasPast ? " present(" + typesOf(present) + ")" : ""));
  for (const Value &rows : present)
    if (flip())
      outputs.push_back(rows);
  if (pick(4) == 0)
    outputs.push_back(lse);
  values.push_back(fromHeads(made));
}

/// Chooses among `experts` by numbers that no form of a program changes.
std::string TrineProgramGenerator::route(int64_t experts, Value &ids,
                                         Value &weights) {
  Value logits =
      collapse(input({batch, sequence, {experts, ""}}), /*intoRows=*/true);
  std::string scoring = oneOf({"softmax", "sigmoid", "sqrt_softplus",
                               "softmax_top_k", "sigmoid_top_k"});
  bool choosesFirst = scoring == "softmax_top_k" || scoring == "sigmoid_top_k";
  int64_t groups = choosesFirst ? 1 : 1 << pick(experts % 4 ? 2 : 3),
          kept = 1 + pick(groups), size = experts / groups;
  bool sums = size > 1 && flip();
  int64_t k = 1 + pick(std::min<int64_t>(3, kept * size));
  ids = define({rows, {k, ""}}, 1, "i64");
  weights = define({rows, {k, ""}}, 2);
  std::string text = logits.name + " ";
  if (flip())
    text += group("bias", {weight({experts})});
  bool hasTable = pick(4) == 0;
  if (hasTable) {
    Value tokens = collapse(input({batch, sequence}, ProgramInput::Indices, 5),
                            /*intoRows=*/true);
    text += group("token_ids", {tokens}) +
            group("table", {integers({5, k}, experts)});
  }
  text += "scoring " + scoring + " k " + std::to_string(k) + " groups " +
          std::to_string(groups) + " keep " + std::to_string(kept) + " by " +
          (sums ? "sum_top_2" : "max") + " masked " +
          oneOf({"zero", "negative_infinity"}) + " ";
  if (!hasTable && !choosesFirst && groups == kept && pick(4) == 0)
    text += "weights_from_choice ";
  if (flip())
    text += "renormalize ";
  text += std::string("epsilon 1.0e-2 scale ") + oneOf({"1.0", "2.5"}) + " " +
          oneOf({"before_division", "after_division"});
  if (flip())
    text += " rounded";
  line(ids.name + ", " + weights.name + " = trine.moe.route " + text + " : " +
       typeOf(logits) + " -> " + typesOf({ids, weights}));
  return ids.name;
}

void TrineProgramGenerator::addExperts() {
  int64_t experts = 2 + 2 * pick(4),
          identity = pick(3) ? 0 : 1 + pick(experts - 1), inner = 1 + pick(4);
  Value ids, weights;
  route(experts, ids, weights);
  Value x = collapse(bounded(any()), /*intoRows=*/true);
  int64_t width = x.shape[1].number, own = experts - identity;
  bool isGated;
  std::string kind = activation(isGated),
              layout =
                  isGated ? oneOf({"concatenated", "interleaved"}) : "up_only";
  int64_t gate = isGated ? 2 * inner : inner;
  std::string text = x.name + " " + group("routed", {ids, weights}) +
                     group("weights", {weight({own, gate, width}),
                                       weight({own, width, inner})});
  if (flip())
    text += group("gate_up_bias", {weight({own, gate})});
  if (flip())
    text += group("down_bias", {weight({own, width})});
  text += "activation " + kind + " gate_up " + layout;
  if (flip())
    text += " clamp 1.5";
  std::vector<std::string> attributes;
  if (kind.rfind("silu", 0) == 0 && flip())
    attributes.push_back("alpha = 1.702 : f64");
  if (isGated && flip())
    attributes.push_back("beta = 1.0 : f64");
  if (identity)
    attributes.push_back("identity_experts = " + std::to_string(identity) +
                         " : i64");
  double hiddenBound = x.bound * 0.5 * width + 2;
  Value made = define(x.shape, 8 * hiddenBound * hiddenBound * inner + 8);
  line(made.name + " = trine.moe.experts " + text +
       (attributes.empty() ? "" : " {" + join(attributes) + "}") + " : " +
       typeOf(x));
  if (flip())
    outputs.push_back(ids);
  if (flip())
    outputs.push_back(weights);
  keep(expand(made, {{batch, sequence}, {{width, ""}}}));
}

void TrineProgramGenerator::addGroupedProducts() {
  int64_t experts = 2 + 2 * pick(3), identity = pick(3) ? 0 : 1,
          own = experts - identity, inner = 1 + pick(4);
  Value ids, weights;
  route(experts, ids, weights);
  int64_t k = ids.shape[1].number;
  Size slots = product(rows, {k, ""});
  Value order = define({slots}, 0, "i64"),
        offsets = define({{own + 1, ""}}, 0, "i64"),
        position = define(ids.shape, 0, "i64");
  line(namesOf({order, offsets, position}) + " = trine.moe.group " + ids.name +
       " experts " + std::to_string(own) +
       (identity ? " {identity_experts = 1 : i64}" : "") + " : " + typeOf(ids) +
       " -> " + typesOf({order, offsets, position}));
  Value x = collapse(bounded(any()), /*intoRows=*/true);
  int64_t width = x.shape[1].number;
  auto multiply = [&](const Value &from, int64_t to, bool gathers) {
    bool isGated = false;
    std::string kind = pick(3) ? activation(isGated) : "";
    std::vector<int64_t> sizes = {own, to, from.shape[1].number};
    if (isGated)
      sizes.insert(sizes.begin() + 1, 2);
    Value matrix = weight(sizes);
    double bound = from.bound * 0.5 * sizes.back() + 2;
    Value made = define({slots, {to, ""}}, bound * (isGated ? bound : 1));
    std::string text = namesOf({from, offsets, matrix}) + " ";
    if (gathers)
      text += group("order", {order}) + "slots " + std::to_string(k) + " ";
    sizes.pop_back();
    if (flip())
      text += group("bias", {weight(sizes)});
    if (!kind.empty())
      text += "activation " + kind + " ";
    if (!kind.empty() && flip())
      text += "clamp 1.5 ";
    if (flip())
      text += "rows_per_expert 1.5 ";
    line(made.name + " = trine.moe.grouped_matmul " + text + "tiles " +
         oneOf({"rows_first", "columns_first"}) + " : " +
         typesOf({from, offsets, matrix}) + " -> " + typeOf(made));
    return made;
  };
  Value first = multiply(x, inner, /*gathers=*/true);
  Value second = multiply(first, width, /*gathers=*/false);
  Value made = define(x.shape, 8 * second.bound + x.bound);
  std::string text = namesOf({second, position, weights}) + " ";
  if (identity)
    text += group("ids", {ids}) + group("identity", {x}) + "experts " +
            std::to_string(own) + " ";
  line(made.name + " = trine.moe.combine " + text + ": " +
       typesOf({second, position, weights}) + " -> " + typeOf(made));
  if (flip())
    outputs.push_back(position);
  keep(expand(made, {{batch, sequence}, {{width, ""}}}));
}

void TrineProgramGenerator::addEngram() {
  int64_t order = 2 + pick(2), count = 1 + pick(2), tokens = 5 + pick(8),
          lanes = (order - 1) * count, width = 1 + pick(4), total = 0;
  static const int primes[] = {7, 11, 13, 17};
  bool wraps = flip();
  std::vector<std::string> multipliers, moduli, offsets;
  for (int64_t i = 0; i < order; ++i)
    multipliers.push_back(
        std::to_string(wraps ? int64_t(random() | 1) : 1 + int64_t(pick(97))));
  for (int64_t i = 0; i < lanes; ++i) {
    moduli.push_back(std::to_string(primes[i]));
    offsets.push_back(std::to_string(total));
    total += primes[i];
  }
  Value ids = input({batch, sequence}, ProgramInput::Indices, tokens),
        made = define({batch, sequence, {lanes, ""}}, 0, "i64"),
        present = define({batch, {order - 1, ""}}, 0, "i64");
  std::string text = ids.name + " ";
  if (flip())
    text +=
        group("history", {input(present.shape, ProgramInput::Indices, tokens)});
  if (flip())
    text += group("map", {integers({tokens}, tokens)});
  text +=
      "order " + std::to_string(order) + " heads " + std::to_string(count) +
      " multipliers [" + join(multipliers) + "] moduli [" + join(moduli) +
      "] offsets [" + join(offsets) + "] pad " + std::to_string(pick(tokens)) +
      (pick(3) ? " reset never"
               : " reset after_token token " + std::to_string(pick(tokens))) +
      " wrap " + (wraps ? "twos_complement" : "non_negative");
  line(made.name + ", " + present.name + " = trine.engram.hash " + text +
       " : " + typeOf(ids) + " -> " + typesOf({made, present}));
  Value table = weight({total, width}),
        rows = define({batch, sequence, {lanes, ""}, {width, ""}}, 0.5);
  line(rows.name + " = trine.engram.lookup " + namesOf({made, table}) + " : " +
       typesOf({made, table}) + " -> " + typeOf(rows));
  if (flip())
    outputs.push_back(made);
  if (flip())
    outputs.push_back(present);
  keep(rows);
}

void TrineProgramGenerator::addGate() {
  int64_t streams = 1 + pick(3), width = 1 + pick(6);
  auto streamsOf = [&] {
    return expand(bounded(hidden(streams * width)),
                  {{batch}, {sequence}, {{streams, ""}, {width, ""}}});
  };
  Value key = streamsOf(), query = streamsOf(), value = bounded(hidden(width)),
        made = define(key.shape, value.bound);
  line(made.name + " = trine.engram.gate " + namesOf({key, query, value}) +
       " " +
       group("weights", {weight({streams, width}), weight({streams, width})}) +
       "epsilon 1.0e-2 root " + oneOf({"sign", "copy_sign", "none"}) +
       " floor 1.0e-6 : " + typesOf({key, value}));
  keep(made);
}

void TrineProgramGenerator::addConvolution() {
  int64_t width = 1 + pick(8), taps = 1 + pick(4), dilation = 1 + pick(3);
  Value x = bounded(hidden(width)),
        state = input({batch, {(taps - 1) * dilation, ""}, {width, ""}}),
        made = define(x.shape, 0.5 * double(taps) * std::max(x.bound, 1.0)),
        present = define(state.shape, std::max(x.bound, 1.0));
  std::vector<Value> operands = {x, state, weight({width, taps})};
  line(made.name + ", " + present.name + " = trine.engram.conv " +
       namesOf(operands) + " dilation " + std::to_string(dilation) + " : " +
       typesOf(operands));
  if (flip())
    outputs.push_back(present);
  keep(made);
}

void TrineProgramGenerator::addHyperConnections() {
  int64_t count = 1 + pick(3), width = 1 + pick(4),
          lanes = 2 * count + count * count;
  Value streams = expand(bounded(hidden(count * width)),
                         {{batch}, {sequence}, {{count, ""}, {width, ""}}}),
        projection = weight({lanes, count * width}),
        mixed =
            define({batch, sequence, {width, ""}}, 2 * count * streams.bound),
        post = define({batch, sequence, {count, ""}}, 2),
        comb = define({batch, sequence, {count, ""}, {count, ""}}, 2);
  line(namesOf({mixed, post, comb}) + " = trine.hyper.mix " +
       namesOf({streams, projection}) + " " +
       (flip() ? group("scale", {weight({3})}) : "") +
       group("bias", {weight({lanes})}) + "rounds " +
       std::to_string(1 + pick(4)) + " epsilon 1.0e-3 norm_epsilon 1.0e-2 : " +
       typesOf({streams, projection}) + " -> " + typesOf({mixed, post, comb}));
  if (flip())
    values.push_back(mixed);
  Value output = bounded(hidden(width)),
        made =
            define(streams.shape, 2 * output.bound + 2 * count * streams.bound);
  line(made.name + " = trine.hyper.combine " + namesOf({streams, output}) +
       " " + group("post", {post}) + group("comb", {comb}) + ": " +
       typesOf({streams, output}));
  keep(made);
}

void TrineProgramGenerator::addState() {
  Value x = bounded(any());
  Size width = x.shape[2];
  std::string type = "!trine.state<tensor<?x?x" + std::to_string(width.number) +
                     "xf32>, axis 1>",
              state = fresh();
  line(state + " = trine.state.open \"s" + std::to_string(states++) +
       "\" capacity " + std::to_string(pick(3)) + " : " + type);
  auto read = [&] {
    std::string slots = "%slots" + std::to_string(names++),
                most = "%most" + std::to_string(names++);
    Value entries = define({{0, slots}, {0, most}, width}, x.bound),
          lengths = define({{0, slots}}, 0, "i64");
    line(entries.name + ", " + lengths.name + " = trine.state.read " + state +
         " : " + type + " -> " + typesOf({entries, lengths}));
    if (flip())
      outputs.push_back(entries);
    outputs.push_back(lengths);
  };
  auto update = [&](const std::string &op, const std::string &text,
                    const std::string &types) {
    std::string next = fresh();
    line(next + " = trine.state." + op + " " + state + ", " + text + " : " +
         type + ", " + types);
    state = next;
  };
  for (unsigned i = 0, count = 1 + pick(4); i < count; ++i) {
    switch (pick(6)) {
    default: {
      std::string counts;
      if (flip())
        counts = " " + group("counts", {input({batch}, ProgramInput::Indices,
                                              sequence.number + 1)});
      update("append", x.name + counts, typeOf(x));
      break;
    }
    case 0: {
      Value lengths = input({batch}, ProgramInput::Indices, 4);
      update("truncate", lengths.name, typeOf(lengths));
      break;
    }
    case 1: {
      Value sources = input({batch}, ProgramInput::Indices, batch.number);
      update("fork", sources.name, typeOf(sources));
      break;
    }
    case 2: {
      Value slots = input({{1, ""}}, ProgramInput::Indices, batch.number);
      update("reset", slots.name, typeOf(slots));
      break;
    }
    }
    if (pick(3) == 0)
      read();
  }
  read();
}
