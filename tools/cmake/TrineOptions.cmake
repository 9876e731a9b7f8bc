# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Compiler flags that hold for every target, and the compile cache.

find_program(TRINE_CCACHE ccache)
if(TRINE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${TRINE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${TRINE_CCACHE}")
endif()

add_compile_options(-Wall -Wextra -Wno-unused-parameter -fno-semantic-interposition)
if(TRINE_WARNINGS_AS_ERRORS)
  add_compile_options(-Werror)
endif()
if(TRINE_HARDEN_STANDARD_LIBRARY)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()
if(TRINE_SANITIZE)
  add_compile_options(-fsanitize=${TRINE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TRINE_SANITIZE})
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # lld links the compiler's tools in well under a second; GNU ld needs many.
  add_link_options(-fuse-ld=lld)
endif()
