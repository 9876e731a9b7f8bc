// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TrineOperators.h"

#include "GraphImporter.h"

#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::importer;

template <typename EnumAttr, typename Enum,
          std::optional<Enum> (*symbolize)(StringRef)>
static mlir::Attribute parseChoice(MLIRContext *context, StringRef word) {
  std::optional<Enum> value = symbolize(word);
  return value ? EnumAttr::get(context, *value) : mlir::Attribute();
}

#define CHOICE(name, words)                                                    \
  RaisedAttribute {                                                            \
    RaisedKind::Choice, parseChoice<name##Attr, name, symbolize##name>, words  \
  }

const RaisedOperator *importer::findRaisedOperator(StringRef type) {
  static const RaisedOperator operators[] = {
#include "TrineOperators.inc"
  };
  for (const RaisedOperator &entry : operators)
    if (entry.schema.type == type)
      return &entry;
  return nullptr;
}

#undef CHOICE

/// The attribute of the op; null after a report.
mlir::Attribute
GraphImporter::convertRaisedAttribute(const Site &site,
                                      const Attribute &attribute,
                                      const RaisedAttribute &raised) {
  auto fail = [&](const Twine &what) {
    problems.add(describe(site),
                 "attribute " + quote(attribute.name) + " must be " + what);
    return mlir::Attribute();
  };
  switch (raised.kind) {
  case RaisedKind::Integer:
    return builder.getI64IntegerAttr(attribute.i);
  case RaisedKind::Number:
    return builder.getF64FloatAttr(attribute.f);
  case RaisedKind::Integers:
    return builder.getDenseI64ArrayAttr(attribute.ints);
  case RaisedKind::Flag:
    if (attribute.i != 0 && attribute.i != 1)
      return fail("0 or 1, got " + Twine(attribute.i));
    return builder.getUnitAttr();
  case RaisedKind::Type:
    if (attribute.s != "f32" && attribute.s != "f64")
      return fail("f32 or f64, got " + quote(attribute.s));
    return TypeAttr::get(attribute.s == "f32" ? Type(builder.getF32Type())
                                              : Type(builder.getF64Type()));
  case RaisedKind::Choice:
    if (mlir::Attribute value = raised.parse(context, attribute.s))
      return value;
    return fail(raised.words + ", got " + quote(attribute.s));
  }
  return {};
}

bool GraphImporter::importRaisedOperands(const Site &site,
                                         const RaisedOperator &raised,
                                         Scope &scope,
                                         SmallVectorImpl<Value> &operands,
                                         SmallVectorImpl<int32_t> &segments) {
  ArrayRef<ParameterSchema> parameters = raised.schema.operands;
  ArrayRef<StringRef> names = site.node.inputs;
  auto isVariadic = [](const ParameterSchema &parameter) {
    return parameter.arity == Arity::Variadic;
  };
  size_t groups = llvm::count_if(parameters, isVariadic);
  size_t fixed = parameters.size() - groups;
  bool isValid = true;
  auto fail = [&](const Twine &what) {
    problems.add(describe(site), what);
    isValid = false;
  };
  size_t rest = names.size() > fixed ? names.size() - fixed : 0;
  if (groups == 0 ? rest != 0 : rest % groups != 0) {
    fail(groups == 0
             ? "takes at most " + Twine(fixed) + " operands, got " +
                   Twine(names.size())
             : "takes " + Twine(fixed) + " operands and as many for each of " +
                   Twine(groups) + " lists, got " + Twine(names.size()));
    return false;
  }
  // In the file the lists come last.
  size_t next = 0, nextListed = fixed;
  for (const ParameterSchema &parameter : parameters) {
    size_t count = isVariadic(parameter) ? rest / groups : 1;
    size_t &position = isVariadic(parameter) ? nextListed : next;
    int32_t present = 0;
    for (size_t i = 0; i < count; ++i, ++position) {
      StringRef name = position < names.size() ? names[position] : StringRef();
      if (name.empty()) {
        if (parameter.arity != Arity::Optional)
          fail("operand " + quote(parameter.name) + " is required");
        continue;
      }
      Value value = lookup(name, scope);
      if (!value) {
        fail("uses the value " + quote(name) + ", which nothing defines");
        continue;
      }
      operands.push_back(value);
      ++present;
    }
    segments.push_back(present);
  }
  return isValid;
}

void GraphImporter::importRaised(const Site &site, const RaisedOperator &raised,
                                 Scope &scope) {
  const Node &node = site.node;
  const OperatorSchema &schema = raised.schema;
  bool isValid = true;
  auto fail = [&](const Twine &what) {
    problems.add(describe(site), what);
    isValid = false;
  };
  NamedAttrList attributes;
  SmallVector<const Graph *, 2> graphs;
  SmallVector<const Attribute *> moved;
  NamedAttrList written;
  // Names, kinds and what is required are checked as for any operator.
  OperatorSpelling spelling;
  spelling.operandCount = schema.operands.size();
  bool areKinds =
      importAttributes(site, schema, 1, spelling, written, moved, graphs);
  isValid = areKinds;
  for (const Attribute &attribute : node.attributes) {
    const Attribute *resolved = resolve(site, attribute);
    const AttributeSchema *entry = schema.findAttribute(attribute.name);
    if (!areKinds || !resolved || !entry)
      continue;
    const RaisedAttribute &kind =
        raised.attributes[entry - schema.attributes.begin()];
    if (kind.kind == RaisedKind::Flag && resolved->i == 0)
      continue;
    mlir::Attribute value = convertRaisedAttribute(site, *resolved, kind);
    isValid &= bool(value);
    if (value)
      attributes.append(entry->name, value);
  }
  SmallVector<Value> operands;
  SmallVector<int32_t> segments;
  isValid &= importRaisedOperands(site, raised, scope, operands, segments);

  bool hasList = schema.results.back().arity == Arity::Variadic;
  size_t fixed = schema.results.size() - hasList;
  if (!hasList && node.outputs.size() > fixed)
    fail("has at most " + Twine(fixed) + " results, got " +
         Twine(node.outputs.size()));
  for (Value operand : operands)
    if (!isa<RankedTensorType>(operand.getType()))
      isValid = false; // what made it was reported
  if (!isValid)
    return failResults(site, scope);

  Type input = builder.getF32Type();
  for (Value operand : operands)
    if (auto type =
            dyn_cast<FloatType>(getElementTypeOrSelf(operand.getType()))) {
      input = type.getWidth() >= 16 ? Type(type) : input;
      break;
    }
  OperationState state(locate(site), schema.mnemonic, operands, {}, {});
  state.addAttributes(attributes);
  if (raised.hasSegments)
    state.addAttribute("operandSegmentSizes",
                       builder.getDenseI32ArrayAttr(segments));
  for (size_t i = 0, e = std::max(fixed, node.outputs.size()); i < e; ++i) {
    ResultElement element =
        raised.results[std::min(i, schema.results.size() - 1)];
    Type type = element == ResultElement::F32   ? Type(builder.getF32Type())
                : element == ResultElement::I64 ? Type(builder.getI64Type())
                                                : input;
    // Sizes come from inference.
    state.addTypes(UnrankedTensorType::get(type));
  }
  state.addAttribute("trine.form", builder.getStringAttr("domain"));
  Operation *op = builder.create(state);
  if (regionDepth != 0)
    innerSites.try_emplace(op->getLoc(), describe(site));
  inferTypes(op, &site);
  for (auto [index, name] : llvm::enumerate(node.outputs))
    if (!name.empty())
      define(name, op->getResult(index), scope, [&] { return describe(site); });
}
