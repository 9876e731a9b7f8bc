// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SkeletonWriter.h"

#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

bool SkeletonWriter::refuse(const llvm::Twine &reason) {
  if (why.empty())
    why = reason.str();
  return false;
}

Operation *SkeletonWriter::findRoot() {
  Operation *root = nullptr;
  for (Operation &each : kernel.getBody().front()) {
    if (!isa<TrineDialect>(each.getDialect()))
      continue;
    if (root) {
      refuse("there are several ops of the trine dialect");
      return nullptr;
    }
    root = &each;
  }
  if (!root)
    refuse("there is no op of the trine dialect");
  return root;
}

bool SkeletonWriter::findDestination(Value result, BlockArgument &destination) {
  Block &body = kernel.getBody().front();
  unsigned first = body.getNumArguments() - kernel.getNumDestinations();
  for (OpOperand &use : result.getUses()) {
    BlockArgument target;
    if (auto copy = dyn_cast<linalg::CopyOp>(use.getOwner()))
      target = dyn_cast<BlockArgument>(copy.getOutputs()[0]);
    else if (isa<plan::ReturnOp>(use.getOwner()))
      target = body.getArgument(first + use.getOperandNumber());
    if (!target || destination || target.getType() != result.getType())
      return refuse("a result goes through '" +
                    use.getOwner()->getName().getStringRef() + "'");
    destination = target;
  }
  return true;
}

bool SkeletonWriter::readWhole(Value tensor, std::string &pointer) {
  if (auto constant = tensor.getDefiningOp<arith::ConstantOp>()) {
    auto values = dyn_cast<DenseElementsAttr>(constant.getValue());
    std::string name = "constant" + std::to_string(constants++);
    std::string text = values ? constantText(name, values) : "";
    if (text.empty())
      return refuse("a constant has no CUDA form");
    globals += text;
    pointer = name;
    return true;
  }
  std::optional<StridedRead> read = findStridedRead(tensor, sizes);
  if (!read)
    return refuse("an operand is computed in the kernel");
  auto type = cast<RankedTensorType>(tensor.getType());
  std::string stride = "1";
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    FailureOr<std::string> size = sizes.dimension(tensor, dim);
    if (failed(size))
      return refuse("a size is computed in the kernel");
    if (*size != "1" && read->strides[dim] != stride)
      return refuse("rows of an operand do not lie behind one another");
    stride = productText(*size, stride);
  }
  pointer = read->pointer();
  return true;
}

std::optional<kernels::Element> cuda::elementOf(Type type) {
  if (type.isF32())
    return kernels::Element::F32;
  if (type.isF16())
    return kernels::Element::F16;
  if (type.isBF16())
    return kernels::Element::BF16;
  return std::nullopt;
}

const char *cuda::elementName(kernels::Element element) {
  return element == kernels::Element::F32   ? "Element::F32"
         : element == kernels::Element::F16 ? "Element::F16"
                                            : "Element::BF16";
}

const char *cuda::loadName(kernels::Load load) {
  return load == kernels::Load::Element  ? "Load::Element"
         : load == kernels::Load::Vector ? "Load::Vector"
                                         : "Load::TensorMap";
}

const char *cuda::flagText(bool value) { return value ? "true" : "false"; }

std::string cuda::floatText(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.9e", value) << "f";
  return text;
}

std::string SkeletonWriter::sourceText(ArrayRef<StringRef> headers,
                                       StringRef definitions, StringRef bounds,
                                       StringRef body,
                                       StringRef mapParameters) const {
  std::string text;
  for (StringRef header : headers)
    text += ("#include \"" + header + "\"\n").str();
  text += ("using namespace trine::kernels;\n\nnamespace {\n" + definitions +
           "} // namespace\n\nextern \"C\" __global__ void __launch_bounds__(" +
           bounds + ") " + plan::KernelOp(kernel).getSymName() + "(" +
           parameterList(kernel) + mapParameters + ") {\n" + body + "}\n")
              .str();
  return text;
}

std::string cuda::assignText(StringRef member, StringRef value) {
  return ("  arguments." + member + " = " + value + ";\n").str();
}

std::string cuda::architectureText() {
  return "#if defined(__CUDA_ARCH_FEAT_SM90_ALL)\nconstexpr Architecture "
         "architecture = Architecture::SM90a;\n#else\nconstexpr Architecture "
         "architecture = Architecture::SM80;\n#endif\n";
}

std::string cuda::loadText(kernels::Load load, bool hasMap) {
  return hasMap ? std::string("architecture == Architecture::SM90a ? "
                              "Load::TensorMap : ") +
                      loadName(load)
                : loadName(load);
}

std::string
cuda::configurationText(const kernels::GemmConfiguration &configuration,
                        bool mapsA, bool mapsB) {
  using namespace kernels;
  const GemmConfiguration &c = configuration;
  std::string text =
      std::string("constexpr GemmConfiguration configuration = {\n"
                  "    .architecture = architecture, .element = ") +
      elementName(c.element) + ",\n    .tileM = " + std::to_string(c.tileM) +
      ", .tileN = " + std::to_string(c.tileN) +
      ", .stages = " + std::to_string(c.stages) +
      ",\n    .loadA = " + loadText(c.loadA, mapsA) +
      ",\n    .loadB = " + loadText(c.loadB, mapsB);
  if (c.layoutB == WeightLayout::Transposed)
    text += ",\n    .layoutB = WeightLayout::Transposed";
  if (c.gate != GateLayout::None)
    text += c.gate == GateLayout::Concatenated
                ? ", .gate = GateLayout::Concatenated"
                : ", .gate = GateLayout::Interleaved";
  return text + "};\n";
}

std::string cuda::functorText(StringRef name, StringRef parameters,
                              const std::map<std::string, std::string> &members,
                              StringRef body, StringRef result) {
  std::string text = ("struct " + name + " {\n").str();
  for (const auto &[member, type] : members)
    text += "  " + type + (StringRef(type).ends_with("*") ? "" : " ") + member +
            ";\n";
  text += ("  " + result + " operator()(" + parameters + ") const {\n").str();
  text += body.str() + "  }\n};\n";
  return text;
}

std::string
cuda::constructText(StringRef name,
                    const std::map<std::string, std::string> &members) {
  std::string text = name.str() + "{";
  bool first = true;
  for (const auto &member : members) {
    text += (first ? "" : ", ") + member.first;
    first = false;
  }
  return text + "}";
}

std::string cuda::constantText(StringRef name, DenseElementsAttr values) {
  std::string element = typeName(values.getElementType());
  if (element.empty())
    return "";
  std::string text =
      ("__device__ const " + element + " " + name + "[" +
       llvm::Twine(std::max<int64_t>(1, values.getNumElements())) + "] = {")
          .str();
  bool first = true;
  for (Attribute value : values.getValues<Attribute>()) {
    text += (first ? "" : ", ") + literal(cast<TypedAttr>(value));
    first = false;
  }
  return text + "};\n";
}
