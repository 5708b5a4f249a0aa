#include <mica/nn/filter.h>

namespace mica::nn {

namespace {

// Goes back to the last star when a character does not fit: time is at most the product of the lengths.
bool fits(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

Filter matching(std::string pattern) {
  return Filter([pattern = std::move(pattern)](std::string_view path, const ModuleRef&) {
    return fits(pattern, path);
  });
}

Filter operator!(Filter a) {
  return Filter(
      [a = std::move(a)](std::string_view path, const ModuleRef& owner) { return !a.takes(path, owner); });
}
Filter operator&&(Filter a, Filter b) {
  return Filter([a = std::move(a), b = std::move(b)](std::string_view path, const ModuleRef& owner) {
    return a.takes(path, owner) && b.takes(path, owner);
  });
}
Filter operator||(Filter a, Filter b) {
  return Filter([a = std::move(a), b = std::move(b)](std::string_view path, const ModuleRef& owner) {
    return a.takes(path, owner) || b.takes(path, owner);
  });
}

}  // namespace mica::nn
