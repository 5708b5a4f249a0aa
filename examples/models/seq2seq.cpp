// Sequence to sequence (Sutskever et al. 2014): an encoder reads words of different lengths, packed, and a
// decoder spells them backwards from the state that is left.
#include <algorithm>
#include <cstdio>
#include <vector>

#include <mica/mica.h>
using namespace mica;

constexpr std::int64_t letters = 8, start = letters;  // what the decoder is given first

struct Speller : nn::Module {
  std::int64_t hidden = 64;
  nn::Embedding embed{letters + 1, 16};
  nn::GRU encoder{16, hidden};
  nn::GRU decoder{16, hidden};
  nn::Linear head{hidden, letters};

  // The state after each word, (1, batch, hidden).
  Tensor encode(const std::vector<Tensor>& words) {
    PackedSequence packed = nn::pack_sequence(words, false);
    packed.data = embed(packed.data);
    return encoder(packed).second;
  }
  // One score for each letter at each step, for a decoder that is given the right letters: (time, batch,
  // letters).
  Tensor forward(const std::vector<Tensor>& words, const Tensor& given) {
    return head(decoder(embed(given), encode(words)).first);
  }
  // What it spells by itself.
  std::vector<std::int64_t> spell(const Tensor& word) {
    const NoGrad no_grad;
    Tensor h = encode({word}), letter = full({1, 1}, start, i64);
    std::vector<std::int64_t> out;
    for (std::int64_t i = 0; i < word.numel(); ++i) {
      const auto [y, after] = decoder(embed(letter), h);
      letter = head(y).argmax(-1);
      out.push_back(letter.item<std::int64_t>());
      h = after;
    }
    return out;
  }
};

Tensor random_word() {
  const auto length = randint(2, 7, {1}).item<std::int64_t>();
  return randint(0, letters, {length});
}

int main() {
  manual_seed(1);
  Speller model;
  constexpr int steps = 600;
  optim::Adam opt{model.parameters(), {.lr = 1e-2}};
  optim::CosineAnnealingLR schedule{opt, steps};
  constexpr std::int64_t ignored = -100;  // padding has no answer
  for (int step = 0; step < steps; ++step) {
    std::vector<Tensor> words, answers, given;
    for (int i = 0; i < 64; ++i) {
      words.push_back(random_word());
      answers.push_back(words.back().flip({0}));
      given.push_back(cat({full({1}, start, i64), answers.back().narrow(0, 0, answers.back().numel() - 1)}));
    }
    const Tensor scores = model(words, nn::pad_sequence(given, {.padding_value = start}));
    const Tensor answer = nn::pad_sequence(answers, {.padding_value = ignored});
    Tensor loss = nn::cross_entropy(scores.flatten(0, 1), answer.flatten(), {.ignore_index = ignored});
    opt.zero_grad();
    loss.backward();
    opt.step();
    schedule.step();
  }
  int right = 0;
  for (int i = 0; i < 200; ++i) {
    const Tensor word = random_word();
    right += model.spell(word) == word.flip({0}).to_vector<std::int64_t>() ? 1 : 0;
  }
  std::printf("%d of 200 words spelled backwards\n", right);
  return right >= 180 ? 0 : 1;
}
