// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Instances of the expert kernels that ExpertTests.cpp and RouteTests.cpp execute.
#include "Combine.h"
#include "Group.h"
#include "GroupedGemm.h"
#include "Route.h"
using namespace trine::kernels;

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr Architecture target = Architecture::SM90a;
constexpr Load mainLoad = Load::TensorMap;
#else
constexpr Architecture target = Architecture::SM80;
constexpr Load mainLoad = Load::Vector;
#endif

constexpr GemmConfiguration make(Element element, int tileM, int tileN, int stages, Load loadA, Load loadB, GateLayout gate) {
  GemmConfiguration c;
  c.architecture = target;
  c.element = element;
  c.tileM = tileM;
  c.tileN = tileN;
  c.stages = stages;
  c.loadA = loadA;
  c.loadB = loadB;
  c.layoutB = WeightLayout::Transposed;
  c.gate = gate;
  return c;
}
constexpr GemmConfiguration plain = make(Element::BF16, 64, 64, 3, Load::Vector, Load::Vector, GateLayout::None);
constexpr GemmConfiguration gated = make(Element::F16, 64, 64, 3, Load::Vector, Load::Vector, GateLayout::Concatenated);
constexpr GemmConfiguration odd = make(Element::BF16, 64, 64, 2, Load::Element, Load::Element, GateLayout::Interleaved);
constexpr GemmConfiguration f32 = make(Element::F32, 64, 64, 2, Load::Element, Load::Element, GateLayout::None);
constexpr GemmConfiguration f32Gated = make(Element::F32, 64, 64, 2, Load::Element, Load::Element, GateLayout::Concatenated);
// Main configurations: gate and up, then down.
constexpr GemmConfiguration mainGated = make(Element::BF16, 64, 128, 4, Load::Vector, mainLoad, GateLayout::Concatenated);
constexpr GemmConfiguration mainDown = make(Element::BF16, 64, 128, 4, Load::Vector, mainLoad, GateLayout::None);

#define WORDS(T, OUT) const T *a, Index pitchA, const T *weight, Index pitchB, OUT *out, Index pitchOut, const Index *offsets, const Index *order, Index slots, const Index *scatter, Index rows, Index experts, Index n, Index k
#define ARGUMENTS(T, OUT)                                                                                                                                              \
  GroupedArguments<T, T, OUT> arguments = {.a = a, .weight = weight, .out = out, .offsets = offsets, .order = order, .slots = slots, .scatter = scatter,               \
                                           .rows = rows, .experts = experts, .n = n, .k = k, .pitchA = pitchA, .pitchB = pitchB, .pitchOut = pitchOut}
#define ENTRY(NAME, CONFIGURATION, T, OUT, EPILOGUE)                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(gemmThreads(CONFIGURATION)) NAME(WORDS(T, OUT)) {                                                                       \
    ARGUMENTS(T, OUT);                                                                                                                                                 \
    groupedGemm<CONFIGURATION>(arguments, EPILOGUE{});                                                                                                                 \
  }
#define ENTRY_MAP(NAME, CONFIGURATION, T, OUT, EPILOGUE)                                                                                                               \
  extern "C" __global__ void __launch_bounds__(gemmThreads(CONFIGURATION)) NAME(WORDS(T, OUT), const __grid_constant__ TensorMap mapB) {                               \
    ARGUMENTS(T, OUT);                                                                                                                                                 \
    arguments.mapB = &mapB;                                                                                                                                            \
    groupedGemm<CONFIGURATION>(arguments, EPILOGUE{});                                                                                                                 \
  }

ENTRY(grouped_plain, plain, bfloat, bfloat, Identity)
ENTRY(grouped_gated, gated, half, half, SiluGated)
ENTRY(grouped_odd, odd, bfloat, float, SiluGated)
ENTRY(grouped_f32, f32, float, float, Identity)
ENTRY(grouped_f32_gated, f32Gated, float, float, SiluGated)
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
ENTRY_MAP(grouped_main_gated, mainGated, bfloat, bfloat, SiluGated)
ENTRY_MAP(grouped_main_down, mainDown, bfloat, bfloat, Identity)
#else
ENTRY(grouped_main_gated, mainGated, bfloat, bfloat, SiluGated)
ENTRY(grouped_main_down, mainDown, bfloat, bfloat, Identity)
#endif

#define ROUTE(NAME, LOGIT, ...)                                                                                                                                        \
  constexpr RouteConfiguration NAME##_configuration = __VA_ARGS__;                                                                                                     \
  extern "C" __global__ void __launch_bounds__(routeThreads(NAME##_configuration))                                                                                      \
      NAME(const LOGIT *logits, const float *bias, const Index *tokenIds, const Index *table, Index tableRows, Index *ids, float *weights, Index tokens, Index epsilon, \
           Index scale) {                                                                                                                                              \
    route<NAME##_configuration>(RouteArguments<LOGIT, float>{.logits = logits, .bias = bias, .tokenIds = tokenIds, .table = table, .tableRows = tableRows, .ids = ids, \
                                                             .weights = weights, .tokens = tokens, .epsilon = __uint_as_float(u32(epsilon)),                           \
                                                             .scale = __uint_as_float(u32(scale))});                                                                   \
  }
ROUTE(route_softmax, float, {.experts = 8, .k = 3, .scoring = Scoring::Softmax})
ROUTE(route_groups, float, {.experts = 16, .k = 4, .scoring = Scoring::Sigmoid, .groups = 4, .keptGroups = 2, .groupScore = GroupScore::SumTop2, .maskedIsZero = true,
                            .renormalize = true, .hasBias = true})
ROUTE(route_v3, bfloat, {.experts = 256, .k = 8, .scoring = Scoring::Sigmoid, .groups = 8, .keptGroups = 4, .groupScore = GroupScore::SumTop2, .renormalize = true,
                         .scaleBeforeDivision = true, .hasBias = true})
ROUTE(route_chosen, float, {.experts = 40, .k = 5, .scoring = Scoring::SoftmaxTopK})
ROUTE(route_choice_weights, float, {.experts = 12, .k = 2, .scoring = Scoring::SqrtSoftplus, .groups = 3, .keptGroups = 1, .weightsFromChoice = true, .hasBias = true})
ROUTE(route_chosen_sigmoids, float, {.experts = 24, .k = 4, .scoring = Scoring::SigmoidTopK, .renormalize = true, .hasBias = true})
ROUTE(route_rounded, bfloat, {.experts = 16, .k = 4, .scoring = Scoring::Sigmoid, .groups = 4, .keptGroups = 2, .groupScore = GroupScore::SumTop2, .renormalize = true,
                              .hasBias = true, .rounded = true})
ROUTE(route_rounded_chosen, half, {.experts = 24, .k = 4, .scoring = Scoring::SoftmaxTopK, .rounded = true})
ROUTE(route_many, float, {.experts = 2100, .k = 37, .scoring = Scoring::SqrtSoftplus, .groups = 70, .keptGroups = 40, .renormalize = true})
ROUTE(route_table, float, {.experts = 12, .k = 3, .scoring = Scoring::SqrtSoftplus, .renormalize = true, .hasTable = true})

extern "C" __global__ void __launch_bounds__(groupThreads) group_slots(const Index *ids, Index slots, Index *order, Index *offsets, Index *inverse, Index experts) {
  group(GroupArguments{.ids = ids, .order = order, .offsets = offsets, .inverse = inverse, .slots = slots, .experts = experts});
}
extern "C" __global__ void __launch_bounds__(elementwiseThreads)
combine_rows(const bfloat *rows, const Index *inverse, const float *weights, bfloat *out, Index tokens, Index slots, Index columns) {
  combine(CombineArguments<bfloat, float, bfloat>{.rows = rows, .inverse = inverse, .weights = weights, .out = out, .tokens = tokens, .slots = slots, .columns = columns});
}
