// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One node: constants, calls of the model's functions, operators with their
// attributes, operands and subgraphs.
#include "GraphImporter.h"

#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::importer;

static StringRef normalizeDomain(StringRef domain) {
  return domain == "ai.onnx" ? "" : domain;
}

static const char *describeType(AttributeType type) {
  switch (type) {
  case AttributeType::Undefined:
    return "nothing";
  case AttributeType::Float:
    return "a float";
  case AttributeType::Int:
    return "an int";
  case AttributeType::String:
    return "a string";
  case AttributeType::Tensor:
    return "a tensor";
  case AttributeType::Graph:
    return "a graph";
  case AttributeType::Floats:
    return "a list of floats";
  case AttributeType::Ints:
    return "a list of ints";
  case AttributeType::Strings:
    return "a list of strings";
  }
  return "a value of another type";
}

static AttributeType getValueType(AttributeKind kind) {
  switch (kind) {
  case AttributeKind::Int:
    return AttributeType::Int;
  case AttributeKind::Float:
    return AttributeType::Float;
  case AttributeKind::String:
    return AttributeType::String;
  case AttributeKind::Ints:
    return AttributeType::Ints;
  case AttributeKind::Floats:
    return AttributeType::Floats;
  case AttributeKind::Strings:
    return AttributeType::Strings;
  case AttributeKind::Tensor:
    return AttributeType::Tensor;
  case AttributeKind::Graph:
    return AttributeType::Graph;
  }
  return AttributeType::Undefined;
}

std::optional<int64_t> GraphImporter::findOpset(StringRef domain,
                                                const Frame &frame) const {
  auto found = frame.opsets->find(normalizeDomain(domain));
  if (found == frame.opsets->end())
    return std::nullopt;
  return found->second;
}

void GraphImporter::failResults(const Site &site, Scope &scope) {
  for (StringRef name : site.node.outputs)
    define(name, getUnknown(), scope, [&] { return describe(site); });
}

void GraphImporter::importNode(const Site &site, Scope &scope) {
  const Node &node = site.node;
  auto unsupported = [&](const std::string &reason) {
    StringRef domain = node.domain.empty() ? "ai.onnx" : node.domain;
    problems.addUnsupported(
        quote((domain + "." + node.type + (node.overload.empty() ? "" : ":") +
               node.overload)
                  .str()),
        reason, [&] { return describe(site); });
    failResults(site, scope);
  };
  if (!functions.empty()) {
    auto found =
        functions.find((Twine(normalizeDomain(node.domain)) + Twine('\0') +
                        node.type + Twine('\0') + node.overload)
                           .str());
    if (found != functions.end())
      return importCall(site, *found->second, scope);
  }
  std::optional<int64_t> opset = findOpset(node.domain, site.frame);
  if (!opset)
    return unsupported("is of a domain that is not imported");
  StringRef domain = normalizeDomain(node.domain);
  if (domain.empty() && node.type == "Constant")
    return importConstant(site, scope);
  if (domain == "trine")
    if (const RaisedOperator *raised =
            node.overload.empty() ? findRaisedOperator(node.type) : nullptr)
      return importRaised(site, *raised, scope);
  // Scatter was renamed in opset 11.
  bool isScatter =
      domain.empty() && node.type == "Scatter" && *opset >= 9 && *opset < 11;
  const OperatorSchema *schema =
      node.overload.empty()
          ? findOperator(domain, isScatter ? "ScatterElements" : node.type)
          : nullptr;
  if (!schema)
    return unsupported(
        domain == "com.microsoft" && node.type == "QMoE"
            ? "is not supported, as the weights of its experts are quantised: "
              "export them as floats (com.microsoft.MoE or plain operators)"
            : "is not supported");
  // An opset that is out of range is a problem of its own.
  int64_t accepted = domain.empty() ? std::max(*opset, oldestOpset) : *opset;
  std::optional<int> version =
      schema->getVersion(isScatter ? int64_t(11) : accepted);
  if (!version && accepted >= schema->firstVersion)
    return unsupported("is supported from opset " +
                       std::to_string(schema->versions.front()) +
                       " on, before which it meant something else, but opset " +
                       std::to_string(*opset) + " is imported");
  if (!version)
    return unsupported(
        "exists from opset " + std::to_string(schema->versions.front()) +
        " on, but opset " + std::to_string(*opset) + " is imported");
  importOperator(site, *schema, *version, scope);
}

const importer::Attribute *GraphImporter::resolve(const Site &site,
                                                  const Attribute &attribute) {
  if (attribute.referenceName.empty())
    return &attribute;
  if (!site.frame.attributes) {
    problems.add(describe(site), "attribute " + quote(attribute.name) +
                                     " refers to the attribute " +
                                     quote(attribute.referenceName) +
                                     " of a function, but is in none");
    return nullptr;
  }
  return site.frame.attributes->lookup(attribute.referenceName);
}

void GraphImporter::importConstant(const Site &site, Scope &scope) {
  const Node &node = site.node;
  auto fail = [&](const Twine &what) {
    problems.add(describe(site), what);
    failResults(site, scope);
  };
  if (node.outputs.size() != 1 || !node.inputs.empty())
    return fail("must have no operand and one result, got " +
                Twine(node.inputs.size()) + " and " +
                Twine(node.outputs.size()));
  const Attribute *value = nullptr;
  for (const Attribute &attribute : node.attributes) {
    const Attribute *resolved = resolve(site, attribute);
    if (!resolved)
      continue;
    if (value)
      return fail("must have one value, got the attributes " +
                  quote(node.attributes[0].name) + " and " +
                  quote(attribute.name));
    // The name says the kind of constant, the resolved attribute has the value.
    static const std::pair<StringRef, AttributeKind> kinds[] = {
        {"value", AttributeKind::Tensor},
        {"value_int", AttributeKind::Int},
        {"value_ints", AttributeKind::Ints},
        {"value_float", AttributeKind::Float},
        {"value_floats", AttributeKind::Floats}};
    auto *kind = llvm::find_if(
        kinds, [&](auto &entry) { return entry.first == attribute.name; });
    if (kind == std::end(kinds))
      return fail("attribute " + quote(attribute.name) +
                  " is not supported; expected value, value_int, value_ints, "
                  "value_float or value_floats");
    if (resolved->type != getValueType(kind->second))
      return fail("attribute " + quote(attribute.name) + " must be " +
                  describeType(getValueType(kind->second)) + ", got " +
                  describeType(resolved->type));
    value = resolved;
  }
  if (!value)
    return fail("has no value");

  TensorValue tensor;
  Builder &b = builder;
  switch (value->type) {
  case AttributeType::Tensor: {
    llvm::Expected<TensorValue> read =
        value->tensor ? tensors.read(*value->tensor)
                      : llvm::createStringError("has no tensor");
    if (!read)
      return fail("'value' " + llvm::toString(read.takeError()));
    tensor = *read;
    break;
  }
  case AttributeType::Int:
    tensor.type = RankedTensorType::get({}, b.getI64Type());
    tensor.elements = DenseElementsAttr::get(tensor.type, value->i);
    break;
  case AttributeType::Ints:
    tensor.type = RankedTensorType::get(value->ints.size(), b.getI64Type());
    tensor.elements = DenseElementsAttr::get(tensor.type, value->ints);
    break;
  case AttributeType::Float:
    tensor.type = RankedTensorType::get({}, b.getF32Type());
    tensor.elements = DenseElementsAttr::get(tensor.type, value->f);
    break;
  default: // Floats, by the table above
    tensor.type = RankedTensorType::get(value->floats.size(), b.getF32Type());
    tensor.elements = DenseElementsAttr::get(tensor.type, value->floats);
  }
  Value constant =
      createConstant(tensor, node.outputs[0], locate(site), /*atTop=*/false);
  define(node.outputs[0], constant, scope, [&] { return describe(site); });
}

void GraphImporter::importCall(const Site &site, const Function &function,
                               Scope &scope) {
  const Node &node = site.node;
  auto fail = [&](const Twine &what) {
    problems.add(describe(site), what);
    failResults(site, scope);
  };
  // Functions must not call themselves, not even through others.
  for (const Frame *frame = &site.frame; frame; frame = frame->parent)
    if (frame->function == &function)
      return fail("function " + quote(function.name) + " calls itself");
  if (site.frame.depth >= options.maxNesting)
    return fail("subgraphs and function calls nest deeper than " +
                Twine(options.maxNesting));
  if (node.inputs.size() > function.inputs.size())
    return fail("function " + quote(function.name) + " takes " +
                Twine(function.inputs.size()) + " operands, got " +
                Twine(node.inputs.size()));
  if (node.outputs.size() > function.outputs.size())
    return fail("function " + quote(function.name) + " has " +
                Twine(function.outputs.size()) + " results, got " +
                Twine(node.outputs.size()));

  std::unique_ptr<OpsetMap> &opsets = functionOpsets[&function];
  if (!opsets) {
    opsets = std::make_unique<OpsetMap>();
    readOpsets(function.opsets, "function " + quote(function.name), *opsets);
  }

  llvm::DenseMap<StringRef, const Attribute *> attributes;
  llvm::DenseSet<StringRef> declared(function.attributeNames.begin(),
                                     function.attributeNames.end());
  for (const Attribute &attribute : function.attributeDefaults)
    attributes[attribute.name] = &attribute;
  for (const Attribute &attribute : node.attributes) {
    if (!attributes.contains(attribute.name) &&
        !declared.contains(attribute.name)) {
      problems.add(describe(site), "function " + quote(function.name) +
                                       " has no attribute " +
                                       quote(attribute.name));
      continue;
    }
    // Left out means the default, also when the caller's own attribute is left
    // out.
    if (const Attribute *value = resolve(site, attribute))
      attributes[attribute.name] = value;
  }

  Scope inner;
  for (auto [index, name] : llvm::enumerate(function.inputs)) {
    Value value = index < node.inputs.size() && !node.inputs[index].empty()
                      ? lookup(node.inputs[index], scope)
                      : getNone();
    if (!value) {
      problems.add(describe(site), "uses the value " +
                                       quote(node.inputs[index]) +
                                       ", which nothing defines");
      value = getUnknown();
    }
    define(name, value, inner,
           [&] { return "function " + quote(function.name); });
  }
  Frame frame;
  frame.parent = &site.frame;
  frame.opsets = opsets.get();
  frame.function = &function;
  frame.attributes = &attributes;
  frame.holder = &node;
  frame.holderIndex = site.index;
  frame.depth = site.frame.depth + 1;
  importNodes(function.nodes, inner, frame);

  for (auto [index, name] : llvm::enumerate(node.outputs)) {
    if (name.empty())
      continue;
    Value value = lookup(function.outputs[index], inner);
    if (!value) {
      if (!isAborted)
        problems.add(describe(frame), "its output " +
                                          quote(function.outputs[index]) +
                                          " is not the name of any value");
      value = getUnknown();
    }
    define(name, value, scope, [&] { return describe(site); });
  }
}

mlir::Attribute GraphImporter::convertAttribute(const Site &site,
                                                const Attribute &attribute,
                                                AttributeKind kind) {
  switch (kind) {
  case AttributeKind::Int:
    return builder.getI64IntegerAttr(attribute.i);
  case AttributeKind::Float:
    return builder.getF32FloatAttr(attribute.f);
  case AttributeKind::String:
    return builder.getStringAttr(attribute.s);
  case AttributeKind::Ints:
    return builder.getDenseI64ArrayAttr(attribute.ints);
  case AttributeKind::Floats:
    return builder.getDenseF32ArrayAttr(attribute.floats);
  case AttributeKind::Strings:
    return builder.getStrArrayAttr(attribute.strings);
  case AttributeKind::Tensor: {
    llvm::Expected<TensorValue> value =
        attribute.tensor ? tensors.read(*attribute.tensor)
                         : llvm::createStringError("has no tensor");
    if (!value)
      problems.add(describe(site), "attribute " + quote(attribute.name) + " " +
                                       llvm::toString(value.takeError()));
    else if (!value->elements)
      problems.add(describe(site), "attribute " + quote(attribute.name) +
                                       " must have at most " +
                                       Twine(options.maxConstantBytes) +
                                       " bytes, got " + Twine(value->length));
    else
      return value->elements;
    return {};
  }
  case AttributeKind::Graph:
    break;
  }
  return {};
}

bool GraphImporter::importAttributes(const Site &site,
                                     const OperatorSchema &schema, int version,
                                     const OperatorSpelling &spelling,
                                     NamedAttrList &attributes,
                                     SmallVectorImpl<const Attribute *> &moved,
                                     SmallVectorImpl<const Graph *> &graphs) {
  bool isValid = true;
  auto fail = [&](const Twine &what) {
    problems.add(describe(site), what);
    isValid = false;
  };
  graphs.resize(llvm::count_if(schema.attributes, [](auto &entry) {
    return entry.kind == AttributeKind::Graph;
  }));
  llvm::SmallBitVector seen(schema.attributes.size());
  moved.assign(spelling.moved.size(), nullptr);
  llvm::SmallBitVector seenMoved(spelling.moved.size());
  for (const Attribute &written : site.node.attributes) {
    auto *old = llvm::find_if(spelling.moved, [&](const MovedAttribute &entry) {
      return entry.name == written.name;
    });
    bool isMoved = old != spelling.moved.end();
    const AttributeSchema *entry =
        isMoved ? nullptr : schema.findAttribute(written.name);
    if (!isMoved && !entry) {
      fail("has no attribute " + quote(written.name));
      continue;
    }
    if (entry && entry->since > version) {
      fail("attribute " + quote(written.name) + " exists from opset " +
           Twine(entry->since) + " on");
      continue;
    }
    size_t position = isMoved ? old - spelling.moved.begin()
                              : entry - schema.attributes.begin();
    if (isMoved ? seenMoved.test(position) : seen.test(position)) {
      fail("has the attribute " + quote(written.name) + " twice");
      continue;
    }
    const Attribute *attribute = resolve(site, written);
    if (!attribute)
      continue; // left out by the function's caller
    AttributeType expected = getValueType(isMoved ? old->kind : entry->kind);
    if (attribute->type != expected) {
      fail("attribute " + quote(written.name) + " must be " +
           describeType(expected) + ", got " + describeType(attribute->type));
      continue;
    }
    if (isMoved) {
      seenMoved.set(position);
      moved[position] = attribute;
      continue;
    }
    seen.set(position);
    if (entry->kind == AttributeKind::Graph) {
      size_t region = llvm::count_if(
          ArrayRef(schema.attributes)
              .take_front(entry - schema.attributes.begin()),
          [](auto &other) { return other.kind == AttributeKind::Graph; });
      graphs[region] = attribute->graph;
      if (!attribute->graph)
        fail("attribute " + quote(written.name) + " has no graph");
      continue;
    }
    mlir::Attribute value = convertAttribute(site, *attribute, entry->kind);
    isValid &= bool(value);
    if (value)
      attributes.append(entry->name, value);
  }
  for (size_t index = 0; index < schema.attributes.size(); ++index) {
    const AttributeSchema &entry = schema.attributes[index];
    auto isWritten = [&](const Attribute &attribute) {
      return attribute.name == entry.name && attribute.referenceName.empty();
    };
    if (entry.isRequired && !seen.test(index) &&
        !llvm::any_of(site.node.attributes, isWritten))
      fail("attribute " + quote(entry.name) + " is required");
  }
  return isValid;
}

bool GraphImporter::importOperands(const Site &site,
                                   const OperatorSchema &schema, int version,
                                   const OperatorSpelling &spelling,
                                   Scope &scope,
                                   SmallVectorImpl<Value> &operands) {
  unsigned operandCount = spelling.operandCount;
  const Node &node = site.node;
  bool isValid = true;
  auto fail = [&](const Twine &what) {
    problems.add(describe(site), what);
    isValid = false;
  };
  bool isVariadic = !schema.operands.empty() &&
                    schema.operands.back().arity == Arity::Variadic;
  size_t written = node.inputs.size();
  if (!isVariadic && written > operandCount) {
    // Exporters pad with absent operands.
    for (StringRef name : node.inputs.drop_front(operandCount))
      if (!name.empty()) {
        fail("takes at most " + Twine(operandCount) + " operands in version " +
             Twine(version) + ", got " + Twine(written));
        return false;
      }
    written = operandCount;
  }
  size_t fixed = schema.operands.size() - isVariadic;
  for (size_t index = 0, end = std::max(fixed, written); index < end; ++index) {
    const ParameterSchema &parameter =
        schema.operands[std::min(index, schema.operands.size() - 1)];
    StringRef name = index < written ? node.inputs[index] : StringRef();
    Value value = name.empty() ? getNone() : lookup(name, scope);
    if (!value) {
      fail("uses the value " + quote(name) + ", which nothing defines");
      continue;
    }
    // What was an attribute comes later.
    bool isMoved = llvm::any_of(spelling.moved, [&](const MovedAttribute &old) {
      return old.operand == index && index != 0;
    });
    if (parameter.arity != Arity::Optional && !isMoved &&
        isa<NoneType>(value.getType())) {
      fail("operand " + quote(parameter.name) + " is required");
      continue;
    }
    operands.push_back(value);
  }
  return isValid;
}

void GraphImporter::importSubgraph(const Site &site, StringRef name,
                                   const Graph &graph, Region &region,
                                   TypeRange argumentTypes, Scope &scope) {
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region);
  Location location = locate(site);
  Frame frame = site.frame;
  frame.parent = &site.frame;
  frame.holder = &site.node;
  frame.holderIndex = site.index;
  frame.subgraph = name;
  frame.depth = site.frame.depth + 1;
  // So that calls inside still see which functions are around.
  Scope inner;
  inner.parent = &scope;
  ++regionDepth;
  if (graph.inputs.size() != argumentTypes.size())
    problems.add(describe(frame), "must have " + Twine(argumentTypes.size()) +
                                      " inputs, got " +
                                      Twine(graph.inputs.size()));
  for (auto [info, type] : llvm::zip(graph.inputs, argumentTypes))
    define(info.name, block->addArgument(type, location), inner,
           [&] { return "input of " + describe(frame); });
  for (const ValueInfo &info : graph.inputs.drop_front(
           std::min(graph.inputs.size(), argumentTypes.size())))
    define(info.name, getUnknown(), inner,
           [&] { return "input of " + describe(frame); });
  importInitializers(graph, inner, describe(frame));
  importNodes(graph.nodes, inner, frame);
  SmallVector<Value> results;
  for (const ValueInfo &info : graph.outputs) {
    Value value = lookup(info.name, inner);
    if (!value) {
      if (!isAborted)
        problems.add(describe(frame), "its output " + quote(info.name) +
                                          " is not the name of any value");
      value = getUnknown();
    }
    results.push_back(value);
  }
  onnx::YieldOp::create(builder, location, results);
  --regionDepth;
}

void GraphImporter::importOperator(const Site &site,
                                   const OperatorSchema &schema, int version,
                                   Scope &scope) {
  const Node &node = site.node;
  OperatorSpelling spelling = getSpelling(schema, version);
  NamedAttrList attributes;
  SmallVector<const Attribute *> moved;
  SmallVector<const Graph *, 2> graphs;
  SmallVector<Value, 8> operands;
  bool isValid = importAttributes(site, schema, version, spelling, attributes,
                                  moved, graphs);
  isValid &= importOperands(site, schema, version, spelling, scope, operands);
  auto fail = [&](const Twine &what) {
    problems.add(describe(site), what);
    isValid = false;
  };
  if (!graphs.empty() && site.frame.depth >= options.maxNesting)
    fail("subgraphs and function calls nest deeper than " +
         Twine(options.maxNesting));
  bool isVariadic = schema.results.back().arity == Arity::Variadic;
  if (!isVariadic && node.outputs.size() > schema.results.size())
    fail("has at most " + Twine(schema.results.size()) + " results, got " +
         Twine(node.outputs.size()));
  if (!isValid)
    return failResults(site, scope);

  Location location = locate(site);
  if (!createMovedOperands(site, schema, spelling, moved, operands))
    return failResults(site, scope);
  if (spelling.flattens) {
    auto axis = dyn_cast_or_null<IntegerAttr>(attributes.get("axis"));
    return importFlattened(site, schema, operands[0], axis ? axis.getInt() : 1,
                           scope);
  }
  if (spelling.countsResults && isa<NoneType>(operands[1].getType()))
    attributes.append("num_outputs",
                      builder.getI64IntegerAttr(node.outputs.size()));

  size_t resultCount =
      isVariadic ? std::max(node.outputs.size(), schema.results.size() - 1)
                 : schema.results.size();
  // A subgraph's outputs say how many results there are.
  if (schema.type == "If" && graphs.size() == 2) {
    resultCount = graphs[1]->outputs.size();
    if (graphs[0]->outputs.size() != resultCount)
      fail("'else_branch' and 'then_branch' must have as many outputs, got " +
           Twine(graphs[0]->outputs.size()) + " and " + Twine(resultCount));
  } else if (schema.type == "Loop" && graphs.size() == 1) {
    size_t carried = operands.size() - 2;
    if (graphs[0]->outputs.size() < carried + 1)
      fail("'body' must have at least " + Twine(carried + 1) +
           " outputs, got " + Twine(graphs[0]->outputs.size()));
    else
      resultCount = graphs[0]->outputs.size() - 1;
  } else if (schema.type == "Scan" && graphs.size() == 1) {
    resultCount = graphs[0]->outputs.size();
  }
  if (isValid && node.outputs.size() > resultCount)
    fail("has " + Twine(resultCount) + " results, got " +
         Twine(node.outputs.size()));
  if (!isValid)
    return failResults(site, scope);

  // Types come from inference; until then any type that is not none says that
  // the result is there.
  OperationState state(location, schema.mnemonic);
  state.addOperands(operands);
  state.addAttributes(attributes);
  Type present = UnrankedTensorType::get(builder.getF32Type());
  for (size_t index = 0; index < resultCount; ++index) {
    const ParameterSchema &parameter =
        schema.results[std::min(index, schema.results.size() - 1)];
    bool isAbsent =
        parameter.arity == Arity::Optional &&
        (index >= node.outputs.size() || node.outputs[index].empty());
    state.addTypes(isAbsent ? Type(builder.getNoneType()) : present);
  }
  for (size_t index = 0; index < graphs.size(); ++index)
    state.addRegion();
  Operation *op = builder.create(state);
  if (regionDepth != 0 || !graphs.empty()) {
    std::string text = describe(site);
    text.resize(std::min<size_t>(text.size(), 1024)); // each node keeps one
    innerSites.try_emplace(location, std::move(text));
  }

  for (auto [index, graph] : llvm::enumerate(graphs)) {
    SmallVector<Type> types;
    if (schema.type == "Loop") {
      types = {RankedTensorType::get({}, builder.getI64Type()),
               RankedTensorType::get({}, builder.getI1Type())};
      llvm::append_range(
          types, ValueRange(op->getOperands()).drop_front(2).getTypes());
    } else if (auto scan = dyn_cast<onnx::ScanOp>(op)) {
      // Inference says how slices differ from what is scanned.
      llvm::append_range(types, op->getOperandTypes());
      size_t inputs = std::min<size_t>(types.size(), scan.getNumScanInputs());
      for (Type &type : MutableArrayRef(types).take_back(inputs))
        if (auto tensor = dyn_cast<TensorType>(type))
          type = UnrankedTensorType::get(tensor.getElementType());
    }
    StringRef name;
    size_t count = 0;
    for (const AttributeSchema &entry : schema.attributes)
      if (entry.kind == AttributeKind::Graph && count++ == index)
        name = entry.name;
    importSubgraph(site, name, *graph, op->getRegion(index), types, scope);
  }
  inferTypes(op, &site);
  for (auto [index, name] : llvm::enumerate(node.outputs))
    if (!name.empty())
      define(name, op->getResult(index), scope, [&] { return describe(site); });
}
