// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Enumerations and types that the trine ops share.
#ifndef TRINE_DIALECT_TRINE_TRINEATTRIBUTES
#define TRINE_DIALECT_TRINE_TRINEATTRIBUTES

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class Trine_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mlir::trine";
  let genSpecializedAttr = 0;
}
class Trine_EnumAttr<EnumInfo info, string mnemonic> : EnumAttr<Trine_Dialect, info, mnemonic> {
  let assemblyFormat = "$value";
}

def Trine_CastPosition : Trine_Enum<"CastPosition", "Where the rounding to the result type sits", [
    I32EnumAttrCase<"BeforeWeight", 0, "before_weight">, I32EnumAttrCase<"AfterWeight", 1, "after_weight">]>;
def Trine_RopePairing : Trine_Enum<"RopePairing", "Which elements form a rotated pair", [
    I32EnumAttrCase<"Half", 0, "half">, I32EnumAttrCase<"Interleaved", 1, "interleaved">]>;
def Trine_RopeLayout : Trine_Enum<"RopeLayout", "Where the rotated pair is written", [
    I32EnumAttrCase<"InPlace", 0, "in_place">, I32EnumAttrCase<"Permuted", 1, "permuted">]>;
def Trine_MaskKind : Trine_Enum<"MaskKind", "Which keys a query sees", [
    I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Causal", 1, "causal">, I32EnumAttrCase<"Additive", 2, "additive">]>;
def Trine_MaskedRow : Trine_Enum<"MaskedRow", "What a query that sees no key gives", [
    I32EnumAttrCase<"Zero", 0, "zero">, I32EnumAttrCase<"Uniform", 1, "uniform">, I32EnumAttrCase<"NaN", 2, "nan">]>;
def Trine_LatentForm : Trine_Enum<"LatentForm", "How attention on a latent cache is computed", [
    I32EnumAttrCase<"Decompressed", 0, "decompressed">, I32EnumAttrCase<"Absorbed", 1, "absorbed">, I32EnumAttrCase<"ByShape", 2, "by_shape">]>;
def Trine_Scoring : Trine_Enum<"Scoring", "How router logits become scores", [
    I32EnumAttrCase<"Softmax", 0, "softmax">, I32EnumAttrCase<"Sigmoid", 1, "sigmoid">, I32EnumAttrCase<"SqrtSoftplus", 2, "sqrt_softplus">,
    I32EnumAttrCase<"SoftmaxTopK", 3, "softmax_top_k">, I32EnumAttrCase<"SigmoidTopK", 4, "sigmoid_top_k">]>;
def Trine_GroupScore : Trine_Enum<"GroupScore", "What ranks a group of experts", [
    I32EnumAttrCase<"Max", 0, "max">, I32EnumAttrCase<"SumTop2", 1, "sum_top_2">]>;
def Trine_MaskedScore : Trine_Enum<"MaskedScore", "The score of an expert whose group was not kept", [
    I32EnumAttrCase<"Zero", 0, "zero">, I32EnumAttrCase<"NegativeInfinity", 1, "negative_infinity">]>;
def Trine_ScalePosition : Trine_Enum<"ScalePosition", "Whether weights are scaled before or after their renormalisation", [
    I32EnumAttrCase<"BeforeDivision", 0, "before_division">, I32EnumAttrCase<"AfterDivision", 1, "after_division">]>;
def Trine_Activation : Trine_Enum<"Activation", "The activation of an expert", [
    I32EnumAttrCase<"SiluGated", 0, "silu_gated">, I32EnumAttrCase<"GeluGated", 1, "gelu_gated">, I32EnumAttrCase<"ReluGated", 2, "relu_gated">,
    I32EnumAttrCase<"Silu", 3, "silu">, I32EnumAttrCase<"Gelu", 4, "gelu">, I32EnumAttrCase<"Relu", 5, "relu">, I32EnumAttrCase<"Identity", 6, "identity">,
    I32EnumAttrCase<"GeluTanhGated", 7, "gelu_tanh_gated">, I32EnumAttrCase<"GeluTanh", 8, "gelu_tanh">]>;
def Trine_GateUpLayout : Trine_Enum<"GateUpLayout", "How gate and up projections share one matrix", [
    I32EnumAttrCase<"Concatenated", 0, "concatenated">, I32EnumAttrCase<"Interleaved", 1, "interleaved">, I32EnumAttrCase<"UpOnly", 2, "up_only">]>;
def Trine_TileOrder : Trine_Enum<"TileOrder", "The order in which tiles of a grouped product run", [
    I32EnumAttrCase<"RowsFirst", 0, "rows_first">, I32EnumAttrCase<"ColumnsFirst", 1, "columns_first">]>;
def Trine_HashReset : Trine_Enum<"HashReset", "When earlier tokens stop counting", [
    I32EnumAttrCase<"Never", 0, "never">, I32EnumAttrCase<"AfterToken", 1, "after_token">]>;
def Trine_HashWrap : Trine_Enum<"HashWrap", "How a product beyond int64 behaves", [
    I32EnumAttrCase<"NonNegative", 0, "non_negative">, I32EnumAttrCase<"TwosComplement", 1, "twos_complement">]>;
def Trine_SignedRoot : Trine_Enum<"SignedRoot", "How the sign of a gate's product is kept", [
    I32EnumAttrCase<"Sign", 0, "sign">, I32EnumAttrCase<"CopySign", 1, "copy_sign">, I32EnumAttrCase<"None", 2, "none">]>;

def Trine_CastPositionAttr : Trine_EnumAttr<Trine_CastPosition, "cast">;
def Trine_RopePairingAttr : Trine_EnumAttr<Trine_RopePairing, "pairing">;
def Trine_RopeLayoutAttr : Trine_EnumAttr<Trine_RopeLayout, "rope_layout">;
def Trine_MaskKindAttr : Trine_EnumAttr<Trine_MaskKind, "mask">;
def Trine_MaskedRowAttr : Trine_EnumAttr<Trine_MaskedRow, "masked_row">;
def Trine_LatentFormAttr : Trine_EnumAttr<Trine_LatentForm, "form">;
def Trine_ScoringAttr : Trine_EnumAttr<Trine_Scoring, "scoring">;
def Trine_GroupScoreAttr : Trine_EnumAttr<Trine_GroupScore, "group_score">;
def Trine_MaskedScoreAttr : Trine_EnumAttr<Trine_MaskedScore, "masked_score">;
def Trine_ScalePositionAttr : Trine_EnumAttr<Trine_ScalePosition, "scale_position">;
def Trine_ActivationAttr : Trine_EnumAttr<Trine_Activation, "activation">;
def Trine_GateUpLayoutAttr : Trine_EnumAttr<Trine_GateUpLayout, "gate_up">;
def Trine_TileOrderAttr : Trine_EnumAttr<Trine_TileOrder, "tile_order">;
def Trine_HashResetAttr : Trine_EnumAttr<Trine_HashReset, "hash_reset">;
def Trine_HashWrapAttr : Trine_EnumAttr<Trine_HashWrap, "hash_wrap">;
def Trine_SignedRootAttr : Trine_EnumAttr<Trine_SignedRoot, "signed_root">;

def Trine_WeightPieceAttr : AttrDef<Trine_Dialect, "WeightPiece"> {
  let mnemonic = "piece";
  let summary = "A box of a weight and the bytes of a file that fill it";
  let description = [{
    weight[into + i] = the element at byte `offset` + (Σ i[d] · strides[d]) · (bytes of an element) of `file`, for 0 <= i < sizes

    Strides are in elements. `file` is relative to the model's folder.

    `#trine.piece<"model.onnx" at 4096 strides [1, 64] into [0, 32] sizes [64, 32]>`
  }];
  let parameters = (ins "::mlir::StringAttr":$file, "int64_t":$offset, ArrayRefParameter<"int64_t">:$strides, ArrayRefParameter<"int64_t">:$into,
                    ArrayRefParameter<"int64_t">:$sizes);
  let assemblyFormat = [{
    `<` $file `at` $offset `strides` `[` $strides `]` `into` `[` $into `]` `sizes` `[` $sizes `]` `>`
  }];
  let genVerifyDecl = 1;
}

def Trine_StateType : TypeDef<Trine_Dialect, "State"> {
  let mnemonic = "state";
  let summary = "One kind of data that a session keeps for each sequence slot";
  let description = [{
    Storage of type `tensor`, whose dimension 0 is the sequence slot and whose dimension `axis` grows with appended entries; each slot has its own
    length. With `axis` 0 nothing grows: the state is replaced as a whole (a history, a convolution window).

    `!trine.state<tensor<?x?x512xbf16>, axis 1>`
  }];
  let parameters = (ins "::mlir::RankedTensorType":$tensor, "int64_t":$axis);
  let assemblyFormat = "`<` $tensor `,` `axis` $axis `>`";
  let genVerifyDecl = 1;
}

#endif
