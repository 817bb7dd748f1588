# Kernel files are compiled once for each instruction set, with KERNEL_ISA=<level>: those of src/backend/portable/isa only
# so, those of src/ops/elementwise also once without it (their descriptors). They are optimised harder, but by the same
# rules: a * b + c is one rounding only where the source says so (v_fma of simd.h), so that a fused loop gives the bits of
# the same ops run one by one. src/backend/portable/*.c learn by SOMA_HAVE_<level> which levels this build holds.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(soma_kernel_levels baseline avx2 avx512)
  set(kernel_flags_avx2 -mavx2 -mfma)
  set(kernel_flags_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma -mprefer-vector-width=512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(soma_kernel_levels neon)
elseif(EMSCRIPTEN)
  set(soma_kernel_levels wasm)
  set(kernel_flags_wasm -msimd128)
else()
  set(soma_kernel_levels baseline)
endif()
if(SOMA_ONE_LEVEL)
  list(GET soma_kernel_levels 0 soma_kernel_levels)
endif()

# Functions begin at cache lines, so that a change elsewhere does not move their loops across them.
set(kernel_optimisation -O3 -falign-functions=64)
if(SOMA_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(kernel_optimisation -O1)
endif()
if(SOMA_SANITIZE) # its hundreds of loops would take a fifth of the build; without -O some intrinsics are macros that warn
  set_source_files_properties(src/backend/portable/isa/fused.c PROPERTIES COMPILE_OPTIONS "-O0;-Wno-sign-conversion")
endif()

file(GLOB kernel_sources CONFIGURE_DEPENDS src/backend/portable/isa/*.c src/ops/elementwise/*.c)
set(soma_kernel_objects)
set(soma_kernel_defines)
foreach(level IN LISTS soma_kernel_levels)
  list(APPEND soma_kernel_defines SOMA_HAVE_${level}=1)
endforeach()
if(kernel_sources)
  foreach(level IN LISTS soma_kernel_levels)
    add_library(soma_kernels_${level} OBJECT ${kernel_sources})
    target_link_libraries(soma_kernels_${level} PRIVATE soma_flags soma_dependencies)
    target_compile_definitions(soma_kernels_${level} PRIVATE KERNEL_ISA=${level} ${soma_kernel_defines})
    set(optimisation ${kernel_optimisation})
    if(SOMA_FULLY_STATIC) # speed gives way to the size of the whole, and most at the level of last resort
      set(optimisation -Os)
      target_compile_definitions(soma_kernels_${level} PRIVATE KERNEL_SMALL=1)
      # No program of element-wise ops is compiled at that level, at the others each to a single loop.
      if(level STREQUAL "baseline")
        target_compile_definitions(soma_kernels_${level} PRIVATE KERNEL_COMPACT=1)
      endif()
    endif()
    # Neither of the two -fno-… changes a result: they free the compiler from errno and floating-point traps.
    target_compile_options(soma_kernels_${level} PRIVATE ${kernel_flags_${level}} ${optimisation}
                           -fno-math-errno -fno-trapping-math -Wno-psabi)
    list(APPEND soma_kernel_objects $<TARGET_OBJECTS:soma_kernels_${level}>)
  endforeach()
endif()
