# How every target of this project is compiled: the compilers that are accepted, warnings, sanitizers, ccache, lld.

# Deducing `this` with all that the library asks of it works from these versions on.
if((CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 18)
   OR (CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14))
  message(
    FATAL_ERROR
      "Mica is C++23 and needs Clang 18 or GCC 14, or newer; ${CMAKE_CXX_COMPILER} is ${CMAKE_CXX_COMPILER_ID} "
      "${CMAKE_CXX_COMPILER_VERSION}. Pass -DCMAKE_CXX_COMPILER=clang++-19 in a fresh build folder, or use "
      "`cmake --preset release`, which looks for a suitable compiler itself.")
endif()

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, RelWithDebInfo or MinSizeRel" FORCE)
  endif()
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

  find_program(CCACHE_PROGRAM ccache)
  mark_as_advanced(CCACHE_PROGRAM)
  if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Paths relative to the source folder, so that clones in other places share the cache.
    set(CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=true
                                    "${CCACHE_PROGRAM}")
  endif()

  include(CheckLinkerFlag)
  check_linker_flag(CXX -fuse-ld=lld MICA_HAVE_LLD)
  if(MICA_HAVE_LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()

# For our own targets; nothing of it but the language standard reaches users of the library.
function(mica_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_23)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion)
  if(MICA_DEVELOPER_MODE)
    target_compile_options(${target} PRIVATE -Werror)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # These follow values through optimised code, where GCC sees paths that are not taken: shown, but not fatal.
      target_compile_options(
        ${target} PRIVATE -Wno-error=array-bounds -Wno-error=dangling-reference -Wno-error=free-nonheap-object
                          -Wno-error=maybe-uninitialized -Wno-error=null-dereference -Wno-error=restrict
                          -Wno-error=stringop-overflow -Wno-error=stringop-overread)
    endif()
  endif()

  # `{.stride = 2}` leaves the other options at their defaults: that is what the options structs are for.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 19)
    target_compile_options(${target} PRIVATE -Wno-missing-designated-field-initializers)
  else()
    target_compile_options(${target} PRIVATE -Wno-missing-field-initializers)
  endif()

  # Floating point keeps its meaning (no -ffast-math). Products and sums contract into FMAs only within one
  # expression, as Clang does by default and GCC only when told, so that both compilers round alike; -ffp-contract=off
  # would cost the kernels speed and buy little, since Highway's MulAdd fuses anyway. Nothing here reads errno after
  # a math function, and without that promise sqrt is a call.
  target_compile_options(${target} PRIVATE -ffp-contract=on -fno-math-errno)

  if(MICA_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${MICA_SANITIZE} -fno-sanitize-recover=all
                                             -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${MICA_SANITIZE})
    # Vector code is compiled for one target, not for each that Highway would choose from at run time: instrumented,
    # the kernels alone would take longer than all the rest.
    target_compile_definitions(${target} PRIVATE HWY_COMPILE_ONLY_STATIC)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
      target_compile_options(${target} PRIVATE -march=x86-64-v3 -maes -mpclmul)
    endif()
  endif()
endfunction()
