// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Profile.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

using namespace trine::run;

void Profile::addStep(const trine_session *session, uint64_t start,
                      uint64_t duration) {
  const trine_profile_record *records = nullptr;
  uint64_t count = 0;
  if (trine_session_profile(session, &records, &count) != TRINE_OK)
    return;
  steps.push_back({start, duration, {}});
  steps.back().records.assign(records, records + count);
}

static trine_kernel_info getKernel(const trine_package *package,
                                   uint32_t index) {
  trine_kernel_info info = {};
  info.struct_size = sizeof(info);
  if (trine_package_kernel(package, index, &info) != TRINE_OK)
    info.name = info.skeleton = "";
  return info;
}

/// `text` as a JSON string. Names come from models: bytes that are no ASCII
/// stay as they are when they are UTF-8, which the manifest's reader has
/// checked.
static std::string toJson(const char *text) {
  std::string result = "\"";
  for (; *text; ++text) {
    char escaped[8];
    unsigned char c = static_cast<unsigned char>(*text);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += *text;
    } else if (c < 0x20) {
      snprintf(escaped, sizeof(escaped), "\\u%04x", c);
      result += escaped;
    } else {
      result += *text;
    }
  }
  return result + "\"";
}

bool Profile::write(const std::string &path, const trine_package *package,
                    std::string &error) const {
  FILE *file = fopen(path.c_str(), "w");
  if (!file) {
    error = "'" + path + "' cannot be written: " + strerror(errno);
    return false;
  }
  fputs("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n"
        "{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": 1, \"args\": "
        "{\"name\": \"trine\"}}",
        file);
  for (size_t s = 0; s < steps.size(); ++s) {
    const Step &step = steps[s];
    fprintf(file,
            ",\n{\"name\": \"step %zu\", \"cat\": \"step\", \"ph\": \"X\", "
            "\"pid\": 1, \"tid\": 0, \"ts\": %.3f, \"dur\": %.3f}",
            s, step.start / 1e3, step.duration / 1e3);
    for (const trine_profile_record &record : step.records) {
      trine_kernel_info kernel = getKernel(package, record.kernel);
      fprintf(file,
              ",\n{\"name\": %s, \"cat\": %s, \"ph\": \"X\", \"pid\": 1, "
              "\"tid\": %u, \"ts\": %.3f, \"dur\": %.3f, \"args\": "
              "{\"launch\": %llu, \"workgroups\": %llu, \"nodes\": [",
              toJson(kernel.name).c_str(),
              toJson(*kernel.skeleton ? kernel.skeleton : "kernel").c_str(),
              record.thread, (step.start + record.start) / 1e3,
              (record.end - record.start) / 1e3,
              static_cast<unsigned long long>(record.launch),
              static_cast<unsigned long long>(record.workgroups));
      for (uint32_t n = 0; n < kernel.node_count; ++n)
        fprintf(file, "%s%s", n ? ", " : "", toJson(kernel.nodes[n]).c_str());
      fputs("]}}", file);
    }
  }
  fputs("\n]}\n", file);
  bool failed = ferror(file) != 0;
  failed |= fclose(file) != 0;
  if (failed)
    error = "'" + path + "' cannot be written: " + strerror(errno);
  return !failed;
}

void Profile::print(const trine_package *package) const {
  struct Sum {
    uint64_t time = 0, launches = 0;
  };
  std::map<uint32_t, Sum> sums;
  uint64_t total = 0;
  for (const Step &step : steps) {
    std::map<uint64_t, bool> launches;
    for (const trine_profile_record &record : step.records) {
      Sum &sum = sums[record.kernel];
      sum.time += record.end - record.start;
      // One launch has a record for each thread that took part.
      if (launches.emplace(record.launch, true).second)
        ++sum.launches;
      total += record.end - record.start;
    }
  }
  std::vector<std::pair<uint32_t, Sum>> order(sums.begin(), sums.end());
  std::sort(order.begin(), order.end(), [](const auto &a, const auto &b) {
    return a.second.time != b.second.time ? a.second.time > b.second.time
                                          : a.first < b.first;
  });
  double count = std::max<size_t>(steps.size(), 1);
  printf("kernel time of all threads, per step: %.3f ms\n"
         "  %%      ms        launches  kernel\n",
         total / 1e6 / count);
  for (const auto &[index, sum] : order) {
    trine_kernel_info kernel = getKernel(package, index);
    std::string nodes;
    for (uint32_t n = 0; n < std::min(kernel.node_count, 3u); ++n)
      nodes += (n ? ", " : "") + std::string(kernel.nodes[n]);
    if (kernel.node_count > 3)
      nodes += ", and " + std::to_string(kernel.node_count - 3) + " more";
    printf("  %-5.1f  %-8.3f  %-8.0f  %s%s%s%s%s%s\n",
           total ? 100.0 * sum.time / total : 0, sum.time / 1e6 / count,
           sum.launches / count, kernel.name, *kernel.skeleton ? " (" : "",
           kernel.skeleton, *kernel.skeleton ? ")" : "",
           nodes.empty() ? "" : ": ", nodes.c_str());
  }
}
