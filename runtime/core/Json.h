// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Reading JSON that may hold anything. Private to the runtime's .cpp files:
/// nothing else sees the JSON library.
#ifndef TRINE_RUNTIME_CORE_JSON_H
#define TRINE_RUNTIME_CORE_JSON_H

#include "Status.h"
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace trine::runtime {

/// Parses text; false when it is no JSON, or when an object has a key twice
/// (readers would disagree about which one counts). `problem` says why.
bool parseJson(std::string_view text, nlohmann::json &result,
               std::string &problem);

/// A place in a JSON document. Getters report what is wrong to the list of
/// problems, and then give a default, so that one pass finds every problem.
class JsonPlace {
public:
  JsonPlace(const nlohmann::json &root, std::vector<std::string> &problems)
      : value(&root), problems(&problems) {}

  bool isObject() const { return value && value->is_object(); }
  bool isString() const { return value && value->is_string(); }
  bool isInteger() const { return value && value->is_number_integer(); }
  /// Neither absent nor null.
  bool exists() const { return value && !value->is_null(); }

  /// Member of an object; the place of a missing one when there is none.
  JsonPlace operator[](const char *key) const;

  /// How many elements an array has; 0 for what is none.
  size_t getSize() const {
    return value && value->is_array() ? value->size() : 0;
  }
  /// Elements of an array; what is no array is reported and has none.
  std::vector<JsonPlace> getElements() const;

  int64_t getInteger(int64_t minimum, int64_t maximum) const;
  int64_t getInteger(int64_t minimum) const {
    return getInteger(minimum, INT64_MAX);
  }
  bool getBoolean() const;
  double getNumber() const;
  std::string getString() const;

  /// Reports "'inputs[0].type' must be EXPECTED, got ...".
  void reportExpected(std::string_view expected) const;
  /// Reports "'inputs[0].type' TEXT".
  void report(std::string_view text) const;

  /// Problems reported so far, anywhere in the document.
  size_t getProblemCount() const { return problems ? problems->size() : 0; }

  const nlohmann::json &getValue() const { return *value; }

private:
  const nlohmann::json *value = nullptr; // null: missing
  std::vector<std::string> *problems = nullptr;
  std::string path;
};

/// The problems as one text, a line each, with `label` before each line.
std::string joinProblems(std::string_view label,
                         const std::vector<std::string> &problems);

} // namespace trine::runtime

#endif
