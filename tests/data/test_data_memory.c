/* Running out of memory while data is read: whichever allocation fails, the reader says so, leaves nothing behind, and
 * succeeds once memory is there. */
#include "data/npy.h"
#include "data_check.h"
#include "support/picture_folder.h"
#include "support/zip_make.h"

typedef struct account {
    long allowed, asked, live; /* allocations */
} account;

static void *account_allocate(void *user, size_t size) {
    account *a = user;
    if (a->asked++ >= a->allowed) return NULL;
    void *memory = aligned_alloc(64, size);
    a->live += memory != NULL;
    return memory;
}

static void account_release(void *user, void *memory) {
    account *a = user;
    a->live--;
    free(memory);
}

/* Loads a file with 0, 1, 2, … allocations allowed, until it can be read. */
static void survives(const char *path, data_options options, long at_least) {
    account a = {0};
    soma_context *context = soma_context_create(
        (soma_context_options){.allocate = account_allocate, .release = account_release, .user = &a}, NULL);
    soma_dataset *set = NULL;
    for (long allowed = 0; !set; allowed++) {
        soma_error error = {0};
        a.allowed = allowed;
        a.asked = 0;
        set = data_load(context, path, options, &error);
        assert_true(allowed < 10000);
        if (set) {
            assert_true(allowed >= at_least);
            break;
        }
        assert_int_equal(error.code, SOMA_ERROR_MEMORY);
        assert_string_equal(error.message, "memory is out");
        assert_int_equal(a.live, 0);
    }
    int64_t held[16], kept[16], all[16] = {0, 1, 2};
    size_t held_count, kept_count;
    a.allowed = a.asked;
    assert_false(split_fraction(set, all, 3, 0.5, 1, held, &held_count, kept, &kept_count));
    soma_dataset_destroy(set);
    assert_int_equal(a.live, 0);
    soma_context_destroy(context);
}

static void tables_survive_any_failed_allocation(void **state) {
    (void)state;
    const char *text = "width,\"co\"\"lour\",length,kind\n1.5,red,-2,oak\n2.5,\"bl\"\"ue\",30,elm\n3.5,red,4,oak\n";
    const char *const ignore[] = {"length", NULL}, *const keep[] = {"length", "kind", NULL};
    const char *path = check_file("t.csv", text, strlen(text));
    survives(path, OPTIONS(.ignore = ignore, .keep = keep), 20);
    survives(path, OPTIONS(.target = "width"), 20);
}

static void points_survive_any_failed_allocation(void **state) {
    (void)state;
    survives("moons:points=10", PLAIN, 20);
}

static void later_tables_survive_any_failed_allocation(void **state) {
    (void)state;
    const char *text = "width,colour,kind\n1.5,red,oak\n2.5,blue,elm\n3.5,red,oak\n";
    soma_dataset *set = check_load(text, PLAIN);
    table_schema schema;
    assert_true(schema_copy(NULL, &set->schema, &schema));
    soma_dataset_destroy(set);
    const char *named = "id;colour;width\n1;mauve;2\n2;red;x\n3;red;4\n", *bare = "1,red\n2,\n3,blue,4\n";
    survives(check_file("t.csv", named, strlen(named)), OPTIONS(.schema = &schema, .predict = true), 20);
    survives(check_file("t.csv", bare, strlen(bare)), OPTIONS(.schema = &schema, .predict = true), 20);
    schema_clear(NULL, &schema);
}

static void pictures_survive_any_failed_allocation(void **state) {
    (void)state;
    static const uint8_t pictures[] = "\0\0\x08\x03\0\0\0\3\0\0\0\1\0\0\0\1"
                                      "abc",
                         labels[] = "\0\0\x08\x01\0\0\0\3\5\6\5";
    const char *path = check_file("t-images-idx3-ubyte", pictures, sizeof pictures - 1);
    check_file("t-labels-idx1-ubyte", labels, sizeof labels - 1);
    survives(path, PLAIN, 8);
    survives(path, OPTIONS(.task = TASK_REGRESS), 7);
}

static void packed_pictures_survive_any_failed_allocation(void **state) {
    (void)state;
    soma_error error = {0};
    soma_dataset *set = data_load(NULL, "data/mnist/t10k-images-idx3-ubyte.gz", OPTIONS(.predict = true), &error);
    if (!set && strstr(error.message, "built without zlib")) skip();
    if (!set) fail_msg("%s", error.message);
    soma_dataset_destroy(set);
    survives("data/mnist/t10k-images-idx3-ubyte.gz", PLAIN, 8);
}

static void arrays_survive_any_failed_allocation(void **state) {
    (void)state;
    const float data[3] = {1, 2, 3};
    const soma_shape shape = soma_shape1(3);
    account a = {0};
    soma_context *context = soma_context_create(
        (soma_context_options){.allocate = account_allocate, .release = account_release, .user = &a}, NULL);
    const char *path = check_path("t.npy");
    assert_true(npy_write(path, NPY_FLOAT32, &shape, data, NULL));
    for (a.allowed = 0;; a.allowed++) {
        npy_array array;
        soma_error error = {0};
        a.asked = 0;
        float *floats = npy_load(context, path, &array, &error) ? npy_floats(context, &array, &error) : NULL;
        npy_clear(context, &array);
        mem_free(context, floats);
        assert_int_equal(a.live, 0);
        if (floats) break;
        assert_int_equal(error.code, SOMA_ERROR_MEMORY);
    }
    assert_int_equal(a.allowed, 3);
    soma_context_destroy(context);
}

static void archives_survive_any_failed_allocation(void **state) {
    (void)state;
    static zip_made zip;
    uint8_t npy[1024];
    const uint8_t x[30] = {1, 2, 3}, y[5] = {0, 1, 0, 1, 1};
    bool packed = zip_add(&zip, "x.npy", npy, npy_compose(npy, "|u1", "(5, 2, 1, 3)", x, 30), true);
    if (!packed) zip_add(&zip, "x.npy", npy, npy_compose(npy, "|u1", "(5, 2, 1, 3)", x, 30), false);
    zip_add(&zip, "y.npy", npy, npy_compose(npy, "|u1", "(5,)", y, 5), false);
    zip_close(&zip);
    survives(check_file("t.npz", zip.bytes, zip.size), PLAIN, 15);
}

static void batches_survive_any_failed_allocation(void **state) {
    (void)state;
    static uint8_t records[3 * 3073];
    survives(check_file("t.bin", records, sizeof records), PLAIN, 15);
}

static void folders_survive_any_failed_allocation(void **state) {
    (void)state;
    folder_begin();
    bool made = folder_grey("a/1.png", 4, 5, 1) && folder_grey("b/1.png", 4, 4, 1) && folder_grey("b/2.png", 4, 4, 1);
    if (made) survives(folder_path(""), PLAIN, 25);
    folder_end();
    if (!made) skip();
}

/* Decoding: libpng asks for its memory here too. */
static void decoding_survives_any_failed_allocation(void **state) {
    (void)state;
    account a = {.allowed = 10000};
    soma_context *context = soma_context_create(
        (soma_context_options){.allocate = account_allocate, .release = account_release, .user = &a}, NULL);
    folder_begin();
    bool made = folder_grey("a/1.png", 40, 50, 1) && folder_grey("b/1.png", 44, 44, 1);
    soma_dataset *set = made ? data_load(context, folder_path(""), PLAIN, NULL) : NULL;
    const int64_t row = 0;
    static float x[64 * 64];
    long live = a.live, allowed = 0;
    for (int code = SOMA_ERROR_MEMORY; set && code; allowed++) {
        soma_error error = {0};
        a.allowed = allowed;
        a.asked = 0;
        code = data_gather(set, &row, 1, x, NULL, NULL, &error);
        assert_int_equal(error.code, code);
        assert_true(code == SOMA_OK || code == SOMA_ERROR_MEMORY);
        assert_int_equal(a.live, live);
    }
    soma_dataset_destroy(set);
    soma_context_destroy(context);
    folder_end();
    if (!made) skip();
    assert_true(allowed > 10);
    assert_int_equal(a.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_survive_any_failed_allocation),
        cmocka_unit_test(points_survive_any_failed_allocation),
        cmocka_unit_test(later_tables_survive_any_failed_allocation),
        cmocka_unit_test(pictures_survive_any_failed_allocation),
        cmocka_unit_test(packed_pictures_survive_any_failed_allocation),
        cmocka_unit_test(arrays_survive_any_failed_allocation),
        cmocka_unit_test(archives_survive_any_failed_allocation),
        cmocka_unit_test(batches_survive_any_failed_allocation),
        cmocka_unit_test(folders_survive_any_failed_allocation),
        cmocka_unit_test(decoding_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, check_begin, check_end);
}
