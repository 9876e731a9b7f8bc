// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Json.h"
#include <unordered_set>

using namespace trine::runtime;
using nlohmann::json;

namespace {
/// What is wrong with a text that the library would take, found before it
/// builds anything. (Its parser with a callback would do, but looks at all
/// members of an object again after each of them: a minute for 60,000 tensors.)
class Checker : public nlohmann::json_sax<json> {
public:
  bool tooDeep = false, hasDuplicate = false;
  std::string duplicate;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool start_object(size_t) override {
    keys.emplace_back();
    return enter();
  }
  bool key(string_t &name) override {
    if (!hasDuplicate && !keys.back().insert(name).second) {
      hasDuplicate = true;
      duplicate = name;
    }
    return true;
  }
  bool end_object() override {
    keys.pop_back();
    --depth;
    return true;
  }
  bool start_array(size_t) override { return enter(); }
  bool end_array() override {
    --depth;
    return true;
  }
  bool parse_error(size_t, const std::string &,
                   const nlohmann::detail::exception &) override {
    return false;
  }

private:
  /// Nothing of ours nests deeper.
  bool enter() {
    tooDeep |= ++depth > 64;
    return !tooDeep;
  }

  unsigned depth = 0;
  std::vector<std::unordered_set<std::string>> keys;
};
} // namespace

bool trine::runtime::parseJson(std::string_view text, json &result,
                               std::string &problem) {
  Checker checker;
  bool valid = json::sax_parse(text.begin(), text.end(), &checker);
  if (valid)
    result = json::parse(text.begin(), text.end(), /*cb=*/nullptr,
                         /*allow_exceptions=*/false);
  if (checker.tooDeep)
    problem = "nests deeper than 64 levels";
  else if (!valid)
    problem = "is not valid JSON";
  else if (checker.hasDuplicate)
    problem = concat("has the key ", quote(checker.duplicate), " twice");
  else
    return true;
  return false;
}

JsonPlace JsonPlace::operator[](const char *key) const {
  JsonPlace result = *this;
  result.path = path.empty() ? key : path + "." + key;
  result.value = nullptr;
  if (isObject()) {
    auto it = value->find(key);
    if (it != value->end())
      result.value = &*it;
  }
  return result;
}

std::vector<JsonPlace> JsonPlace::getElements() const {
  std::vector<JsonPlace> result;
  if (!value || !value->is_array()) {
    reportExpected("an array");
    return result;
  }
  result.reserve(value->size());
  for (const json &element : *value) {
    JsonPlace place = *this;
    place.path = concat(path, "[", result.size(), "]");
    place.value = &element;
    result.push_back(std::move(place));
  }
  return result;
}

int64_t JsonPlace::getInteger(int64_t minimum, int64_t maximum) const {
  bool fits = isInteger() && !(value->is_number_unsigned() &&
                               value->get<uint64_t>() > INT64_MAX);
  int64_t integer = fits ? value->get<int64_t>() : 0;
  if (fits && integer >= minimum && integer <= maximum)
    return integer;
  if (maximum == INT64_MAX)
    reportExpected(concat("an integer of at least ", minimum));
  else
    reportExpected(concat("an integer in [", minimum, ", ", maximum, "]"));
  return minimum;
}

bool JsonPlace::getBoolean() const {
  if (value && value->is_boolean())
    return value->get<bool>();
  reportExpected("true or false");
  return false;
}

double JsonPlace::getNumber() const {
  if (value && value->is_number())
    return value->get<double>();
  reportExpected("a number");
  return 0;
}

std::string JsonPlace::getString() const {
  if (isString()) {
    const std::string &text = value->get_ref<const std::string &>();
    // Texts end up as C strings.
    if (text.find('\0') == std::string::npos)
      return text;
    report("must not contain a zero byte");
    return "";
  }
  reportExpected("a string");
  return "";
}

void JsonPlace::reportExpected(std::string_view expected) const {
  std::string got = "nothing";
  if (value) {
    if (value->is_string())
      got = quote(value->get_ref<const std::string &>());
    else if (value->is_structured())
      got = value->is_array() ? "an array" : "an object";
    else
      got = value->dump();
  }
  report(concat("must be ", expected, ", got ", got));
}

void JsonPlace::report(std::string_view text) const {
  problems->push_back(
      concat(path.empty() ? "the top level" : quote(path), " ", text));
}

std::string
trine::runtime::joinProblems(std::string_view label,
                             const std::vector<std::string> &problems) {
  constexpr size_t limit = 20;
  std::string result;
  for (size_t i = 0; i < problems.size() && i < limit; ++i) {
    if (i)
      result += "\n";
    if (!label.empty())
      result += concat(label, ": ");
    result += problems[i];
  }
  if (problems.size() > limit)
    result += concat("\n", problems.size() - limit, " more problems");
  return result;
}
