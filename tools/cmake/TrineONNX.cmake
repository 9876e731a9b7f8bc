# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The ONNX file format: protobuf, and onnx-ml.proto of the pinned onnx Python package.
# Sets TRINE_ONNX_PROTO (the file) and Protobuf_PROTOC_EXECUTABLE.

# tools/setup.sh makes .venv with the pinned Python packages.
set(TRINE_PYTHON "${PROJECT_SOURCE_DIR}/.venv/bin/python" CACHE FILEPATH "Python with the packages of requirements.txt")

find_package(Protobuf 3.21 QUIET)
if(NOT Protobuf_FOUND OR NOT Protobuf_PROTOC_EXECUTABLE)
  message(FATAL_ERROR "protobuf 3.21 or later was not found. On Debian: apt-get install libprotobuf-dev protobuf-compiler "
                      "(tools/setup.sh does it).")
endif()

if(NOT TRINE_ONNX_PROTO OR NOT EXISTS "${TRINE_ONNX_PROTO}")
  # The package is found without importing it, which would take a second.
  execute_process(
    COMMAND "${TRINE_PYTHON}" -c
      "import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec('onnx').origin).parent / 'onnx-ml.proto', end='')"
    OUTPUT_VARIABLE found RESULT_VARIABLE result ERROR_QUIET)
  if(NOT result EQUAL 0 OR NOT EXISTS "${found}")
    message(FATAL_ERROR "${TRINE_PYTHON} has no onnx package, whose onnx-ml.proto the importer is built from. Run tools/setup.sh, "
                        "or pass -DTRINE_PYTHON=<python with the packages of requirements.txt> or -DTRINE_ONNX_PROTO=<file>.")
  endif()
  set(TRINE_ONNX_PROTO "${found}" CACHE FILEPATH "onnx-ml.proto of the pinned onnx package" FORCE)
endif()
message(STATUS "Using protobuf ${Protobuf_VERSION} and ${TRINE_ONNX_PROTO}")
