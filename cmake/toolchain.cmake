# Picks the compiler for the presets: $CXX if set, else the first suitable one that is installed. Clang 19 comes first
# because CI and the benchmark figures use it. A choice of your own: -DCMAKE_CXX_COMPILER=..., in a fresh build folder.
if(NOT DEFINED CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  find_program(
    MICA_CXX_COMPILER
    NAMES clang++-19 clang++-20 clang++-21 clang++-22 clang++-18 g++-14 g++-15 g++-16 clang++
    DOC "Compiler that the presets use")
  mark_as_advanced(MICA_CXX_COMPILER)
  if(MICA_CXX_COMPILER)
    set(CMAKE_CXX_COMPILER "${MICA_CXX_COMPILER}")
  endif()
endif()
