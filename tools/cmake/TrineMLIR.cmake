# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Finds the one supported MLIR, and stops early, with what to do, when it is missing or another version.

set(TRINE_LLVM_MAJOR 22)

if(NOT MLIR_DIR)
  foreach(prefix /usr/lib/llvm-${TRINE_LLVM_MAJOR} /usr/local/lib/llvm-${TRINE_LLVM_MAJOR})
    if(EXISTS "${prefix}/lib/cmake/mlir/MLIRConfig.cmake")
      set(MLIR_DIR "${prefix}/lib/cmake/mlir")
      break()
    endif()
  endforeach()
endif()
find_package(MLIR CONFIG QUIET)
if(NOT MLIR_FOUND)
  message(FATAL_ERROR
    "MLIR ${TRINE_LLVM_MAJOR} was not found. On Debian: apt-get install libmlir-${TRINE_LLVM_MAJOR}-dev "
    "mlir-${TRINE_LLVM_MAJOR}-tools llvm-${TRINE_LLVM_MAJOR}-dev (tools/setup.sh does it); elsewhere pass "
    "-DMLIR_DIR=<prefix>/lib/cmake/mlir.")
endif()
if(NOT LLVM_VERSION_MAJOR EQUAL TRINE_LLVM_MAJOR)
  message(FATAL_ERROR
    "Trine needs MLIR ${TRINE_LLVM_MAJOR}, but ${MLIR_DIR} is version ${LLVM_PACKAGE_VERSION}. Install "
    "libmlir-${TRINE_LLVM_MAJOR}-dev, or point -DMLIR_DIR at version ${TRINE_LLVM_MAJOR}.")
endif()
message(STATUS "Using MLIR ${LLVM_PACKAGE_VERSION} from ${MLIR_DIR}")

# The package does not set this; mixing the shared library with static component libraries in one process
# gives duplicate type ids, so everything links the shared ones.
set(MLIR_LINK_MLIR_DYLIB ON)
set(LLVM_LINK_LLVM_DYLIB ON)

list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
separate_arguments(TRINE_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
add_definitions(${TRINE_LLVM_DEFINITIONS})
