// A model as a page to click through.
#pragma once

#include <mica/core/file_path.h>
#include <mica/nn/module_ref.h>

namespace mica::nn {

// Writes one HTML file that needs nothing else, no network either: the tree of modules with types,
// hyper-parameters and modes; shape, dtype, statistics and histogram of every parameter and buffer, and of
// gradients where there are any; ties, and what is frozen. Searchable, by keyboard too; rows are made when
// they are opened, so ten thousand parameters are no burden. Written atomically.
//   nn::inspect_html(model, "model.html");
// Errors: the file cannot be written.
void inspect_html(const ModuleRef& model, const FilePath& path);

}  // namespace mica::nn
