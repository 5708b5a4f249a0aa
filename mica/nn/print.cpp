// PyTorch's print(model): one line per module without children, equal neighbours of a list folded.
#include <string>
#include <vector>

#include <fmt/format.h>

#include <mica/nn/module.h>

namespace mica::nn {

namespace {

struct Printed {
  std::string name, type, extra;
  std::vector<Printed> children;
};

struct TreeVisitor final : Visitor {
  Printed root;
  std::vector<Printed*> stack;
  void enter(std::string_view name, const ModuleRef& module) override {
    Printed node{.name = std::string(name),
                 .type = std::string(module.type()),
                 .extra = module.describe(),
                 .children = {}};
    stack.back()->children.push_back(std::move(node));
    stack.push_back(&stack.back()->children.back());
  }
  void leave(const ModuleRef&) override { stack.pop_back(); }
};

std::string render(const Printed& node, int depth);

// "(0-2): 3 x Block(...)" for equal neighbours, as PyTorch's ModuleList prints them.
std::vector<std::string> render_children(const Printed& node, int depth) {
  std::vector<std::string> lines;
  const bool folds = node.type == "ModuleList" || node.type == "ParametrizationList";
  for (std::size_t i = 0; i < node.children.size();) {
    const std::string text = render(node.children[i], depth);
    std::size_t last = i;
    while (folds && last + 1 < node.children.size() && render(node.children[last + 1], depth) == text) ++last;
    lines.push_back(last == i ? fmt::format("({}): {}", node.children[i].name, text)
                              : fmt::format("({}-{}): {} x {}", node.children[i].name,
                                            node.children[last].name, last - i + 1, text));
    i = last + 1;
  }
  return lines;
}

std::string render(const Printed& node, int depth) {
  if (node.children.empty()) return fmt::format("{}({})", node.type, node.extra);
  const std::string indent(static_cast<std::size_t>(2 * depth + 2), ' ');
  std::string out = node.type + "(\n";
  if (!node.extra.empty()) out += indent + node.extra + "\n";
  for (const std::string& line : render_children(node, depth + 1)) out += indent + line + "\n";
  return out + indent.substr(2) + ")";
}

}  // namespace

std::string ModuleRef::to_string() const {
  TreeVisitor v;
  v.root.type = type();
  v.root.extra = describe();
  v.stack.push_back(&v.root);
  walk(v);
  return render(v.root, 0);
}

}  // namespace mica::nn
