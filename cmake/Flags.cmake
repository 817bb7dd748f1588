# soma_flags: what every file of the project is compiled with. -ffp-contract=off everywhere: what is fused says so
# in the source. -ffast-math is nowhere.
add_library(soma_flags INTERFACE)
target_include_directories(soma_flags INTERFACE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
target_compile_definitions(soma_flags INTERFACE _GNU_SOURCE)
target_compile_options(soma_flags INTERFACE
  -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
  $<IF:$<C_COMPILER_ID:GNU>,-Wshadow=local,-Wshadow> # a value may bear the name of its type: isa *isa
  $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation> # messages have a fixed size and may be cut
  $<$<BOOL:${SOMA_WERROR}>:-Werror>)
check_c_compiler_flag(-fno-semantic-interposition have_no_interposition)
if(have_no_interposition AND NOT EMSCRIPTEN)
  target_compile_options(soma_flags INTERFACE -fno-semantic-interposition)
endif()
if(SOMA_SANITIZE)
  target_compile_options(soma_flags INTERFACE -fsanitize=${SOMA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  target_link_options(soma_flags INTERFACE -fsanitize=${SOMA_SANITIZE})
  # gcc 13 and 14 misalign 64-byte vectors on the stack that finds uses after return (their bug 110027).
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(soma_flags INTERFACE --param=asan-use-after-return=0)
  endif()
endif()
if(SOMA_FUZZ) # the library tells the fuzzer which of its branches an input took
  target_compile_options(soma_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
