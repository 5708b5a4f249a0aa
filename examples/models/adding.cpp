// The adding problem (Hochreiter & Schmidhuber 1997): sequences of numbers, two of them marked, and the
// answer is their sum. An LSTM has to remember the first until it meets the second, and ignore all others.
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

struct Adder : nn::Module {
  std::int64_t hidden = 32;
  nn::LSTM lstm{2, hidden, {.batch_first = true}};
  nn::Linear head{hidden, 1};

  Tensor forward(const Tensor& x) {
    const auto [y, state] = lstm(x);
    return head(y.select(1, -1)).squeeze(1);
  }
};

struct Batch {
  Tensor x;       // (batch, time, 2): number and mark
  Tensor answer;  // (batch)
};
Batch draw(std::int64_t batch, std::int64_t time) {
  const Tensor numbers = rand({batch, time});
  // One mark in the first half, one in the second.
  const Tensor first = randint(0, time / 2, {batch}), second = randint(time / 2, time, {batch});
  const Tensor marks = (one_hot(first, time) + one_hot(second, time)).to(f32);
  return {stack({numbers, marks}, 2), (numbers * marks).sum(1)};
}

int main() {
  manual_seed(1);
  Adder model;
  optim::Adam opt{model.parameters(), {.lr = 1e-2}};
  for (int step = 0; step < 600; ++step) {
    const Batch batch = draw(64, 16);
    Tensor loss = nn::mse_loss(model(batch.x), batch.answer);
    opt.zero_grad();
    loss.backward();
    opt.step();
  }
  const NoGrad no_grad;
  const Batch test = draw(512, 16);
  const double error = nn::mse_loss(model(test.x), test.answer).item();
  const double guess = test.answer.var().item();  // of always answering the mean
  std::printf("mean squared error %.4f, of the mean as the answer %.4f\n", error, guess);
  return error < 0.01 ? 0 : 1;
}
