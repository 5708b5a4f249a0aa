#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory_resource>

#include <hwy/cache_control.h>

#include <mica/core/parallel.h>
#include <mica/kernels/copy.h>
#include <mica/kernels/elementwise.h>
#include <mica/kernels/map.h>
#include <mica/kernels/map_tile.h>
#include <mica/kernels/scratch.h>

namespace mica::kernels {
namespace {

// What the buffers of one thread may take of the first-level cache, and the elements of a tile at most.
constexpr std::int64_t cache_bytes = 24 << 10;
constexpr std::int64_t widest_tile = 512;
// Outputs of this many bytes are written around the caches.
constexpr std::int64_t stream_threshold = 16 << 20;
// As long as a wake-up of the other threads takes, in steps times elements; exp and the like count for eight.
constexpr std::int64_t grain = 32768;

constexpr std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

bool is_costly(MapOp op) {
  return (op >= MapOp::exp && op <= MapOp::normal_cdf) || op == MapOp::pow || op == MapOp::div;
}

// An input, walked in the order of the outputs in memory. Strides and sizes of the dimensions it has left
// after merging, the innermost last; strides in bytes.
struct Source {
  const std::byte* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t item = 0;
  int rank = 0;
  std::array<std::int64_t, max_dims> sizes;
  std::array<std::int64_t, max_dims> strides;

  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  bool is_single() const { return rank == 0 || (rank == 1 && strides[0] == 0); }
  bool is_dense() const { return rank == 1 && strides[0] == item; }

  // Elements [first, first + count) to dense memory.
  void gather(std::int64_t first, std::int64_t count, std::byte* to) const {
    std::array<std::int64_t, max_dims> index;
    const std::byte* from = data;
    for (int i = rank - 1; i >= 0; --i) {
      index[at(i)] = first % sizes[at(i)];
      first /= sizes[at(i)];
      from += index[at(i)] * strides[at(i)];
    }
    const std::size_t row = at(rank - 1);
    while (true) {
      const std::int64_t length = std::min(count, sizes[row] - index[row]);
      copy_strided(to, item, from, strides[row], length, item);
      count -= length;
      if (count == 0) return;
      to += length * item;
      from -= index[row] * strides[row];
      index[row] = 0;
      for (int i = rank - 2; i >= 0; --i) {
        from += strides[at(i)];
        if (++index[at(i)] < sizes[at(i)]) break;
        from -= sizes[at(i)] * strides[at(i)];
        index[at(i)] = 0;
      }
    }
  }
};

// The dimensions that are more than one long, from the largest stride of the outputs to the smallest.
struct Order {
  int rank = 0;
  std::array<int, max_dims> dims;

  Order(const Shape& sizes, const Shape& strides) {
    for (int i = 0; i < sizes.size(); ++i) {
      if (sizes[i] == 1) continue;
      int place = rank++;
      for (; place > 0 && strides[dims[Source::at(place - 1)]] < strides[i]; --place)
        dims[Source::at(place)] = dims[Source::at(place - 1)];
      dims[Source::at(place)] = i;
    }
  }
};

Source make_source(const MapInput& input, const Shape& sizes, const Order& order) {
  Source s{.data = static_cast<const std::byte*>(input.data),
           .dtype = input.dtype,
           .item = static_cast<std::int64_t>(item_size(input.dtype))};
  for (int k = 0; k < order.rank; ++k) {
    const int dim = order.dims[Source::at(k)];
    const std::int64_t stride = input.strides[dim] * s.item;
    const std::size_t last = Source::at(s.rank - 1);
    if (s.rank > 0 && s.strides[last] == stride * sizes[dim]) {
      s.sizes[last] *= sizes[dim];
      s.strides[last] = stride;
    } else {
      s.sizes[Source::at(s.rank)] = sizes[dim];
      s.strides[Source::at(s.rank++)] = stride;
    }
  }
  return s;
}

// A program ready to run: where each value lies, and the kernels in turn.
class Runner {
 public:
  Runner(const MapProgram& program, DType type, const Shape& sizes, const Shape& strides,
         std::span<const MapInput> inputs, std::span<const MapOutput> outputs)
      : type_(type),
        item_(static_cast<std::int64_t>(item_size(type))),
        total_(sizes.numel()),
        outputs_(outputs),
        places_(program.steps.size(), &memory_),
        results_(program.results.begin(), program.results.end(), &memory_),
        direct_(results_.size(), 0, &memory_) {
    steps_.reserve(program.steps.size());
    singles_.reserve(program.steps.size());
    fetches_.reserve(inputs.size());
    std::pmr::vector<Value> last_use(program.steps.size(), -1, &memory_);
    find_last_uses(program, last_use);
    place_inputs(program, inputs, sizes, Order(sizes, strides), last_use);
    place_steps(program, last_use);
    expand_single_results();
    write_results_directly(program);
    fetch_ahead();
    choose_tile();
    stream_ = total_ * item_ >= stream_threshold;
  }

  void run() const {
    const std::int64_t tiles = (total_ + width_ - 1) / width_;
    const std::int64_t tiles_at_least = std::max<std::int64_t>(1, grain / (cost_ * width_));
    parallel_for(0, tiles, tiles_at_least,
                 [&](std::int64_t first, std::int64_t last) { run_tiles(first, last); });
  }

 private:
  using Value = std::int32_t;  // a step of the program
  static constexpr Value to_the_end = INT32_MAX;
  static std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

  struct Place {
    enum Kind : std::uint8_t { slot, single, nowhere } kind = nowhere;
    std::int32_t index = 0;  // of the slot, or of the vector that stands for all
  };
  struct Fetch {  // an input that is read tile by tile
    Value value;
    Source source;
  };
  struct Single {  // one number for all elements
    Value value;
    double number;
    const std::byte* data;  // null: `number`
    DType dtype;
  };
  struct Step {
    TileKernel kernel;
    Value value;
    int operands;
    std::array<Value, 3> from;
    std::int32_t output = -1;  // where whole tiles are written at once
    std::int32_t ahead = -1;   // the fetch whose next tile it asks memory for
  };

  void find_last_uses(const MapProgram& program, std::pmr::vector<Value>& last_use) const {
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
      const MapStep& step = program.steps[i];
      for (int k = 0; k < operand_count(step.op); ++k) last_use[at(step.from[at(k)])] = static_cast<Value>(i);
    }
    for (const Value result : results_) last_use[at(result)] = to_the_end;
  }

  // Results that nothing else reads need no buffer in between.
  void write_results_directly(const MapProgram& program) {
    for (Step& step : steps_) {
      const auto first = std::find(results_.begin(), results_.end(), step.value);
      if (first == results_.end() || std::find(first + 1, results_.end(), step.value) != results_.end())
        continue;
      const bool read = std::any_of(program.steps.begin(), program.steps.end(), [&](const MapStep& other) {
        const auto end = other.from.begin() + operand_count(other.op);
        return std::find(other.from.begin(), end, step.value) != end;
      });
      const auto output = static_cast<std::int32_t>(first - results_.begin());
      const MapOutput& to = outputs_[at(output)];
      const bool aligned = std::bit_cast<std::uintptr_t>(to.data) % vector_bytes == 0;
      if (read || !aligned || to.dtype != type_) continue;
      step.output = output;
      direct_[at(output)] = 1;
    }
  }

  Place new_slot() {
    if (free_slots_.empty()) return {Place::slot, slots_++};
    const Place place{Place::slot, free_slots_.back()};
    free_slots_.pop_back();
    return place;
  }

  void place_inputs(const MapProgram& program, std::span<const MapInput> inputs, const Shape& sizes,
                    const Order& order, const std::pmr::vector<Value>& last_use) {
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
      const MapStep& step = program.steps[i];
      const auto value = static_cast<Value>(i);
      if (last_use[i] < 0 || step.op > MapOp::constant) continue;
      if (step.op == MapOp::constant) {
        singles_.push_back({value, step.number, nullptr, type_});
      } else {
        const Source source = make_source(inputs[at(step.from[0])], sizes, order);
        if (!source.is_single()) {
          converts_ |= source.dtype != type_;
          fetches_.push_back({value, source});
          places_[i] = new_slot();
          continue;
        }
        singles_.push_back({value, 0, source.data, source.dtype});
      }
      places_[i] = {Place::single, static_cast<std::int32_t>(singles_.size()) - 1};
    }
  }

  void place_steps(const MapProgram& program, const std::pmr::vector<Value>& last_use) {
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
      const MapStep& step = program.steps[i];
      const int operands = operand_count(step.op);
      if (operands == 0 || last_use[i] < 0) continue;
      Step& added =
          steps_.emplace_back(Step{map_tile(step.op, type_), static_cast<Value>(i), operands, step.from});
      if (step.op == MapOp::gt || step.op == MapOp::ge) std::swap(added.from[0], added.from[1]);
      cost_ += is_costly(step.op) ? 8 : 1;
      // Operands used for the last time give their slot to the result.
      for (int k = 0; k < operands; ++k) {
        const Value from = step.from[at(k)];
        const Place& place = places_[at(from)];
        const bool again = std::find(step.from.begin(), step.from.begin() + k, from) != step.from.begin() + k;
        if (place.kind == Place::slot && last_use[at(from)] == static_cast<Value>(i) && !again)
          free_slots_.push_back(place.index);
      }
      places_[i] = new_slot();
    }
  }

  // Outputs are copied from whole tiles.
  void expand_single_results() {
    for (Value& result : results_) {
      if (places_[at(result)].kind != Place::single) continue;
      const auto expanded = static_cast<Value>(places_.size());
      places_.push_back({Place::slot, slots_++});
      steps_.push_back({map_tile(MapOp::constant, type_), expanded, 1, {result}});
      result = expanded;
    }
  }

  // Spread over the steps, so that memory is as busy as the processor.
  void fetch_ahead() {
    std::pmr::vector<std::int32_t> dense(&memory_);
    for (std::size_t i = 0; i < fetches_.size(); ++i) {
      const Source& source = fetches_[i].source;
      if (source.is_dense() && source.dtype == type_) dense.push_back(static_cast<std::int32_t>(i));
    }
    const std::size_t count = std::min(dense.size(), steps_.size());
    for (std::size_t k = 0; k < count; ++k) steps_[k * steps_.size() / count].ahead = dense[k];
  }

  void choose_tile() {
    const std::int64_t lanes = vector_bytes / item_;
    const std::int64_t fitting = cache_bytes / (std::max(slots_, 1) * item_) / lanes * lanes;
    width_ = std::clamp(fitting, 4 * lanes, widest_tile);
    width_ = std::min(width_, round_up(total_, lanes));
    // Slots at equal distances from multiples of a page would look to the processor as if they overlapped.
    pitch_ = width_ * item_ + 2 * vector_bytes;
  }

  std::int64_t slots_begin() const { return static_cast<std::int64_t>(singles_.size()) * vector_bytes; }
  std::int64_t raw_begin() const { return slots_begin() + slots_ * pitch_; }

  // Elements of a source to a slot, converted.
  void fetch(const Source& source, std::int64_t first, std::int64_t count, std::byte* slot,
             std::byte* raw) const {
    const bool same = source.dtype == type_;
    const std::byte* from = source.data + first * source.item;
    if (!source.is_dense()) {
      source.gather(first, count, same ? slot : raw);
      from = raw;
    } else if (same) {
      std::memcpy(slot, from, static_cast<std::size_t>(count * item_));
    }
    if (!same) convert({count}, source.dtype, {from, {1}}, type_, {slot, {1}});
    const std::int64_t padding = round_up(count * item_, vector_bytes) - count * item_;
    std::memset(slot + count * item_, 0, static_cast<std::size_t>(padding));
  }

  void write_single(const Single& single, std::byte* to) const {
    if (single.data != nullptr) {
      convert({1}, single.dtype, {single.data, {1}}, type_, {to, {1}});
    } else if (type_ == DType::f64) {
      std::memcpy(to, &single.number, sizeof(double));
    } else {
      const auto narrow = static_cast<float>(single.number);
      std::memcpy(to, &narrow, sizeof(float));
    }
    for (std::int64_t i = item_; i < vector_bytes; i += item_)
      std::memcpy(to + i, to, static_cast<std::size_t>(item_));
  }

  void store(const MapOutput& output, std::int64_t first, std::int64_t count, const void* from) const {
    std::byte* to =
        static_cast<std::byte*>(output.data) + first * static_cast<std::int64_t>(item_size(output.dtype));
    if (output.dtype != type_)
      convert({count}, type_, {from, {1}}, output.dtype, {to, {1}});
    else if (stream_)
      stream_copy(to, from, count * item_);
    else
      std::memcpy(to, from, static_cast<std::size_t>(count * item_));
  }

  void run_tiles(std::int64_t first_tile, std::int64_t last_tile) const {
    const Scratch<std::byte> memory(raw_begin() + (converts_ ? width_ * std::int64_t{8} : 0));
    std::byte* slots = memory.data() + slots_begin();
    std::byte* raw = memory.data() + raw_begin();
    constexpr std::size_t every_bit = ~std::size_t{0};
    std::array<std::byte, 2048> buffer;
    std::pmr::monotonic_buffer_resource resource(buffer.data(), buffer.size());
    std::pmr::vector<Operand> values(places_.size(), &resource);
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_[i].kind == Place::slot) values[i] = {slots + places_[i].index * pitch_, every_bit};
      if (places_[i].kind == Place::single) values[i] = {memory.data() + places_[i].index * vector_bytes, 0};
    }
    for (std::size_t i = 0; i < singles_.size(); ++i)
      write_single(singles_[i], memory.data() + static_cast<std::int64_t>(i) * vector_bytes);

    for (std::int64_t tile = first_tile; tile < last_tile; ++tile) {
      const std::int64_t first = tile * width_;
      const std::int64_t count = std::min(width_, total_ - first);
      const bool whole_vectors = count * item_ % vector_bytes == 0;
      for (const auto& [value, source] : fetches_) {
        Operand& operand = values[at(value)];
        if (source.is_dense() && source.dtype == type_ && whole_vectors) {
          operand.data = source.data + first * item_;
        } else {
          std::byte* slot = slots + places_[at(value)].index * pitch_;
          fetch(source, first, count, slot, raw);
          operand.data = slot;
        }
      }
      for (const Step& step : steps_) {
        std::array<Operand, 3> in;
        for (int k = 0; k < step.operands; ++k) in[at(k)] = values[at(step.from[at(k)])];
        Target to{slots + places_[at(step.value)].index * pitch_, false, in[0].data};
        if (step.output >= 0 && whole_vectors) {
          to.data = static_cast<std::byte*>(outputs_[at(step.output)].data) + first * item_;
          to.stream = stream_;
        }
        if (step.ahead >= 0 && first + 2 * width_ <= total_)
          to.ahead = fetches_[at(step.ahead)].source.data + (first + width_) * item_;
        step.kernel(to, in.data(), static_cast<std::size_t>(count));
      }
      for (std::size_t i = 0; i < results_.size(); ++i) {
        if (direct_[i] == 0 || !whole_vectors) store(outputs_[i], first, count, values[at(results_[i])].data);
      }
    }
    // Streaming stores are weakly ordered: publish them before another thread may look.
    if (stream_) hwy::FlushStream();
  }

  // Short programs need no allocation.
  std::array<std::byte, 4096> buffer_;
  std::pmr::monotonic_buffer_resource memory_{buffer_.data(), buffer_.size()};

  DType type_;
  std::int64_t item_, total_;
  std::span<const MapOutput> outputs_;
  std::pmr::vector<Place> places_;
  std::pmr::vector<Value> results_;
  std::pmr::vector<char> direct_;  // results that steps write to the outputs themselves
  std::pmr::vector<Fetch> fetches_{&memory_};
  std::pmr::vector<Single> singles_{&memory_};
  std::pmr::vector<Step> steps_{&memory_};
  std::pmr::vector<std::int32_t> free_slots_{&memory_};
  std::int32_t slots_ = 0;
  std::int64_t cost_ = 1, width_ = 0, pitch_ = 0;
  bool stream_ = false, converts_ = false;
};

}  // namespace

void map(const MapProgram& program, DType type, const Shape& sizes, const Shape& strides,
         std::span<const MapInput> inputs, std::span<const MapOutput> outputs) {
  if (sizes.numel() > 0) Runner(program, type, sizes, strides, inputs, outputs).run();
}

}  // namespace mica::kernels
