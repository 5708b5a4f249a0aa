#include <cmath>
#include <string>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>

#include <mica/io/file.h>
#include <mica/io/inspect.h>
#include <mica/io/inspect_page.h>
#include <mica/io/tensor_statistics.h>
#include <mica/nn/walk.h>
#include <mica/tensor/impl.h>

namespace mica::nn {

namespace {

using Json = nlohmann::json;

constexpr std::size_t bins = 32;

Json statistics(const Tensor& x) {
  const io::TensorStatistics s = io::statistics_of(x, bins);
  // NaN becomes null.
  return {{"mean", s.mean},   {"std", s.std},        {"min", s.min},       {"max", s.max},
          {"zeros", s.zeros}, {"bad", s.non_finite}, {"bins", s.histogram}};
}

// All nodes of the tree in order of declaration, each with the number of the one that it is in.
struct TreeVisitor final : Visitor {
  Json nodes = Json::array();
  std::vector<std::size_t> around;
  std::unordered_map<const TensorImpl*, std::size_t> first;

  void module(std::string_view name, const ModuleRef& m) {
    Json node{{"name", name}, {"type", m.type()}};
    if (const std::string text = m.describe(); !text.empty()) node["about"] = text;
    if (!around.empty()) node["in"] = around.back();
    around.push_back(nodes.size());
    nodes.push_back(std::move(node));
  }
  void enter(std::string_view name, const ModuleRef& m) override { module(name, m); }
  void leave(const ModuleRef&) override { around.pop_back(); }
  void mode(std::string_view, Mode& m) override { nodes[around.back()]["training"] = m.training; }

  void parameter(std::string_view name, Parameter& p) override {
    Json& node = member(name, p);
    node["kind"] = "parameter";
    node["trainable"] = p.requires_grad();
    if (const Tensor grad = p.grad(); grad.defined() && !node.contains("tied"))
      node["grad"] = statistics(grad);
  }
  void buffer(std::string_view name, Buffer& b) override {
    member(name, b)["kind"] = b.persistent() ? "buffer" : "transient buffer";
  }
  Json& member(std::string_view name, const Tensor& x) {
    Json node{{"name", name}, {"in", around.back()}, {"dtype", mica::name(x.dtype())}};
    node["shape"] = std::vector<std::int64_t>(x.sizes().begin(), x.sizes().end());
    node["bytes"] = x.numel() * static_cast<std::int64_t>(item_size(x.dtype()));
    const auto [it, is_first] = first.try_emplace(x.impl().get(), nodes.size());
    if (is_first)
      node["values"] = statistics(x);
    else
      node["tied"] = it->second;
    nodes.push_back(std::move(node));
    return nodes.back();
  }
};

// JSON that may stand in a script element. Names that are no UTF-8 are repaired.
std::string to_script(const Json& json) {
  std::string out;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  }
  return out;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace

void inspect_html(const ModuleRef& model, const FilePath& path) {
  TreeVisitor v;
  v.module("", model);
  model.walk(v);
  io::AtomicFile file(path.string());
  file.write(io::inspect_head);
  file.write("<title>" + escape_html(model.type()) + "</title>\n<style>");
  file.write(io::inspect_style);
  file.write("</style>\n</head>\n");
  file.write(io::inspect_body);
  file.write("<script type=\"application/json\" id=\"nodes\">" + to_script(v.nodes) + "</script>\n<script>");
  file.write(io::inspect_script);
  file.write("</script>\n</body>\n</html>\n");
  file.commit();
}

}  // namespace mica::nn
