// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compares results with the truth: a model run by the reference interpreter, or
// a compiled package, with recorded test data.
#include "PackageRunner.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "trine/Import/ONNX.h"
#include "trine/Pipelines/Compile.h"
#include "trine/Pipelines/Registration.h"
#include "trine/Reference/ComputedWeights.h"
#include "trine/Reference/RoundedWeights.h"
#include "trine/Reference/TensorFile.h"
#include "trine/Reference/Verification.h"
#include "trine/Support/Version.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include <chrono>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;
namespace cl = llvm::cl;

namespace {
enum ExitCode { Agrees = 0, Differs = 1, CannotTell = 2 };

/// What was asked for.
struct Options {
  std::string package, referenceModel, model, data, weights, device, dump;
  unsigned threads = 0;
  bool accumulateF32 = false, compareLayers = false, quiet = false;
};

/// The command line. Linking in the compiler resets all of LLVM's options, so
/// they are copied at once.
struct CommandLine {
  cl::OptionCategory category{"trine-verify"};
  cl::opt<std::string> package{cl::Positional, cl::desc("[package]"),
                               cl::cat(category)};
  cl::opt<std::string> referenceModel{
      "reference",
      cl::desc(
          "Interpret this model (.onnx or .mlir) instead of running a package"),
      cl::value_desc("model"), cl::cat(category)};
  cl::opt<std::string> model{
      "model",
      cl::desc("The package's model: compare with the interpreter too, derive "
               "tolerances afresh"),
      cl::value_desc("model"), cl::cat(category)};
  cl::opt<std::string> data{
      "data",
      cl::desc("Folder with test_data_set_K/ or input_I.pb and output_J.pb"),
      cl::value_desc("folder"), cl::cat(category)};
  cl::opt<std::string> weights{
      "weights",
      cl::desc("Folder that weight files of a .mlir model are relative to "
               "(default: its own)"),
      cl::value_desc("folder"), cl::cat(category)};
  cl::opt<std::string> device{
      "device",
      cl::desc("Device to run the package on (default: what it is made for)"),
      cl::cat(category)};
  cl::opt<unsigned> threads{
      "threads",
      cl::desc("Threads that run the package (default: one per CPU)"),
      cl::init(0), cl::cat(category)};
  cl::opt<std::string> dump{"dump",
                            cl::desc("Write the results as output_J.pb into "
                                     "this folder, one folder per data set"),
                            cl::value_desc("folder"), cl::cat(category)};
  cl::opt<bool> accumulateF32{
      "accumulate-f32",
      cl::desc("Let the interpreter add up in single precision"),
      cl::cat(category)};
  cl::opt<bool> compareLayers{
      "compare-layers",
      cl::desc("Find the first node whose result differs (needs --model)"),
      cl::cat(category)};
  cl::opt<bool> quiet{"quiet",
                      cl::desc("Print failures and one closing line only"),
                      cl::cat(category)};
};

struct Model {
  OwningOpRef<ModuleOp> module;
  func::FuncOp main;
  std::string weightFolder, file;
};
} // namespace

static ExitCode complain(const llvm::Twine &message) {
  llvm::errs() << "trine-verify: " << message << "\n";
  return CannotTell;
}

static LogicalResult loadModel(MLIRContext &context, llvm::StringRef path,
                               llvm::StringRef weights, Model &model) {
  if (path.ends_with(".onnx")) {
    FailureOr<OwningOpRef<ModuleOp>> imported = importONNXModel(context, path);
    if (failed(imported))
      return failure();
    model.module = std::move(*imported);
    model.weightFolder = getModelFolder(path);
  } else {
    model.module = parseSourceFile<ModuleOp>(path, &context);
    model.weightFolder = llvm::sys::path::parent_path(path).str();
  }
  model.file = llvm::sys::path::filename(path).str();
  if (!weights.empty())
    model.weightFolder = weights.str();
  if (!model.module)
    return failure();
  model.main = model.module->lookupSymbol<func::FuncOp>("main");
  if (!model.main)
    return model.module->emitError() << "has no function 'main'";
  return inlineComputedWeights(*model.module);
}

static std::vector<Tensor> tensorsOf(llvm::ArrayRef<NamedTensor> named) {
  std::vector<Tensor> tensors;
  for (const NamedTensor &tensor : named)
    tensors.push_back(tensor.tensor);
  return tensors;
}

static llvm::Error dumpResults(llvm::StringRef folder,
                               llvm::StringRef dataFolder,
                               llvm::ArrayRef<std::string> names,
                               llvm::ArrayRef<Tensor> results) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, llvm::sys::path::filename(dataFolder));
  if (std::error_code error = llvm::sys::fs::create_directories(path))
    return llvm::createStringError(error, "cannot create '" + path.str() +
                                              "': " + error.message());
  for (size_t i = 0; i < results.size(); ++i) {
    llvm::SmallString<128> file(path);
    llvm::sys::path::append(file, "output_" + llvm::Twine(i) + ".pb");
    if (llvm::Error error =
            writeTensorFile(file, i < names.size() ? names[i] : "", results[i]))
      return error;
  }
  return llvm::Error::success();
}

/// The part of a run that compares one set of data.
class Verifier {
public:
  Verifier(const Options &options, Model *model, PackageRunner *package)
      : options(options), model(model), package(package) {}

  ExitCode verifySet(llvm::StringRef folder);
  double worstRatio() const { return worst; }
  /// Weights are rounded in the package and in the model that judges it; what
  /// was recorded comes from others.
  void setRounded() { isRounded = true; }

private:
  ExitCode report(llvm::StringRef folder, const Verification &verification,
                  llvm::StringRef what);
  ExitCode verifyModel(const DataSet &set, llvm::ArrayRef<Tensor> inputs,
                       llvm::ArrayRef<Tensor> outputs);
  ExitCode verifyPackage(const DataSet &set, llvm::ArrayRef<Tensor> inputs,
                         llvm::ArrayRef<Tensor> outputs);
  VerificationOptions verificationOptions() const;

  const Options &options;
  Model *model;
  PackageRunner *package;
  bool isRounded = false;
  double worst = 0;
};

VerificationOptions Verifier::verificationOptions() const {
  VerificationOptions result;
  result.interpreter.weightFolder = model->weightFolder;
  result.interpreter.modelFile = model->file;
  result.interpreter.accumulation =
      options.accumulateF32 ? Accumulation::F32 : Accumulation::F64;
  return result;
}

ExitCode Verifier::report(llvm::StringRef folder,
                          const Verification &verification,
                          llvm::StringRef what) {
  bool passed = verification.passed();
  for (const Comparison &comparison : verification.comparisons)
    worst = std::max(worst, comparison.problem.empty()
                                ? comparison.ratio
                                : std::numeric_limits<double>::infinity());
  if (!options.quiet || !passed) {
    llvm::outs() << folder << ": " << what << "\n";
    printVerification(llvm::outs(), verification);
  }
  return passed ? Agrees : Differs;
}

ExitCode Verifier::verifyModel(const DataSet &set,
                               llvm::ArrayRef<Tensor> inputs,
                               llvm::ArrayRef<Tensor> outputs) {
  if (!options.dump.empty() || outputs.empty()) {
    FailureOr<std::vector<Tensor>> results =
        interpret(model->main, inputs, verificationOptions().interpreter);
    if (failed(results))
      return CannotTell;
    if (!options.dump.empty())
      if (llvm::Error error = dumpResults(options.dump, set.folder,
                                          outputNames(model->main), *results))
        return complain(llvm::toString(std::move(error)));
    if (outputs.empty())
      return Agrees;
  }
  // A test may record the leading outputs only; it must not record more.
  FailureOr<Verification> verification =
      verify(model->main, inputs, outputs, /*interpreterIsExpected=*/false,
             verificationOptions());
  return failed(verification)
             ? CannotTell
             : report(set.folder, *verification,
                      "the interpreter against the recorded outputs");
}

ExitCode Verifier::verifyPackage(const DataSet &set,
                                 llvm::ArrayRef<Tensor> inputs,
                                 llvm::ArrayRef<Tensor> outputs) {
  llvm::Expected<std::vector<Tensor>> results = package->run(inputs);
  if (!results)
    return complain(set.folder + ": " + llvm::toString(results.takeError()));
  const std::vector<std::string> &names = package->getOutputNames();
  if (!options.dump.empty())
    if (llvm::Error error =
            dumpResults(options.dump, set.folder, names, *results))
      return complain(llvm::toString(std::move(error)));
  if (options.compareLayers) {
    FailureOr<LayerVerification> layers =
        verifyLayers(model->main, inputs, *results, verificationOptions());
    if (failed(layers))
      return CannotTell;
    llvm::outs() << set.folder
                 << ": every node of the model, compiled anew, against the "
                    "interpreter\n";
    printLayers(llvm::outs(), *layers);
    worst = std::max(worst, layers->largestRatio);
    return layers->differing.empty() ? Agrees : Differs;
  }
  ExitCode code = Agrees;
  std::vector<Tolerance> tolerances;
  for (double relative : package->getTolerances())
    tolerances.push_back({relative});
  if (model) {
    FailureOr<Verification> verification =
        verify(model->main, inputs, *results, /*interpreterIsExpected=*/true,
               verificationOptions());
    if (failed(verification))
      return CannotTell;
    code = report(set.folder, *verification,
                  isRounded ? "the package against the interpreter with the "
                              "package's rounded weights"
                            : "the package against the interpreter");
    // The recorded outputs may rest on other weights, or on another choice,
    // which only the interpreter can tell.
    if (code != Agrees || isRounded || !verification->forced.empty())
      return code;
    FailureOr<std::vector<Tolerance>> derived = deriveTolerancesFor(
        model->main, inputs, verificationOptions().interpreter);
    if (failed(derived))
      return CannotTell;
    tolerances = *derived;
  }
  if (outputs.empty())
    return code;
  if (outputs.size() != results->size())
    return complain(set.folder + ": has " + llvm::Twine(outputs.size()) +
                    " outputs, but the package gives " +
                    llvm::Twine(results->size()));
  Verification recorded;
  for (size_t i = 0; i < outputs.size(); ++i)
    recorded.comparisons.push_back(
        compareTensors(names[i], outputs[i], (*results)[i], tolerances[i]));
  // The package chose as the interpreter does, which agrees with it. Where the
  // recorded outputs rest on a choice that rounding may turn, they are compared
  // with the interpreter that has it turned, and with nothing else changed.
  if (model && !recorded.passed()) {
    FailureOr<Verification> turned =
        verify(model->main, inputs, outputs, /*interpreterIsExpected=*/false,
               verificationOptions());
    if (failed(turned))
      return CannotTell;
    if (turned->passed() && !turned->forced.empty())
      return report(set.folder, *turned,
                    "the interpreter, which the package agrees with, against "
                    "the recorded outputs");
  }
  return report(set.folder, recorded,
                "the package against the recorded outputs");
}

ExitCode Verifier::verifySet(llvm::StringRef folder) {
  llvm::Expected<DataSet> set = readDataSet(folder);
  if (!set)
    return complain(llvm::toString(set.takeError()));
  std::vector<Tensor> inputs = tensorsOf(set->inputs),
                      outputs = tensorsOf(set->outputs);
  return package ? verifyPackage(*set, inputs, outputs)
                 : verifyModel(*set, inputs, outputs);
}

/// Compiles the model into a temporary package that gives the result of every
/// node.
static LogicalResult compileWithLayers(MLIRContext &context,
                                       llvm::StringRef model,
                                       llvm::SmallString<128> &package) {
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("trine-layers", package)) {
    complain("cannot create a temporary folder: " + error.message());
    return failure();
  }
  CompileOptions compile;
  compile.input = model.str();
  compile.output = (package + "/layers.trine").str();
  compile.cpu = "native";
  auto expose = [](ModuleOp module) -> LogicalResult {
    // What the importer gives always has this function.
    exposeIntermediates(module.lookupSymbol<func::FuncOp>("main"));
    return success();
  };
  compile.afterImport = expose;
  CompileReport report;
  return compileModel(context, compile, report);
}

static ExitCode run(const Options &options) {
  if (options.package.empty() == options.referenceModel.empty())
    return complain("give either a package or --reference MODEL (see --help)");
  if (options.data.empty())
    return complain("give the test data with --data FOLDER (see --help)");
  if (options.compareLayers && options.model.empty())
    return complain(
        "--compare-layers needs the package's model: give --model MODEL");
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  Model model;
  std::string path =
      options.referenceModel.empty() ? options.model : options.referenceModel;
  if (!path.empty() && failed(loadModel(context, path, options.weights, model)))
    return CannotTell;
  std::optional<PackageRunner> package;
  llvm::SmallString<128> layersPackage;
  llvm::scope_exit removeLayers([&] {
    if (!layersPackage.empty())
      llvm::sys::fs::remove_directories(layersPackage);
  });
  if (!options.package.empty()) {
    if (options.compareLayers &&
        failed(compileWithLayers(context, options.model, layersPackage)))
      return CannotTell;
    std::string path = options.package;
    if (options.compareLayers)
      path = (layersPackage + "/layers.trine").str();
    llvm::Expected<PackageRunner> opened =
        PackageRunner::open(path, options.device, options.threads);
    if (!opened)
      return complain(llvm::toString(opened.takeError()));
    package = std::move(*opened);
  }
  llvm::Expected<std::vector<std::string>> folders = findDataSets(options.data);
  if (!folders)
    return complain(llvm::toString(folders.takeError()));
  Verifier verifier(options, path.empty() ? nullptr : &model,
                    package ? &*package : nullptr);
  if (package && model.main && !options.compareLayers) {
    FailureOr<bool> rounded =
        roundWeightsAsPackaged(model.main, options.package);
    if (failed(rounded))
      return CannotTell;
    if (*rounded)
      verifier.setRounded();
  }
  ExitCode worst = Agrees;
  for (const std::string &folder : *folders)
    worst = std::max(worst, verifier.verifySet(folder));
  llvm::outs() << (worst == Agrees    ? "agrees"
                   : worst == Differs ? "DIFFERS"
                                      : "could not be compared")
               << ": " << folders->size()
               << " data sets, largest error / tolerance "
               << llvm::format("%.3g", verifier.worstRatio()) << "\n";
  return worst;
}

int main(int argc, char **argv) {
  llvm::InitLLVM initialize(argc, argv);
  // LLVM's own options are not for this tool, and one of them has the name of
  // ours.
  cl::ResetCommandLineParser();
  mlir::trine::printVersionOnRequest();
  CommandLine line;
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "Compares a compiled package, or the reference interpreter, with "
          "recorded test data.\n\n"
          "  trine-verify --reference model.onnx --data folder\n"
          "  trine-verify model.trine --data folder [--model model.onnx]\n\n"
          "Exit code: 0 when everything agrees, 1 when something differs, 2 "
          "when it cannot be told.\n",
          &llvm::errs()))
    return CannotTell;
  Options options;
  options.package = line.package;
  options.referenceModel = line.referenceModel;
  options.model = line.model;
  options.data = line.data;
  options.weights = line.weights;
  options.device = line.device;
  options.dump = line.dump;
  options.threads = line.threads;
  options.accumulateF32 = line.accumulateF32;
  options.compareLayers = line.compareLayers;
  options.quiet = line.quiet;
  return run(options);
}
