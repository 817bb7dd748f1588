# Build for WebAssembly with Emscripten (Debian: emscripten), whose own description of the target does the work.
find_program(EM_CONFIG em-config PATHS /usr/share/emscripten REQUIRED)
execute_process(COMMAND ${EM_CONFIG} EMSCRIPTEN_ROOT OUTPUT_VARIABLE emscripten_root OUTPUT_STRIP_TRAILING_WHITESPACE)
include("${emscripten_root}/cmake/Modules/Platform/Emscripten.cmake")
