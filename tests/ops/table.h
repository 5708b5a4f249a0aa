// The table of all public operations. Each test file adds the rows of its family with a static Family object;
// table_test.cpp holds every row to PyTorch's values on every layout of memory, its refusals to their words,
// and the table to the headers: an operation without a row is a failure. Gradient cases are run by
// gradients_test.cpp.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "golden.h"
#include "gradients.h"

namespace mica::table {

// A call that must throw a mica::Error.
struct Refusal {
  std::function<void()> call;
  std::string words;           // what() contains them: the values seen, or the hint
  std::string operation = {};  // Error::operation(); the row's name if empty
};

struct Row {
  std::string name;  // as users write it: "softplus", "add_"
  // How to run the cases of golden/ops/<family>.json, by the name they have there: usually one of the row's
  // own name.
  golden::Operations golden = {};
  std::vector<gradients::Case> gradients = {};
  std::vector<Refusal> refusals = {};
  // Why there are no gradient cases ("results are positions") or no refusals ("takes anything"), if there are
  // none.
  std::string without_gradients = {};
  std::string without_refusals = {};
};

struct Family {
  std::string name;
  std::vector<Row> rows;
};
std::vector<Family>& all_families();

// Adds a family to the table.
struct Rows {
  Rows(std::string family, std::vector<Row> rows);
};

}  // namespace mica::table
