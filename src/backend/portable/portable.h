/* backend/portable/portable.h: the interface between the plan and the kernels of the portable backend.
 *
 * Files below isa/ and the element-wise ops are compiled once per instruction set with KERNEL_ISA set; each such build
 * exports one `isa`, a table of functions. Which one runs is chosen when a plan is made (isa_best, or SOMA_ISA=). */
#ifndef BACKEND_PORTABLE_H
#define BACKEND_PORTABLE_H

#include "graph/op.h"

/* ---- Element-wise programs ------------------------------------------------------------------------------------------
 * A fused chain of element-wise ops is a straight-line program in single assignment: values 0 .. inputs-1 are its
 * inputs, instruction k makes value inputs + k. It is run on blocks that stay in the first-level cache, an instruction
 * at a time, or in one loop when a compiled program (fused.h) equals it. Both give the same bits. */
enum { EW_MAX_INPUTS = 16, EW_MAX_OUTPUTS = 8, EW_MAX_CODE = 48, EW_BLOCK = 512 };

typedef struct ew_instruction {
    const soma_op *op;
    int16_t source[3]; /* value numbers; unused ones repeat the first */
    float parameter[2];
    int16_t function; /* ew_prepare: which of an instruction set's functions runs it */
} ew_instruction;

typedef struct ew_program {
    int inputs, length, outputs;
    ew_instruction code[EW_MAX_CODE];
    int16_t output[EW_MAX_OUTPUTS]; /* value numbers (an input may be an output: a copy) */
    int16_t slot[EW_MAX_CODE];      /* the block of scratch that holds each instruction's value */
    int slots;
    int16_t last[EW_MAX_INPUTS]; /* the last instruction that reads each input; `length` for one that is an output */
    int compiled;                /* index of the equal compiled program, or -1 */
} ew_program;

/* A two-dimensional operand: element (i, j) stands at data[i * row + j * column], column being 0 or 1. */
typedef struct ew_operand {
    float *data;
    int64_t row, column;
    bool past; /* an output that may be written past the caches */
} ew_operand;

/* Fills function, slot, slots, last and compiled of a program whose code is written. */
void ew_prepare(ew_program *program);
/* Bytes of scratch that one thread needs for the program. */
size_t ew_scratch(const ew_program *program);
/* The name of the compiled program, or NULL. */
const char *ew_compiled_name(const ew_program *program);

/* ---- Kernels --------------------------------------------------------------------------------------------------------
 */

/* An element-wise program applied to the output of a product or convolution while it is in cache. The output is seen as
 * [matrices, rows, columns]; value 0 of the program is the tile just computed, operands 1 .. are the other inputs, then
 * come the outputs. Element (m, i, j) of an operand is data[m * matrix + i * row + j * column], column being 0 or 1. */
typedef struct epilogue {
    const ew_program *program;
    struct epilogue_operand {
        float *data;
        int64_t matrix, row, column;
        bool past;                             /* as ew_operand's */
    } operand[EW_MAX_INPUTS + EW_MAX_OUTPUTS]; /* operand[0] is not used */
} epilogue;

/* How a step is split among threads. */
typedef enum partition {
    PARTITION_SERIAL, /* thread 0 does it all */
    PARTITION_BATCH,  /* by samples of the batch: touches only its samples' part of every tensor that has the batch as
                         its  first dimension, and reads the others */
    PARTITION_FREE    /* the kernel splits its own way (never in a way that changes the order of a sum) */
} partition;

struct isa;
typedef struct kernel_call {
    const void *attributes;
    int inputs, outputs;
    tensor in[8],
        out[OP_MAX_OUTPUTS];  /* concrete shapes; float or int64_t data; out[0].data is NULL with an epilogue */
    const epilogue *epilogue; /* NULL, or what to do with out[0] instead of storing it */
    bool past;                /* out[0] is larger than caches: it may be written past them */
    partition partition;
    int64_t batch; /* samples of this step */
    int threads;   /* threads of this region */
    char *scratch; /* scratch_stride bytes a thread, aligned to 64 */
    size_t scratch_stride;
    const void *kept; /* what the kernel's `keep` made of in[1], or NULL */
    op_random random;
    const struct isa *isa;
    const struct onednn_step *onednn_step; /* NULL but for kernels of backend/onednn */
    const struct onednn_run *onednn_run;
} kernel_call;

/* The part of `count` items that thread `thread` of `threads` does: [*first, *end). */
static inline void partition_range(int64_t count, int thread, int threads, int64_t *first, int64_t *end) {
    *first = count * thread / threads;
    *end = count * (thread + 1) / threads;
}

typedef struct kernel {
    const soma_op *op;
    const char *algorithm; /* NULL: the direct one; another rounds differently and may be switched off */
    bool epilogue;         /* takes one */
    bool apart;       /* samples depend on no others, and on their number neither the way nor the order of a sum does */
    bool channelwise; /* so it is with channels: out[0]'s follow from in[0]'s and, if there is one, in[1]'s of the same
                         number */
    /* How the epilogue sees out[0] as [matrices, rows, columns]: the number of its last dimensions that make the
     * columns (0 means 1); the dimension before them makes the rows. */
    int epilogue_columns;
    /* Whether it can do this call (shapes may still hold a batch larger than the one that runs); NULL: any. */
    bool (*accepts)(const kernel_call *call);
    /* The split that suits the shapes at the largest batch (call->batch, call->threads are set); NULL: serial. */
    partition (*partition)(const kernel_call *call);
    size_t (*scratch)(const kernel_call *call); /* bytes a thread at the largest batch; NULL: none */
    /* Where weights stay the same from call to call, a kernel may arrange them once: bytes of that, and how; NULL:
     * none. Neither depends on the batch. */
    size_t (*kept)(const kernel_call *call);
    void (*keep)(const kernel_call *call, void *to);
    void (*run)(const kernel_call *call, int thread);
} kernel;

typedef struct isa {
    const char *name; /* "baseline", "avx2", "avx512", "neon", … */
    int width;        /* floats in a vector */
    /* Runs a program over rows x columns; operands: the inputs, then the outputs. An output may be an input's memory if
     * both are the same operand. */
    void (*program)(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns,
                    char *scratch);
    const kernel *kernels; /* ends with an op of NULL */
} isa;

/* The widest instruction set that this processor has and this build holds; SOMA_ISA=NAME asks for a narrower one (a
 * name that is not there is ignored). */
const isa *isa_best(void);
/* All that this processor can run, narrowest first; the list ends in NULL. */
const isa *const *isa_all(void);
/* Whether there is a kernel for an op, and the first that accepts the call (of direct algorithms, if `direct`); NULL:
 * none. */
bool isa_has_kernel(const isa *set, const soma_op *op);
const kernel *isa_kernel(const isa *set, const soma_op *op, const kernel_call *call, bool direct);
/* The next one that accepts the call, behind `last`. */
const kernel *isa_next_kernel(const kernel *last, const kernel_call *call, bool direct);

/* What most epilogues are: y = min(high, max(low, x scale + shift + other)), with a scale and a shift for each row: the
 * pointers are those of one element of the output, from which rows are `..._row` floats apart. Kernels whose results
 * are still in registers do without a tile by it, to the same bits. */
typedef struct affine {
    const float *scale, *shift, *other; /* other: NULL, or it lies as out does */
    int64_t scale_row, shift_row, other_row;
    float low, high;
    float *out;
    int64_t out_row;
} affine;

/* Whether an epilogue is one, and which at (matrix, i, j). */
bool epilogue_affine(const epilogue *e, int64_t matrix, int64_t i, int64_t j, affine *to);

/* The tile [rows, columns] at (matrix, i, j), lying at `tile` with `stride` floats from row to row, through the
 * epilogue. */
void epilogue_apply(const epilogue *e, const isa *set, float *tile, int64_t stride, int64_t matrix, int64_t i,
                    int64_t j, int64_t rows, int64_t columns, char *scratch);

#endif
