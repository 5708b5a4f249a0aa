#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/ops/join.h>
#include <mica/ops/packed.h>

namespace mica {

namespace {

using Lengths = std::vector<std::int64_t>;

Lengths lengths_of(const char* operation, const Tensor& lengths) {
  if (lengths.dim() != 1 || is_floating_point(lengths.dtype()) || lengths.dtype() == boolean) {
    throw Error(operation,
                fmt::format("lengths are {} {}", name(lengths.dtype()), to_string(lengths.sizes())),
                "one whole number for each sequence");
  }
  return lengths.to_vector<std::int64_t>();
}

Shape with_front(const Shape& front, const Shape& sizes, int skipped) {
  Shape out = front;
  for (int i = skipped; i < sizes.size(); ++i) out.push_back(sizes[i]);
  return out;
}

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// How many sequences have a step, for each step; longest first.
Lengths batch_sizes_of(const Lengths& sorted) {
  Lengths sizes(index(sorted.front()));
  for (const std::int64_t length : sorted) {
    for (std::int64_t t = 0; t < length; ++t) ++sizes[index(t)];
  }
  return sizes;
}

void check_packed(const char* operation, const PackedSequence& packed) {
  if (packed.data.defined() && packed.batch_sizes.defined() && packed.data.dim() > 0 &&
      packed.batch_sizes.dim() == 1 && packed.batch_sizes.numel() > 0) {
    const Lengths sizes = lengths_of(operation, packed.batch_sizes);
    if (std::is_sorted(sizes.rbegin(), sizes.rend()) && sizes.back() >= 0 &&
        std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) == packed.data.size(0))
      return;
  }
  throw Error(operation, "the batch sizes do not fit the data of the packed sequence",
              "make it with pack_padded_sequence() or pack_sequence()");
}

// The way back from sorted order, also where only the way there is given.
Tensor way_back(const PackedSequence& packed) {
  return packed.unsorted_indices.defined() ? packed.unsorted_indices
                                           : invert_permutation(packed.sorted_indices);
}

}  // namespace

std::int64_t PackedSequence::batch() const { return batch_sizes[0].item<std::int64_t>(); }

PackedSequence PackedSequence::to(DType dtype) const {
  return {data.to(dtype), batch_sizes, sorted_indices, unsorted_indices};
}

PackedSequence pack_padded_sequence(const Tensor& x, const Tensor& lengths, const PackOptions& options) {
  return pack_padded_sequence(x, lengths_of("pack_padded_sequence", lengths), options);
}

PackedSequence pack_padded_sequence(const Tensor& x, const Lengths& lengths, const PackOptions& options) {
  constexpr const char* operation = "pack_padded_sequence";
  if (x.dim() < 2) {
    throw Error(operation, fmt::format("input of shape {}", to_string(x.sizes())),
                options.batch_first ? "expected (batch, time, ...)" : "expected (time, batch, ...)");
  }
  const std::int64_t time = x.size(options.batch_first ? 1 : 0), batch = x.size(options.batch_first ? 0 : 1);
  if (static_cast<std::int64_t>(lengths.size()) != batch) {
    throw Error(operation, fmt::format("{} lengths for a batch of {}, input of shape {}", lengths.size(),
                                       batch, to_string(x.sizes())));
  }
  if (batch == 0) throw Error(operation, "a batch of no sequences", "pack one or more");
  const auto [shortest, longest] = std::ranges::minmax(lengths);
  if (shortest < 1 || longest > time) {
    throw Error(
        operation,
        fmt::format("lengths from {} to {}, input of shape {}", shortest, longest, to_string(x.sizes())),
        fmt::format("a sequence has 1 to {} elements here", time));
  }
  Lengths order(index(batch));
  std::iota(order.begin(), order.end(), 0);
  PackedSequence packed;
  if (!options.enforce_sorted) {
    std::ranges::sort(order, [&](std::int64_t a, std::int64_t b) {  // equal ones stay in their order
      return std::pair(-lengths[index(a)], a) < std::pair(-lengths[index(b)], b);
    });
    packed.sorted_indices = from_vector(order);
    packed.unsorted_indices = invert_permutation(packed.sorted_indices);
  }
  Lengths sorted;
  sorted.reserve(lengths.size());
  for (const std::int64_t i : order) sorted.push_back(lengths[index(i)]);
  if (!std::is_sorted(sorted.rbegin(), sorted.rend())) {
    throw Error(operation, fmt::format("lengths {} increase", fmt::join(lengths, ", ")),
                "give the longest sequence first, or {.enforce_sorted = false}");
  }
  const Lengths sizes = batch_sizes_of(sorted);
  Lengths rows;  // of x with its first two dimensions as one
  rows.reserve(index(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0})));
  for (std::int64_t t = 0; t < longest; ++t) {
    for (std::int64_t i = 0; i < sizes[index(t)]; ++i) {
      const std::int64_t b = order[index(i)];
      rows.push_back(options.batch_first ? b * time + t : t * batch + b);
    }
  }
  packed.data = x.reshape(with_front(time * batch, x.sizes(), 2)).index_select(0, from_vector(rows));
  packed.batch_sizes = from_vector(sizes);
  return packed;
}

std::pair<Tensor, Tensor> pad_packed_sequence(const PackedSequence& packed, const UnpackOptions& options) {
  constexpr const char* operation = "pad_packed_sequence";
  check_packed(operation, packed);
  const Lengths sizes = packed.batch_sizes.to_vector<std::int64_t>();
  const auto longest = static_cast<std::int64_t>(sizes.size());
  const std::int64_t batch = sizes.front(), time = options.total_length.value_or(longest);
  if (time < longest) {
    throw Error(operation, fmt::format("total_length {} for a sequence of {} elements", time, longest));
  }
  Lengths order(index(batch));
  std::iota(order.begin(), order.end(), 0);
  if (packed.sorted_indices.defined() || packed.unsorted_indices.defined()) {
    const Tensor back = way_back(packed);
    if (back.sizes() != Shape(batch)) {
      throw Error(operation,
                  fmt::format("indices of shape {} for a batch of {}", to_string(back.sizes()), batch));
    }
    order = invert_permutation(back).to_vector<std::int64_t>();
  }
  Lengths lengths(index(batch)), rows;
  rows.reserve(index(packed.data.size(0)));
  for (std::int64_t t = 0; t < longest; ++t) {
    for (std::int64_t i = 0; i < sizes[index(t)]; ++i) {
      const std::int64_t b = order[index(i)];
      ++lengths[index(b)];
      rows.push_back(options.batch_first ? b * time + t : t * batch + b);
    }
  }
  const Shape padded = options.batch_first ? Shape{batch, time} : Shape{time, batch};
  const Tensor y =
      full(with_front(time * batch, packed.data.sizes(), 1), options.padding_value, packed.data.dtype())
          .index_copy(0, from_vector(rows), packed.data);
  return {y.reshape(with_front(padded, packed.data.sizes(), 1)), from_vector(lengths)};
}

Tensor pad_sequence(std::span<const Tensor> sequences, const PadSequenceOptions& options) {
  constexpr const char* operation = "pad_sequence";
  if (sequences.empty()) throw Error(operation, "no sequences", "give one or more");
  std::int64_t longest = 0;
  for (const Tensor& x : sequences) {
    const Shape& first = sequences.front().sizes();
    bool fits = x.dim() > 0 && x.dtype() == sequences.front().dtype() && x.sizes().size() == first.size();
    for (int i = 1; fits && i < first.size(); ++i) fits = x.sizes()[i] == first[i];
    if (!fits) {
      throw Error(operation,
                  fmt::format("sequences of {} {} and {} {}", name(sequences.front().dtype()),
                              to_string(first), name(x.dtype()), to_string(x.sizes())),
                  "they are (length, ...) and agree in all but their lengths");
    }
    longest = std::max(longest, x.size(0));
  }
  std::vector<Tensor> padded;
  padded.reserve(sequences.size());
  for (const Tensor& x : sequences) {
    if (x.size(0) == longest) {
      padded.push_back(x);
      continue;
    }
    const Tensor rest = full(with_front(longest - x.size(0), x.sizes(), 1), options.padding_value, x.dtype());
    padded.push_back(options.padding_side == PaddingSide::right ? cat({x, rest}) : cat({rest, x}));
  }
  return stack(padded, options.batch_first ? 0 : 1);
}

std::vector<Tensor> unpad_sequence(const Tensor& padded, const Tensor& lengths, bool batch_first) {
  constexpr const char* operation = "unpad_sequence";
  if (padded.dim() < 2) {
    throw Error(operation, fmt::format("input of shape {}", to_string(padded.sizes())),
                batch_first ? "expected (batch, time, ...)" : "expected (time, batch, ...)");
  }
  const Tensor by_sequence = batch_first ? padded : padded.transpose(0, 1);
  const Lengths each = lengths_of(operation, lengths);
  if (static_cast<std::int64_t>(each.size()) != by_sequence.size(0)) {
    throw Error(operation, fmt::format("{} lengths for a batch of {}", each.size(), by_sequence.size(0)));
  }
  std::vector<Tensor> sequences;
  sequences.reserve(each.size());
  for (const std::int64_t length : each) {
    if (length < 0 || length > by_sequence.size(1)) {
      throw Error(operation,
                  fmt::format("length {} in an input of shape {}", length, to_string(padded.sizes())));
    }
    sequences.push_back(
        by_sequence.select(0, static_cast<std::int64_t>(sequences.size())).narrow(0, 0, length));
  }
  return sequences;
}

PackedSequence pack_sequence(std::span<const Tensor> sequences, bool enforce_sorted) {
  const Tensor padded = pad_sequence(sequences);
  Lengths lengths;
  lengths.reserve(sequences.size());
  for (const Tensor& x : sequences) lengths.push_back(x.size(0));
  return pack_padded_sequence(padded, lengths, {.enforce_sorted = enforce_sorted});
}

std::vector<Tensor> unpack_sequence(const PackedSequence& packed) {
  const auto [padded, lengths] = pad_packed_sequence(packed, {.batch_first = true});
  return unpad_sequence(padded, lengths, true);
}

Tensor invert_permutation(const Tensor& permutation) {
  if (!permutation.defined()) return permutation;
  const Lengths p = lengths_of("invert_permutation", permutation);
  Lengths inverse(p.size(), -1);
  for (std::size_t i = 0; i < p.size(); ++i) {
    const bool fits = p[i] >= 0 && p[i] < static_cast<std::int64_t>(p.size()) && inverse[index(p[i])] < 0;
    if (!fits) {
      throw Error("invert_permutation", fmt::format("{} at {} of {}", p[i], i, p.size()),
                  "each of 0..n-1 occurs once");
    }
    inverse[index(p[i])] = static_cast<std::int64_t>(i);
  }
  return from_vector(inverse);
}

}  // namespace mica
