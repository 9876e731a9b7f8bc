// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GraphImporter.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::importer;

GraphImporter::GraphImporter(MLIRContext &context, const Model &model,
                             StringRef modelFile, const ImportOptions &options,
                             ModelFolder &folder, Problems &problems)
    : context(&context), model(model),
      fileName(StringAttr::get(&context, modelFile)), options(options),
      problems(problems),
      tensors(&context, options, folder, fileName.getValue()),
      builder(&context) {}

OwningOpRef<ModuleOp> GraphImporter::run() {
  Location location = FileLineColLoc::get(fileName, 0, 0);
  OwningOpRef<ModuleOp> module = ModuleOp::create(location);
  if (!model.irVersion)
    problems.add("model", "has no ir_version");
  else if (*model.irVersion < 3 || *model.irVersion > 13)
    problems.add("model", "ir_version must be in [3, 13], got " +
                              Twine(*model.irVersion));
  readOpsets(model.opsets, "model", modelOpsets);
  readFunctions();
  if (!model.graph) {
    problems.add("model", "has no graph");
    return module;
  }

  (*module)->setAttr("onnx.file", fileName);
  (*module)->setAttr("onnx.ir_version",
                     builder.getI64IntegerAttr(model.irVersion.value_or(0)));
  std::string producer =
      (model.producerName + (model.producerVersion.empty() ? "" : " ") +
       model.producerVersion)
          .str();
  (*module)->setAttr("onnx.producer", builder.getStringAttr(producer));
  NamedAttrList opsets;
  for (auto [domain, version] : modelOpsets)
    opsets.append(domain.empty() ? "ai.onnx" : domain,
                  builder.getI64IntegerAttr(version));
  (*module)->setAttr("onnx.opsets", opsets.getDictionary(context));

  // What inference says about an op belongs into the report.
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      collect(diagnostic);
    return success();
  });
  createFunction(*module);
  return module;
}

bool GraphImporter::readOpsets(ArrayRef<OpsetImport> imports,
                               const Twine &where, OpsetMap &opsets) {
  bool isValid = true;
  for (const OpsetImport &import : imports) {
    StringRef domain = import.domain == "ai.onnx" ? "" : import.domain;
    int64_t version = import.version;
    if (!opsets.try_emplace(domain, version).second) {
      problems.add(where, "imports the domain " +
                              quote(domain.empty() ? "ai.onnx" : domain) +
                              " twice");
      isValid = false;
    } else if (domain.empty() &&
               (version < oldestOpset || version > newestOpset)) {
      problems.add(where, "opset of 'ai.onnx' must be in [" +
                              Twine(oldestOpset) + ", " + Twine(newestOpset) +
                              "], got " + Twine(version));
      isValid = false;
    } else if ((domain == "com.microsoft" || domain == "trine") &&
               version != 1) {
      problems.add(where, "opset of " + quote(domain) + " must be 1, got " +
                              Twine(version));
      isValid = false;
    }
  }
  return isValid;
}

static std::string getFunctionKey(StringRef domain, StringRef name,
                                  StringRef overload) {
  return (Twine(domain == "ai.onnx" ? "" : domain) + Twine('\0') + name +
          Twine('\0') + overload)
      .str();
}

void GraphImporter::readFunctions() {
  for (const Function &function : model.functions)
    if (!functions
             .try_emplace(getFunctionKey(function.domain, function.name,
                                         function.overload),
                          &function)
             .second)
      problems.add("function " + quote(function.name),
                   "is defined twice in the domain " + quote(function.domain));
}

func::FuncOp GraphImporter::createFunction(ModuleOp module) {
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(builder, module.getLoc(), "main",
                                       builder.getFunctionType({}, {}));
  entry = function.addEntryBlock();
  Scope scope;
  importInputs(function, scope);
  builder.setInsertionPointToEnd(entry);
  analysis = std::make_unique<onnx::ShapeAnalysis>(function);
  importInitializers(*model.graph, scope, "graph");
  Frame frame;
  frame.opsets = &modelOpsets;
  importNodes(model.graph->nodes, scope, frame);
  importOutputs(function, scope);
  // Initialisers that nothing uses were checked all the same.
  for (Operation &op : llvm::make_early_inc_range(*entry))
    if (isa<onnx::InitializerOp, onnx::ConstantOp, onnx::NoneOp>(op) &&
        op.use_empty())
      op.erase();
  analysis.reset();
  return function;
}

std::optional<RankedTensorType>
GraphImporter::getType(const ValueInfo &info, const Twine &where,
                       SmallVectorImpl<mlir::Attribute> &dims) {
  auto fail = [&](const Twine &what) {
    problems.add(where, what);
    return std::nullopt;
  };
  if (info.kind == ValueInfo::TypeKind::Other)
    return fail("has the type " + info.otherType +
                "; only tensors are supported");
  if (info.kind == ValueInfo::TypeKind::None)
    return fail("has no type");
  Type elementType = getElementType(info.elementType, context);
  if (!elementType)
    return fail("has elements of type " + importer::describe(info.elementType) +
                ", which is not supported");
  if (!info.hasShape)
    return fail("has no shape, and its rank must be known");
  if (info.shape.size() > maxRank)
    return fail("has " + Twine(info.shape.size()) + " dimensions; at most " +
                Twine(maxRank) + " are supported");
  SmallVector<int64_t> sizes;
  SymbolicContext symbols;
  int64_t bytes = 8; // the largest element
  for (auto [index, dimension] : llvm::enumerate(info.shape)) {
    std::optional<int64_t> size = dimension.value;
    // Some exporters write sizes as text.
    if (!size && !dimension.parameter.empty())
      size = symbols.parse(dimension.parameter).getConstant();
    else if (size == -1) // an old way to say that it is not known
      size.reset();
    if (!size) {
      sizes.push_back(ShapedType::kDynamic);
      dims.push_back(builder.getStringAttr(dimension.parameter));
      continue;
    }
    if (*size < 0)
      return fail("dimension " + Twine(index) + " must not be negative, got " +
                  Twine(*size));
    std::optional<int64_t> product =
        llvm::checkedMul(bytes, std::max<int64_t>(*size, 1));
    if (!product)
      return fail("has more than 2^63 bytes");
    bytes = *product;
    sizes.push_back(*size);
    dims.push_back(builder.getI64IntegerAttr(*size));
  }
  return RankedTensorType::get(sizes, elementType);
}

void GraphImporter::importInputs(func::FuncOp function, Scope &scope) {
  const Graph &graph = *model.graph;
  llvm::DenseSet<StringRef> initialized;
  for (const Tensor &tensor : graph.initializers)
    if (!tensor.name.empty())
      initialized.insert(tensor.name);
  struct Input {
    const ValueInfo &info;
    RankedTensorType type;
    SmallVector<mlir::Attribute> dims;
  };
  SmallVector<Input> inputs;
  SymbolicContext symbols;
  for (auto [index, info] : llvm::enumerate(graph.inputs)) {
    if (initialized.contains(info.name))
      continue;
    Input input{info, {}, {}};
    std::string where = "input " + quote(info.name);
    if (info.name.empty())
      problems.add("input " + Twine(index), "has no name");
    if (std::optional<RankedTensorType> type =
            getType(info, where, input.dims)) {
      input.type = *type;
      for (mlir::Attribute dim : input.dims)
        if (auto text = dyn_cast<StringAttr>(dim); text && !text.empty())
          symbols.parse(text);
      inputs.push_back(std::move(input));
    } else {
      scope.values.try_emplace(info.name, Value());
    }
  }
  SmallVector<Type> types;
  for (Input &input : inputs) {
    types.push_back(input.type);
    BlockArgument argument = entry->addArgument(input.type, function.getLoc());
    // Each size that has no name gets one of its own.
    for (mlir::Attribute &dim : input.dims)
      if (auto text = dyn_cast<StringAttr>(dim))
        dim = builder.getStringAttr(
            (text.empty() ? symbols.makeFreshSymbol("d") : symbols.parse(text))
                .str());
    define(input.info.name, argument, scope,
           [&] { return "input " + quote(input.info.name); });
  }
  function.setType(builder.getFunctionType(types, {}));
  for (auto [index, input] : llvm::enumerate(inputs)) {
    function.setArgAttr(index, "onnx.name",
                        builder.getStringAttr(input.info.name));
    function.setArgAttr(index, "onnx.dims", builder.getArrayAttr(input.dims));
  }
  // Inputs without a usable type stand for an unknown value, which can only be
  // made once the function has its arguments.
  builder.setInsertionPointToEnd(entry);
  for (auto &[name, value] : scope.values)
    if (!value)
      value = getUnknown();
}

void GraphImporter::importOutputs(func::FuncOp function, Scope &scope) {
  const Graph &graph = *model.graph;
  builder.setInsertionPointToEnd(entry);
  if (graph.outputs.empty())
    problems.add("graph", "has no outputs");
  SmallVector<Value> values;
  SmallVector<DictionaryAttr> attributes;
  llvm::DenseSet<StringRef> seen;
  for (const ValueInfo &info : graph.outputs) {
    std::string where = "output " + quote(info.name);
    if (!seen.insert(info.name).second)
      problems.add(where, "is listed twice");
    Value value = lookup(info.name, scope);
    if (!value) {
      problems.add(where, "is not the name of any value");
      continue;
    }
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type) // the reason is another problem
      continue;
    if (info.kind == ValueInfo::TypeKind::Other) {
      problems.add(where, "has the type " + info.otherType +
                              "; only tensors are supported");
      continue;
    }
    if (info.kind == ValueInfo::TypeKind::Tensor) {
      Type declared = getElementType(info.elementType, context);
      size_t rank = info.shape.size();
      if (!declared) {
        problems.add(where, "has elements of type " +
                                importer::describe(info.elementType) +
                                ", which is not supported");
      } else if (declared != type.getElementType() ||
                 (info.hasShape && rank != size_t(type.getRank()))) {
        std::string text;
        llvm::raw_string_ostream(text)
            << "is declared with elements of type "
            << importer::describe(info.elementType)
            << (info.hasShape ? " and rank " + std::to_string(rank) : "")
            << ", but is computed as " << type;
        problems.add(where, text);
      }
    }
    SmallVector<mlir::Attribute> dims;
    bool hasShape = analysis->hasShape(value);
    for (auto [index, size] : llvm::enumerate(type.getShape())) {
      if (!ShapedType::isDynamic(size))
        dims.push_back(builder.getI64IntegerAttr(size));
      else
        dims.push_back(builder.getStringAttr(
            hasShape ? analysis->getShape(value)[index].str() : ""));
    }
    values.push_back(value);
    attributes.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("onnx.name", builder.getStringAttr(info.name)),
         builder.getNamedAttr("onnx.dims", builder.getArrayAttr(dims))}));
  }
  func::ReturnOp::create(builder, function.getLoc(), values);
  function.setType(builder.getFunctionType(function.getArgumentTypes(),
                                           TypeRange(ValueRange(values))));
  function.setAllResultAttrs(attributes);
}

void GraphImporter::importInitializers(const Graph &graph, Scope &scope,
                                       const Twine &where) {
  for (size_t index = 0; index < graph.initializers.size(); ++index) {
    const Tensor &tensor = graph.initializers[index];
    if (tensor.name.empty()) {
      problems.add(where, "initialiser " + Twine(index) + " has no name");
      continue;
    }
    llvm::Expected<TensorValue> value = tensors.read(tensor);
    Value constant;
    if (value) {
      constant = createConstant(
          *value, tensor.name, NameLoc::get(builder.getStringAttr(tensor.name)),
          /*atTop=*/true);
    } else {
      problems.add("initialiser " + quote(tensor.name),
                   llvm::toString(value.takeError()));
      constant = getUnknown();
    }
    define(tensor.name, constant, scope,
           [&] { return "initialiser " + quote(tensor.name); });
  }
  for (StringRef name : graph.sparseInitializers) {
    problems.add("initialiser " + quote(name),
                 "is sparse, which is not supported");
    define(name, getUnknown(), scope,
           [&] { return "initialiser " + quote(name); });
  }
}

void GraphImporter::importNodes(ArrayRef<Node> nodes, Scope &scope,
                                const Frame &frame) {
  // Names that a node must not define again do not come from it.
  GraphOrder order = orderNodes(
      nodes, [&](StringRef name) { return bool(lookup(name, scope)); });
  if (!order.cycle.empty()) {
    std::string text = "the nodes form a cycle:";
    constexpr size_t longest = 10;
    for (unsigned index : ArrayRef(order.cycle).take_front(longest))
      text +=
          " " + describe(Site{nodes[index], index, frame}) + " uses a value of";
    text += order.cycle.size() > longest
                ? " " + std::to_string(order.cycle.size() - longest) +
                      " more nodes that end at the first one"
                : " the first one";
    problems.add(frame.holder ? describe(frame) : "graph", text);
    // Nothing is said about the nodes on it, or behind it.
    llvm::DenseSet<unsigned> imported(order.nodes.begin(), order.nodes.end());
    for (auto [index, node] : llvm::enumerate(nodes))
      if (!imported.contains(index))
        failResults(Site{node, unsigned(index), frame}, scope);
  }
  for (unsigned index : order.nodes) {
    if (isAborted)
      return;
    nodeCount += 1 + nodes[index].bytes / 1024;
    if (nodeCount > options.maxNodes) {
      problems.add("graph", "has more than " + Twine(options.maxNodes) +
                                " nodes, functions counted once per call");
      isAborted = true;
      return;
    }
    // Whoever reads the report has enough, and each line takes time.
    constexpr uint64_t tooMany = 100000;
    if (problems.getCount() > tooMany) {
      problems.add("graph", "has so many problems that the rest was not read");
      isAborted = true;
      return;
    }
    importNode(Site{nodes[index], index, frame}, scope);
  }
}

void GraphImporter::define(StringRef name, Value value, Scope &scope,
                           llvm::function_ref<std::string()> where) {
  if (name.empty())
    return;
  for (Scope *outer = scope.parent; outer; outer = outer->parent)
    if (outer->values.contains(name)) {
      problems.add(where(), "defines the value " + quote(name) +
                                ", which a graph around defines too");
      break;
    }
  if (!scope.values.try_emplace(name, value).second)
    problems.add(where(), "defines the value " + quote(name) +
                              ", which is defined already");
}

Value GraphImporter::lookup(StringRef name, const Scope &scope) const {
  for (const Scope *current = &scope; current; current = current->parent) {
    auto found = current->values.find(name);
    if (found != current->values.end())
      return found->second;
  }
  return {};
}

Value GraphImporter::createConstant(const TensorValue &tensor, StringRef name,
                                    Location location, bool atTop) {
  OpBuilder::InsertionGuard guard(builder);
  if (atTop) {
    if (lastConstant)
      builder.setInsertionPointAfter(lastConstant);
    else
      builder.setInsertionPointToStart(entry);
  }
  Operation *op;
  if (tensor.elements)
    op = onnx::ConstantOp::create(builder, location, tensor.type,
                                  tensor.elements);
  else
    op = onnx::InitializerOp::create(builder, location, tensor.type, name,
                                     tensor.file, tensor.offset, tensor.length);
  if (!tensor.repeats.empty())
    op->setAttr("onnx.repeats", builder.getStringAttr(tensor.repeats));
  if (atTop) {
    lastConstant = op;
    // Outside of the region that holds its node, whatever that is in.
    (void)analysis->visit(op);
  } else {
    inferTypes(op, nullptr);
  }
  return op->getResult(0);
}

Value GraphImporter::getNone() {
  if (!none) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(entry);
    auto op = onnx::NoneOp::create(builder, entry->getParentOp()->getLoc(),
                                   builder.getNoneType());
    if (!lastConstant)
      lastConstant = op;
    none = op;
  }
  return none;
}

Value GraphImporter::getUnknown() {
  if (!unknown) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(entry);
    auto op = UnrealizedConversionCastOp::create(
        builder, entry->getParentOp()->getLoc(),
        TypeRange(UnrankedTensorType::get(builder.getF32Type())), ValueRange());
    if (!lastConstant)
      lastConstant = op;
    unknown = op.getResult(0);
  }
  return unknown;
}

void GraphImporter::inferTypes(Operation *op, const Site *site) {
  if (regionDepth != 0)
    return; // with the node that holds the region
  inferredSite = site;
  (void)analysis->visit(op); // a failure is a diagnostic, see collect
  inferredSite = nullptr;
}

void GraphImporter::collect(Diagnostic &diagnostic) {
  std::string text = diagnostic.str();
  // The op is named by its node.
  StringRef message = text;
  if (message.consume_front("'onnx.") || message.consume_front("'trine.")) {
    size_t end = message.find("' op ");
    message =
        end == StringRef::npos ? StringRef(text) : message.drop_front(end + 5);
  }
  auto inner = innerSites.find(diagnostic.getLocation());
  if (inner != innerSites.end())
    problems.add(inner->second, message);
  else if (inferredSite)
    problems.add(describe(*inferredSite), message);
  else
    problems.add("model", message);
}

std::string GraphImporter::describe(const Frame &frame) const {
  if (!frame.holder)
    return "";
  std::string holder =
      describe(Site{*frame.holder, frame.holderIndex, *frame.parent});
  if (!frame.subgraph.empty())
    return quote(frame.subgraph) + " of " + holder;
  return "function " + quote(frame.function->name) + " called by " + holder;
}

std::string GraphImporter::describe(const Site &site) const {
  const Node &node = site.node;
  std::string text = "node " + std::to_string(site.index);
  if (!node.name.empty())
    text += " " + quote(node.name);
  StringRef domain = node.domain.empty() ? "ai.onnx" : node.domain;
  std::string op = quote((domain + "." + node.type).str());
  text += " (" + op.substr(1, op.size() - 2);
  if (std::optional<int64_t> opset = findOpset(node.domain, site.frame))
    text += ", opset " + std::to_string(*opset);
  text += ")";
  if (site.frame.holder)
    text += " in " + describe(site.frame);
  return text;
}

/// Bytes of the name of a location, at most.
static constexpr size_t longestLocationName = 1024;

Location GraphImporter::locate(const Site &site) {
  // Line: the index of the node in the main graph; column: 0, or for a node
  // inside of it, its own index + 1.
  unsigned line = site.index;
  std::string name = site.node.name.empty()
                         ? (site.node.type + "#" + Twine(site.index)).str()
                         : site.node.name.str();
  for (const Frame *frame = &site.frame; frame->holder; frame = frame->parent) {
    line = frame->holderIndex;
    StringRef holder =
        frame->holder->name.empty() ? frame->holder->type : frame->holder->name;
    name = (holder + "/" + name).str();
    // Deep nests of long names would take more memory than the graph.
    if (name.size() > longestLocationName)
      name.resize(longestLocationName);
  }
  unsigned column = site.frame.holder ? site.index + 1 : 0;
  Location file = FileLineColLoc::get(fileName, line, column);
  if (name.empty())
    return file;
  Location location =
      FusedLoc::get(context, {file, NameLoc::get(builder.getStringAttr(name))});
  return location;
}
