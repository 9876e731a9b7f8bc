/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs one step of any package from C:
 *
 *   embed PACKAGE [NAME=NUMBER...]
 *
 * NAME is a symbol, whose size is then NUMBER, or an input, which is then
 * filled with NUMBER. Other symbols have their smallest size but 0, other
 * inputs are filled with 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trine/Runtime/trine.h>

static void check(trine_status status) {
  if (status == TRINE_OK)
    return;
  fprintf(stderr, "embed: %s: %s\n", trine_status_name(status),
          trine_status_message());
  exit(1);
}

static void *allocate(size_t bytes) {
  void *memory = calloc(bytes ? bytes : 1, 1);
  if (!memory) {
    fputs("embed: out of memory\n", stderr);
    exit(1);
  }
  return memory;
}

/* The number that the command line gives to a name, or `otherwise`. */
static double find_number(int count, char **arguments, const char *name,
                          double otherwise) {
  size_t length = strlen(name);
  for (int i = 2; i < count; ++i)
    if (strncmp(arguments[i], name, length) == 0 && arguments[i][length] == '=')
      return atof(arguments[i] + length + 1);
  return otherwise;
}

static void fill(trine_tensor *tensor, double number) {
  uint64_t count = tensor->bytes / trine_type_size(tensor->type);
  for (uint64_t i = 0; i < count; ++i)
    switch (tensor->type) {
    case TRINE_TYPE_F64:
      ((double *)tensor->data)[i] = number;
      break;
    case TRINE_TYPE_F32:
      ((float *)tensor->data)[i] = (float)number;
      break;
    case TRINE_TYPE_I64:
      ((int64_t *)tensor->data)[i] = (int64_t)number;
      break;
    case TRINE_TYPE_I32:
      ((int32_t *)tensor->data)[i] = (int32_t)number;
      break;
    case TRINE_TYPE_BOOL:
      ((uint8_t *)tensor->data)[i] = number != 0;
      break;
    default: /* C has no half floats: these stay 0 */
      break;
    }
}

static void print(const trine_tensor *tensor) {
  printf("%s: %s [", tensor->name, trine_type_name(tensor->type));
  for (uint32_t d = 0; d < tensor->rank; ++d)
    printf("%s%lld", d ? ", " : "", (long long)tensor->sizes[d]);
  printf("]");
  if (tensor->type == TRINE_TYPE_F32 && tensor->bytes) {
    const float *values = tensor->data;
    double sum = 0;
    for (uint64_t i = 0; i < tensor->bytes / sizeof(float); ++i)
      sum += values[i];
    printf(", first %g, sum %g", values[0], sum);
  } else if (tensor->type == TRINE_TYPE_I64 && tensor->bytes) {
    printf(", first %lld", (long long)*(const int64_t *)tensor->data);
  }
  printf("\n");
}

int main(int count, char **arguments) {
  if (count < 2) {
    fputs("usage: embed PACKAGE [NAME=NUMBER...]\n", stderr);
    return 2;
  }
  trine_package *package;
  check(trine_package_open(arguments[1], NULL, &package));
  trine_session *session;
  check(trine_session_create(package, NULL, &session));
  trine_package_info info = {.struct_size = sizeof info};
  check(trine_package_describe(package, &info));
  printf("%s on trine %s\n", info.name, trine_version());

  int64_t *symbols = allocate(info.symbol_count * sizeof *symbols);
  for (uint32_t i = 0; i < info.symbol_count; ++i) {
    trine_symbol_info symbol = {.struct_size = sizeof symbol};
    check(trine_package_symbol(package, i, &symbol));
    int64_t size = symbol.minimum > 0 ? symbol.minimum : symbol.divisor;
    symbols[i] =
        symbol.input < 0
            ? -1
            : (int64_t)find_number(count, arguments, symbol.name, (double)size);
  }

  trine_tensor *inputs = allocate(info.input_count * sizeof *inputs);
  for (uint32_t i = 0; i < info.input_count; ++i) {
    trine_tensor_info input = {.struct_size = sizeof input};
    check(trine_package_input(package, i, &input));
    trine_tensor *tensor = &inputs[i];
    tensor->name = input.name;
    tensor->type = input.type;
    tensor->rank = input.rank;
    tensor->bytes = trine_type_size(input.type);
    check(trine_package_input_sizes(package, i, symbols, tensor->sizes));
    for (uint32_t d = 0; d < input.rank; ++d) {
      if (tensor->sizes[d] < 0) {
        fprintf(stderr, "embed: size '%s' of input '%s' is not known\n",
                input.symbols[d], input.name);
        return 1;
      }
      tensor->bytes *= (uint64_t)tensor->sizes[d];
    }
    tensor->data = allocate(tensor->bytes);
    fill(tensor, find_number(count, arguments, input.name, 0));
  }

  check(trine_session_run(session, inputs, info.input_count, NULL, 0));
  for (uint32_t i = 0; i < info.output_count; ++i) {
    trine_tensor output;
    check(trine_session_output(session, i, &output));
    print(&output);
  }

  for (uint32_t i = 0; i < info.input_count; ++i)
    free(inputs[i].data);
  free(inputs);
  free(symbols);
  trine_session_destroy(session);
  trine_package_close(package);
  return 0;
}
