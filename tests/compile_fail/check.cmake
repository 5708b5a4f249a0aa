# cmake -Dcompiler= -Dsource= -Dinclude= -P check.cmake: see CMakeLists.txt.
file(STRINGS "${source}" expectation REGEX "^// expect: " LIMIT_COUNT 1)
string(REGEX REPLACE "^// expect: *" "" expectation "${expectation}")
if(expectation STREQUAL "")
  message(FATAL_ERROR "${source}: no `// expect: <regular expression>` line")
endif()

set(ENV{LC_ALL} C) # messages in English, with plain quotes
set(command "${compiler}" -std=c++23 -fsyntax-only "-I${include}" "${source}")
execute_process(COMMAND ${command} RESULT_VARIABLE status ERROR_VARIABLE output)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${source} must compile without MUST_FAIL, but does not:\n${output}")
endif()

execute_process(COMMAND ${command} -DMUST_FAIL RESULT_VARIABLE status ERROR_VARIABLE output)
if(status EQUAL 0)
  message(FATAL_ERROR "${source} must not compile with -DMUST_FAIL, but does")
endif()
# Only what the compiler says counts, not the source that it quotes: there the expectation may well appear, too.
string(REGEX MATCHALL "(error|note): [^\n]*" messages "${output}")
if(NOT messages MATCHES "${expectation}")
  message(FATAL_ERROR "${source} is rejected, but no message matches `${expectation}`:\n${output}")
endif()
