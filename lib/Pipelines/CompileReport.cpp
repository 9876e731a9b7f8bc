// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Pipelines/CompileReport.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

using namespace mlir::trine;

static std::string bytesText(int64_t bytes) {
  const char *units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  unsigned unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit)
    value /= 1024;
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::format(unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

/// The entries of a histogram, largest first, equal ones by name.
static std::vector<std::pair<int64_t, std::string>>
byCount(const std::map<std::string, int64_t> &histogram) {
  std::vector<std::pair<int64_t, std::string>> entries;
  for (const auto &[name, count] : histogram)
    entries.emplace_back(count, name);
  llvm::sort(entries, [](const auto &a, const auto &b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  return entries;
}

/// What one layer consists of, without the nodes: layers that print alike are
/// printed once.
static std::string
describeLayer(llvm::ArrayRef<CompileReport::Recognised> layer) {
  std::vector<std::pair<std::string, int64_t>> parts;
  for (const CompileReport::Recognised &entry : layer) {
    std::string part = entry.op + " (" + entry.form + ")";
    auto known = llvm::find_if(
        parts, [&](const auto &other) { return other.first == part; });
    if (known == parts.end())
      parts.emplace_back(part, 1);
    else
      ++known->second;
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(
      parts, stream,
      [&](const auto &part) {
        if (part.second > 1)
          stream << part.second << " ";
        stream << part.first;
      },
      ", ");
  return text;
}

static void
printRecognised(llvm::ArrayRef<CompileReport::Recognised> recognised,
                llvm::raw_ostream &stream) {
  std::string last;
  int64_t first = 0, count = 0;
  auto flush = [&] {
    if (count == 0)
      return;
    std::string range = std::to_string(first);
    if (count > 1)
      range += "-" + std::to_string(first + count - 1);
    stream << llvm::format("  %-10s %s\n", ("layer " + range).c_str(),
                           last.c_str());
  };
  while (!recognised.empty()) {
    int64_t layer = recognised.front().layer;
    llvm::ArrayRef<CompileReport::Recognised> entries =
        recognised.take_while([&](const CompileReport::Recognised &entry) {
          return entry.layer == layer;
        });
    recognised = recognised.drop_front(entries.size());
    std::string text = describeLayer(entries);
    if (count > 0 && text == last && layer == first + count) {
      ++count;
      continue;
    }
    flush();
    last = text;
    first = layer;
    count = 1;
  }
  flush();
}

void CompileReport::printText(llvm::raw_ostream &stream) const {
  auto line = [&](llvm::StringRef name) -> llvm::raw_ostream & {
    return stream << llvm::format("  %-10s ", name.str().c_str());
  };
  auto list = [&](llvm::StringRef name,
                  const std::map<std::string, int64_t> &histogram) {
    line(name);
    llvm::interleave(
        byCount(histogram), stream,
        [&](const auto &entry) {
          stream << entry.second << " " << entry.first;
        },
        ", ");
    stream << "\n";
  };
  stream << "compiled " << model << " for " << target << "\n";
  line("graph") << nodes << " nodes\n";
  list("operators", operators);
  for (const Value &value : inputs)
    line("input") << value.name << ": " << value.type << "\n";
  for (const Value &value : outputs)
    line("output") << value.name << ": " << value.type << "\n";
  printRecognised(recognised, stream);
  for (const NearMiss &miss : nearMisses)
    line("near miss") << miss.reason << "\n";
  line("kernels") << kernels << " for " << launches << " launches\n";
  for (const Choice &choice : choices)
    line("by shape") << choice.count << " " << choice.forms << ", "
                     << choice.first << " or " << choice.second
                     << " of these launches\n";
  list("skeletons", skeletons);
  if (!nvrtcVersion.empty())
    line("compiler") << "NVRTC " << nvrtcVersion << ", " << cachedKernels
                     << " of " << cachedKernels + compiledKernels
                     << " kernels from the cache\n";
  for (const Resources &each : resources)
    line("") << each.kernel << " " << each.architecture << ": "
             << each.registers << " registers, " << each.threads << " threads, "
             << each.staticShared + each.dynamicShared
             << " bytes of shared memory, " << each.spillBytes
             << " bytes spilled\n";
  line("weights") << bytesText(weightBytes) << " in the model, "
                  << bytesText(packedWeightBytes) << " in the package"
                  << (matrixType.empty() ? "" : ", matrices in ") << matrixType
                  << "\n";
  if (computedWeights > 0)
    line("computed") << computedWeights << " weights of "
                     << bytesText(computedWeightBytes)
                     << " from others, at compile time\n";
  int64_t known = 0;
  for (const auto &[kind, bytes] : weightKinds)
    known += bytes;
  if (weightKinds.size() > 1 || weightKinds.count("other") == 0)
    for (const auto &[bytes, kind] : byCount(weightKinds))
      line("") << kind << " " << bytesText(bytes)
               << llvm::format(" (%.1f %%)",
                               known ? 100.0 * static_cast<double>(bytes) /
                                           static_cast<double>(known)
                                     : 0.0)
               << "\n";
  line("memory") << buffers << " buffers in " << arenaSlots << " slots";
  for (const auto &[space, bytes] : workspaceBytes)
    stream << ", " << bytesText(bytes) << " of " << space << " memory";
  stream << "\n";
  line("code") << bytesText(codeBytes) << "\n";
  double total = 0;
  for (const Stage &stage : stages)
    total += stage.seconds;
  line("time") << llvm::format("%.2f s", total) << " (";
  llvm::interleave(
      stages, stream,
      [&](const Stage &stage) {
        stream << stage.name << " " << llvm::format("%.2f", stage.seconds);
      },
      ", ");
  stream << "), peak memory " << bytesText(peakMemory) << "\n";
}

void CompileReport::printRemarks(llvm::raw_ostream &stream) const {
  for (const Remark &remark : remarks) {
    stream << remark.pass << ": " << remark.kind << ": ";
    if (!remark.nodes.empty()) {
      stream << "node " << remark.nodes.front();
      if (remark.nodes.size() > 1)
        stream << " and " << remark.nodes.size() - 1 << " more";
      stream << ": ";
    }
    stream << remark.text << "\n";
  }
}

llvm::json::Value CompileReport::toJSON() const {
  auto values = [](const std::vector<Value> &list) {
    llvm::json::Array array;
    for (const Value &value : list)
      array.push_back(
          llvm::json::Object{{"name", value.name}, {"type", value.type}});
    return array;
  };
  auto histogram = [](const std::map<std::string, int64_t> &entries) {
    llvm::json::Object object;
    for (const auto &[name, count] : entries)
      object[name] = count;
    return object;
  };
  llvm::json::Array raised, missed;
  for (const Recognised &entry : recognised)
    raised.push_back(
        llvm::json::Object{{"layer", entry.layer},
                           {"op", entry.op},
                           {"form", entry.form},
                           {"nodes", llvm::json::Array(entry.nodes)}});
  for (const NearMiss &miss : nearMisses)
    missed.push_back(
        llvm::json::Object{{"form", miss.form}, {"reason", miss.reason}});
  llvm::json::Array said, chosen;
  for (const Remark &remark : remarks)
    said.push_back(
        llvm::json::Object{{"pass", remark.pass},
                           {"kind", remark.kind},
                           {"name", remark.name},
                           {"text", remark.text},
                           {"nodes", llvm::json::Array(remark.nodes)}});
  for (const Choice &choice : choices)
    chosen.push_back(llvm::json::Object{{"forms", choice.forms},
                                        {"count", choice.count},
                                        {"first_launches", choice.first},
                                        {"second_launches", choice.second}});
  llvm::json::Array taken;
  for (const Resources &each : resources)
    taken.push_back(
        llvm::json::Object{{"kernel", each.kernel},
                           {"skeleton", each.skeleton},
                           {"arch", each.architecture},
                           {"threads", each.threads},
                           {"registers", each.registers},
                           {"static_shared_bytes", each.staticShared},
                           {"dynamic_shared_bytes", each.dynamicShared},
                           {"spill_bytes", each.spillBytes}});
  llvm::json::Array times;
  for (const Stage &stage : stages)
    times.push_back(
        llvm::json::Object{{"stage", stage.name}, {"seconds", stage.seconds}});
  return llvm::json::Object{
      {"model", model},
      {"target", target},
      {"nodes", nodes},
      {"recognised", std::move(raised)},
      {"near_misses", std::move(missed)},
      {"remarks", std::move(said)},
      {"choices", std::move(chosen)},
      {"operators", histogram(operators)},
      {"inputs", values(inputs)},
      {"outputs", values(outputs)},
      {"kernels", kernels},
      {"launches", launches},
      {"skeletons", histogram(skeletons)},
      {"nvrtc", nvrtcVersion},
      {"cached_kernels", cachedKernels},
      {"compiled_kernels", compiledKernels},
      {"kernel_resources", std::move(taken)},
      {"weight_bytes", weightBytes},
      {"weight_kind_bytes", histogram(weightKinds)},
      {"workspace_bytes", histogram(workspaceBytes)},
      {"packed_weight_bytes", packedWeightBytes},
      {"computed_weights", computedWeights},
      {"computed_weight_bytes", computedWeightBytes},
      {"matrix_type", matrixType},
      {"buffers", buffers},
      {"arena_slots", arenaSlots},
      {"code_bytes", codeBytes},
      {"stages", std::move(times)},
      {"peak_memory_bytes", peakMemory},
  };
}
