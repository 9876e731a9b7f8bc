# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The two kinds of target: code that sees MLIR, and code that must not.

# One precompiled header for all compiler code: it halves the time of a clean build.
function(trine_use_compiler_flags target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
  # Libraries and programs must agree on -fPIC to share the precompiled header; CMake would give programs -fPIE.
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
  if(TRINE_PRECOMPILED_HEADER AND NOT target STREQUAL TrinePrecompiled)
    target_precompile_headers(${target} REUSE_FROM TrinePrecompiled)
  endif()
endfunction()

# What a program that links MLIR needs besides.
function(trine_link_mlir target)
  trine_use_compiler_flags(${target})
  target_link_libraries(${target} PRIVATE MLIR LLVM)
  if(TRINE_SANITIZE MATCHES "address")
    target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tools/cmake/SanitizerOptions.cpp")
  endif()
endfunction()

# trine_add_library(NAME SOURCES... [DEPENDS generated targets...] [LINK libraries...])
# A compiler library. LINK names other Trine libraries; MLIR and LLVM come as their shared libraries.
function(trine_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES} ${ARG_UNPARSED_ARGUMENTS})
  trine_use_compiler_flags(${name})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  add_dependencies(${name} trine-headers)
  set_property(GLOBAL APPEND PROPERTY TRINE_COMPILER_LIBRARIES ${name})
endfunction()

# trine_add_tool(NAME SOURCES... [LINK libraries...]): a program that links MLIR.
function(trine_add_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  trine_link_mlir(${name})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT compiler)
endfunction()

# trine_add_unit_test(NAME SOURCES... [LINK libraries...] [COMPILER]): one GoogleTest program in build/<preset>/unit.
# COMPILER says that it sees MLIR.
function(trine_add_unit_test name)
  cmake_parse_arguments(ARG "COMPILER" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES} ${ARG_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/unit")
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
  if(ARG_COMPILER)
    trine_link_mlir(${name})
  endif()
  add_dependencies(trine-unit-tests ${name})
endfunction()
