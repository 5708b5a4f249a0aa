// Reading without alignment (Graves et al. 2006): strings of letters are written as noisy strokes of any
// length with pauses between them, and only the letters are given, not where they are. A GRU that looks both
// ways learns with the CTC loss to say each letter once, and nothing in between.
#include <cstdio>
#include <vector>

#include <mica/mica.h>
using namespace mica;

constexpr std::int64_t letters = 8, features = 10, blank = 0;  // letters are 1 to 8

struct Reader : nn::Module {
  std::int64_t hidden = 32;
  nn::GRU gru{features, hidden, {.bidirectional = true}};
  nn::Linear head{2 * hidden, letters + 1};

  // Log-probabilities of all letters and the blank at each time, (time, batch, letters + 1), and the lengths.
  std::pair<Tensor, Tensor> forward(const std::vector<Tensor>& writing) {
    const auto [y, h] = gru(nn::pack_sequence(writing, false));
    const auto [padded, lengths] = nn::pad_packed_sequence(y);
    return {log_softmax(head(padded), -1), lengths};
  }
  // The likeliest label of each time, without repetitions, then without blanks.
  std::vector<Tensor> read(const std::vector<Tensor>& writing) {
    const NoGrad no_grad;
    const auto [log_p, lengths] = (*this)(writing);
    std::vector<Tensor> out;
    for (const Tensor& path : nn::unpad_sequence(log_p.argmax(-1), lengths)) {
      const Tensor said = unique_consecutive(path).values;
      out.push_back(said[said != blank]);
    }
    return out;
  }
};

std::int64_t random_between(std::int64_t low, std::int64_t high) {
  return randint(low, high + 1, {1}).item<std::int64_t>();
}

// 2 to 6 letters; a letter is 2 to 5 noisy copies of its row of `shapes`, a pause 1 to 3 times noise alone.
struct Text {
  std::vector<Tensor> strings, writing;  // (letters), (time, features)
};
Text write(const Tensor& shapes, int count) {
  Text text;
  for (int i = 0; i < count; ++i) {
    const Tensor string = randint(1, letters + 1, {random_between(2, 6)});
    std::vector<std::int64_t> ink;  // what is written at each time
    for (const auto letter : string.to_vector<std::int64_t>()) {
      ink.insert(ink.end(), static_cast<std::size_t>(random_between(2, 5)), letter);
      ink.insert(ink.end(), static_cast<std::size_t>(random_between(1, 3)), blank);
    }
    const Tensor clean = embedding(from_vector(ink), shapes);
    text.strings.push_back(string);
    text.writing.push_back(clean + 0.5 * randn_like(clean));
  }
  return text;
}

int main() {
  manual_seed(1);
  const Tensor shapes = cat({zeros({1, features}), randn({letters, features})});
  Reader model;
  nn::CTCLoss ctc;
  constexpr int steps = 250;
  optim::Adam opt{model.parameters(), {.lr = 2e-2}};
  optim::CosineAnnealingLR schedule{opt, steps};
  for (int step = 0; step < steps; ++step) {
    const Text text = write(shapes, 32);
    std::vector<std::int64_t> lengths;
    lengths.reserve(text.strings.size());
    for (const Tensor& string : text.strings) lengths.push_back(string.numel());
    const auto [log_p, times] = model(text.writing);
    Tensor loss = ctc(log_p, cat(text.strings), times, from_vector(lengths));
    opt.zero_grad();
    loss.backward();
    opt.step();
    schedule.step();
  }
  const Text text = write(shapes, 500);
  const std::vector<Tensor> read = model.read(text.writing);
  int right = 0;
  for (std::size_t i = 0; i < read.size(); ++i) right += equal(read[i], text.strings[i]) ? 1 : 0;
  std::printf("%d of 500 new strings read without a mistake\n", right);
  return right >= 475 ? 0 : 1;
}
