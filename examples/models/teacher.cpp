// A teacher with an EMA copy: the teacher is a clone of the student whose weights follow as a moving average,
// which is steadier than what it averages (Tarvainen & Valpola 2017).
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

struct Net : nn::Module {
  int in = 64, hidden = 64, classes = 10;
  nn::Linear fc1{in, hidden};
  nn::Linear fc2{hidden, classes};
  Tensor forward(const Tensor& x) { return fc2(relu(fc1(x.flatten(1)))); }
};

double loss_on(Net& model, const data::LabelledImages& digits) {
  const NoGrad no_grad;
  return nn::cross_entropy(model(digits.images), digits.labels).item();
}

int main() {
  manual_seed(1);
  const auto train = data::digits(data::Split::train);
  const auto test = data::digits(data::Split::test);
  Net student;
  Net teacher = student.clone();
  teacher.requires_grad_(false).eval();

  optim::SGD opt{student.parameters(), {.lr = 0.5}};
  for (int step = 0; step < 600; ++step) {
    const Tensor few = randint(train.labels.size(0), {8});  // small batches: noisy steps
    Tensor loss =
        nn::cross_entropy(student(train.images.index_select(0, few)), train.labels.index_select(0, few));
    opt.zero_grad();
    loss.backward();
    opt.step();
    nn::zip(teacher, student, [](std::string_view, Tensor& t, const Tensor& s) { t.lerp_(s, 0.02); });
  }
  const double of_student = loss_on(student, test);
  const double of_teacher = loss_on(teacher, test);
  std::printf("loss of the student %.3f, of the teacher %.3f\n", of_student, of_teacher);
  return of_teacher < of_student ? 0 : 1;
}
