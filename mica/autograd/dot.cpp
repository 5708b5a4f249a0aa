#include <map>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>

#include <mica/autograd/dot.h>
#include <mica/autograd/grad_hooks.h>
#include <mica/autograd/node.h>

namespace mica::autograd {

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + '"';
}

class Writer {
 public:
  explicit Writer(const DotOptions& options) {
    for (const auto& [name, tensor] : options.names) {
      if (!tensor.defined()) continue;
      if (const auto edge = edge_to(tensor); edge.node)
        results_.try_emplace({edge.node.get(), edge.index}, name);
      else
        leaves_.try_emplace(tensor.impl().get(), name);
    }
  }

  // Gives the end of an edge a number, in the order in which they are met from the outputs.
  std::string id(const Edge& edge) {
    const void* key = edge.node ? static_cast<const void*>(edge.node.get()) : edge.leaf.get();
    const auto [it, added] = ids_.try_emplace(key, fmt::format("{}{}", edge.node ? 'n' : 'x', ids_.size()));
    if (added) {
      if (edge.node)
        nodes_.push_back(static_cast<const Node*>(edge.node.get()));
      else
        leaf(*edge.leaf, it->second);
    }
    return it->second;
  }

  std::string write(std::span<const Tensor> outputs) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Tensor& y = outputs[i];
      text_ +=
          fmt::format("  y{} [shape=box, style=\"rounded,filled\", fillcolor=\"#d5e8d4\", label={}]\n", i,
                      quoted(fmt::format("output {}\n{} {}", i, name(y.dtype()), to_string(y.sizes()))));
      if (const Edge edge = edge_to(y)) arrow(edge, fmt::format("y{}", i));
    }
    std::size_t next = 0;
    while (next < nodes_.size()) operation(*nodes_[next++]);  // which grows meanwhile
    return "digraph {\n  node [fontname=\"monospace\"]\n" + text_ + "}\n";
  }

 private:
  void leaf(const TensorImpl& impl, const std::string& id) {
    const auto known = leaves_.find(&impl);
    const std::string title = known == leaves_.end() ? "" : known->second + "\n";
    text_ += fmt::format("  {} [shape=box, style=filled, fillcolor=\"#dae8fc\", label={}]\n", id,
                         quoted(fmt::format("{}{} {}", title, name(impl.dtype), to_string(impl.sizes))));
  }

  void operation(const Node& node) {
    std::string label = node.name();
    for (std::size_t i = 0; i < node.outputs().size(); ++i) {
      label += "\n";
      if (const auto it = results_.find({&node, static_cast<std::uint32_t>(i)}); it != results_.end())
        label += it->second + " ";
      label += to_string(node.outputs()[i].sizes);
    }
    if (node.extras() != nullptr && !node.extras()->made_in.empty()) label += "\n" + node.extras()->made_in;
    const std::string name = ids_.at(&node);
    text_ += fmt::format("  {} [label={}]\n", name, quoted(label));
    for (const Edge& edge : node.edges()) {
      if (edge) arrow(edge, name);
    }
  }

  void arrow(const Edge& from, const std::string& to) {
    const std::string source = id(from);
    const bool several = from.node && static_cast<const Node&>(*from.node).outputs().size() > 1;
    text_ += several ? fmt::format("  {} -> {} [label=\"{}\"]\n", source, to, from.index)
                     : fmt::format("  {} -> {}\n", source, to);
  }

  std::unordered_map<const TensorImpl*, std::string> leaves_;
  std::map<std::pair<const NodeBase*, std::uint32_t>, std::string> results_;
  std::unordered_map<const void*, std::string> ids_;
  std::vector<const Node*> nodes_;
  std::string text_;
};

}  // namespace

std::string to_dot(std::span<const Tensor> outputs, const DotOptions& options) {
  return Writer(options).write(outputs);
}

std::string to_dot(const Tensor& output, const DotOptions& options) { return to_dot({&output, 1}, options); }

}  // namespace mica::autograd
