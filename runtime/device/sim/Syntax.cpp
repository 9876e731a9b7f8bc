// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types and scopes.
#include "Syntax.h"

using namespace trine::sim;

namespace {
struct TypeName {
  Type type;
  const char *name;
  uint8_t bytes;
};
// Not b1024: tensormap.replace alone names it, and it is no value's type.
constexpr TypeName typeNames[] = {
    {Type::Pred, "pred", 0},     {Type::B8, "b8", 1},
    {Type::B16, "b16", 2},       {Type::B32, "b32", 4},
    {Type::B64, "b64", 8},       {Type::B128, "b128", 16},
    {Type::U8, "u8", 1},         {Type::U16, "u16", 2},
    {Type::U32, "u32", 4},       {Type::U64, "u64", 8},
    {Type::S8, "s8", 1},         {Type::S16, "s16", 2},
    {Type::S32, "s32", 4},       {Type::S64, "s64", 8},
    {Type::F16, "f16", 2},       {Type::F16x2, "f16x2", 4},
    {Type::BF16, "bf16", 2},     {Type::BF16x2, "bf16x2", 4},
    {Type::TF32, "tf32", 4},     {Type::F32, "f32", 4},
    {Type::F64, "f64", 8},       {Type::E4M3, "e4m3", 1},
    {Type::E5M2, "e5m2", 1},     {Type::E4M3x2, "e4m3x2", 2},
    {Type::E5M2x2, "e5m2x2", 2}, {Type::U16x2, "u16x2", 4},
    {Type::S16x2, "s16x2", 4}};
} // namespace

unsigned trine::sim::bytesOf(Type type) {
  for (const TypeName &entry : typeNames)
    if (entry.type == type)
      return entry.bytes;
  return 0;
}

bool trine::sim::isFloat(Type type) {
  switch (type) {
  case Type::F16:
  case Type::F16x2:
  case Type::BF16:
  case Type::BF16x2:
  case Type::TF32:
  case Type::F32:
  case Type::F64:
  case Type::E4M3:
  case Type::E5M2:
  case Type::E4M3x2:
  case Type::E5M2x2:
    return true;
  default:
    return false;
  }
}

bool trine::sim::isSigned(Type type) {
  return type == Type::S8 || type == Type::S16 || type == Type::S32 ||
         type == Type::S64 || type == Type::S16x2;
}

Type trine::sim::typeNamed(std::string_view name) {
  for (const TypeName &entry : typeNames)
    if (name == entry.name)
      return entry.type;
  return Type::None;
}

std::string_view trine::sim::nameOf(Type type) {
  for (const TypeName &entry : typeNames)
    if (entry.type == type)
      return entry.name;
  return "none";
}

const Symbol *FunctionSyntax::find(uint32_t scope,
                                   const std::string &name) const {
  for (int32_t at = int32_t(scope); at >= 0; at = scopes[size_t(at)].parent) {
    auto found = scopes[size_t(at)].symbols.find(name);
    if (found != scopes[size_t(at)].symbols.end())
      return &found->second;
  }
  return nullptr;
}
