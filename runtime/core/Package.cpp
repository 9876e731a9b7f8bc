// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Package.h"
#include "CpuFeatures.h"
#include "Safetensors.h"
#include "trine/Runtime/PackageFormat.h"
#include "trine/Runtime/Sha256.h"
#include <algorithm>
#include <map>
#include <sys/stat.h>

using namespace trine::runtime;

Status Package::open(const std::string &path, bool verifyHashes,
                     const TableOptions &tableOptions,
                     std::shared_ptr<const Package> &result) {
  auto package = std::make_shared<Package>();
  Status status = package->load(path, verifyHashes);
  if (status.ok() && !package->manifest.tables.empty())
    status = TableSet::open(path, package->manifest.tables, tableOptions,
                            package->tables);
  if (!status.ok())
    return Status(status.getCode(),
                  concat("package ", quote(path), ": ", status.getMessage()));
  result = std::move(package);
  return Status();
}

std::string Package::getPath(const std::string &file) const {
  return folder + "/" + file;
}

const void *Package::getWeights() const {
  alignas(TRINE_WEIGHTS_ALIGNMENT) static const char none[1] = {0};
  return manifest.hasWeights ? weights.getData() + manifest.weightsDataOffset
                             : reinterpret_cast<const uint8_t *>(none);
}

uint64_t Package::getWeightsBytes() const {
  return manifest.hasWeights ? weights.getSize() - manifest.weightsDataOffset
                             : 0;
}

Status Package::load(const std::string &path, bool verifyHashes) {
  folder = path;
  struct stat info;
  if (stat(path.c_str(), &info) != 0)
    return Status(TRINE_ERROR_NOT_FOUND, "does not exist");
  if (!S_ISDIR(info.st_mode))
    return Status(TRINE_ERROR_NOT_FOUND, "is not a folder");
  {
    MappedFile file;
    Status status =
        file.open(getPath(TRINE_PACKAGE_MANIFEST), TRINE_PACKAGE_MANIFEST);
    if (!status.ok())
      return status;
    status = parseManifest(file.getText(), manifest);
    if (!status.ok())
      return status;
  }
  // The target first: it tells more than a failing load of foreign code.
  Status status = checkTarget();
  if (status.ok())
    status = checkFiles(verifyHashes);
  if (status.ok())
    status = openWeights();
  if (status.ok())
    status = openProgram();
  return status;
}

Status Package::checkTarget() {
  target = manifest.targetKind;
  if (!manifest.targetArchitecture.empty())
    target += " " + manifest.targetArchitecture;
  std::string lacking;
  bool runnable = manifest.variants.empty();
  for (const ManifestVariant &variant : manifest.variants) {
    std::string list, missing;
    for (const std::string &feature : variant.features) {
      // LLVM's lists say "-avx512f" for what is not used.
      if (!feature.empty() && feature[0] == '-')
        continue;
      std::string name = feature.substr(!feature.empty() && feature[0] == '+');
      list += (list.empty() ? "" : ", ") + name;
      if (!hasCpuFeature(name))
        missing += (missing.empty() ? "" : ", ") + quote(name);
    }
    target += (&variant == &manifest.variants.front() ? ": " : "; ") +
              variant.name + (list.empty() ? "" : " (" + list + ")");
    runnable |= missing.empty();
    lacking += (lacking.empty() ? "" : "; ") + quote(variant.name) + " needs " +
               missing;
  }
  if (!manifest.targetArchitecture.empty() &&
      manifest.targetArchitecture != getArchitecture())
    return Status(TRINE_ERROR_CPU,
                  concat("is compiled for ", quote(manifest.targetArchitecture),
                         ", but this is ", quote(getArchitecture())));
  if (!runnable)
    return Status(TRINE_ERROR_CPU,
                  concat("this CPU lacks features: ", lacking));
  return Status();
}

/// Judges every file before any is used, so that one message says all.
Status Package::checkFiles(bool verifyHashes) const {
  trine_status code = TRINE_OK;
  std::string text;
  auto report = [&](trine_status fileCode, const std::string &problem) {
    if (code == TRINE_OK)
      code = fileCode;
    text += (text.empty() ? "" : "\n") + problem;
  };
  for (const ManifestFile &file : manifest.files) {
    MappedFile mapped;
    Status status = mapped.open(getPath(file.path), file.path);
    if (!status.ok()) {
      report(status.getCode(), status.getMessage());
    } else if (mapped.getSize() != file.bytes) {
      report(TRINE_ERROR_BAD_PACKAGE,
             concat(quote(file.path), " must have ", file.bytes, " bytes, got ",
                    mapped.getSize(),
                    mapped.getSize() < file.bytes ? " (truncated?)" : ""));
    } else if (verifyHashes) {
      std::string hash = computeSha256(mapped.getData(), mapped.getSize());
      if (hash != file.sha256)
        report(TRINE_ERROR_HASH_MISMATCH,
               concat(quote(file.path), " must have SHA-256 ", file.sha256,
                      ", got ", hash));
    }
  }
  return Status(code, text);
}

Status Package::openWeights() {
  if (!manifest.hasWeights)
    return Status();
  const std::string &path = manifest.weightsPath;
  Status status = weights.open(getPath(path), path);
  SafetensorsHeader header;
  if (status.ok())
    status =
        parseSafetensors(weights.getData(), weights.getSize(), path,
                         /*allowGaps=*/true, TRINE_ERROR_BAD_PACKAGE, header);
  if (status.ok() && header.dataOffset != manifest.weightsDataOffset)
    status =
        Status(TRINE_ERROR_BAD_PACKAGE,
               concat(quote(path), " must have its data at byte ",
                      manifest.weightsDataOffset, ", got ", header.dataOffset));
  return status;
}

Status Package::openProgram() {
  Status status = program.load(getPath(TRINE_PACKAGE_PROGRAM));
  if (!status.ok())
    return status;
  std::map<std::string, const ManifestKernel *> known;
  for (const ManifestKernel &kernel : manifest.kernels)
    known.emplace(kernel.name, &kernel);
  for (uint32_t i = 0; i < program.get().kernel_count; ++i) {
    const char *name = program.get().kernels[i].name;
    ManifestKernel kernel;
    kernel.name = name ? name : "";
    auto it = known.find(kernel.name);
    if (it != known.end())
      kernel = *it->second;
    kernels.push_back(std::move(kernel));
  }
  // Copies have texts of their own.
  for (ManifestKernel &kernel : kernels) {
    kernel.nodeTexts.clear();
    for (const std::string &node : kernel.nodes)
      kernel.nodeTexts.push_back(node.c_str());
  }
  return Status();
}
