#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <mica/io/json_check.h>

namespace mica::io {

namespace {

using nlohmann::json;

class Check final : public nlohmann::json_sax<json> {
 public:
  Check(std::size_t deepest, std::string_view what) : deepest_(deepest), what_(what) {}
  const std::string& problem() const { return problem_; }

  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool key(std::string& name) override {
    if (keys_.back().insert(name).second) return true;
    problem_ = fmt::format("the name \"{}\" appears twice in {}", name, what_);
    return false;
  }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(std::int64_t) override { return true; }
  bool number_unsigned(std::uint64_t) override { return true; }
  bool number_float(double, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(json::binary_t&) override { return true; }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    problem_ = fmt::format("{} is not JSON", what_);
    return false;
  }

 private:
  bool enter() {
    if (keys_.size() == deepest_) {
      problem_ = fmt::format("{} is nested too deeply", what_);
      return false;
    }
    keys_.emplace_back();
    return true;
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }
  std::size_t deepest_;
  std::string_view what_;
  std::string problem_;
  std::vector<std::set<std::string>> keys_;  // of the objects around; empty for arrays
};

}  // namespace

std::string problem_in_json(std::string_view text, std::size_t deepest, std::string_view what) {
  Check check(deepest, what);
  json::sax_parse(text, &check);
  return check.problem();
}

}  // namespace mica::io
