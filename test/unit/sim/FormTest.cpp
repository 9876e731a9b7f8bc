// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FormTest.h"
#include <cstring>
#include <sstream>

using namespace trine::sim;

std::shared_ptr<Module> loadText(const std::string &text) {
  std::vector<Diagnostic> errors;
  auto module = Module::load(text, "test.ptx", errors);
  for (const Diagnostic &error : errors)
    ADD_FAILURE() << error.str();
  return module;
}

std::string kernelText(const std::string &body, unsigned parameters,
                       const std::string &target, const std::string &before,
                       const std::string &directives) {
  std::string text = ".version 8.6\n.target " + target +
                     "\n.address_size 64\n" + before + "\n.visible .entry k(";
  for (unsigned n = 0; n < parameters; ++n)
    text += (n ? ", " : "") + (".param .u64 p" + std::to_string(n));
  return text + ")" + directives + "\n{\n" + body + "\n  ret;\n}\n";
}

Result runKernel(Machine &machine, const std::string &text, Launch launch,
                 std::vector<void *> pointers) {
  auto module = loadText(text);
  if (!module)
    return {};
  launch.options.threads = 1;
  std::vector<const void *> arguments;
  for (void *&pointer : pointers)
    arguments.push_back(&pointer);
  return machine.launch(*module, "k", launch, arguments.data(),
                        arguments.size());
}

namespace {

unsigned bytesOf(const std::string &type) {
  if (type == "pred")
    return 4;
  unsigned bits = 0;
  for (char c : type)
    if (c >= '0' && c <= '9')
      bits = bits * 10 + unsigned(c - '0');
  return bits / 8;
}

/// Loads memory into a register (or, of a predicate, tests it), and back.
std::string moveIn(const std::string &reg, const std::string &type,
                   const std::string &address) {
  if (type == "pred")
    return "  ld.global.u32 %scratch, [" + address + "];\n  setp.ne.u32 " +
           reg + ", %scratch, 0;\n";
  return "  ld.global.b" + std::to_string(bytesOf(type) * 8) + " " + reg +
         ", [" + address + "];\n";
}
std::string moveOut(const std::string &reg, const std::string &type,
                    const std::string &address) {
  if (type == "pred")
    return "  selp.u32 %scratch, 1, 0, " + reg + ";\n  st.global.u32 [" +
           address + "], %scratch;\n";
  return "  st.global.b" + std::to_string(bytesOf(type) * 8) + " [" + address +
         "], " + reg + ";\n";
}

std::string kernelOf(const Form &form, size_t number, bool masked) {
  static const char *const names[] = {"%d", "%a", "%b", "%c", "%e"};
  std::istringstream types(form.types);
  std::string text = ".visible .entry k" + std::to_string(number) +
                     (masked ? "m" : "") +
                     "(.param .u64 in, .param .u64 out)\n{\n";
  text += "  .reg .pred %q, %odd;\n  .reg .b32 %scratch, %lane;\n  .reg .b64 "
          "%in, %out, %offset;\n";
  text += "  ld.param.u64 %in, [in];\n  ld.param.u64 %out, [out];\n  mov.u32 "
          "%lane, %tid.x;\n  mul.wide.u32 %offset, %lane, 8;\n"
          "  add.s64 %out, %out, %offset;\n  setp.eq.u32 %q, 0, 0;\n  and.b32 "
          "%scratch, %lane, 1;\n  setp.ne.u32 %odd, %scratch, 0;\n";
  std::string type, resultType, instruction = form.text;
  for (unsigned n = 0; types >> type; ++n) {
    std::string kind = type == "pred" ? "pred" : type;
    text += "  .reg ." + kind + " " + names[n] + ";\n";
    if (n == 0)
      resultType = type;
    // The result's old value comes from memory, too.
    text += n == 0
                ? moveIn(names[0], type, "%out")
                : moveIn(names[n], type, "%in+" + std::to_string(8 * (n - 1)));
  }
  if (masked)
    text += "  @%odd bra DONE;\n";
  text += "  " + instruction + "\n";
  text += "DONE:\n" + moveOut("%d", resultType, "%out") + "  ret;\n}\n";
  return text;
}

} // namespace

void checkForms(const std::vector<Form> &forms) {
  std::string text = ".version 8.6\n.target sm_90a\n.address_size 64\n";
  for (size_t n = 0; n < forms.size(); ++n)
    text += kernelOf(forms[n], n, false) + kernelOf(forms[n], n, true);
  auto module = loadText(text);
  ASSERT_TRUE(module);
  Machine machine;
  auto *in = static_cast<uint64_t *>(machine.allocate(8 * 8));
  auto *out = static_cast<uint64_t *>(machine.allocate(32 * 8));
  for (size_t n = 0; n < forms.size(); ++n) {
    const Form &form = forms[n];
    unsigned bytes = bytesOf(
        std::string(form.types).substr(0, std::string(form.types).find(' ')));
    uint64_t mask = bytes >= 8 ? ~0ull : (1ull << (8 * bytes)) - 1;
    bool isPredicate = std::string(form.types).compare(0, 4, "pred") == 0;
    for (bool masked : {false, true}) {
      for (size_t input = 0; input < form.inputs.size(); ++input)
        in[input] = form.inputs[input];
      uint64_t old = isPredicate ? !form.expected : 0x5a5a5a5a5a5a5a5aull;
      for (unsigned l = 0; l < 32; ++l)
        out[l] = old;
      Launch launch;
      launch.block.x = 32;
      launch.options.threads = 1;
      const void *arguments[] = {&in, &out};
      Result result =
          machine.launch(*module, "k" + std::to_string(n) + (masked ? "m" : ""),
                         launch, arguments, 2);
      EXPECT_EQ(result.status, Status::Ok) << form.text << "\n"
                                           << result.text();
      for (unsigned l = 0; l < 32; ++l) {
        uint64_t wanted = masked && (l & 1) ? old & mask : form.expected & mask;
        ASSERT_EQ(out[l] & mask, wanted)
            << std::hex << "got 0x" << (out[l] & mask) << ", expected 0x"
            << wanted << " from " << form.text << " in lane " << std::dec << l
            << (masked ? " with odd lanes off" : "");
      }
    }
  }
}
