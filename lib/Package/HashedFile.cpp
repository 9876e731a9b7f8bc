// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HashedFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include <algorithm>

using namespace mlir::trine;

llvm::Expected<std::unique_ptr<HashedFile>>
HashedFile::create(llvm::StringRef path) {
  int descriptor;
  if (std::error_code error = llvm::sys::fs::openFileForWrite(path, descriptor))
    return llvm::createStringError(error, "cannot write '%s': %s",
                                   path.str().c_str(), error.message().c_str());
  return std::unique_ptr<HashedFile>(new HashedFile(path, descriptor));
}

void HashedFile::write(llvm::ArrayRef<uint8_t> bytes) {
  hash.update(bytes);
  stream.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  written += bytes.size();
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
  stream.flush();
  std::error_code error = stream.error();
  stream.clear_error();
  if (error)
    return llvm::createStringError(error, "cannot write '%s': %s", path.c_str(),
                                   error.message().c_str());
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}
