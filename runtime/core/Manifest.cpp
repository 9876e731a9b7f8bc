// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Manifest.h"
#include "ElementType.h"
#include "Json.h"
#include "trine/Runtime/PackageFormat.h"
#include "trine/Runtime/ProgramABI.h"
#include <algorithm>
#include <cmath>

using namespace trine::runtime;

const ManifestFile *Manifest::findFile(const std::string &path) const {
  auto it = std::find_if(files.begin(), files.end(),
                         [&](const ManifestFile &f) { return f.path == path; });
  return it == files.end() ? nullptr : &*it;
}

/// A file inside the package: relative, and never out of the folder.
static bool isInnerPath(const std::string &path) {
  if (path.empty() || path[0] == '/' || path.back() == '/')
    return false;
  size_t begin = 0;
  while (begin <= path.size()) {
    size_t end = std::min(path.find('/', begin), path.size());
    std::string part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..")
      return false;
    begin = end + 1;
  }
  return true;
}

static std::string getPath(const JsonPlace &place) {
  std::string path = place.getString();
  if (place.isString() && !isInnerPath(path))
    place.reportExpected("a relative path inside the package");
  return path;
}

/// A string when the key is there, else "".
static std::string getOptionalString(const JsonPlace &place) {
  return place.exists() ? place.getString() : "";
}

/// A nonempty name that `names` does not hold yet.
static std::string getUniqueName(const JsonPlace &place,
                                 std::vector<std::string> &names) {
  std::string name = place.getString();
  if (!place.isString())
    return name;
  if (name.empty())
    place.reportExpected("a name");
  else if (std::find(names.begin(), names.end(), name) != names.end())
    place.report(concat("is ", quote(name), ", which an earlier one has"));
  else
    names.push_back(name);
  return name;
}

static void readSymbols(const JsonPlace &places,
                        std::vector<std::string> &names, Manifest &manifest) {
  for (const JsonPlace &place : places.getElements()) {
    ManifestSymbol symbol;
    size_t known = names.size();
    symbol.name = getUniqueName(place["name"], names);
    if (place["input"].exists()) {
      symbol.input = place["input"].getInteger(-1, INT32_MAX);
      if (symbol.input >= 0)
        symbol.dimension = place["dimension"].getInteger(0, TRINE_MAX_RANK - 1);
    }
    if (place["minimum"].exists())
      symbol.minimum = place["minimum"].getInteger(0);
    if (place["maximum"].exists())
      symbol.maximum = place["maximum"].getInteger(symbol.minimum);
    if (place["divisor"].exists())
      symbol.divisor = place["divisor"].getInteger(1);
    if (names.size() > known) // else reported: keep indices in step
      manifest.symbols.push_back(std::move(symbol));
  }
  manifest.declaredSymbols = names.size();
}

static void readTensors(const JsonPlace &places, bool outputs,
                        std::vector<std::string> &symbols,
                        std::vector<ManifestTensor> &tensors) {
  std::vector<std::string> names;
  for (const JsonPlace &place : places.getElements()) {
    ManifestTensor tensor;
    tensor.name = getUniqueName(place["name"], names);
    JsonPlace type = place["type"];
    tensor.type = parseElementType(type.getString());
    if (type.isString() && tensor.type == TRINE_TYPE_NONE)
      type.reportExpected("an element type (f64 f32 f16 bf16 i8 i16 i32 i64 u8 "
                          "u16 u32 u64 bool i4 u4 i2 u2 f8e4m3fn f8e4m3fnuz "
                          "f8e5m2 f8e5m2fnuz f8e8m0fnu f4e2m1fn)");
    std::vector<JsonPlace> dims = place["dims"].getElements();
    if (dims.size() > TRINE_MAX_RANK) {
      place["dims"].report(concat("must have at most ", TRINE_MAX_RANK,
                                  " dimensions, got ", dims.size()));
      continue;
    }
    for (const JsonPlace &dim : dims) {
      bool isSymbolic = dim.isString();
      int64_t size = -1;
      if (!isSymbolic && !dim.isInteger())
        dim.reportExpected("an integer or a string");
      else if (!isSymbolic)
        size = dim.getInteger(0);
      tensor.sizes.push_back(size);
      tensor.symbols.push_back(isSymbolic ? dim.getString() : "");
      tensor.expressions.push_back(
          isSymbolic ? SizeExpression::parse(tensor.symbols.back(), symbols)
                     : SizeExpression());
    }
    if (outputs && place["tolerance"].exists() &&
        place["tolerance"]["relative"].exists()) {
      JsonPlace relative = place["tolerance"]["relative"];
      tensor.relativeTolerance = relative.getNumber();
      if (!(tensor.relativeTolerance >= 0) ||
          std::isinf(tensor.relativeTolerance))
        relative.reportExpected("a finite number of at least 0");
    }
    tensors.push_back(std::move(tensor));
  }
  // The vectors stay as they are from here on.
  for (ManifestTensor &tensor : tensors)
    for (size_t i = 0; i < tensor.sizes.size(); ++i)
      tensor.symbolTexts.push_back(
          tensor.sizes[i] < 0 ? tensor.symbols[i].c_str() : nullptr);
}

/// One number of the state's type, as bits.
static uint64_t getInitialBits(const JsonPlace &place, trine_type type) {
  if (!place.exists())
    return 0;
  // Other types have no use for another value yet.
  if (type != TRINE_TYPE_I64 && type != TRINE_TYPE_I32) {
    if (place.getInteger(0, 0) != 0)
      place.reportExpected("0"); // No test: getInteger has reported it.
    return 0;
  }
  return static_cast<uint64_t>(type == TRINE_TYPE_I64
                                   ? place.getInteger(INT64_MIN)
                                   : place.getInteger(INT32_MIN, INT32_MAX));
}

static void readStates(const JsonPlace &places,
                       std::vector<std::string> &symbols, Manifest &manifest) {
  std::vector<ManifestTensor> tensors;
  size_t before = places.getProblemCount();
  readTensors(places, /*outputs=*/false, symbols, tensors);
  std::vector<JsonPlace> elements = places.getElements();
  if (places.getProblemCount() > before || elements.size() != tensors.size())
    return;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const JsonPlace &place = elements[i];
    ManifestState state;
    state.tensor = std::move(tensors[i]);
    size_t rank = state.tensor.sizes.size();
    if (rank == 0) {
      place["dims"].report("must begin with the slots, got no dimension");
      continue;
    }
    state.present = getOptionalString(place["present"]);
    state.axis = place["axis"].getInteger(0, static_cast<int64_t>(rank) - 1);
    state.initial = getInitialBits(place["initial"], state.tensor.type);
    std::vector<int64_t> sizes = state.tensor.sizes;
    sizes[0] = 1;
    bool fixed = true;
    for (size_t d = 1; d < rank; ++d)
      if (static_cast<int64_t>(d) != state.axis && sizes[d] < 0) {
        place["dims"].report(concat("dimension ", d, " must be a number, got ",
                                    quote(state.tensor.symbols[d])));
        fixed = false;
      }
    if (state.axis > 0) {
      int32_t symbol = state.tensor.expressions[state.axis].getSymbol();
      if (symbol < 0)
        place["dims"].report(concat("dimension ", state.axis,
                                    ", which grows, must be a symbol"));
      else if (manifest.pastSymbol >= 0 && manifest.pastSymbol != symbol)
        place["dims"].report(concat(
            "dimension ", state.axis, " is ", quote(symbols[symbol]), ", but ",
            quote(symbols[manifest.pastSymbol]), " in an earlier state"));
      else
        manifest.pastSymbol = symbol;
      state.next = SizeExpression::parse(place["next"].getString(), symbols);
      sizes[state.axis] = 1;
    }
    if (fixed &&
        !getTensorBytes(sizes.data(), static_cast<uint32_t>(rank),
                        trine_type_size(state.tensor.type), state.slotBytes))
      place["dims"].report("is too large");
    manifest.states.push_back(std::move(state));
  }
  for (ManifestState &state : manifest.states)
    for (size_t d = 0; d < state.tensor.sizes.size(); ++d)
      state.tensor.symbolTexts[d] =
          state.tensor.sizes[d] < 0 ? state.tensor.symbols[d].c_str() : nullptr;
}

static void readTarget(const JsonPlace &target, Manifest &manifest) {
  if (!target.isObject())
    return target.reportExpected("an object");
  manifest.targetKind = target["kind"].getString();
  manifest.targetArchitecture = getOptionalString(target["arch"]);
  if (target["architectures"].exists())
    for (const JsonPlace &place : target["architectures"].getElements())
      manifest.deviceArchitectures.push_back(place.getString());
  if (!target["variants"].exists())
    return;
  for (const JsonPlace &place : target["variants"].getElements()) {
    ManifestVariant variant;
    variant.name = place["name"].getString();
    for (const JsonPlace &feature : place["features"].getElements())
      variant.features.push_back(feature.getString());
    manifest.variants.push_back(std::move(variant));
  }
}

static void readFiles(const JsonPlace &root, Manifest &manifest) {
  std::vector<std::string> paths;
  for (const JsonPlace &place : root["files"].getElements()) {
    ManifestFile file;
    file.path = getPath(place["path"]);
    if (std::find(paths.begin(), paths.end(), file.path) != paths.end())
      place["path"].report(
          concat("is ", quote(file.path), ", which an earlier one has"));
    paths.push_back(file.path);
    file.bytes = place["bytes"].getInteger(0);
    JsonPlace hash = place["sha256"];
    file.sha256 = hash.getString();
    bool valid =
        file.sha256.size() == 64 &&
        file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (hash.isString() && !valid)
      hash.reportExpected("64 lower-case hexadecimal digits");
    manifest.files.push_back(std::move(file));
  }
  if (!manifest.findFile(TRINE_PACKAGE_PROGRAM))
    root["files"].report(concat("must list ", quote(TRINE_PACKAGE_PROGRAM)));

  JsonPlace weights = root["weights"];
  if (!weights.exists())
    return;
  manifest.hasWeights = true;
  manifest.weightsPath = getPath(weights["path"]);
  manifest.weightsDataOffset = weights["data_offset"].getInteger(0);
  if (manifest.weightsDataOffset % TRINE_WEIGHTS_ALIGNMENT)
    weights["data_offset"].reportExpected(
        concat("a multiple of ", TRINE_WEIGHTS_ALIGNMENT));
  if (!manifest.findFile(manifest.weightsPath))
    weights["path"].report(
        concat("is ", quote(manifest.weightsPath), ", which 'files' lacks"));
}

/// A number, and words of the launch that it is multiplied with.
static WordProduct readProduct(const JsonPlace &place) {
  WordProduct product;
  bool isFirst = true;
  for (const JsonPlace &each : place.getElements()) {
    if (isFirst)
      product.factor = each.getInteger(0);
    else
      product.words.push_back(
          static_cast<uint32_t>(each.getInteger(0, mostLaunchWords - 1)));
    isFirst = false;
  }
  if (isFirst && place.exists())
    place.reportExpected("a number, then words");
  return product;
}

static TensorMapRecord readTensorMap(const JsonPlace &place) {
  TensorMapRecord map;
  JsonPlace type = place["type"];
  std::string name = type.getString();
  if (name == "f16")
    map.element = MapElement::F16;
  else if (name != "bf16" && type.isString())
    type.reportExpected("f16 or bf16");
  map.word =
      static_cast<uint32_t>(place["word"].getInteger(0, mostLaunchWords - 1));
  map.offset = readProduct(place["offset"]);
  for (const JsonPlace &each : place["sizes"].getElements())
    map.sizes.push_back(readProduct(each));
  for (const JsonPlace &each : place["strides"].getElements())
    map.strides.push_back(readProduct(each));
  for (const JsonPlace &each : place["box"].getElements())
    map.box.push_back(static_cast<uint32_t>(each.getInteger(1, mostMapBox)));
  if (map.sizes.size() < leastMapRank || map.sizes.size() > mostMapRank)
    place["sizes"].reportExpected("2 to 5 sizes");
  else if (map.strides.size() + 1 != map.sizes.size() ||
           map.box.size() != map.sizes.size())
    place.report("must have a stride less than sizes, and a box of as many");
  return map;
}

/// What a device needs to launch a kernel that is not host code.
static void readCode(const JsonPlace &place, ManifestKernel &kernel,
                     const Manifest &manifest) {
  for (const JsonPlace &each : place["code"].getElements()) {
    ManifestCode code;
    code.architecture = each["arch"].getString();
    code.path = getPath(each["path"]);
    if (!manifest.findFile(code.path))
      each["path"].report(
          concat("is ", quote(code.path), ", which 'files' lacks"));
    if (each["cubin"].exists()) {
      code.binary = getPath(each["cubin"]);
      if (!manifest.findFile(code.binary))
        each["cubin"].report(
            concat("is ", quote(code.binary), ", which 'files' lacks"));
    }
    code.threads = each["threads"].getInteger(1, 1024);
    code.sharedBytes = each["shared_bytes"].getInteger(0, 1 << 20);
    if (each["maps"].exists())
      for (const JsonPlace &map : each["maps"].getElements())
        code.maps.push_back(readTensorMap(map));
    kernel.code.push_back(std::move(code));
  }
  kernel.workgroupsPerBlock = place["workgroups_per_block"].getInteger(1, 1024);
}

static void readReference(const JsonPlace &place, ManifestTable &table) {
  static const char *const types[] = {"f32", "f16", "bf16", "f8e4m3fn"};
  JsonPlace type = place["type"];
  std::string name = type.getString();
  auto known = std::find(std::begin(types), std::end(types), name);
  if (known != std::end(types))
    table.type = static_cast<int32_t>(known - types) + 1;
  else if (type.isString())
    type.reportExpected("f32, f16, bf16 or f8e4m3fn");
  table.offset = place["offset"].getInteger(0);
  table.stride = place["stride"].getInteger(0);
  if (place["scale_offset"].exists()) {
    table.scaleOffset = place["scale_offset"].getInteger(0);
    table.scaleStride = place["scale_stride"].getInteger(0);
  }
  table.fileBytes = place["file_bytes"].getInteger(0);
  table.modified = place["modified_nanoseconds"].getInteger(INT64_MIN);
  table.headerSha256 = place["header_sha256"].getString();
  if (table.headerSha256.size() != 64)
    place["header_sha256"].reportExpected("64 hexadecimal digits");
}

static void readTables(const JsonPlace &places, Manifest &manifest) {
  if (!places.exists())
    return;
  for (const JsonPlace &place : places.getElements()) {
    ManifestTable table;
    table.name = place["name"].getString();
    JsonPlace reference = place["reference"];
    table.isReference = reference.exists();
    if (table.isReference) {
      // The store judges the path: it may have folders, but no links.
      table.path = place["path"].getString();
      readReference(reference, table);
    } else {
      table.path = getPath(place["path"]);
    }
    table.rows = place["rows"].getInteger(0);
    table.width = place["width"].getInteger(1);
    table.bytes = place["bytes"].getInteger(0);
    manifest.tables.push_back(std::move(table));
  }
}

static void readKernels(const JsonPlace &places, Manifest &manifest) {
  if (!places.exists())
    return;
  for (const JsonPlace &place : places.getElements()) {
    ManifestKernel kernel;
    kernel.name = place["name"].getString();
    kernel.skeleton = getOptionalString(place["skeleton"]);
    if (place["nodes"].exists())
      for (const JsonPlace &node : place["nodes"].getElements())
        kernel.nodes.push_back(node.isInteger() ? toText(node.getInteger(0))
                                                : node.getString());
    if (place["code"].exists())
      readCode(place, kernel, manifest);
    manifest.kernels.push_back(std::move(kernel));
  }
  for (ManifestKernel &kernel : manifest.kernels)
    for (const std::string &node : kernel.nodes)
      kernel.nodeTexts.push_back(node.c_str());
}

/// A symbol is read from the dimension that is called so.
static void checkSymbols(const JsonPlace &places, Manifest &manifest,
                         const std::vector<std::string> &names) {
  std::vector<JsonPlace> elements = places.getElements();
  for (size_t i = 0; i < manifest.declaredSymbols; ++i) {
    const ManifestSymbol &symbol = manifest.symbols[i];
    if (symbol.input < 0)
      continue;
    if (static_cast<size_t>(symbol.input) >= manifest.inputs.size()) {
      elements[i]["input"].reportExpected(concat(
          "the index of one of the ", manifest.inputs.size(), " inputs"));
      continue;
    }
    const ManifestTensor &input = manifest.inputs[symbol.input];
    if (static_cast<size_t>(symbol.dimension) >= input.sizes.size()) {
      elements[i]["dimension"].reportExpected(
          concat("one of the ", input.sizes.size(), " dimensions of ",
                 quote(input.name)));
      continue;
    }
    if (input.expressions[symbol.dimension].getSymbol() !=
        static_cast<int32_t>(i))
      elements[i].report(concat("is ", quote(symbol.name), ", but dimension ",
                                symbol.dimension, " of input ",
                                quote(input.name), " is not"));
  }
  // Symbols that the file uses without listing them are read where they first
  // stand alone.
  for (size_t i = manifest.declaredSymbols; i < names.size(); ++i) {
    ManifestSymbol symbol;
    symbol.name = names[i];
    for (size_t t = 0; t < manifest.inputs.size() && symbol.input < 0; ++t)
      for (size_t d = 0; d < manifest.inputs[t].sizes.size(); ++d)
        if (symbol.input < 0 && manifest.inputs[t].expressions[d].getSymbol() ==
                                    static_cast<int32_t>(i)) {
          symbol.input = static_cast<int32_t>(t);
          symbol.dimension = static_cast<int32_t>(d);
        }
    manifest.symbols.push_back(std::move(symbol));
  }
}

/// Versions, and whether the rest may be read at all.
static Status checkVersions(const JsonPlace &root, Manifest &manifest,
                            std::vector<std::string> &problems) {
  manifest.formatMajor = root["format"]["major"].getInteger(1, INT32_MAX);
  manifest.formatMinor = root["format"]["minor"].getInteger(0, INT32_MAX);
  manifest.abi = root["abi"].getInteger(1, INT32_MAX);
  if (!problems.empty())
    return Status();
  if (manifest.formatMajor > TRINE_PACKAGE_FORMAT_MAJOR)
    problems.push_back(concat(
        "package format ", manifest.formatMajor, ".", manifest.formatMinor,
        " is newer than this runtime, which reads ",
        TRINE_PACKAGE_FORMAT_OLDEST, ".x to ", TRINE_PACKAGE_FORMAT_MAJOR,
        ".x: use a newer runtime"));
  if (manifest.abi != TRINE_PROGRAM_ABI_VERSION)
    problems.push_back(concat("program ABI ", manifest.abi,
                              " is not this runtime's, which is ",
                              TRINE_PROGRAM_ABI_VERSION,
                              manifest.abi > TRINE_PROGRAM_ABI_VERSION
                                  ? ": use a newer runtime"
                                  : ": compile the model again"));
  if (problems.empty())
    return Status();
  return Status(TRINE_ERROR_VERSION,
                joinProblems(TRINE_PACKAGE_MANIFEST, problems));
}

Status trine::runtime::parseManifest(std::string_view text,
                                     Manifest &manifest) {
  nlohmann::json json;
  std::string problem;
  if (!parseJson(text, json, problem))
    return Status(TRINE_ERROR_BAD_PACKAGE,
                  concat(TRINE_PACKAGE_MANIFEST, " ", problem));
  std::vector<std::string> problems;
  JsonPlace root(json, problems);
  if (!root.isObject()) {
    root.reportExpected("an object");
    return Status(TRINE_ERROR_BAD_PACKAGE,
                  joinProblems(TRINE_PACKAGE_MANIFEST, problems));
  }
  Status status = checkVersions(root, manifest, problems);
  if (!status.ok())
    return status;

  manifest.producer = getOptionalString(root["producer"]);
  manifest.name = getOptionalString(root["name"]);
  readTarget(root["target"], manifest);
  std::vector<std::string> symbols;
  if (root["symbols"].exists())
    readSymbols(root["symbols"], symbols, manifest);
  readTensors(root["inputs"], /*outputs=*/false, symbols, manifest.inputs);
  readTensors(root["outputs"], /*outputs=*/true, symbols, manifest.outputs);
  readFiles(root, manifest);
  readKernels(root["kernels"], manifest);
  readTables(root["tables"], manifest);
  if (root["states"].exists())
    readStates(root["states"], symbols, manifest);
  if (root["ragged"].exists())
    manifest.isRagged = root["ragged"].getBoolean();
  if (root["devices"].exists() && root["devices"].getElements().size() > 1)
    root["devices"].report("has several, but this runtime uses one");
  // Indices of symbols hold only when each was read.
  if (problems.empty() && root["symbols"].exists())
    checkSymbols(root["symbols"], manifest, symbols);
  else if (problems.empty())
    checkSymbols(JsonPlace(nlohmann::json::array(), problems), manifest,
                 symbols);
  if (problems.empty())
    return Status();
  return Status(TRINE_ERROR_BAD_PACKAGE,
                joinProblems(TRINE_PACKAGE_MANIFEST, problems));
}
