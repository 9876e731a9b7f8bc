# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Writes HEADERS as {"name", R"TRINE(text)TRINE"}, lines into OUTPUT. A header is called what its includers call it.
set(text "")
foreach(header ${HEADERS})
  file(READ "${header}" content)
  if(header MATCHES "/include/(trine/.*)$")
    set(name "${CMAKE_MATCH_1}")
  else()
    get_filename_component(name "${header}" NAME)
  endif()
  string(APPEND text "{\"${name}\", R\"TRINE(${content})TRINE\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}")
