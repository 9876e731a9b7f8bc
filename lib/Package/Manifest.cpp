// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Manifest.h"
#include "NarrowedWeights.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Runtime/PackageFormat.h"
#include "trine/Runtime/ProgramABI.h"
#include "trine/Support/Version.h"
#include "llvm/ADT/SetVector.h"
#include <limits>
#include <set>

using namespace mlir;
using namespace mlir::trine;
using llvm::json::Array;
using llvm::json::Object;

/// The manifest's name of an element type; empty for one that it lacks.
static std::string typeName(Type type) {
  if (type.isInteger(1))
    return "bool";
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (auto integer = dyn_cast<IntegerType>(type))
    stream << (integer.isUnsigned() ? "u" : "i") << integer.getWidth();
  else if (isa<Float64Type, Float32Type, Float16Type, BFloat16Type,
               Float8E4M3FNType, Float8E4M3FNUZType, Float8E5M2Type,
               Float8E5M2FNUZType, Float8E8M0FNUType, Float4E2M1FNType>(type))
    stream << type;
  return StringRef(text).lower();
}

/// An input or output: its name, type and sizes, as integers or as the
/// symbolic expressions of `onnx.dims`.
static FailureOr<Object> describeTensor(Location loc, DictionaryAttr attributes,
                                        ShapedType type) {
  // Unsigned types are signless in the program; the attribute remembers.
  Type element = type.getElementType();
  if (auto original = attributes
                          ? attributes.getAs<TypeAttr>("onnx.element_type")
                          : TypeAttr())
    element = original.getValue();
  auto name = attributes ? attributes.getAs<StringAttr>("onnx.name") : nullptr;
  std::string typeText = typeName(element);
  if (!name || typeText.empty())
    return emitError(loc) << "input or output of type " << type
                          << " must have a name and an element type that "
                             "packages know";
  auto symbols =
      attributes ? attributes.getAs<ArrayAttr>("onnx.dims") : ArrayAttr();
  Array dims;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    auto symbol = symbols && i < static_cast<int64_t>(symbols.size())
                      ? dyn_cast<StringAttr>(symbols[i])
                      : StringAttr();
    if (!type.isDynamicDim(i))
      dims.push_back(type.getDimSize(i));
    else
      dims.push_back(symbol ? symbol.getValue().str()
                            : name.str() + ".dim" + std::to_string(i));
  }
  return Object{
      {"name", name.str()}, {"type", typeText}, {"dims", std::move(dims)}};
}

/// The names of the ONNX nodes in a location.
static void collectNodes(Location loc, llvm::SetVector<StringRef> &nodes) {
  loc->walk([&](Location inner) {
    if (auto name = dyn_cast<NameLoc>(inner))
      nodes.insert(name.getName().getValue());
    return WalkResult::advance();
  });
}

/// A number, and words of the launch that it is multiplied with.
static Array describeProduct(const ::trine::runtime::WordProduct &product) {
  Array result{product.factor};
  for (uint32_t word : product.words)
    result.push_back(int64_t(word));
  return result;
}

static Array describeMaps(ArrayRef<::trine::runtime::TensorMapRecord> records) {
  using ::trine::runtime::MapElement;
  Array maps;
  for (const auto &record : records) {
    Array sizes, strides, box;
    for (const auto &size : record.sizes)
      sizes.push_back(describeProduct(size));
    for (const auto &stride : record.strides)
      strides.push_back(describeProduct(stride));
    for (uint32_t each : record.box)
      box.push_back(int64_t(each));
    maps.push_back(
        Object{{"type", record.element == MapElement::F16 ? "f16" : "bf16"},
               {"word", int64_t(record.word)},
               {"offset", describeProduct(record.offset)},
               {"sizes", std::move(sizes)},
               {"strides", std::move(strides)},
               {"box", std::move(box)}});
  }
  return maps;
}

/// Whether a launch has tensor maps, which readers of format 1 do not know.
static bool hasMaps(const CUDAProgram &program) {
  for (const CUDAKernel &kernel : program.kernels)
    for (const CUDALaunch &launch : kernel.launches)
      if (!launch.maps.empty())
        return true;
  return false;
}

/// What a device needs to launch a kernel, beside the words of the launch.
static void describeCode(const CUDAProgram &program, const CUDAKernel &kernel,
                         Object &entry) {
  Array code;
  for (auto [architecture, launch] :
       llvm::zip(program.architectures, kernel.launches)) {
    Object each{{"arch", architecture},
                {"path", TRINE_PACKAGE_KERNELS "/" + kernel.name + "." +
                             architecture + ".ptx"},
                {"threads", int64_t(launch.threads)},
                {"shared_bytes", launch.sharedBytes}};
    if (!kernel.cubins.empty())
      each["cubin"] = TRINE_PACKAGE_KERNELS "/" + kernel.name + "." +
                      architecture + ".cubin";
    if (!launch.maps.empty())
      each["maps"] = describeMaps(launch.maps);
    code.push_back(std::move(each));
  }
  entry["code"] = std::move(code);
  entry["workgroups_per_block"] = int64_t(kernel.workgroupsPerBlock);
}

static Array describeKernels(ModuleOp planned, const HostReport &host,
                             const CUDAProgram *cuda) {
  constexpr size_t mostNodes = 32;
  llvm::StringMap<llvm::SetVector<StringRef>> nodes;
  for (auto kernel : planned.getOps<plan::KernelOp>())
    collectNodes(kernel.getLoc(), nodes[kernel.getSymName()]);
  planned.walk([&](plan::LaunchOp launch) {
    collectNodes(launch.getLoc(), nodes[launch.getKernel()]);
  });
  Array kernels;
  for (auto [index, kernel] : llvm::enumerate(host.kernels)) {
    Array names;
    for (StringRef node : nodes[kernel.name].getArrayRef().take_front(
             std::min(mostNodes, nodes[kernel.name].size())))
      names.push_back(llvm::json::fixUTF8(node));
    Object entry{{"name", kernel.name},
                 {"skeleton", kernel.skeleton},
                 {"nodes", std::move(names)}};
    if (cuda)
      describeCode(*cuda, cuda->kernels[index], entry);
    kernels.push_back(std::move(entry));
  }
  return kernels;
}

/// Symbols that inputs show. `inputCount` are inputs of the model; what only
/// the storage of states shows is the runtime's own, but for the length of the
/// past.
static Array describeSymbols(ModuleOp planned, int64_t inputCount,
                             int64_t lengthsArgument) {
  Array symbols;
  for (auto symbol : planned.getOps<plan::SymbolOp>()) {
    int64_t input = symbol.getInput();
    // The argument behind the lengths; without states there is neither.
    bool isPast = input > 0 && input - 1 == lengthsArgument;
    if (input >= inputCount && !isPast)
      continue;
    if (isPast)
      input = -1;
    int64_t maximum = symbol.getMaximum();
    bool bounded = maximum != std::numeric_limits<int64_t>::max();
    symbols.push_back(Object{{"name", symbol.getSymName()},
                             {"input", input},
                             {"dimension", int64_t(symbol.getDimension())},
                             {"minimum", int64_t(symbol.getMinimum())},
                             {"maximum", bounded ? llvm::json::Value(maximum)
                                                 : llvm::json::Value(nullptr)},
                             {"divisor", int64_t(symbol.getDivisor())}});
  }
  return symbols;
}

namespace {
/// What `plan.states` says: arguments from `lengths` on and some results are
/// the runtime's own.
struct States {
  int64_t lengths = std::numeric_limits<int64_t>::max();
  bool ragged = false;
  std::set<int64_t> results;
  Array entries;
};
} // namespace

/// The name of a dimension, or its size.
static llvm::json::Value dimOf(Attribute attribute) {
  if (auto text = dyn_cast<StringAttr>(attribute))
    return text.getValue().str();
  auto number = dyn_cast<IntegerAttr>(attribute);
  return number ? llvm::json::Value(number.getInt()) : nullptr;
}

static FailureOr<States> describeStates(func::FuncOp main) {
  States states;
  auto all = main->getAttrOfType<DictionaryAttr>("plan.states");
  if (!all)
    return states;
  auto numberOf = [](DictionaryAttr record, StringRef key) {
    auto number = record.getAs<IntegerAttr>(key);
    return number ? number.getInt() : int64_t(-1);
  };
  auto entries = all.getAs<ArrayAttr>("entries");
  auto ragged = all.getAs<BoolAttr>("ragged");
  states.lengths = numberOf(all, "lengths");
  states.ragged = ragged && ragged.getValue();
  for (Attribute attribute :
       entries ? entries.getValue() : ArrayRef<Attribute>()) {
    auto entry = dyn_cast<DictionaryAttr>(attribute);
    int64_t argument = entry ? numberOf(entry, "argument") : -1,
            axis = entry ? numberOf(entry, "axis") : -1;
    auto dims = entry ? entry.getAs<ArrayAttr>("dims") : ArrayAttr(),
         next = entry ? entry.getAs<ArrayAttr>("present_dims") : ArrayAttr();
    auto present = entry ? entry.getAs<StringAttr>("present") : StringAttr();
    auto shaped =
        argument >= 0 && argument < int64_t(main.getNumArguments())
            ? dyn_cast<ShapedType>(main.getArgument(argument).getType())
            : ShapedType();
    if (states.lengths < 0 || !shaped || !dims || !next || !present ||
        axis < 0 || axis >= shaped.getRank() ||
        int64_t(dims.size()) != shaped.getRank() ||
        int64_t(next.size()) != shaped.getRank())
      return main.emitError()
             << "'plan.states' must give each state an argument, names and "
                "sizes";
    FailureOr<Object> state =
        describeTensor(main.getLoc(), main.getArgAttrDict(argument), shaped);
    if (failed(state))
      return failure();
    Array texts;
    for (Attribute dim : dims)
      texts.push_back(dimOf(dim));
    (*state)["dims"] = std::move(texts);
    (*state)["present"] = present.getValue().str();
    (*state)["axis"] = axis;
    if (auto initial = entry.getAs<IntegerAttr>("initial"))
      (*state)["initial"] = initial.getInt();
    if (axis > 0)
      (*state)["next"] = dimOf(next[axis]);
    else
      states.results.insert(numberOf(entry, "result"));
    states.entries.push_back(std::move(*state));
  }
  return states;
}

FailureOr<llvm::json::Value> mlir::trine::makeManifest(
    ModuleOp planned, const HostReport &host, const PackageOptions &options,
    ArrayRef<PackagedFile> files, uint64_t weightsDataOffset, Array tables) {
  auto main = planned.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return planned.emitError() << "a planned module must define 'main'";

  FailureOr<States> states = describeStates(main);
  if (failed(states))
    return failure();
  Array inputs, outputs, variants, devices, packaged;
  for (auto [index, type] : llvm::enumerate(main.getArgumentTypes())) {
    if (int64_t(index) >= states->lengths)
      break;
    auto shaped = dyn_cast<ShapedType>(type);
    if (!shaped || !shaped.hasRank())
      return main.emitError()
             << "input " << index << " must be a ranked memref, got " << type;
    FailureOr<Object> input =
        describeTensor(main.getLoc(), main.getArgAttrDict(index), shaped);
    if (failed(input))
      return failure();
    inputs.push_back(std::move(*input));
  }
  auto results = main->getAttrOfType<ArrayAttr>("plan.results");
  for (auto [index, attribute] :
       llvm::enumerate(results ? results.getValue() : ArrayRef<Attribute>())) {
    if (states->results.count(index) != 0)
      continue;
    auto result = dyn_cast<DictionaryAttr>(attribute);
    auto type = result ? result.getAs<TypeAttr>("type") : TypeAttr();
    auto shaped = type ? dyn_cast<ShapedType>(type.getValue()) : ShapedType();
    if (!shaped || !shaped.hasRank())
      return main.emitError()
             << "'plan.results' must give each result a ranked type";
    FailureOr<Object> output = describeTensor(main.getLoc(), result, shaped);
    if (failed(output))
      return failure();
    if (outputs.size() < options.relativeTolerances.size())
      (*output)["tolerance"] =
          Object{{"relative", options.relativeTolerances[outputs.size()]}};
    outputs.push_back(std::move(*output));
  }
  StringRef kind = options.cuda ? "cuda" : "host";
  Object target{{"kind", kind}, {"arch", "x86_64"}};
  if (options.cuda)
    target["architectures"] = Array(options.cuda->architectures);
  for (const HostVariant &variant : host.variants)
    variants.push_back(
        Object{{"name", variant.name}, {"features", Array(variant.features)}});
  target["variants"] = std::move(variants);
  for (auto device : planned.getOps<plan::DeviceOp>())
    devices.push_back(Object{{"name", device.getSymName()}, {"kind", kind}});
  for (const PackagedFile &file : files)
    packaged.push_back(Object{{"path", file.path},
                              {"bytes", int64_t(file.bytes)},
                              {"sha256", file.sha256}});
  int64_t inputCount = inputs.size();
  Object weights{{"path", TRINE_PACKAGE_WEIGHTS},
                 {"data_offset", int64_t(weightsDataOffset)}};
  if (std::optional<Object> narrowed = describeNarrowedWeights(planned))
    weights["narrowed"] = std::move(*narrowed);
  return llvm::json::Value(Object{
      {"format", Object{{"major", options.cuda && hasMaps(*options.cuda)
                                      ? TRINE_PACKAGE_FORMAT_MAJOR
                                      : TRINE_PACKAGE_FORMAT_OLDEST},
                        {"minor", TRINE_PACKAGE_FORMAT_MINOR}}},
      {"abi", TRINE_PROGRAM_ABI_VERSION},
      {"producer", "trine " + getVersion().str()},
      {"name", llvm::json::fixUTF8(options.name)},
      {"target", std::move(target)},
      {"devices", std::move(devices)},
      {"symbols", describeSymbols(planned, inputCount, states->lengths)},
      {"inputs", std::move(inputs)},
      {"outputs", std::move(outputs)},
      {"states", std::move(states->entries)},
      {"ragged", states->ragged},
      {"files", std::move(packaged)},
      {"weights", std::move(weights)},
      {"tables", std::move(tables)},
      {"kernels", describeKernels(planned, host, options.cuda)},
  });
}
