// What an Error says.
#pragma once

#include <string>

#include <mica/core/error.h>

namespace mica {

// The text of the Error that fn() throws; "" if it throws none.
std::string message_of(auto fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace mica
