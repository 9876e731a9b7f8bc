// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// An NVIDIA GPU as a device of the runtime, through its driver.
#ifndef TRINE_RUNTIME_DEVICE_CUDA_CUDADEVICE_H
#define TRINE_RUNTIME_DEVICE_CUDA_CUDADEVICE_H

#include "Driver.h"
#include "LaunchGraphs.h"
#include "device/Device.h"
#include <array>

namespace trine::runtime {

/// Queues are streams, made when they are first used. Launches of queue 0 wait
/// until something else needs their results, and then go together, as a graph
/// where they came before. Copies to the device come from pinned memory on a
/// stream of their own, which events join with the queue. Prefetched rows have
/// another stream, which waits for no queue: they are copied to memory of their
/// own as soon as they are there, and by the queue to their place.
class CudaDevice : public Device {
public:
  CudaDevice(const cuda::Driver &driver, std::vector<DeviceKernel> kernels)
      : driver(driver), kernels(std::move(kernels)), graphs(driver) {}
  ~CudaDevice() override;

  /// The architecture of `made` whose code device 0 runs best; empty: none.
  static std::string chooseArchitecture(const cuda::Driver &driver,
                                        const std::vector<std::string> &made);

  /// Whether device 0 runs machine code of an architecture as it is. Machine
  /// code runs on later minor versions of its major one, PTX on later ones,
  /// too.
  static bool runsBinary(const cuda::Driver &driver,
                         const std::string &architecture);

  /// Takes the context. Called once, before anything else.
  trine_status start();

  const char *getKind() const override { return "cuda"; }
  trine_status allocate(uint32_t space, uint64_t bytes, void **memory) override;
  void release(uint32_t space, void *memory, uint64_t bytes) override;
  trine_status shareWeights(const void *host, uint64_t bytes,
                            const void **memory) override;
  trine_status shareInput(const void *host, uint64_t bytes,
                          const void **memory) override;
  trine_status shareOutput(void *host, uint64_t bytes, void **memory) override;
  trine_status collectOutputs() override;
  trine_status write(uint32_t queue, const void *host, void *destination,
                     uint64_t bytes) override;
  trine_status copy(uint32_t queue, const void *source, void *destination,
                    uint64_t bytes) override;
  trine_status zero(uint32_t queue, void *destination, uint64_t bytes) override;
  trine_status submit() override;
  trine_status openPrefetched(uint64_t bytes, uint32_t *slot,
                              void **host) override;
  trine_status copyPrefetched(uint32_t slot, uint64_t bytes,
                              std::string &problem) override;
  trine_status joinPrefetched(uint32_t queue, uint32_t slot, void *destination,
                              uint64_t bytes) override;
  void dropPrefetched(uint32_t slot) override;
  trine_status read(uint32_t queue, const void *source, void *host,
                    uint64_t bytes) override;
  trine_status launch(uint32_t queue, uint32_t kernel, uint64_t workgroups,
                      const uint64_t *arguments,
                      uint32_t argumentCount) override;
  trine_status synchronize() override;
  void beginStep() override;
  void endStep() override;
  /// With `direct` every launch is a call of its own.
  void setDirect(bool direct) { graphs.setEnabled(!direct); }
  const cuda::LaunchGraphs &getGraphs() const { return graphs; }
  void collectProfile(std::vector<trine_profile_record> &records) override;
  /// Records the time of every launch; each is a call of its own then.
  void setProfile(bool wanted);

private:
  struct Block {
    cuda::Pointer address = 0;
    uint64_t bytes = 0;
  };
  /// Pinned memory that a copy reads, and the event behind the copy.
  struct Staging {
    void *memory = nullptr;
    uint64_t bytes = 0;
    cuda::Event copied = nullptr;
  };
  /// Rows on their way: pinned, then in device memory, then in their place.
  struct Prefetched {
    void *host = nullptr;
    cuda::Pointer block = 0;
    uint64_t bytes = 0;
    /// Behind the last copy, and behind the last move to a place.
    cuda::Event copied = nullptr, used = nullptr;
    bool isOpen = false, wasCopied = false, wasUsed = false;
  };
  struct Output {
    void *host;
    cuda::Pointer address;
    uint64_t bytes;
  };
  struct Code {
    cuda::Module module = nullptr;
    cuda::Function function = nullptr;
  };

  trine_status check(cuda::Result error, const std::string &what);
  std::string describe(cuda::Result error, const std::string &what) const;
  /// As check(), of a launch, which may lack its tensor maps.
  trine_status checkLaunch(cuda::Result error, const std::string &what);
  trine_status getStream(uint32_t queue, cuda::Stream &stream);
  trine_status load(uint32_t kernel);
  /// Sends the launches that wait.
  trine_status flush();
  trine_status growPrefetched(Prefetched &slot, uint64_t bytes);
  void freePrefetched(const Prefetched &each);
  /// Makes the stream of copies.
  trine_status startCopies();
  /// The next pinned block of at least `bytes`, which no copy reads any more.
  trine_status getStaging(uint64_t bytes, Staging *&staging);
  /// Notes on queue 0 when a launch begins and when it has ended.
  trine_status recordTime(size_t index);
  /// The next block for an input or output of this step, kept between steps.
  trine_status stage(uint64_t bytes, cuda::Pointer &address);
  /// The context while a function that the runtime calls runs; the caller's is
  /// current again when it ends. Steps and changes of states may come from any
  /// thread, and the caller may work on another device.
  class Entry {
  public:
    explicit Entry(CudaDevice &device);
    ~Entry();
    Entry(const Entry &) = delete;
    Entry &operator=(const Entry &) = delete;
    /// The stream of a queue, once what was recorded for it is under way.
    trine_status reach(uint32_t queue, cuda::Stream &stream);
    trine_status status = TRINE_OK;

  private:
    CudaDevice &device;
    bool isPushed = false;
  };

  const cuda::Driver &driver;
  std::vector<DeviceKernel> kernels;
  std::vector<Code> code; // by kernel
  cuda::Device device = 0;
  cuda::Context context = nullptr;
  bool isInStep = false; // the context is current from beginStep() to endStep()
  std::vector<cuda::Stream> streams; // by queue, or null
  cuda::Pointer weights = 0;
  std::vector<Block> staged;
  size_t stagedUsed = 0;
  cuda::LaunchGraphs graphs;
  cuda::Stream copyStream = nullptr;
  cuda::Event reached = nullptr;
  std::vector<Staging> staging;
  size_t nextStaging = 0;
  cuda::Stream prefetchStream = nullptr;
  std::array<Prefetched, prefetchSlots> prefetched;
  /// Of the launches of a step: kernel and workgroups; an event before the
  /// first, and one behind each.
  struct Timed {
    uint32_t kernel;
    uint64_t workgroups;
  };
  bool profile = false;
  std::vector<Timed> timed;
  std::vector<cuda::Event> times;
  std::vector<Output> outputs;
};

} // namespace trine::runtime

#endif
