// Trains the network of net.h and shows how well it does: the whole job from data to report in one loop.
#include <csignal>
#include <cstdio>
#include <iostream>

#include <examples/fashion_mnist/evaluate.h>
#include <examples/fashion_mnist/images.h>
#include <examples/fashion_mnist/net.h>
#include <examples/fashion_mnist/options.h>
#include <examples/fashion_mnist/report.h>
#include <examples/fashion_mnist/report_format.h>
#include <examples/fashion_mnist/run.h>
#include <fmt/format.h>

#include <mica/io/file.h>
#include <mica/train/progress.h>

namespace {

using namespace demo;

volatile std::sig_atomic_t interrupted = 0;

void stop_after_this_step(int) { interrupted = 1; }

void catch_interrupt() {
  struct sigaction action{};
  action.sa_handler = stop_after_this_step;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second Ctrl-C ends the program at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// Fails now rather than after an epoch.
void prepare_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error && !std::filesystem::is_directory(folder)) {
    throw Error("out", fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
  }
  const io::AtomicFile probe(folder / "probe");  // never committed
}

Report make_report(const Options& options, const Images& images, Net& net, const Run& run,
                   const Evaluation& evaluation) {
  constexpr std::size_t shown_mistakes = 24;
  double seconds = 0;
  for (const Report::Epoch& epoch : run.epochs) seconds += epoch.seconds;
  return {.title = images.title,
          .facts = {{"Training images", grouped(images.train.labels.numel())},
                    {"Test images", grouped(images.test.labels.numel())},
                    {"Parameters", grouped(net.num_parameters())},
                    {"Training time", mica::train::human_time(seconds)},
                    {"Threads", fmt::format("{}", options.threads)},
                    {"Batch size", fmt::format("{}", options.batch_size)},
                    {"Highest learning rate", fmt::format("{}", options.lr)},
                    {"Seed", fmt::format("{}", options.seed)}},
          .epochs = run.epochs,
          .step_losses = run.step_losses,
          .class_names = images.test.class_names,
          .confusion = evaluation.confusion,
          .mistakes = worst_mistakes(evaluation, images.test_pixels, images.test.labels, shown_mistakes),
          .model = module_tree(net),
          .model_text = net.to_string()};
}

int run_training(Options options) {
  prepare_folder(options.out);
  if (options.resume) restore_options(options);
  if (options.threads > 0) set_num_threads(options.threads);
  options.threads = num_threads();
  const Images images = load_images(options.data);

  manual_seed(options.seed);
  Net net{.size = static_cast<int>(images.train.images.size(-1))};
  mica::data::DataLoader loader{
      mica::data::TensorDataset(images.train.images, images.train.labels),
      {.batch_size = options.batch_size, .shuffle = true, .seed = options.seed, .drop_last = true}};
  if (loader.size() == 0) {
    throw Error("batch-size", fmt::format("a batch of {} is more than the {} training images",
                                          options.batch_size, images.train.labels.numel()));
  }
  optim::AdamW optimizer{net.parameters(), {.lr = options.lr}};
  optim::CosineAnnealingLR schedule{optimizer, options.epochs * loader.size()};
  Run run = options.resume ? load_checkpoint(options, net, optimizer, schedule) : Run{};

  std::cout << net << "\n";
  fmt::print("{} parameters, {} threads, {} training and {} test images\n", net.num_parameters(),
             num_threads(), images.train.labels.numel(), images.test.labels.numel());
  std::fflush(stdout);

  catch_interrupt();
  Evaluation evaluation;
  while (run.epoch < options.epochs) {
    net.train();
    loader.set_epoch(run.epoch, run.batch);  // resumed within an epoch: only what is left of it
    mica::train::Progress progress{fmt::format("epoch {}/{}", run.epoch + 1, options.epochs),
                                   loader.size() * options.batch_size, "images", run.seen};
    for (auto [x, labels] : loader) {
      Tensor logits = net(x);
      Tensor loss = nn::cross_entropy(logits, labels);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      schedule.step();

      run.count(loss, logits, labels);
      progress.update(run.seen, run.status());
      if (interrupted != 0) {
        run.seconds += progress.seconds();
        save_checkpoint(options, net, optimizer, schedule, run);
        fmt::print("\nStopped and saved. To go on as if never stopped: {} --resume --out {}\n",
                   options.program, options.out.string());
        return 130;
      }
    }
    progress.finish();

    evaluation = evaluate(net, images.test.images, images.test.labels);
    run.epochs.push_back({.epoch = static_cast<int>(run.epoch + 1),
                          .train_loss = run.mean_loss(),
                          .train_accuracy = run.accuracy(),
                          .test_loss = evaluation.loss,
                          .test_accuracy = evaluation.accuracy,
                          .learning_rate = optimizer.lr(),
                          .seconds = run.seconds + progress.seconds()});
    fmt::print("  test accuracy {:.2f} %, test loss {:.4f}\n", 100 * evaluation.accuracy, evaluation.loss);
    std::fflush(stdout);
    run.start_epoch(run.epoch + 1);
    save_checkpoint(options, net, optimizer, schedule, run);
  }

  if (evaluation.predicted.empty()) evaluation = evaluate(net, images.test.images, images.test.labels);
  save(net, options.out / "model.safetensors");
  const Report report = make_report(options, images, net, run, evaluation);
  write_report(report, options.out / "report.html");
  fmt::print("\n{}\nTest accuracy {:.2f} % after {} epochs. Report: {}\n", text_tables(report),
             100 * evaluation.accuracy, run.epoch, (options.out / "report.html").string());
  return 0;
}

// Errors may list things line by line; a program that ends says it in one.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c != '\n')
      out += c;
    else if (!out.ends_with(' '))
      out += ' ';
    if (out.ends_with("  ")) out.pop_back();
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (const auto status = parse_options(argc, argv, options)) return *status;
  try {
    return run_training(std::move(options));
  } catch (const mica::Error& error) {
    const std::string hint = error.hint().empty() ? "" : fmt::format(" ({})", error.hint());
    fmt::print(stderr, "fashion_mnist: {}\n", one_line(error.message() + hint));
  } catch (const std::exception& error) {
    fmt::print(stderr, "fashion_mnist: {}\n", one_line(error.what()));
  }
  return 2;
}
