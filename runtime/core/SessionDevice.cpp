// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SessionDevice.h"
#include "device/cuda/CudaDevice.h"
#include "device/host/HostDevice.h"
#include "device/sim/SimDevice.h"
#include <algorithm>

using namespace trine::runtime;

namespace {
/// "sim:sm_80,unchecked" in parts.
struct DeviceName {
  std::string kind, architecture;
  bool unchecked = false, direct = false;
};
} // namespace

static Status parseDevice(const std::string &text, DeviceName &name) {
  size_t colon = text.find(':');
  name.kind = text.substr(0, colon);
  while (colon != std::string::npos) {
    size_t end = text.find(',', colon + 1);
    std::string part = text.substr(
        colon + 1, end == std::string::npos ? end : end - colon - 1);
    if (part == "unchecked" && name.kind == "sim")
      name.unchecked = true;
    else if (part == "direct" && name.kind == "cuda")
      name.direct = true;
    else if (part.compare(0, 3, "sm_") == 0 && name.kind == "sim")
      name.architecture = part;
    else
      return Status(TRINE_ERROR_DEVICE,
                    concat("device ", quote(name.kind), " has no option ",
                           quote(part),
                           "; 'sim' takes an architecture such as sm_80, and "
                           "'unchecked', 'cuda' takes 'direct'"));
    colon = end;
  }
  return Status();
}

static Status createHost(const Package &package, const SessionOptions &options,
                         std::unique_ptr<Device> &result) {
  uint32_t threads =
      options.threads ? options.threads : ThreadPool::getDefaultThreadCount();
  const trine_program &program = package.getProgram();
  auto host = std::make_unique<HostDevice>(
      program.kernels, program.kernel_count, options.profile);
  Status status = host->start(threads);
  if (status.ok())
    result = std::move(host);
  return status;
}

/// The program's kernels with their code for one architecture; as machine code
/// where `binary` and the package has it.
static Status findKernels(const Package &package,
                          const std::string &architecture, bool binary,
                          std::vector<DeviceKernel> &kernels) {
  for (uint32_t i = 0; i < package.getProgram().kernel_count; ++i) {
    const ManifestKernel &declared = package.getKernel(i);
    auto code = std::find_if(declared.code.begin(), declared.code.end(),
                             [&](const ManifestCode &each) {
                               return each.architecture == architecture;
                             });
    if (code == declared.code.end())
      return Status(TRINE_ERROR_BAD_PACKAGE,
                    concat("kernel ", quote(declared.name), " has no code for ",
                           quote(architecture)));
    DeviceKernel kernel;
    kernel.name = declared.name;
    kernel.label = binary && !code->binary.empty() ? code->binary : code->path;
    kernel.path = package.getPath(kernel.label);
    kernel.threads = static_cast<uint32_t>(code->threads);
    kernel.workgroupsPerBlock =
        static_cast<uint32_t>(declared.workgroupsPerBlock);
    kernel.sharedBytes = static_cast<uint32_t>(code->sharedBytes);
    kernel.maps = code->maps;
    kernels.push_back(std::move(kernel));
  }
  return Status();
}

static Status createSim(const Package &package, const SessionOptions &options,
                        const DeviceName &name,
                        std::unique_ptr<Device> &result) {
  const std::vector<std::string> &made =
      package.getManifest().deviceArchitectures;
  std::string architecture = name.architecture;
  if (architecture.empty() && !made.empty())
    architecture = made.front();
  if (std::find(made.begin(), made.end(), architecture) == made.end()) {
    std::string list;
    for (const std::string &each : made)
      list += (list.empty() ? "" : ", ") + each;
    return Status(TRINE_ERROR_DEVICE,
                  concat("the package has no code for ", quote(architecture),
                         "; it has ", list.empty() ? "none" : list));
  }
  std::vector<DeviceKernel> kernels;
  Status status = findKernels(package, architecture, /*binary=*/false, kernels);
  if (status.ok())
    result = std::make_unique<SimDevice>(std::move(kernels), options.threads,
                                         !name.unchecked, options.profile);
  return status;
}

static Status createCuda(const Package &package, const SessionOptions &options,
                         const DeviceName &name,
                         std::unique_ptr<Device> &result) {
  std::string problem;
  const cuda::Driver *driver = cuda::Driver::open(problem);
  if (!driver)
    return Status(TRINE_ERROR_DEVICE,
                  concat("device 'cuda': ", problem,
                         "; device 'sim' runs the package without a GPU"));
  std::string architecture = CudaDevice::chooseArchitecture(
      *driver, package.getManifest().deviceArchitectures);
  if (architecture.empty())
    return Status(TRINE_ERROR_DEVICE,
                  "device 'cuda': the package has no code for this GPU");
  std::vector<DeviceKernel> kernels;
  Status status =
      findKernels(package, architecture,
                  CudaDevice::runsBinary(*driver, architecture), kernels);
  if (!status.ok())
    return status;
  auto device = std::make_unique<CudaDevice>(*driver, std::move(kernels));
  device->setDirect(name.direct);
  device->setProfile(options.profile);
  if (trine_status code = device->start())
    return Status(code, device->getMessage());
  result = std::move(device);
  return Status();
}

Status trine::runtime::createDevice(const Package &package,
                                    const SessionOptions &options,
                                    std::unique_ptr<Device> &result) {
  const std::string &made = package.getManifest().targetKind;
  DeviceName name;
  Status status =
      parseDevice(options.device.empty() ? made : options.device, name);
  if (!status.ok())
    return status;
  if (name.kind != "host" && name.kind != "sim" && name.kind != "cuda")
    return Status(TRINE_ERROR_DEVICE,
                  concat("unknown device ", quote(name.kind),
                         ": this runtime has 'host', 'cuda' and 'sim'"));
  if ((name.kind == "host") != (made == "host"))
    return Status(TRINE_ERROR_DEVICE,
                  concat("device ", quote(name.kind),
                         " cannot run a package made for ", quote(made)));
  if (name.kind == "host")
    return createHost(package, options, result);
  return name.kind == "cuda" ? createCuda(package, options, name, result)
                             : createSim(package, options, name, result);
}
