/* backend/onednn/onednn.h: steps of a plan that oneDNN computes, as kernels like the portable ones.
 *
 * A step is cut into jobs of the module, of one thread each: a sample by a part of the output's channels for
 * convolutions, some rows by some columns for products. So a smaller batch than the plan's largest takes fewer of the
 * same jobs, and nothing is made during a step. Tensors are plain between steps; inside, each job reorders its operands
 * into the layouts that oneDNN chose, and its result goes through the step's epilogue while it is in cache. Weights
 * that a plan doesn't change are reordered once and kept by the run. */
#ifndef BACKEND_ONEDNN_H
#define BACKEND_ONEDNN_H

#include "backend/onednn/module.h"
#include "backend/portable/portable.h"

/* The module, loaded when it is first asked for; NULL and the reason when there is none. It stays in memory. */
const onednn_module *onednn_load(char *why, size_t size);

/* Whether the processor multiplies bfloat16. */
bool onednn_processor_has_bf16(void);

/* A step as a plan holds it: immutable. */
typedef struct onednn_step onednn_step;
/* `call` has the shapes of the largest batch and its number of threads; `constant`: the second input doesn't change
 * while the plan runs. NULL: oneDNN can't do it, or memory is out. Sums never run over the batch, but for a
 * convolution's weights: the caller sees to it. */
onednn_step *onednn_step_create(const onednn_module *module, const soma_op *op, const kernel_call *call, bool bf16,
                                bool constant, const soma_context *context);
void onednn_step_destroy(onednn_step *step);
/* Its kernel, which finds the step in kernel_call.onednn_step and the run's part in kernel_call.onednn_run. */
const kernel *onednn_step_kernel(const onednn_step *step);
bool onednn_step_bf16(const onednn_step *step);
/* Reorders that its jobs do; of them those of kept weights are done once. */
int onednn_step_reorders(const onednn_step *step);
/* Bytes of kept weights; 0: none. */
size_t onednn_step_kept(const onednn_step *step);

/* A step as a run holds it. */
typedef struct onednn_run onednn_run;
onednn_run *onednn_run_create(const onednn_step *step, int threads);
void onednn_run_destroy(onednn_run *run);
/* Makes the kept weights anew. */
void onednn_run_keep(onednn_run *run, const float *weights);

#endif
