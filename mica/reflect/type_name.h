// The name of a class as its author wrote it, for printing: type_name<nn::Linear>() is "Linear".
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace mica::reflect {
namespace detail {

template <class T> consteval std::string_view type_signature() {
#ifdef _MSC_VER
  return __FUNCSIG__;
#else
  return __PRETTY_FUNCTION__;
#endif
}

// What surrounds the type is the same for all types: measured on a known one, instead of per compiler.
inline constexpr std::size_t type_head = type_signature<double>().rfind("double");
inline constexpr std::size_t type_tail =
    type_signature<double>().size() - type_head - std::string_view("double").size();

// Takes qualifiers off the end of text[0, end), where a `::` was just read, and returns the new end. A
// qualifier may hold brackets, as in `Outer<A, B>`, `(anonymous namespace)` or `f(int)`, so bracketed parts
// are skipped whole.
constexpr std::size_t drop_qualifier(const char* text, std::size_t end) {
  int depth = 0;
  while (end > 0) {
    const char c = text[end - 1];
    const bool opens = c == '<' || c == '(' || c == '{' || c == '[';
    if (depth == 0 && (opens || c == ',' || c == ' ' || c == '&' || c == '*')) break;
    if (opens) --depth;
    if (c == '>' || c == ')' || c == '}' || c == ']') ++depth;
    --end;
  }
  return end;
}

// Compilers name a type that has no name after its place in the source, "(lambda at file.cpp:3:9)".
// Returns the length of such a group at the start of `type`, or 0.
constexpr std::size_t place_in_source(std::string_view type) {
  if (!type.starts_with('(') || type.starts_with("(anonymous namespace)")) return 0;
  const std::size_t at = type.find(" at ");
  const std::size_t close = type.find(')');
  return at < close && close != type.npos ? close + 1 : 0;
}

template <std::size_t Capacity> struct ShortText {
  std::array<char, Capacity> characters{};
  std::size_t size = 0;
};

// Copies a type without the qualifiers of its own name and of the names inside.
template <std::size_t Capacity> consteval ShortText<Capacity> without_qualifiers(std::string_view type) {
  ShortText<Capacity> out;
  // Runs in the compiler for every type that has a name: plain characters, since each call of a function
  // there costs.
  const char* read = type.data();
  const char* const end = read + type.size();
  while (read != end) {
    const char c = *read;
    const char next = end - read > 1 ? read[1] : '\0';
    if (c == ':' && next == ':') {
      out.size = drop_qualifier(out.characters.data(), out.size);
      read += 2;
      continue;
    }
    if (c == ' ' && next == '>') {  // some compilers write `> >`
      ++read;
      continue;
    }
    if (c == '(') {
      const std::string_view rest(read, static_cast<std::size_t>(end - read));
      if (const std::size_t length = place_in_source(rest)) {
        const std::string_view written = rest.starts_with("(lambda") ? "(lambda)" : "(unnamed)";
        out.size += written.copy(out.characters.data() + out.size, written.size());
        read += length;
        continue;
      }
    }
    out.characters[out.size++] = c;
    ++read;
  }
  return out;
}

template <class T>
inline constexpr auto type_text = [] {
  constexpr std::size_t length = type_signature<T>().size() - type_head - type_tail;
  constexpr auto text = without_qualifiers<length>(type_signature<T>().substr(type_head, length));
  std::array<char, text.size> exact{};
  for (std::size_t i = 0; i < text.size; ++i) exact[i] = text.characters[i];
  return exact;
}();

}  // namespace detail

// The name of T without namespaces and enclosing classes, its template arguments included and named the same
// way: "Linear", "Encoder<Block>", "array<int, 3>"; references and const are ignored. Local and
// unnamed-namespace classes too. The view has static storage.
template <class T> consteval std::string_view type_name() {
  constexpr auto& text = detail::type_text<std::remove_cvref_t<T>>;
  return {text.data(), text.size()};
}

}  // namespace mica::reflect
