// The parts of the page that inspect_html writes, around the model's own data.
#pragma once

#include <string_view>

namespace mica::io {

extern const std::string_view inspect_head;  // up to the title
extern const std::string_view inspect_style;
extern const std::string_view inspect_body;
extern const std::string_view inspect_script;  // reads the element "nodes"

}  // namespace mica::io
