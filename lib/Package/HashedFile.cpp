// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HashedFile.h"

#include "llvm/Support/FileSystem.h"
#include <algorithm>

using namespace mlir::trine;

static constexpr size_t kBlockBytes = size_t(1) << 20;
static constexpr size_t kWaitingBlocks = 8;

llvm::Expected<std::unique_ptr<HashedFile>>
HashedFile::create(llvm::StringRef path) {
  int descriptor;
  if (std::error_code error = llvm::sys::fs::openFileForWrite(path, descriptor))
    return llvm::createStringError(error, "cannot write '%s': %s",
                                   path.str().c_str(), error.message().c_str());
  return std::unique_ptr<HashedFile>(new HashedFile(path, descriptor));
}

HashedFile::HashedFile(llvm::StringRef path, int descriptor)
    : path(path.str()),
      stream(descriptor, /*shouldClose=*/true, /*unbuffered=*/true),
      thread([this] { work(); }) {}

HashedFile::~HashedFile() {
  stop();
  stream.clear_error(); // a file that was not finished is thrown away
}

void HashedFile::work() {
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    changed.wait(lock, [&] { return ended || !waiting.empty(); });
    if (waiting.empty())
      return;
    Block next = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    changed.notify_all();
    hash.update(next.data(), next.size());
    if (!stream.has_error())
      stream.write(reinterpret_cast<const char *>(next.data()), next.size());
    lock.lock();
  }
}

void HashedFile::pass() {
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [&] { return waiting.size() < kWaitingBlocks; });
  waiting.push_back(std::move(block));
  lock.unlock();
  changed.notify_all();
  block = Block();
}

void HashedFile::stop() {
  if (!thread.joinable())
    return;
  {
    std::lock_guard<std::mutex> lock(mutex);
    ended = true;
  }
  changed.notify_all();
  thread.join();
}

void HashedFile::write(llvm::ArrayRef<uint8_t> bytes) {
  written += bytes.size();
  while (!bytes.empty()) {
    block.reserve(kBlockBytes);
    size_t taken = std::min(bytes.size(), kBlockBytes - block.size());
    block.insert(block.end(), bytes.begin(), bytes.begin() + taken);
    bytes = bytes.drop_front(taken);
    if (block.size() == kBlockBytes)
      pass();
  }
}

void HashedFile::write(llvm::StringRef text) {
  write(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(text.data()),
                       text.size()));
}

void HashedFile::pad(uint64_t bytes) {
  static const uint8_t zeros[4096] = {};
  for (; bytes; bytes -= std::min<uint64_t>(bytes, sizeof zeros))
    write(llvm::ArrayRef(zeros, std::min<uint64_t>(bytes, sizeof zeros)));
}

llvm::Expected<std::string> HashedFile::finish() {
  if (!block.empty())
    pass();
  stop();
  std::error_code error = stream.error();
  stream.clear_error();
  if (error)
    return llvm::createStringError(error, "cannot write '%s': %s", path.c_str(),
                                   error.message().c_str());
  return hash.finish();
}
