/* cli/commands.h: the subcommands. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "options.h"
#include "train/json.h"
#include "train/model.h"

extern const command command_train, command_eval, command_predict, command_show, command_run, command_bench,
    command_data, command_new, command_studio;
/* All of them, in the order of soma --help; ends in NULL. */
extern const command *const commands[];

/* `soma --completion bash|zsh` and `soma --man [COMMAND]`, with the words behind: made from the option tables. The
 * status to end with. */
int completion_print(int argc, char **argv);
int manual_print(int argc, char **argv);

/* A model from a file, or from the run folder that holds model.onnx. */
soma_model *open_model(const char *path, soma_error *error);
/* The same path in full: <path>/model.onnx for a folder; the caller frees it. */
char *model_path(const char *path);

/* Prints what was written as JSON; the status to end with: `status`, or that of a failure when memory is out. */
int print_answer(const json_text *answer, int status);

/* Rows that several subcommands have. FAST_BACKEND_ROW: of those whose variables are float, as a loaded model's are. */
extern const char *const backend_names[], *const fast_backend_names[], *const algorithm_names[],
                                                                           *const precision_names[];
/* clang-format off */
#define BACKEND_ROW                                                                                                    \
    {"backend", OPTION_CHOICE, "B", "what computes; onednn needs its module, reference is slow and exact",             \
     backend_names, .expected = "a backend"}
#define FAST_BACKEND_ROW                                                                                               \
    {"backend", OPTION_CHOICE, "B", "what computes; onednn needs its module", fast_backend_names,                      \
     .expected = "a backend"}
#define PRECISION_ROW                                                                                                  \
    {"precision", OPTION_CHOICE, "P",                                                                                  \
     "of what is multiplied: bf16 is faster where oneDNN and the processor have it", precision_names,                  \
     .expected = "f32 or bf16"}
#define ALGORITHM_ROW                                                                                                  \
    {"algorithm", OPTION_CHOICE, "A", "of convolutions; auto is fast, direct the most accurate", algorithm_names,      \
     .expected = "an algorithm"}
#define TUNING_ROW                                                                                                     \
    {"tuning", OPTION_TEXT, "FILE", "kernels as soma bench --tune measured them", .expected = "a file's name"}
/* clang-format on */

/* Whether samples of a set have the shape that the model takes. */
int check_sample(const soma_model *m, const soma_dataset *set, const char *path, soma_error *error);

soma_backend backend_of(const option_value *value);
soma_precision precision_of(const option_value *value);
soma_algorithm algorithm_of(const option_value *value);
/* The tuning of a file that was named, to be destroyed, or NULL; SOMA_OK or a code. */
int tuning_of(const option_value *value, soma_tuning **tuning, soma_error *error);
/* Says on standard error why a plan does not do what was asked for, if so. */
void tell_plan_note(const soma_plan *plan);
/* Number of threads given, or 0. */
int threads_of(const option_value *value);

#endif
