// What must be known of JSON from elsewhere before a tree is built of it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mica::io {

// What is wrong with `text`, which errors call `what` ("the header"); empty if nothing: not JSON, nested
// deeper than so many brackets, or a key twice in one object, of which a tree would silently keep one.
std::string problem_in_json(std::string_view text, std::size_t deepest, std::string_view what);

}  // namespace mica::io
