// Batches of sequences of different lengths (torch.nn.utils.rnn).
//
//   PackedSequence packed = pack_padded_sequence(x, lengths, {.batch_first = true, .enforce_sorted = false});
//   auto [y, state] = lstm(packed);
//   auto [padded, same_lengths] = pad_packed_sequence(y, {.batch_first = true});
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <mica/tensor/tensor.h>

namespace mica {

// Sequences sorted by length, the longest first, without padding: all first elements, then all second ones of
// the sequences that have one...
struct PackedSequence {
  Tensor data;         // (sum of the lengths, ...)
  Tensor batch_sizes;  // (longest length) i64: how many sequences have a step
  // (batch) i64: where each packed sequence was in the batch, and the way back; undefined if they had been
  // sorted before.
  Tensor sorted_indices = {}, unsorted_indices = {};

  std::int64_t batch() const;
  PackedSequence to(DType dtype) const;
};

struct PackOptions {
  bool batch_first = false;
  bool enforce_sorted = true;  // lengths must not increase; else the sequences are sorted
};
// Leaves out the padding. Shapes: x (time, batch, ...) or, batch_first, (batch, time, ...); lengths (batch).
// Errors: lengths that are not 1..time, not one for each sequence, or not sorted when they have to be.
PackedSequence pack_padded_sequence(const Tensor& x, const Tensor& lengths, const PackOptions& options = {});
PackedSequence pack_padded_sequence(const Tensor& x, const std::vector<std::int64_t>& lengths,
                                    const PackOptions& options = {});

struct UnpackOptions {
  bool batch_first = false;
  Scalar padding_value = 0.0;
  std::optional<std::int64_t> total_length = {};  // of the result; at least the longest length
};
// The batch in its old order, and its lengths (batch) i64.
std::pair<Tensor, Tensor> pad_packed_sequence(const PackedSequence& packed,
                                              const UnpackOptions& options = {});

enum class PaddingSide : std::uint8_t { right, left };
struct PadSequenceOptions {
  bool batch_first = false;
  Scalar padding_value = 0.0;
  PaddingSide padding_side = PaddingSide::right;
};
// Sequences (length, ...) that agree in all but their lengths, as one batch (time, batch, ...).
Tensor pad_sequence(std::span<const Tensor> sequences, const PadSequenceOptions& options = {});
// The reverse.
std::vector<Tensor> unpad_sequence(const Tensor& padded, const Tensor& lengths, bool batch_first = false);

// Sequences (length, ...) packed, and the reverse.
PackedSequence pack_sequence(std::span<const Tensor> sequences, bool enforce_sorted = true);
std::vector<Tensor> unpack_sequence(const PackedSequence& packed);

// y[p[i]] = i, for p (n) i64, which holds 0..n-1 in any order; undefined for an undefined one.
Tensor invert_permutation(const Tensor& permutation);

}  // namespace mica
